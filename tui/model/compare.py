"""Two versions of one service side by side: what each does, and an honest verdict.

The counts are those of one growing window that both versions share. The verdict may be watched: it
rests on evidence that holds at every look (`tui.model.confidence`), as in Lindon, Sanden and
Shirikian 2022 (rapid regression detection in software deployments through sequential testing). What
it takes for granted: within the window, requests fail and wait independently, and the traffic is
not moved from one version to the other while the service itself gets better or worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from tui.model.codes import Outcome as Ending
from tui.model.confidence import (
    Interval,
    Share,
    detectable,
    difference,
    greater,
    trials_needed,
)
from tui.model.frame import Histogram
from tui.model.latencies import Shifts, shifts

Caller = tuple[str, str]
"""Namespace and workload of a client."""

ALPHA: Final = 0.05
"""The chance, at most, that two equal versions are ever told apart, however long one watches."""
QUESTIONS: Final = 2
"""Errors and latency: each may be wrong with half of `ALPHA`. Worse and better share theirs, since
the evidence for either is at most that against equal versions."""
FEWEST: Final = 50.0
"""Requests of each version, at least: with fewer only a catastrophe could be seen."""
NOTABLE: Final = 0.05
"""An excess of errors that must be in reach before the absence of a difference means anything."""
UNLIKE: Final = 0.3
"""The share of the traffic that may come from other callers: beyond it, callers are compared."""
LOPSIDED: Final = 200.0
"""How many times the load of the other a version may carry. Canaries of 1 % are usual; one that
gets a 200th has cold caches, cold pools and next to no concurrency."""


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

    `requests` and `errors` include the `unreached`: those that a client's proxy meant for this
    version, and no server saw. `latency` holds cumulative numbers of observations, bounds in
    seconds. `callers` and `codes` are numbers of requests. Bytes and `mean` (seconds) are means of
    a request, `None` where the source has none.
    """

    name: str
    requests: float
    errors: float
    client_errors: float
    latency: Histogram | None
    callers: Mapping[Caller, float]
    codes: Mapping[Ending, float]
    request_bytes: float | None = None
    response_bytes: float | None = None
    mean: float | None = None
    unreached: float = 0.0

    def part(self, share: float) -> Version:
        """This share of its requests, as evidence: all that is a number of them is less."""
        latency = self.latency
        return replace(
            self,
            requests=self.requests * share,
            errors=self.errors * share,
            client_errors=self.client_errors * share,
            unreached=self.unreached * share,
            latency=latency and Histogram(latency.bounds, tuple(x * share for x in latency.counts)),
            callers={caller: count * share for caller, count in self.callers.items()},
            codes={ending: count * share for ending, count in self.codes.items()},
        )

    @property
    def failed(self) -> Share:
        """Errors of requests."""
        return Share(min(self.errors, self.requests), self.requests)

    @property
    def refused(self) -> Share:
        """4xx of requests."""
        return Share(min(self.client_errors, self.requests), self.requests)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of B beside A.

    `error_difference`: every difference of error ratios, B - A, that is not excluded; it leaves out
    0 exactly where errors are worse or better. `detectable`: the least excess of errors that would
    have been seen by now, 1 if none. `shifts` is `None` where latency is not judged.
    """

    outcome: Outcome
    errors: Outcome
    latency: Outcome
    error_difference: Interval
    detectable: float
    shifts: Shifts | None
    unlike: float
    """0 where both have the same callers, 1 where they have none in common."""
    lopsided: float
    """How many times the load of the other the busier one carries."""


_EACH: Final = ALPHA / QUESTIONS


def evident(a: Share, b: Share, alpha: float = _EACH) -> Outcome:
    """Whether B's share of something bad is greater, smaller, or neither for all that is known."""
    bound = -math.log(alpha)
    if greater(a, b) > bound:
        return Outcome.WORSE
    if greater(b, a) > bound:
        return Outcome.BETTER
    return Outcome.NO_DIFFERENCE


def unlike(a: Mapping[Caller, float], b: Mapping[Caller, float]) -> float:
    """Total variation between two mixes of callers, less what chance alone would make of it.

    0 the same, 1 nothing in common. Two samples of the same mix differ by about sqrt(2/pi) standard
    deviations at each caller, which is much where there are many callers and few requests.
    """
    total_a, total_b = sum(a.values()), sum(b.values())
    if total_a <= 0 or total_b <= 0:
        return 0.0
    apart = chance = 0.0
    for caller in a.keys() | b.keys():
        in_a, in_b = a.get(caller, 0.0), b.get(caller, 0.0)
        common = (in_a + in_b) / (total_a + total_b)
        apart += 0.5 * abs(in_a / total_a - in_b / total_b)
        spread = common * (1.0 - common) * (1.0 / total_a + 1.0 / total_b)
        chance += 0.5 * math.sqrt(2.0 / math.pi * max(0.0, spread))
    return apart if apart >= 1.0 - 1e-9 else max(0.0, apart - chance)


def _of(moved: Shifts | None) -> Outcome:
    if moved is None:
        return Outcome.NOT_ENOUGH
    if moved.slower:
        return Outcome.WORSE
    return Outcome.BETTER if moved.faster else Outcome.NO_DIFFERENCE


def verdict(a: Version, b: Version) -> Verdict:
    """What may be said of B beside A, at this look and any other."""
    errors = evident(a.failed, b.failed)
    moved = shifts(a.latency, b.latency, _EACH, FEWEST)
    latency = _of(moved)
    least = detectable(a.failed, b.failed, _EACH)
    apart = unlike(a.callers, b.callers)
    few, many = sorted((a.requests, b.requests))
    lopsided = many / few if few > 0 else math.inf if many > 0 else 1.0
    if few < FEWEST:
        outcome = Outcome.NOT_ENOUGH
    elif apart > UNLIKE or lopsided > LOPSIDED:
        outcome = Outcome.NOT_COMPARABLE
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
        error_difference=difference(a.failed, b.failed, _EACH),
        detectable=least,
        shifts=moved,
        unlike=apart,
        lopsided=lopsided,
    )


def requests_needed(a: Version, b: Version, excess: float = NOTABLE) -> float:
    """Requests of B, in all and at the same split, until so much more errors would be seen and
    there are enough of both; infinite while one version has no traffic.
    """
    if a.requests <= 0 or b.requests <= 0:
        return math.inf
    enough = max(FEWEST, FEWEST * b.requests / a.requests)
    return max(enough, trials_needed(a.failed, b.failed, excess, _EACH))
