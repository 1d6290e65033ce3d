"""What continuous watching does to the comparison: false alarms, and power by sample size.

`python -m tests.model.watching` prints both. The evidence is computed here a second time, with
scipy's special functions over whole arrays, which is also the oracle of `tui.model.confidence`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, logsumexp, xlog1py, xlogy
from scipy.stats import fisher_exact, norm

from tests.mesh.telemetry import BUCKETS
from tui.model.compare import ALPHA, FEWEST, QUESTIONS
from tui.model.latencies import RARE, SLACK

Counts = NDArray[np.float64]

LOOK: Final = 5.0
"""Seconds between two looks."""
DAY: Final = 86_400.0
NEEDED: Final = -np.log(ALPHA / QUESTIONS)


def evidence(events_a: Counts, trials_a: Counts, events_b: Counts, trials_b: Counts) -> Counts:
    """The log evidence that b's share is greater, elementwise."""
    pooled = (events_a + events_b) / (trials_a + trials_b)
    seen = events_b * trials_a > events_a * trials_b
    return _beside(
        (events_a, trials_a, np.where(seen, pooled, events_a / trials_a)),
        (events_b, trials_b, np.where(seen, pooled, events_b / trials_b)),
    )


def against_equal(
    events_a: Counts, trials_a: Counts, events_b: Counts, trials_b: Counts, *, share: float
) -> Counts:
    """The log evidence against both shares being this one, elementwise."""
    p = np.full_like(events_a, share)
    return _beside((events_a, trials_a, p), (events_b, trials_b, p))


def evidence_beyond(
    events_a: Counts, trials_a: Counts, events_b: Counts, trials_b: Counts, *, margin: float
) -> Counts:
    """The log evidence that b's share is greater by over `margin`, elementwise."""
    low, high = np.zeros_like(events_a), np.full_like(events_a, 1.0 - margin)
    for _ in range(40):
        p = np.clip((low + high) / 2.0, 1e-12, 1.0 - margin - 1e-12)
        slope = events_a / p - (trials_a - events_a) / (1.0 - p)
        slope += events_b / (p + margin) - (trials_b - events_b) / (1.0 - p - margin)
        low, high = np.where(slope > 0, p, low), np.where(slope > 0, high, p)
    seen = events_b / trials_b > events_a / trials_a + margin
    return _beside(
        (events_a, trials_a, np.where(seen, p, events_a / trials_a)),
        (events_b, trials_b, np.where(seen, p + margin, events_b / trials_b)),
    )


def _beside(*sides: tuple[Counts, Counts, Counts]) -> Counts:
    """The mixture over the likelihood at these shares, of each side's events and trials."""
    total = np.zeros_like(sides[0][0])
    for k, n, p in sides:
        total += betaln(k + 0.5, n - k + 0.5) - betaln(0.5, 0.5) - xlogy(k, p) - xlog1py(n - k, -p)
    return total


def at_or_below(values: Counts, buckets: Counts) -> Counts:
    """Observations up to each value, on a straight line inside a bucket. `buckets`: a row for each
    finite bound and one for the rest, in milliseconds, not cumulative; a column for each look.
    """
    ends = np.array([0.0, *BUCKETS])
    sums = np.vstack([np.zeros(buckets.shape[1]), np.cumsum(buckets[:-1], axis=0)])
    place = np.clip(np.searchsorted(ends, values) - 1, 0, len(ends) - 2)
    part = (values - ends[place]) / (ends[place + 1] - ends[place])
    return np.asarray(sums[place] + part[:, None] * (sums[place + 1] - sums[place]))


@dataclass(frozen=True, slots=True)
class Side:
    """One version: its share of errors, requests per second, and median latency in ms (`None`: not
    looked at). Latencies are lognormal.
    """

    errors: float
    rate: float = 20.0
    median: float | None = None

    def counts(self, random: np.random.Generator, looks: int) -> tuple[Counts, Counts, Counts]:
        """Requests so far at each look, those that failed, and those in each bucket."""
        trials = random.poisson(self.rate * LOOK, looks)
        failed = np.cumsum(random.binomial(trials, self.errors))
        buckets = np.zeros((0, looks))
        if self.median is not None:
            within = norm.cdf(np.log(np.array(BUCKETS) / self.median) / 0.6)
            shares = np.diff(within, prepend=0.0, append=1.0)
            buckets = np.cumsum(random.multinomial(trials, shares), axis=0).T.astype(float)
        return np.maximum(np.cumsum(trials), 1e-9), failed.astype(float), buckets


