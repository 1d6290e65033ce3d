"""Quantiles at the edges of `histogram_quantile`, and what must hold for any histogram."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.frame import Histogram
from tui.model.quantile import at_least, merge, observations, quantile, quantiles

INF, NAN = math.inf, math.nan
BOUNDS = (1.0, 2.0, 5.0, INF)

counts = st.floats(0.0, 1e9, allow_subnormal=False)
shares = st.floats(1e-9, 1.0) | st.just(0.0)
edges = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=20, unique=True).map(sorted)


@st.composite
def histograms(draw: st.DrawFn) -> Histogram:
    """Cumulative, with a +Inf bucket and something in the first bucket and in all."""
    bounds = (*draw(edges), INF)
    steps = draw(st.lists(counts, min_size=len(bounds) - 1, max_size=len(bounds) - 1))
    return Histogram(bounds, tuple(accumulate((draw(st.floats(0.001, 1e9)), *steps))))


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize(
    ("q", "bounds", "given_counts", "expected"),
    [
        pytest.param(0.5, (1, 2, 5, INF), (1, 2, 4, 4), 2.0, id="at a bound"),
        pytest.param(0.75, (1, 2, 5, INF), (1, 2, 4, 4), 3.5, id="inside a bucket"),
        pytest.param(0.5, (4, INF), (4, 4), 2.0, id="the first bucket starts at 0"),
        pytest.param(0.5, (-4, 4, INF), (4, 4, 4), -4.0, id="unless it ends below"),
        pytest.param(0.5, (0, INF), (0, 4), 0.0, id="rank in +Inf, highest finite bound 0"),
        pytest.param(0.9, (1, 2, 5, INF), (1, 2, 3, 9), 5.0, id="rank in +Inf"),
        pytest.param(1.0, (1, 2, 5, INF), (1, 2, 3, 3), 5.0, id="all of them"),
        pytest.param(0.0, (1, 2, INF), (1, 2, 3), 0.0, id="none of them"),
        pytest.param(0.0, (1, 2, INF), (0, 2, 3), NAN, id="none of none"),
        pytest.param(0.5, (1, 2, INF), (0, 0, 0), NAN, id="no observations"),
        pytest.param(0.5, (1, 2, 5), (1, 2, 3), NAN, id="no +Inf bucket"),
        pytest.param(0.5, (INF,), (3,), NAN, id="nothing but +Inf"),
        pytest.param(0.5, (1,), (3,), NAN, id="one finite bucket"),
        pytest.param(0.5, (), (), NAN, id="no buckets"),
        pytest.param(0.9, (1, 2, 5, INF), (4, 2, 4, 4), 0.9, id="counts that fall are raised"),
        pytest.param(0.9, (1, 2, 5, INF), (2, 8, 4, 6), 28 / 15, id="also the last one"),
        pytest.param(0.5, (1, 2, 5, INF), (1, 2, 3, NAN), 5.0, id="NaN in all, as Prometheus"),
        pytest.param(0.5, (1, 2, 5, INF), (1, NAN, 3, 4), NAN, id="NaN below"),
        pytest.param(0.7, (1, 2, 5, 7, INF), (4, NAN, 1, 6, 8), 6.6, id="NaN and falling"),
        pytest.param(-0.1, (1, 2, INF), (1, 2, 3), -INF, id="q below 0"),
        pytest.param(1.1, (1, 2, INF), (1, 2, 3), INF, id="q above 1"),
        pytest.param(NAN, (1, 2, INF), (1, 2, 3), NAN, id="q is NaN"),
        pytest.param(1.1, (1,), (1,), INF, id="q is looked at first"),
    ],
)
def test_edges(
    q: float, bounds: tuple[float, ...], given_counts: tuple[float, ...], expected: float
) -> None:
    found = quantile(q, Histogram(bounds, given_counts))
    assert found == pytest.approx(expected, rel=1e-15, abs=0, nan_ok=True)


@given(histograms(), st.lists(shares, max_size=5))
def test_several_quantiles_are_each_the_one(histogram: Histogram, qs: list[float]) -> None:
    assert all(
        same(a, b)
        for a, b in zip(quantiles(qs, histogram), [quantile(q, histogram) for q in qs], strict=True)
    )


@given(histograms(), st.lists(shares, min_size=2))
def test_quantiles_rise_with_q_and_stay_within_the_finite_bounds(
    histogram: Histogram, qs: list[float]
) -> None:
    found = quantiles(sorted(qs), histogram)
    highest = histogram.bounds[-2]
    assert all(0.0 <= value <= highest * (1 + 1e-15) for value in found)
    # Interpolation rounds: two ranks in one bucket may end an ulp apart the wrong way round.
    assert all(low <= high * (1 + 1e-14) for low, high in pairwise(found))


@given(histograms(), shares, st.integers(-20, 20))
def test_as_many_observations_a_day_as_a_second_give_the_same_quantile(
    histogram: Histogram, q: float, power: int
) -> None:
    scaled = Histogram(histogram.bounds, tuple(count * 2.0**power for count in histogram.counts))
    assert quantile(q, scaled) == quantile(q, histogram)


@given(histograms(), shares)
def test_bounds_in_seconds_give_the_seconds_of_bounds_in_milliseconds(
    histogram: Histogram, q: float
) -> None:
    seconds = Histogram(tuple(bound * 0.001 for bound in histogram.bounds), histogram.counts)
    # Ten roundings of half an ulp between the two: both bounds, and on either way the difference,
    # the quotient's product, the sum and the scale.
    assert quantile(q, seconds) == pytest.approx(quantile(q, histogram) * 0.001, rel=1.2e-15, abs=0)


@given(histograms(), shares)
def test_the_share_below_a_quantile_is_q(histogram: Histogram, q: float) -> None:
    value = quantile(q, histogram)
    below = [b for b in histogram.bounds if b <= value]
    rank = q * observations(histogram)
    at_or_below = dict(zip(histogram.bounds, histogram.counts, strict=True))
    if not at_least(value, histogram):
        assert all(at_or_below[bound] <= rank * (1 + 1e-9) for bound in below[:-1])
        assert any(at_or_below[b] >= rank * (1 - 1e-9) for b in histogram.bounds if b >= value)


@pytest.mark.parametrize(
    ("value", "bounds", "expected"),
    [
        (1.5, BOUNDS, False),
        (2.0, BOUNDS, False),
        (2.1, BOUNDS, True),
        (5.0, BOUNDS, True),
        (INF, BOUNDS, True),
        (NAN, BOUNDS, False),
        (0.2, (1.0, INF), True),
        (NAN, (1.0, INF), False),
        (1.0, (INF,), False),
        (1.0, (), False),
    ],
)
def test_from_the_last_finite_bucket_on_a_quantile_is_at_least(
    value: float, bounds: tuple[float, ...], expected: bool
) -> None:
    assert at_least(value, Histogram(bounds, (1.0,) * len(bounds))) is expected


def test_observations_are_the_last_bucket() -> None:
    assert observations(Histogram(BOUNDS, (1, 2, 3, 4))) == 4
    assert observations(Histogram((), ())) == 0


def test_equal_bounds_are_merged_bucket_by_bucket() -> None:
    merged = merge([Histogram(BOUNDS, (1, 2, 3, 4)), Histogram(BOUNDS, (0, 0, 2, 5))])
    assert merged == Histogram(BOUNDS, (1, 2, 5, 9))


def test_of_different_bounds_the_common_ones_survive() -> None:
    one = Histogram((1, 2, 5, INF), (1, 2, 3, 4))
    other = Histogram((2, 3, INF), (10, 20, 30))
    assert merge([one, other]) == Histogram((2, INF), (12, 34))
    assert merge([one, Histogram((7.0,), (1.0,))]) == Histogram((), ())


def test_merging_nothing_and_what_has_no_buckets() -> None:
    one = Histogram(BOUNDS, (1, 2, 3, 4))
    assert merge([]) == Histogram((), ())
    assert merge([Histogram((), ()), one]) == one
    assert math.isnan(quantile(0.5, merge([])))


@given(st.lists(histograms(), min_size=1, max_size=4))
def test_merging_loses_no_observation_and_no_order(parts: list[Histogram]) -> None:
    merged = merge(parts)
    assert merged.bounds[-1] == INF
    assert merged.bounds == tuple(sorted(set(merged.bounds)))
    assert list(merged.counts) == sorted(merged.counts)
    assert observations(merged) == pytest.approx(sum(map(observations, parts)))
