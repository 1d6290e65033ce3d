"""What may be said of two versions: by tables of counts, and under watching."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections import Counter
from itertools import accumulate

import pytest

from tui.model.compare import UNLIKE, Outcome, Version, requests_needed, unlike, verdict
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


@pytest.mark.parametrize("errors", [0, 50, 96, 120, 192])
def test_the_interval_leaves_out_zero_exactly_where_errors_are_told_apart(errors: float) -> None:
    found = verdict(version(2400, 96), version(2400, errors))
    low, high = found.error_difference
    assert (low > 0) == (found.errors is Outcome.WORSE)
    assert (high < 0) == (found.errors is Outcome.BETTER)


def test_so_many_requests_as_are_needed_end_the_want_of_data() -> None:
    few = version(60, 1)
    assert verdict(few, few).outcome is Outcome.NOT_ENOUGH
    more = requests_needed(few, few)
    enough = version(more, more / 60)
    assert verdict(enough, enough).outcome is Outcome.NO_DIFFERENCE
    assert requests_needed(few, few, 0.01) > more
    assert requests_needed(version(1000, 0), version(10, 0)) >= 50
    assert requests_needed(version(10, 0), version(1000, 0)) >= 5000
    assert requests_needed(version(0, 0), few) == math.inf


def test_versions_with_other_callers_are_not_comparable() -> None:
    people, batch = {("default", "web"): 90.0, ("x", "batch"): 10.0}, {("x", "batch"): 100.0}
    found = verdict(version(5000, 0, None, people), version(5000, 900, None, batch))
    assert found.outcome is Outcome.NOT_COMPARABLE
    assert found.unlike > 0.8
    assert unlike(people, people) == 0
    assert unlike({}, people) == 0
    assert unlike({("a", "b"): 5.0}, {("c", "d"): 5.0}) == 1


def test_chance_alone_makes_no_callers_unlike() -> None:
    chance = random.Random(1)
    names = [("default", f"caller-{number}") for number in range(40)]
    samples = [Counter(chance.choices(names, k=60)) for _ in range(2)]
    a, b = ({name: float(count) for name, count in sample.items()} for sample in samples)
    raw = 0.5 * sum(abs(a.get(x, 0) - b.get(x, 0)) / 60 for x in names)
    assert raw > UNLIKE
    assert unlike(a, b) < 0.1


def test_a_version_with_next_to_no_load_is_not_comparable() -> None:
    found = verdict(version(50_000, 0), version(60, 60))
    assert found.outcome is Outcome.NOT_COMPARABLE
    assert found.lopsided == pytest.approx(50_000 / 60)
    assert found.errors is Outcome.WORSE
    assert verdict(version(50_000, 0), version(600, 600)).outcome is Outcome.WORSE


def test_worse_in_one_thing_is_worse() -> None:
    quick, slow = (histogram(latencies(2000, median, 5)) for median in (0.03, 0.3))
    found = verdict(version(2000, 200, slow), version(2000, 600, quick))
    assert (found.outcome, found.errors, found.latency) == (
        Outcome.WORSE, Outcome.WORSE, Outcome.BETTER,
    )  # fmt: skip
    found = verdict(version(2000, 600, quick), version(2000, 200, slow))
    assert (found.outcome, found.errors, found.latency) == (
        Outcome.WORSE, Outcome.BETTER, Outcome.WORSE,
    )  # fmt: skip


def test_equal_versions_watched_together_are_rarely_told_apart() -> None:
    alarms = 0
    for run in range(20):
        chance = random.Random(run)
        counts = [[0.0] * len(BOUNDS), [0.0] * len(BOUNDS)]
        errors = [0, 0]
        for _ in range(15):
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
    # At most 5 % are allowed; more than 4 of 20 happen once in 390 with a true rate of 5 %.
    assert alarms <= 4
