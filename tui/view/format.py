"""Numbers as text for narrow columns: three digits and a unit, at most six characters.

Every function shows what is missing (`None`, NaN) as `–`, never shows as zero what is not zero, and
never shows a larger number as a smaller one. A negative number gets its sign in front, and is one
character wider.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

MISSING: Final = "–"
"""What stands where there is no data."""
ENDLESS: Final = "∞"


class _Step(NamedTuple):
    """Numbers that are less than `bound` once divided by `scale` and rounded to `places`."""

    scale: float
    places: int
    bound: float
    unit: str


def _thousands(unit: str, first: Sequence[_Step]) -> tuple[_Step, ...]:
    steps = [*first]
    for power, prefix in enumerate("kMGTP", 1):
        scale = 1000.0**power
        steps += (_Step(scale, 1, 100, prefix + unit), _Step(scale, 0, 1000, prefix + unit))
    return tuple(steps)


_RATES = _thousands("", (_Step(1, 2, 10, ""), _Step(1, 1, 100, ""), _Step(1, 0, 1000, "")))
_SIZES = _thousands("B", (_Step(1, 0, 1000, "B"),))
_COUNTS = (_Step(1, 0, 100_000, ""), *_thousands("", ())[1:])
_SHORT_TIMES = (
    _Step(1e-6, 0, 1000, "µs"),
    _Step(1e-3, 1, 10, "ms"),
    _Step(1e-3, 0, 1000, "ms"),
    _Step(1, 2, 10, "s"),
    _Step(1, 1, 60, "s"),
)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def _stepped(x: float, steps: Sequence[_Step], least: float) -> str:
    """`x` > 0 by the first step that it fits; `least` is the smallest number that can be shown."""
    if x < least:
        shown = steps[0]
        return f"<{least / shown.scale:.{shown.places}f}{shown.unit}"
    for scale, places, bound, unit in steps:
        if x < bound * scale:
            text = f"{x / scale:.{places}f}"
            if float(text) < bound:
                return text + unit
    return f">{steps[-1].bound - 1:.0f}{steps[-1].unit}"


def _special(x: float | None) -> str | None:
    """What needs no unit: nothing, and without end."""
    if x is None or math.isnan(x):
        return MISSING
    if math.isinf(x):
        return ENDLESS if x > 0 else "-" + ENDLESS
    return None


def rate(x: float | None) -> str:
    """Something per second: `0.04`, `812`, `1.2k`."""
    if (special := _special(x)) is not None or x is None:
        return special or MISSING
    if x < 0:
        return "-" + rate(-x)
    return _stepped(x, _RATES, 0.01) if x else "0"


def size(x: float | None) -> str:
    """Bytes, or bytes per second, by powers of 1,000: `812B`, `1.2kB`, `3.4MB`."""
    if (special := _special(x)) is not None or x is None:
        return special or MISSING
    if x < 0:
        return "-" + size(-x)
    return _stepped(x, _SIZES, 1) if x else "0B"


def count(x: float | None) -> str:
    """How many: every digit up to `99999`, then `100k`, `1.2M`."""
    if (special := _special(x)) is not None or x is None:
        return special or MISSING
    if x < 0:
        return "-" + count(-x)
    return _stepped(x, _COUNTS, 1) if x else "0"


def ratio(x: float | None) -> str:
    """A share as a percentage: `0.12%`, `12.3%`, `99.97%`; only what is whole is `100%`."""
    if (special := _special(x)) is not None or x is None:
        return special or MISSING
    if x < 0:
        return "-" + ratio(-x)
    percent = x * 100
    if math.isclose(percent, 100, rel_tol=1e-9):
        return "100%"
    if percent < 0.01:
        return "<0.01%" if percent else "0%"
    if 99 <= percent < 100:
        return f"{math.floor(percent * 100) / 100:.2f}%"
    for places, bound in ((2, 10), (1, 100), (0, 10_000)):
        if percent < bound and float(text := f"{percent:.{places}f}") < bound:
            return text + "%"
    return ">9999%"


def duration(seconds: float | None) -> str:
    """How long something took: `3.4ms`, `812ms`, `1.25s`, `2m`, `2m05s`, `1h30m`."""
    if (special := _special(seconds)) is not None or seconds is None:
        return special or MISSING
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 59.95:
        return _stepped(seconds, _SHORT_TIMES, 1e-6) if seconds else "0ms"
    for unit, part, last, names in (
        (_MINUTE, 1, _HOUR, "ms"),
        (_HOUR, _MINUTE, _DAY, "hm"),
        (_DAY, _HOUR, 100 * _DAY, "dh"),
    ):
        whole = round(seconds / part) * part
        if whole < last:
            rest = whole % unit // part
            return f"{whole // unit}{names[0]}" + (f"{rest:02}{names[1]}" if rest else "")
    days = round(seconds / _DAY)
    return f"{days}d" if days < 10_000 else ">9999d"


def age(seconds: float | None) -> str:
    """How long ago, in whole units that have passed: `12s`, `3m`, `2h`, `5d`."""
    if (special := _special(seconds)) is not None or seconds is None:
        return special or MISSING
    if seconds < 1:
        return "<1s" if seconds > 0 else "0s"
    for unit, last, name in ((1, _MINUTE, "s"), (_MINUTE, _HOUR, "m"), (_HOUR, _DAY, "h")):
        if seconds < last:
            return f"{seconds // unit:.0f}{name}"
    days = int(seconds // _DAY)
    return f"{days}d" if days < 10_000 else ">9999d"
