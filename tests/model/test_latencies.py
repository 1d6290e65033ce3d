"""Two latencies told apart by their buckets: what is tolerated, what is seen, and the quantiles."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mesh.telemetry import BUCKETS
from tests.model.test_compare import histogram, latencies
from tests.model.watching import DAY, Side, at_or_below, first_told_apart
from tests.model.watching import slower as simulated
from tui.model.compare import ALPHA, FEWEST, QUESTIONS
from tui.model.frame import Histogram
from tui.model.latencies import SLACK, Shifts, quantile_interval, shifts

ISTIO = (*(bound / 1000 for bound in BUCKETS), math.inf)


def told(a: Histogram | None, b: Histogram | None) -> Shifts | None:
    return shifts(a, b, ALPHA / QUESTIONS, FEWEST)


def measured(times: list[float]) -> Histogram:
    return Histogram(ISTIO, tuple(float(sum(t <= bound for t in times)) for bound in ISTIO))


def test_what_takes_longer_is_slower_and_the_other_way_round_faster() -> None:
    a = histogram(latencies(1200, 0.03, 1))
    b = histogram([t + 0.3 for t in latencies(1200, 0.03, 2)])
    found = told(a, b)
    assert found is not None
    assert found.slower is not None
    assert found.faster is None
    assert found.slower.bound <= 0.3
    assert found.slower.share_b > 0.9 > 0.2 > found.slower.share_a
    back = told(b, a)
    assert back is not None
    assert back.slower is None
    assert back.faster is not None


@pytest.mark.parametrize("factor", [1.0, 1.1, 1.2])
def test_equal_latencies_and_those_within_the_slack_are_not_told_apart(factor: float) -> None:
    times = latencies(60_000, 0.03, 1)
    found = told(measured(times), measured([t * factor for t in times]))
    assert found is not None
    assert (found.slower, found.faster) == (None, None)
    assert found.detectable < 0.05


def test_a_tail_that_grew_is_seen_though_the_middle_did_not_move() -> None:
    slow = latencies(1900, 0.03, 3) + [2.0] * 100
    found = told(histogram(latencies(2000, 0.03, 4)), histogram(slow))
    assert found is not None
    assert found.slower is not None
    assert found.slower.share_b == pytest.approx(0.05, abs=0.01)


def test_a_quick_middle_with_a_heavy_tail_is_both() -> None:
    b = histogram(latencies(1800, 0.012, 3) + [2.0] * 200)
    found = told(histogram(latencies(2000, 0.05, 4)), b)
    assert found is not None
    assert found.slower is not None
    assert found.faster is not None
    assert found.faster.bound < found.slower.bound


def test_so_few_slow_requests_as_no_quantile_shows_are_no_difference() -> None:
    times = latencies(100_000, 0.03, 1)
    found = told(measured(times), measured([*times, *[2.0] * 100]))
    assert found is not None
    assert found.slower is None


@pytest.mark.parametrize(
    "latency",
    [
        None,
        Histogram((), ()),
        Histogram((math.inf,), (1000.0,)),
        Histogram((0.3, math.inf), (10.0, 1000.0)),
        Histogram((0.01, 0.1), (10.0, 1000.0)),
        histogram(latencies(49, 0.03, 1)),
    ],
)
def test_without_common_buckets_or_enough_requests_nothing_is_said(
    latency: Histogram | None,
) -> None:
    other = histogram(latencies(1000, 0.03, 1))
    assert told(other, latency) is None
    assert told(latency, other) is None


@given(
    st.floats(0.003, 0.2), st.floats(0.003, 0.2), st.integers(60, 4000), st.integers(60, 4000),
    st.integers(0, 9),
)  # fmt: skip
def test_slower_is_what_the_simulation_says(
    a: float, b: float, count_a: int, count_b: int, seed: int
) -> None:
    one, other = (
        measured(latencies(count, median, seed + side))
        for side, (count, median) in enumerate(((count_a, a), (count_b, b)))
    )
    columns = [np.diff(np.array(x.counts), prepend=0.0)[:, None] for x in (one, other)]
    found = told(one, other)
    assert found is not None
    assert (found.slower is not None) == bool(simulated(*columns)[0])


def test_a_line_inside_a_bucket_is_numpys() -> None:
    buckets = np.arange(len(BUCKETS) + 1, dtype=float)[:, None]
    values = np.array(BUCKETS) / SLACK
    wanted = np.interp(values, [0.0, *BUCKETS], [0.0, *np.cumsum(buckets[:-1, 0])])
    assert at_or_below(values, buckets)[:, 0] == pytest.approx(wanted)


@pytest.mark.parametrize("other", [30.0, 34.0])
def test_versions_as_quick_as_each_other_stay_quiet_for_hours(other: float) -> None:
    a, b = Side(0.01, median=30.0), Side(0.01, median=other)
    alarms = first_told_apart(a, b, DAY / 12, runs=25, seed=3, either=True)
    # At most 5 % are allowed; more than 4 of 25 happen once in 140 with a true rate of 5 %.
    assert int(np.isfinite(alarms).sum()) <= 4


def test_a_canary_slower_by_300_ms_is_seen_within_two_minutes() -> None:
    a, b = Side(0.005, median=30.0), Side(0.005, median=330.0)
    assert bool(np.isfinite(first_told_apart(a, b, 120.0, runs=40, seed=4)).all())


@given(st.integers(100, 3000), st.sampled_from([0.5, 0.9, 0.99]), st.integers(0, 5))
def test_a_quantiles_interval_holds_the_true_one(count: int, q: float, seed: int) -> None:
    counts = histogram(latencies(count, 0.03, seed))
    low, high = quantile_interval(q, counts)
    z = {0.5: 0.0, 0.9: 1.2816, 0.99: 2.3263}[q]
    assert low <= 0.03 * math.exp(0.5 * z) <= high


def test_more_requests_narrow_a_quantiles_interval_down_to_its_bucket() -> None:
    times = [0.03 * random.Random(1).uniform(0.9, 1.1) for _ in range(20_000)]
    assert quantile_interval(0.5, histogram(times)) == (0.025, 0.05)


def test_a_quantile_of_nothing_may_be_anything() -> None:
    assert quantile_interval(0.9, Histogram((), ())) == (0.0, math.inf)
    assert quantile_interval(0.9, Histogram((0.1, math.inf), (0.0, 0.0))) == (0.0, math.inf)
