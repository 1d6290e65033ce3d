"""Two versions of one service side by side: what each does, and an honest verdict.

The counts are those of one growing window that both versions share. The verdict may be watched: it
rests on evidence that holds at every look (`tui.model.confidence`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tui.model.confidence import (
    Interval,
    Share,
    above,
    below,
    detectable,
    difference,
    greater,
    trials_needed,
)
from tui.model.frame import Histogram

ALPHA: Final = 0.05
"""The chance, at most, that two equal versions are ever told apart, however long one watches."""
QUESTIONS: Final = 4
"""Errors and latency, each in both directions: each may be wrong with a quarter of `ALPHA`."""
FEWEST: Final = 50.0
"""Requests of each version, at least: with fewer only a catastrophe could be seen."""
NOTABLE: Final = 0.05
"""An excess of errors that must be in reach before the absence of a difference means anything."""
WORTH_SEEING: Final = 0.01
"""The excess that "how many more requests" is counted for."""
UNLIKE: Final = 0.3
"""The share of the traffic that would have to come from other callers for the two to be alike."""


class Outcome(Enum):
    """What may be said of version B beside version A."""

    WORSE = "worse"
    BETTER = "better"
    NO_DIFFERENCE = "no difference seen"
    NOT_ENOUGH = "not enough data"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """What one version did over the window: numbers of requests, not rates.

    `latency` holds cumulative numbers of observations, bounds in seconds. `callers`: requests by
    (namespace, workload) of the client.
    """

    name: str
    requests: float
    errors: float
    client_errors: float
    latency: Histogram | None
    callers: Mapping[tuple[str, str], float]
    codes: Mapping[tuple[str, str], float]
    """Requests by response code (or gRPC status) and flags."""
    request_bytes: float | None = None
    response_bytes: float | None = None

    @property
    def failed(self) -> Share:
        """Errors of requests."""
        return Share(min(self.errors, self.requests), self.requests)


@dataclass(frozen=True, slots=True)
class Slower:
    """Where the two latencies differ most: the shares of requests that took longer than `bound`."""

    bound: float
    share_a: float
    share_b: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of B beside A.

    `error_difference`: every difference of error ratios, B - A, that is not excluded.
    `detectable`: the least excess of errors that would have been seen by now. `unlike`: 0 where
    both have the same callers, 1 where they have none in common.
    """

    outcome: Outcome
    errors: Outcome
    latency: Outcome
    error_difference: Interval
    slower: Slower | None
    detectable: float
    unlike: float


def _each(alpha: float) -> float:
    return alpha / QUESTIONS


def _errors(a: Version, b: Version, alpha: float) -> Outcome:
    bound = -math.log(_each(alpha))
    if greater(a.failed, b.failed) > bound:
        return Outcome.WORSE
    if greater(b.failed, a.failed) > bound:
        return Outcome.BETTER
    return Outcome.NO_DIFFERENCE


def _tails(a: Histogram, b: Histogram) -> Iterator[tuple[float, Share, Share]]:
    """For each finite bound that both have: the requests that took longer."""
    counts_b = dict(zip(b.bounds, b.counts, strict=True))
    total_a, total_b = a.counts[-1], b.counts[-1]
    for bound, count in zip(a.bounds, a.counts, strict=True):
        if math.isfinite(bound) and bound in counts_b:
            yield (
                bound,
                Share(max(0.0, total_a - count), total_a),
                Share(max(0.0, total_b - counts_b[bound]), total_b),
            )


def _mean_evidence(logs: list[float]) -> float:
    """The log of the mean of the evidence at every bound: itself evidence, since each expects 1."""
    peak = max(logs)
    return peak + math.log(sum(math.exp(x - peak) for x in logs) / len(logs))


def _latency(a: Version, b: Version, alpha: float) -> tuple[Outcome, Slower | None]:
    """Whether B's whole distribution lies to one side of A's, anywhere.

    The buckets are counts of a multinomial. At each bound the share beyond it is compared; the mean
    of the evidence over the bounds that exist is evidence against "nowhere slower".
    """
    if a.latency is None or b.latency is None:
        return Outcome.NOT_ENOUGH, None
    tails = list(_tails(a.latency, b.latency)) if a.latency.counts and b.latency.counts else []
    if not tails or min(tails[0][1].trials, tails[0][2].trials) < FEWEST:
        return Outcome.NOT_ENOUGH, None
    bound = -math.log(_each(alpha))
    for outcome, logs in (
        (Outcome.WORSE, [greater(x, y) for _, x, y in tails]),
        (Outcome.BETTER, [greater(y, x) for _, x, y in tails]),
    ):
        if _mean_evidence(logs) > bound:
            where, x, y = tails[max(range(len(logs)), key=logs.__getitem__)]
            return outcome, Slower(where, x.estimate, y.estimate)
    return Outcome.NO_DIFFERENCE, None


def unlike(a: Mapping[tuple[str, str], float], b: Mapping[tuple[str, str], float]) -> float:
    """Total variation between two mixes of callers: 0 the same, 1 nothing in common."""
    total_a, total_b = sum(a.values()), sum(b.values())
    if total_a <= 0 or total_b <= 0:
        return 0.0
    return 0.5 * sum(
        abs(a.get(key, 0.0) / total_a - b.get(key, 0.0) / total_b) for key in a.keys() | b.keys()
    )


def verdict(a: Version, b: Version, alpha: float = ALPHA) -> Verdict:
    """What may be said of B beside A, at this look and any other."""
    errors = _errors(a, b, alpha)
    latency, slower = _latency(a, b, alpha)
    least = detectable(a.failed, b.failed, _each(alpha))
    apart = unlike(a.callers, b.callers)
    few = min(a.requests, b.requests) < FEWEST
    if apart > UNLIKE and not few:
        outcome = Outcome.NOT_COMPARABLE
    elif few:
        outcome = Outcome.NOT_ENOUGH
    elif Outcome.WORSE in (errors, latency):
        outcome = Outcome.WORSE
    elif Outcome.BETTER in (errors, latency):
        outcome = Outcome.BETTER
    else:
        outcome = Outcome.NOT_ENOUGH if least > NOTABLE else Outcome.NO_DIFFERENCE
    return Verdict(
        outcome=outcome,
        errors=errors,
        latency=latency,
        error_difference=difference(a.failed, b.failed, _each(alpha) * 2),
        slower=slower,
        detectable=least,
        unlike=apart,
    )


def requests_needed(a: Version, b: Version, alpha: float = ALPHA) -> float:
    """Requests of B, in all and at the same split, until an excess of errors of `WORTH_SEEING`
    would be seen; infinite while one version has no traffic.
    """
    return trials_needed(a.failed, b.failed, WORTH_SEEING, _each(alpha))


def quantile_interval(q: float, counts: Histogram, alpha: float = ALPHA) -> Interval:
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
