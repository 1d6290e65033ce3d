from __future__ import annotations

from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.tables import FEW, PLAIN, plain_rows
from tui.view.table import Cell, Row
from tui.widgets.lines import places
from tui.widgets.sheet import Sheet, follow

WIDTH = 40


def sheet(keys: str, cursor: str) -> Sheet:
    made = Sheet()
    made.resize(WIDTH)
    made.take(FEW, plain_rows(keys), None, False, range(0))
    made.put(keys.index(cursor))
    return made


@pytest.mark.parametrize(
    ("before", "cursor", "after", "then"),
    [
        ("abcde", "c", "edcba", "c"),
        ("abcde", "c", "xyzabcde", "c"),
        ("abcde", "c", "c", "c"),
        ("abcde", "c", "abde", "d"),
        ("abcde", "c", "abe", "b"),
        ("abcde", "c", "ae", "e"),
        ("abcde", "c", "a", "a"),
        ("abcde", "e", "abcd", "d"),
        ("abcde", "a", "edcb", "b"),
        ("abcde", "d", "vwxyz", "y"),
        ("abcde", "e", "vw", "w"),
        ("abcde", "c", "", None),
    ],
)
def test_the_cursor_follows_its_row_or_goes_to_the_nearest_left(
    before: str, cursor: str, after: str, then: str | None
) -> None:
    made = sheet(before, cursor)
    made.take(FEW, plain_rows(after), None, False, range(0))
    assert made.key == then


def test_a_cursor_that_nobody_placed_stays_on_the_first_row() -> None:
    made = Sheet()
    made.take(FEW, plain_rows("abc"), None, False, range(0))
    made.take(FEW, plain_rows("cba"), None, False, range(0))
    assert made.key == "c"
    made.put(0)
    made.take(FEW, plain_rows("abc"), None, False, range(0))
    assert made.key == "c"


def test_after_an_empty_table_the_cursor_is_on_the_first_row() -> None:
    made = sheet("abc", "b")
    made.take(FEW, [], None, False, range(0))
    assert made.key is None
    assert made.put(3) == {}
    made.take(FEW, plain_rows("abc"), None, False, range(0))
    assert made.key == "a"


def test_two_rows_with_one_key_break_nothing() -> None:
    made = sheet("aab", "b")
    made.put(0)
    made.take(FEW, plain_rows("baab"), None, False, range(10))
    assert made.key == "a"


def test_a_row_is_drawn_as_far_as_its_last_change() -> None:
    made = sheet("abc", "c")
    name, version, last = (place.start + place.width for place in places(FEW, WIDTH, False, ()))
    rows = plain_rows("abc")

    def changed(number: int, text: str) -> dict[int, int] | None:
        cells = list(rows[0].cells)
        cells[number] = Cell(text)
        rows[0] = Row("a", tuple(cells))
        return made.take(FEW, rows, None, False, range(5))

    assert changed(0, "another") == {0: name}
    assert changed(2, "y") == {0: last}
    assert changed(1, "9") == {0: version}
    assert changed(1, "9") == {}


def test_what_has_no_room_is_not_drawn() -> None:
    made = sheet("abc", "c")
    made.resize(12)
    assert [place.key for place in places(FEW, 12, False, ())] == ["name", "version"]
    rows = [Row(row.key, (*row.cells[:2], Cell("other"))) for row in plain_rows("abc")]
    assert made.take(FEW, rows, None, False, range(5)) == {}


KEYS = st.lists(st.integers(0, 12), unique=True, max_size=12)


@given(KEYS, st.integers(0, 11), KEYS)
def test_a_key_that_is_there_is_never_left(before: list[int], at: int, after: list[int]) -> None:
    rows = plain_rows(before)
    where: dict[Hashable, int] = {key: index for index, key in enumerate(after)}
    went = follow(rows, at, where)
    if not after:
        assert went == 0
        return
    assert 0 <= went < len(after)
    if at < len(before) and before[at] in where:
        assert after[went] == before[at]
    left = [index for index, key in enumerate(before) if key in where]
    if at < len(before) and left:
        distance = min(abs(index - at) for index in left)
        assert abs(before.index(after[went]) - at) == distance


STEPS = st.lists(
    st.tuples(
        KEYS, st.integers(0, 1), st.integers(0, 11), st.sampled_from((None, "name", "last")),
        st.sampled_from((None, ("version", True))), st.sampled_from((WIDTH, WIDTH, 30, 9)),
        st.integers(0, 4),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@given(STEPS)
def test_lines_kept_from_before_are_those_that_would_be_drawn_now(
    steps: list[tuple[list[int], int, int, str | None, tuple[str, bool] | None, int, int]],
) -> None:
    """And what is not among the changed rows looks as it did."""
    made = Sheet()
    for keys, version, cursor, column, order, width, top in steps:
        made.resize(width)
        view = range(top, top + 6)
        old = {row: made.line(row, PLAIN) for row in view}
        rows = [Row(key, plain_rows([key % 3], version)[0].cells) for key in keys]
        changed = made.take(FEW, rows, order, False, view)
        if changed is not None:
            assert all(0 < cells <= width for cells in changed.values())
            for row in set(view) - set(changed):
                assert list(made.line(row, PLAIN)) == list(old[row])
        made.put(cursor, column)
        fresh = Sheet()
        fresh.resize(width)
        fresh.take(FEW, rows, order, False, range(0))
        fresh.put(made.cursor, column or made.column)
        for row in range(14):
            assert list(made.line(row, PLAIN)) == list(fresh.line(row, PLAIN))
