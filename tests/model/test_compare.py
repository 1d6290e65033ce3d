"""What may be said of two versions: by tables of counts, and under watching."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.compare import Outcome, Version, quantile_interval, requests_needed, unlike, verdict
from tui.model.frame import Histogram

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, math.inf)
CALLERS = {("default", "productpage"): 1.0}


def histogram(times: list[float]) -> Histogram:
    return Histogram(BOUNDS, tuple(float(sum(t <= b for t in times)) for b in BOUNDS))


def latencies(count: int, median: float, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [median * math.exp(chance.gauss(0.0, 0.5)) for _ in range(count)]


def version(
    requests: float,
    errors: float,
    latency: Histogram | None = None,
    callers: dict[tuple[str, str], float] | None = None,
) -> Version:
    return Version("v", requests, errors, 0.0, latency, callers or CALLERS, {})


@pytest.mark.parametrize(
    ("a", "b", "outcome"),
    [
        ((2400, 12), (2400, 192), Outcome.WORSE),
        ((2400, 192), (2400, 12), Outcome.BETTER),
        ((24_000, 120), (24_000, 125), Outcome.NO_DIFFERENCE),
        ((24_000, 120), (600, 48), Outcome.WORSE),
        ((49, 0), (4900, 4900), Outcome.NOT_ENOUGH),
        ((0, 0), (100, 0), Outcome.NOT_ENOUGH),
        ((100, 0), (100, 2), Outcome.NOT_ENOUGH),
        ((5000, 0), (5000, 0), Outcome.NO_DIFFERENCE),
    ],
)
def test_errors_decide(a: tuple[float, float], b: tuple[float, float], outcome: Outcome) -> None:
    assert verdict(version(*a), version(*b)).outcome is outcome


def test_a_verdict_says_how_far_apart_and_how_much_would_have_been_seen() -> None:
    found = verdict(version(2400, 12), version(2400, 192))
    assert 0.04 < found.error_difference.low < 0.075 < found.error_difference.high < 0.12
    quiet = verdict(version(5000, 50), version(5000, 50))
    assert quiet.error_difference.low < 0 < quiet.error_difference.high
    assert 0.005 < quiet.detectable < 0.03
    assert requests_needed(version(5000, 50), version(5000, 50)) > 5000


def test_a_slower_version_is_seen_in_its_buckets() -> None:
    a = version(1200, 0, histogram(latencies(1200, 0.03, 1)))
    b = version(1200, 0, histogram([t + 0.3 for t in latencies(1200, 0.03, 2)]))
    found = verdict(a, b)
    assert (found.outcome, found.latency, found.errors) == (
        Outcome.WORSE, Outcome.WORSE, Outcome.NO_DIFFERENCE,
    )  # fmt: skip
    assert found.slower is not None
    assert found.slower.bound <= 0.3
    assert found.slower.share_b > 0.9 > 0.2 > found.slower.share_a
    assert verdict(b, a).outcome is Outcome.BETTER


def test_equal_latencies_of_ten_thousand_requests_are_not_told_apart() -> None:
    a, b = (version(10_000, 0, histogram(latencies(10_000, 0.03, seed))) for seed in (1, 2))
    assert verdict(a, b).latency is Outcome.NO_DIFFERENCE


def test_a_tail_that_grew_is_seen_though_the_median_did_not_move() -> None:
    slow = latencies(1900, 0.03, 3) + [2.0] * 100
    a = version(2000, 0, histogram(latencies(2000, 0.03, 4)))
    found = verdict(a, version(2000, 0, histogram(slow)))
    assert found.latency is Outcome.WORSE


@pytest.mark.parametrize(
    "latency", [None, Histogram((), ()), Histogram((math.inf,), (1000.0,)),
                Histogram((0.3, math.inf), (10.0, 1000.0))],
)  # fmt: skip
def test_without_common_buckets_latency_says_nothing(latency: Histogram | None) -> None:
    a = version(1000, 0, histogram(latencies(1000, 0.03, 1)))
    found = verdict(a, version(1000, 0, latency))
    assert found.latency is Outcome.NOT_ENOUGH
    assert found.slower is None


def test_versions_with_other_callers_are_not_comparable() -> None:
    people, batch = {("default", "web"): 90.0, ("x", "batch"): 10.0}, {("x", "batch"): 100.0}
    found = verdict(version(5000, 0, None, people), version(5000, 900, None, batch))
    assert found.outcome is Outcome.NOT_COMPARABLE
    assert found.unlike == pytest.approx(0.9)
    assert unlike(people, people) == 0
    assert unlike({}, people) == 0


def test_equal_versions_watched_together_are_rarely_told_apart() -> None:
    alarms = 0
    for run in range(30):
        chance = random.Random(run)
        counts = [[0.0] * len(BOUNDS), [0.0] * len(BOUNDS)]
        errors = [0, 0]
        for _ in range(20):
            for side in (0, 1):
                for time in latencies(50, 0.03, chance.getrandbits(32)):
                    counts[side][bisect_left(BOUNDS, time)] += 1
                errors[side] += sum(chance.random() < 0.02 for _ in range(50))
            a, b = (
                version(sum(c), e, Histogram(BOUNDS, tuple(accumulate(c))))
                for c, e in zip(counts, errors, strict=True)
            )
            if verdict(a, b).outcome in (Outcome.WORSE, Outcome.BETTER):
                alarms += 1
                break
    # At most 5 % are allowed; more than 5 of 30 happen once in 300 with a true rate of 5 %.
    assert alarms <= 5


@given(st.integers(100, 3000), st.sampled_from([0.5, 0.9, 0.99]), st.integers(0, 5))
def test_a_quantiles_interval_holds_the_true_one(count: int, q: float, seed: int) -> None:
    counts = histogram(latencies(count, 0.03, seed))
    low, high = quantile_interval(q, counts)
    z = {0.5: 0.0, 0.9: 1.2816, 0.99: 2.3263}[q]
    assert low <= 0.03 * math.exp(0.5 * z) <= high


def test_a_quantile_of_nothing_may_be_anything() -> None:
    assert quantile_interval(0.9, Histogram((), ())) == (0.0, math.inf)
    assert quantile_interval(0.9, Histogram((0.1, math.inf), (0.0, 0.0))) == (0.0, math.inf)