def first_told_apart(
    a: Side, b: Side, seconds: float, runs: int, seed: int, either: bool = False
) -> Counts:
    """For each run the second at which b is first called worse, or if `either` worse or better;
    infinite where it never is.
    """
    looks = int(seconds / LOOK)
    alarms = np.full(runs, np.inf)
    for run in range(runs):
        random = np.random.default_rng((seed, run))
        first, second = a.counts(random, looks), b.counts(random, looks)
        told = _told(first, second)
        if either:
            told |= _told(second, first)
        told &= np.minimum(first[0], second[0]) >= FEWEST
        (found,) = np.nonzero(told)
        if found.size:
            alarms[run] = (found[0] + 1) * LOOK
    return alarms


def _told(a: tuple[Counts, Counts, Counts], b: tuple[Counts, Counts, Counts]) -> NDArray[np.bool_]:
    """At which looks the second is told to be worse, in its errors or its latency."""
    told = np.asarray(evidence(a[1], a[0], b[1], b[0]) > NEEDED)
    if len(a[2]) and len(b[2]):
        told |= slower(a[2], b[2])
    return told


def slower(a: Counts, b: Counts) -> NDArray[np.bool_]:
    """At which looks the second is told to be slower, by buckets as in `at_or_below`."""
    bounds = np.array(BUCKETS, dtype=float)
    shape = (len(bounds), a.shape[1])
    n, m = (np.broadcast_to(x.sum(axis=0), shape) for x in (a, b))
    beyond_a = np.clip(n - at_or_below(bounds / SLACK, a), 0.0, n)
    beyond_b = np.clip(m - at_or_below(bounds, b), 0.0, m)
    # Without the margin the evidence is at least as much: where that is too little, so is it.
    told = _mean(evidence(beyond_a, n, beyond_b, m)) > NEEDED
    at = np.nonzero(told)[0]
    sides = (beyond_a[:, at], n[:, at], beyond_b[:, at], m[:, at])
    told[at] = _mean(evidence_beyond(*sides, margin=RARE)) > NEEDED
    return np.asarray(told)


def _mean(logs: Counts) -> Counts:
    return np.asarray(logsumexp(logs, axis=0) - np.log(len(logs)))


def repeated_test_alarms(side: Side, seconds: float, runs: int, seed: int) -> float:
    """The share of runs in which Fisher's exact test, asked each minute, ever says p < alpha."""
    looks = int(seconds / 60.0)
    alarms = 0
    for run in range(runs):
        random = np.random.default_rng((seed, run))
        steps = random.poisson(side.rate * 60.0, (2, looks))
        trials = np.cumsum(steps, axis=1)
        events = np.cumsum(random.binomial(steps, side.errors), axis=1)
        for look in range(looks):
            (a, b), (n, m) = events[:, look], trials[:, look]
            if fisher_exact([[b, m - b], [a, n - a]]).pvalue < ALPHA:
                alarms += 1
                break
    return alarms / runs


def _quiet(runs: int) -> None:
    print("| two equal versions, 20 requests/s each | looks | told apart, ever |")
    print("|---|---:|---:|")
    for share, median, other in (
        (0.0005, None, None), (0.01, None, None), (0.1, None, None), (0.01, 30.0, 30.0),
        (0.01, 30.0, 33.0),
    ):  # fmt: skip
        a, b = Side(share, median=median), Side(share, median=other)
        alarms = first_told_apart(a, b, DAY, runs, seed=1, either=True)
        what = f"{share:.2%} errors" + (f", median {median:g} and {other:g} ms" if median else "")
        print(f"| {what} | {DAY / LOOK:.0f} | {np.isfinite(alarms).mean():.1%} |")
    repeated = repeated_test_alarms(Side(0.01), 3600.0, min(runs, 200), seed=1)
    print(f"| 1% errors, by Fisher's test each minute for an hour | 60 | {repeated:.0%} |")


def _power(runs: int) -> None:
    print("\n| A | B | worse in half of all runs after | in 80 % after | requests of B |")
    print("|---|---|---:|---:|---:|")
    cases = [
        (f"{x:.1%} errors", f"{y:.1%} errors", Side(x), Side(y))
        for x, y in ((0.0, 0.01), (0.005, 0.02), (0.005, 0.08), (0.01, 0.02), (0.05, 0.07))
    ] + [
        (f"median {x:g} ms", f"median {y:g} ms", Side(0, median=x), Side(0, median=y))
        for x, y in ((30.0, 40.0), (30.0, 45.0), (30.0, 60.0), (30.0, 330.0))
    ]
    for says_a, says_b, a, b in cases:
        alarms = first_told_apart(a, b, 14_400.0, runs, seed=2)
        half, most = (float(np.quantile(alarms, q, method="higher")) for q in (0.5, 0.8))
        print(f"| {says_a} | {says_b} | {half:.0f} s | {most:.0f} s | {most * b.rate:.0f} |")


def main() -> None:
    """Print the two tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=400)
    runs = arguments.parse_args().runs
    _quiet(runs)
    _power(runs)


if __name__ == "__main__":
    main()
