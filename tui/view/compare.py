"""The comparison of two versions as a table, and as names that a check can use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from tui.model.checks import Kind, Value
from tui.model.compare import ALPHA, FEWEST, Outcome
from tui.model.confidence import Interval
from tui.model.text import plain
from tui.view import format
from tui.view.aspects import Aspect, Comparison, errors, latencies, loads, looked_at, sizes
from tui.view.compare_promql import Side
from tui.view.endings import endings
from tui.view.table import Cell, Column

SIDES: Final = ("A", "B")
OUTCOMES: Final = (Outcome.WORSE.value, Outcome.BETTER.value, Outcome.NO_DIFFERENCE.value)
"""What `verdict` may be in a check: where there is not enough data, or the two are not comparable,
a check is undecided."""
LOW: Final = "error_ratio_difference_low"
HIGH: Final = "error_ratio_difference_high"
KEYS: Final = (
    "share_ratio", "requests_per_second", "requests", "error_ratio", "client_error_ratio",
    "unreached_ratio", "p50_seconds", "p95_seconds", "p99_seconds", "mean_seconds",
    "request_bytes", "response_bytes",
)  # fmt: skip
"""What every comparison has a number for, or might."""

_NAME: Final = 20
"""Cells of a version's name."""
_PART: Final = re.compile(r"(?:code|grpc|flag)_[A-Za-z0-9_]+_ratio")
"""Shares of requests that have a row only where there were any."""


def aspects(found: Comparison) -> list[Aspect]:
    """Every row, in the order of the table."""
    failed, ended = list(errors(found)), endings(found)
    alpha = ALPHA / sum(not row.grave for row in (*failed, *ended))
    return [
        *loads(found),
        *(looked_at(row, found, alpha) for row in failed),
        *latencies(found),
        *sizes(found),
        *(looked_at(row, found, alpha) for row in ended),
    ]


def names() -> list[str]:
    """The names that a check may use, without those of codes and flags."""
    return ["verdict", LOW, HIGH, *(f"{side}.{key}" for side in SIDES for key in KEYS)]


def kind(name: str) -> Kind | None:
    """What a name of a check stands for."""
    side, _, key = name.partition(".")
    if side in SIDES and (key in KEYS or _PART.fullmatch(key)):
        return float
    if name == "verdict":
        return OUTCOMES
    return float if name in (LOW, HIGH) else None


def values(found: Comparison) -> Callable[[str], Value]:
    """What the names of a check stand for. A number with too few requests behind it is missing."""
    said = found.verdict
    rows = {row.key: row for row in reversed(aspects(found))}
    few = said.outcome is Outcome.NOT_ENOUGH and min(found.a.requests, found.b.requests) < FEWEST
    whole: dict[str, Value] = {
        "verdict": said.outcome.value if said.outcome.value in OUTCOMES else None,
        LOW: None if few else said.error_difference.low,
        HIGH: None if few else said.error_difference.high,
    }

    def value(name: str) -> Value:
        if name in whole:
            return whole[name]
        side, _, key = name.partition(".")
        at = SIDES.index(side)
        row = rows.get(key)
        if row is None:
            # Nothing ended so, if anything did.
            return 0.0 if (found.a, found.b)[at].requests >= FEWEST else None
        return (row.a, row.b)[at] if row.sure[at] else None

    return value


def columns(found: Comparison) -> tuple[Column[Aspect], ...]:
    """The table: what is compared, each version with its interval, and how they differ."""
    a, b = (plain(version.name, _NAME) for version in (found.a, found.b))
    return (
        Column(
            "measure", "", 13, lambda row: row.key, lambda row: Cell(plain(row.title, _NAME)),
            "What is compared.", align="left", flexible=True,
        ),
        *_side(found, "a", a),
        *_side(found, "b", b),
        *_differences(),
    )  # fmt: skip


def _side(found: Comparison, key: str, title: str) -> Iterator[Column[Aspect]]:
    at = "ab".index(key)
    version = (found.a, found.b)[at]

    def value(row: Aspect) -> float | None:
        return (row.a, row.b)[at]

    def cell(row: Aspect) -> Cell:
        number = value(row)
        text = row.show(number)
        shown = text if number is None else f"{row.marks[at]}{text}"
        return Cell(shown, row.level if at else None, dim=not number or row.marks[at] == "~")

    def around(row: Aspect) -> Interval | None:
        return (row.around_a, row.around_b)[at]

    def side(row: Aspect) -> str:
        return row.promql(Side(found.versions, version.name, version.unreached > 0))

    yield Column(
        key, title, 8, value, cell, f"Version {title} over the window of the comparison.", side
    )
    yield Column(
        f"{key}_interval", "95 %", 13, lambda row: _listed(around(row)),
        lambda row: Cell(_between(around(row), row.show), dim=True),
        f"Where the true value of {title} lies, with 95 % at every look, however long one watches.",
        align="left", drop=5,
    )  # fmt: skip


def _differences() -> Iterator[Column[Aspect]]:
    yield Column(
        "difference", "DIFF", 9, lambda row: row.difference, _difference,
        "The second less the first; pt are percentage points.",
    )  # fmt: skip
    yield Column(
        "difference_interval", "DIFF 95 %", 17, lambda row: _listed(row.apart),
        lambda row: Cell(_between(row.apart, format.ratio), dim=True),
        "Every difference that is not excluded, at every look.", align="left", drop=7, wide=True,
    )  # fmt: skip
    yield Column(
        "ratio", "RATIO", 6, lambda row: row.ratio,
        lambda row: Cell(format.MISSING if row.ratio is None else f"×{format.rate(row.ratio)}",
                         dim=row.ratio is None),
        "How many times the first the second is.", drop=6,
    )  # fmt: skip
    yield Column(
        "seen", "SEEN", 8, _seen_value, _seen,
        "Whether the two differ for all that is known: the verdict rests on errors and latency. "
        "All others together, marked more or fewer, are mistaken with 5 % at most.",
        align="left",
    )  # fmt: skip


def _listed(interval: Interval | None) -> list[float | None] | None:
    return None if interval is None else [interval.low, interval.high]


def _between(interval: Interval | None, show: Callable[[float | None], str]) -> str:
    return "" if interval is None else f"{show(interval.low)}–{show(interval.high)}"


def _difference(row: Aspect) -> Cell:
    number = row.difference
    if not number:
        return Cell(format.MISSING if number is None else "0", dim=True)
    text = row.show(abs(number))
    if text.endswith("%"):
        text = f"{text[:-1]}pt"
    return Cell(f"{'+' if number > 0 else '-'}{text}", row.level, dim=text.startswith("<"))


def _seen_value(row: Aspect) -> str | None:
    if row.seen is Outcome.WORSE:
        return row.words[0]
    if row.seen is Outcome.BETTER:
        return row.words[1]
    return row.seen.value if row.seen else None


def _seen(row: Aspect) -> Cell:
    if row.seen not in (Outcome.WORSE, Outcome.BETTER):
        return Cell("")
    word = row.words[row.seen is Outcome.BETTER]
    return Cell(f"{row.level.mark} {word}" if row.level else word, row.level, dim=not row.level)
