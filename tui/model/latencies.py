"""Latencies of two versions, told apart by the counts of their buckets at every look.

A histogram's buckets are the counts of a multinomial (Lindon and Malek 2022). At each bound the
share of requests beyond it is compared; the mean of the evidence over all bounds is evidence
against "nowhere slower". Nothing is assumed about the shape of a distribution.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tui.model.confidence import Interval, Share, above, below, detectable, greater
from tui.model.frame import Histogram

SLACK: Final = 1.25
"""How many times as long as A's B's requests may take and not be slower. Two equal versions are
never equally loaded and placed; Netflix' canary judge (Kayenta) tolerates a quarter as well."""
RARE: Final = 0.002
"""The share of requests that may take longer and count for nothing: beyond every quantile shown."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Where two latencies differ most evidently: the shares of requests that took longer than
    `bound` (seconds).
    """

    bound: float
    share_a: float
    share_b: float


@dataclass(frozen=True, slots=True)
class Shifts:
    """What the counts say of B's latency beside A's. `slower` and `faster`: both, where B has a
    quick middle and a heavy tail. `detectable`: the least share of all requests that could have
    slowed down by more than `SLACK` and been seen; 1 is none.
    """

    slower: Shift | None
    faster: Shift | None
    detectable: float


class _Tail(NamedTuple):
    """The requests that took longer than a bound, and than what is tolerated at it."""

    bound: float
    a: Share
    b: Share
    slack_a: Share
    slack_b: Share


def _tails(a: Histogram, b: Histogram) -> Iterator[_Tail]:
    """For each finite bound that both have."""
    total_a, total_b = a.counts[-1], b.counts[-1]
    for bound in a.bounds:
        if math.isfinite(bound) and bound in b.bounds:
            yield _Tail(
                bound,
                _beyond(a, bound, total_a),
                _beyond(b, bound, total_b),
                _beyond(a, bound / SLACK, total_a),
                _beyond(b, bound / SLACK, total_b),
            )


def _beyond(histogram: Histogram, value: float, total: float) -> Share:
    """The observations above a value; between two bounds as many as a straight line says, which is
    never fewer than above the upper one.
    """
    bounds, counts = histogram
    place = bisect_left(bounds, value)
    upto = counts[place]
    if bounds[place] != value:
        lower, before = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
        if math.isfinite(bounds[place]):
            upto = before + (upto - before) * (value - lower) / (bounds[place] - lower)
        else:
            upto = before
    return Share(min(max(0.0, total - upto), total), total)


def _mean_evidence(logs: list[float]) -> float:
    """The log of the mean of the evidence at every bound: itself evidence, since each expects at
    most 1 where there is nothing to see.
    """
    peak = max(logs)
    return peak + math.log(sum(math.exp(x - peak) for x in logs) / len(logs))


def shifts(a: Histogram | None, b: Histogram | None, alpha: float, fewest: float) -> Shifts | None:
    """Where B's latencies lie beyond A's, and by more than tolerated; counts, not rates.

    `None` without common bounds, or with fewer than `fewest` observations of either.
    """
    if not (a and b and a.counts and b.counts and a.bounds[-1] == b.bounds[-1] == math.inf):
        return None
    tails = list(_tails(a, b))
    if not tails or min(a.counts[-1], b.counts[-1]) < fewest:
        return None
    # The mean of as many as there are bounds needs so many times the evidence at one of them. The
    # least is seen last where half of the requests are beyond it.
    half_a, half_b = (Share(x.counts[-1] / 2.0, x.counts[-1]) for x in (a, b))
    return Shifts(
        _shift(tails, [greater(x.slack_a, x.b, RARE) for x in tails], alpha),
        _shift(tails, [greater(x.slack_b, x.a, RARE) for x in tails], alpha),
        min(1.0, detectable(half_a, half_b, alpha / len(tails)) + RARE),
    )


def _shift(tails: list[_Tail], logs: list[float], alpha: float) -> Shift | None:
    if _mean_evidence(logs) <= -math.log(alpha):
        return None
    tail = tails[max(range(len(logs)), key=logs.__getitem__)]
    return Shift(tail.bound, tail.a.estimate, tail.b.estimate)


def quantile_interval(q: float, counts: Histogram, alpha: float = 0.05) -> Interval:
    """Between which bucket bounds the true quantile lies, at every look (Howard and Ramdas 2022).

    `counts` are cumulative numbers of observations. Seconds, as the bounds; 0 and +Inf where the
    data exclude nothing.
    """
    low, high = 0.0, math.inf
    total = counts.counts[-1] if counts.counts else 0.0
    needed = -math.log(alpha / 2.0)
    for bound, count in zip(counts.bounds, counts.counts, strict=True):
        if not math.isfinite(bound):
            continue
        share = Share(min(count, total), total)
        if below(share, q) > needed:
            low = max(low, bound)
        elif above(share, q) > needed:
            high = min(high, bound)
    return Interval(low, high)
