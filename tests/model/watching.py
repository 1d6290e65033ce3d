"""What continuous watching does to the comparison: false alarms, and power by sample size.

`python -m tests.model.watching` prints both. The evidence is computed here a second time, with
scipy's special functions over whole arrays, which is also the oracle of `tui.model.confidence`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, xlog1py, xlogy
from scipy.stats import fisher_exact

Counts = NDArray[np.float64]

ALPHA = 0.05
LOOK = 5.0
"""Seconds between two looks."""


def evidence(events_a: Counts, trials_a: Counts, events_b: Counts, trials_b: Counts) -> Counts:
    """The log evidence that b's share is greater, elementwise."""

    def mixture(k: Counts, n: Counts) -> Counts:
        return np.asarray(betaln(k + 0.5, n - k + 0.5) - betaln(0.5, 0.5))

    def likelihood(k: Counts, n: Counts, p: Counts) -> Counts:
        return np.asarray(xlogy(k, p) + xlog1py(n - k, -p))

    pooled = (events_a + events_b) / (trials_a + trials_b)
    value = (
        mixture(events_a, trials_a)
        + mixture(events_b, trials_b)
        - likelihood(events_a, trials_a, pooled)
        - likelihood(events_b, trials_b, pooled)
    )
    return np.where(events_b * trials_a > events_a * trials_b, value, 0.0)


@dataclass(frozen=True, slots=True)
class Watch:
    """One way of watching: shares, requests per second of each version, and for how long."""

    share_a: float
    share_b: float
    rate_a: float
    rate_b: float
    seconds: float


def first_alarm(watch: Watch, runs: int, seed: int, alpha: float = ALPHA) -> Counts:
    """For each run the second at which b is first called worse; infinite where it never is."""
    looks = int(watch.seconds / LOOK)
    alarms = np.full(runs, np.inf)
    for run in range(runs):
        random = np.random.default_rng((seed, run))
        shares = ((watch.share_a, watch.rate_a), (watch.share_b, watch.rate_b))
        counts = []
        for share, rate in shares:
            trials = random.poisson(rate * LOOK, looks)
            counts += [np.cumsum(random.binomial(trials, share)), np.cumsum(trials)]
        log_e = evidence(*(np.maximum(c, 1e-300).astype(float) for c in counts))
        (found,) = np.nonzero(log_e > -np.log(alpha))
        if found.size:
            alarms[run] = (found[0] + 1) * LOOK
    return alarms


def repeated_test_alarms(watch: Watch, runs: int, seed: int) -> float:
    """The share of runs in which Fisher's exact test, asked each minute, ever says p < alpha."""
    looks = int(watch.seconds / 60.0)
    alarms = 0
    for run in range(runs):
        random = np.random.default_rng((seed, run))
        trials = np.cumsum(random.poisson(watch.rate_a * 60.0, (2, looks)), axis=1)
        steps = np.diff(trials, axis=1, prepend=0)
        events = np.cumsum(random.binomial(steps, watch.share_a), axis=1)
        for look in range(looks):
            (a, b), (n, m) = events[:, look], trials[:, look]
            if fisher_exact([[b, m - b], [a, n - a]], alternative="greater").pvalue < ALPHA:
                alarms += 1
                break
    return alarms / runs


def main() -> None:
    """Print the two tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=400)
    runs = arguments.parse_args().runs
    day = 86_400.0
    print("| equal versions, 20 requests/s each | looks | false alarms, ever |")
    print("|---|---:|---:|")
    for share in (0.0005, 0.01, 0.1):
        alarms = first_alarm(Watch(share, share, 20, 20, day), runs, seed=1)
        print(f"| {share:.2%} errors | {day / LOOK:.0f} | {np.isfinite(alarms).mean():.2%} |")
    repeated = repeated_test_alarms(Watch(0.01, 0.01, 20, 20, 3600.0), min(runs, 100), seed=1)
    print(f"| 1% errors, Fisher's test each minute for an hour | 60 | {repeated:.0%} |")
    print("\n| errors A | errors B | seen in 80 % of runs after | requests of B |")
    print("|---:|---:|---:|---:|")
    for share_a, share_b in ((0.0, 0.01), (0.005, 0.02), (0.005, 0.08), (0.01, 0.02), (0.05, 0.07)):
        alarms = first_alarm(Watch(share_a, share_b, 20, 20, 7200.0), runs, seed=2)
        after = float(np.quantile(alarms, 0.8, method="higher"))
        print(f"| {share_a:.1%} | {share_b:.1%} | {after:.0f} s | {after * 20:.0f} |")


if __name__ == "__main__":
    main()
