"""Counters to rates: what a counter grew by, and what PromQL's `rate()` makes of its samples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

CLOSE: Final = 1.1
"""How far from an end of the window, in mean intervals, a sample may lie for the series to be taken
to reach that end."""


def increase(previous: float, current: float) -> float:
    """What a counter grew by between two samples. One that dropped has restarted from 0.

    NaN if either is.
    """
    return current if current < previous else current - previous


def extrapolated_rate(
    samples: Sequence[tuple[float, float]], start: float, end: float
) -> float | None:
    """Growth per second of a counter over a window, as PromQL's `rate()` gives it; `None` with
    fewer than two samples in the window, where `rate()` gives nothing.

    `samples`: (Unix seconds, value), oldest first; those outside [`start`, `end`] do not count. The
    bits are those of Prometheus' `extrapolatedRate` (2.42, amd64; 3.x leaves out a sample at
    `start`), and so is its unit of time, the millisecond.
    """
    first, last = round(start * 1000), round(end * 1000)
    inside = [(at, value) for t, value in samples if first <= (at := round(t * 1000)) <= last]
    if len(inside) < 2:
        return None
    growth = inside[-1][1] - inside[0][1]
    for (_, previous), (_, current) in pairwise(inside):
        if current < previous:
            growth += previous
    sampled = (inside[-1][0] - inside[0][0]) / 1000
    before = (inside[0][0] - first) / 1000
    after = (last - inside[-1][0]) / 1000
    if growth > 0 and inside[0][1] >= 0:
        # The series cannot have begun before the moment when it would have been 0.
        before = min(before, sampled * (inside[0][1] / growth))
    interval = sampled / (len(inside) - 1)
    reach = sampled
    for gap in (before, after):
        reach += gap if gap < interval * CLOSE else interval / 2
    return growth * (reach / sampled / ((last - first) / 1000))
