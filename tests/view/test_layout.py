from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.view.layout import COMFORT, GAP, LEAST, fit
from tui.view.table import Cell, Column


def column(key: str, width: int, **more: Any) -> Column[None]:
    return Column(key, key.upper(), width, lambda _: None, lambda _: Cell(""), "", **more)


NAME = column("name", 16, flexible=True)
SPACE = column("space", 8, flexible=True, drop=2)
RATE = column("rate", 6)
P50 = column("p50", 6, drop=7)
P95 = column("p95", 6, drop=5)
IN = column("in", 7, drop=11, wide=True)
OUT = column("out", 7, drop=11, wide=True)
HEALTH = column("health", 10)
ALL = (NAME, SPACE, RATE, P50, P95, IN, OUT, HEALTH)


def keys(width: int, wide: bool = False, keep: tuple[str, ...] = ()) -> list[str]:
    return [found.key for found, _ in fit(ALL, width, wide, keep)]


def taken(columns: tuple[Column[None], ...]) -> int:
    return sum(c.width for c in columns) + GAP * (len(columns) - 1)


ORDINARY = taken((NAME, SPACE, RATE, P50, P95, HEALTH))


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (ORDINARY, "name space rate p50 p95 health"),
        (ORDINARY - 1, "name space rate p95 health"),
        (ORDINARY - 8, "name space rate health"),
        (taken((NAME, SPACE, RATE, HEALTH)) - 1, "name rate health"),
        (taken((NAME, RATE, HEALTH)) - 1, "name rate health"),
    ],
)
def test_columns_go_the_highest_drop_first_and_zero_never(width: int, shown: str) -> None:
    assert keys(width) == shown.split()


def test_wide_columns_come_when_names_have_comfort_or_when_asked_for() -> None:
    roomy = taken(ALL) + (COMFORT - 1) * (NAME.width + SPACE.width)
    assert keys(roomy) == [c.key for c in ALL]
    assert keys(roomy - 1) == [c.key for c in ALL if c is not OUT]
    assert keys(taken(ALL), wide=True) == [c.key for c in ALL]
    assert keys(taken(ALL) - 1, wide=True) == [c.key for c in ALL if c is not OUT]


def test_a_wide_column_that_nobody_asked_for_goes_before_all_others() -> None:
    columns = (NAME, P50, column("extra", 5, drop=1, wide=True))
    assert [c.key for c, _ in fit(columns, taken(columns))] == ["name", "p50"]
    assert [c.key for c, _ in fit(columns, taken(columns) - 1, wide=True)] == ["name", "extra"]


def test_the_column_of_the_order_stays_on_a_narrow_line() -> None:
    assert keys(ORDINARY - 7, keep=("p50",)) == ["name", "space", "rate", "p50", "health"]
    assert keys(ORDINARY + 8, keep=("in",)) == [
        "name",
        "space",
        "rate",
        "p50",
        "p95",
        "in",
        "health",
    ]


def test_flexible_columns_share_what_is_left_by_their_widths() -> None:
    widths = {c.key: width for c, width in fit((NAME, SPACE, RATE), 32 + 24)}
    assert widths == {"name": 16 + 16, "space": 8 + 8, "rate": 6}


def test_names_shrink_before_a_column_that_never_goes_is_cut() -> None:
    narrow = taken((NAME, RATE, HEALTH)) - 7
    assert [width for _, width in fit(ALL, narrow)] == [9, 6, 10]
    assert [width for _, width in fit(ALL, LEAST + GAP + 6 + GAP + 3)] == [LEAST, 6, 3]
    assert fit(ALL, 0) == []
    assert fit((), 80) == []


COLUMNS = st.lists(
    st.builds(
        lambda width, drop, flexible, wide: column(
            "x", width, drop=drop, flexible=flexible, wide=wide
        ),
        st.integers(1, 40), st.integers(0, 15), st.booleans(), st.booleans(),
    ),
    max_size=20,
).map(lambda found: [replace(c, key=f"c{number}") for number, c in enumerate(found)])  # fmt: skip


@given(COLUMNS, st.integers(0, 300), st.booleans())
def test_a_layout_fits_and_keeps_the_order(
    columns: list[Column[None]], width: int, wide: bool
) -> None:
    found = fit(columns, width, wide)
    assert all(cells > 0 for _, cells in found)
    used = sum(cells for _, cells in found) + GAP * max(0, len(found) - 1)
    assert used <= width
    shown = [c.key for c, _ in found]
    assert shown == [c.key for c in columns if c.key in shown]
    if any(c.flexible for c, _ in found) and len(found) == len(columns):
        assert used == width


@given(COLUMNS, st.integers(0, 300))
def test_a_wider_line_never_shows_fewer_columns(columns: list[Column[None]], width: int) -> None:
    fewer = {c.key for c, _ in fit(columns, width, wide=True)}
    assert fewer <= {c.key for c, _ in fit(columns, width + 1, wide=True)}
