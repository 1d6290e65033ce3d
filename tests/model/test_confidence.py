"""Intervals that hold at every look: against scipy, by their own definition, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.model.watching import (
    DAY,
    Side,
    against_equal,
    evidence,
    evidence_beyond,
    first_told_apart,
)
from tui.model.confidence import (
    Share,
    above,
    below,
    detectable,
    difference,
    greater,
    interval,
    trials_needed,
)


@st.composite
def shares(draw: st.DrawFn) -> Share:
    trials = draw(st.integers(1, 200_000))
    return Share(draw(st.integers(0, trials)), trials)


@given(shares(), shares())
def test_the_evidence_is_scipys(a: Share, b: Share) -> None:
    arrays = (np.array([float(x)]) for x in (a.events, a.trials, b.events, b.trials))
    assert greater(a, b) == pytest.approx(float(evidence(*arrays)[0]), abs=1e-6, rel=1e-6)


@given(shares())
def test_an_interval_holds_its_estimate_and_stays_within_shares(share: Share) -> None:
    low, high = interval(share)
    assert 0.0 <= low <= share.estimate <= high <= 1.0


@given(shares(), shares())
def test_a_difference_holds_its_estimate_and_turns_round_with_its_sides(a: Share, b: Share) -> None:
    low, high = difference(a, b)
    assert -1.0 <= low <= b.estimate - a.estimate <= high <= 1.0
    back = difference(b, a)
    assert (back.low, back.high) == pytest.approx((-high, -low), abs=1e-6)


@given(shares(), shares(), st.floats(0.001, 0.2))
def test_evidence_that_b_is_greater_is_an_interval_above_zero(
    a: Share, b: Share, alpha: float
) -> None:
    margin = greater(a, b) + math.log(alpha)
    if abs(margin) > 1e-6:
        assert (difference(a, b, alpha).low > 0) == (margin > 0)


@given(shares(), st.floats(0.01, 0.99))
def test_one_sided_evidence_agrees_with_the_interval(share: Share, p: float) -> None:
    low, high = interval(share, 0.05)
    bound = math.log(20)
    if abs(below(share, p) - bound) > 1e-6 and abs(above(share, p) - bound) > 1e-6:
        assert (below(share, p) > bound) == (p > high)
        assert (above(share, p) > bound) == (p < low)


def test_more_requests_never_widen_an_interval_around_the_same_share() -> None:
    widths = [interval(Share(n / 100, n)) for n in (100, 1_000, 10_000, 100_000)]
    spans = [high - low for low, high in widths]
    assert spans == sorted(spans, reverse=True)
    assert spans[-1] < 0.005


@pytest.mark.parametrize(
    ("a", "b"),
    [(Share(0, 0), Share(1, 10)), (Share(1, 10), Share(0, 0)), (Share(0, 0), Share(0, 0))],
)
def test_without_requests_nothing_is_excluded(a: Share, b: Share) -> None:
    assert difference(a, b) == (-1.0, 1.0)
    assert greater(a, b) == 0.0
    assert detectable(a, b) == 1.0
    assert trials_needed(a, b, 0.01) == math.inf
    assert interval(Share(0, 0)) == (0.0, 1.0)
    assert math.isnan(Share(0, 0).estimate)


@pytest.mark.parametrize("errors", [0, 5, 50])
@pytest.mark.parametrize("trials", [500, 5_000, 50_000])
def test_what_is_detectable_would_have_been_seen_and_less_would_not(
    errors: int, trials: int
) -> None:
    side = Share(errors, trials)
    least = detectable(side, side)
    common = side.estimate
    bound = math.log(20)
    assert greater(side, Share(trials * min(1.0, common + least * 1.001), trials)) > bound
    assert greater(side, Share(trials * (common + least * 0.98), trials)) < bound


def test_the_requests_needed_suffice() -> None:
    now = Share(1, 200)
    needed = trials_needed(now, now, 0.01)
    factor = needed / now.trials
    grown = Share(now.events * factor, needed)
    assert detectable(grown, grown) <= 0.01
    assert detectable(now, now) > 0.01


def test_the_requests_needed_are_hardly_more_than_enough() -> None:
    now = Share(1, 200)
    less = trials_needed(now, now, 0.01) / now.trials * 0.97
    grown = Share(now.events * less, now.trials * less)
    assert detectable(grown, grown) > 0.01


def test_what_can_never_be_seen_needs_requests_without_end() -> None:
    assert trials_needed(Share(1, 200), Share(1, 200), 1e-12) == math.inf


@given(shares(), shares())
def test_evidence_of_either_kind_is_at_most_that_against_equality(a: Share, b: Share) -> None:
    assume(0 < a.events + b.events < a.trials + b.trials)
    worse, better = greater(a, b), greater(b, a)
    pooled = Share(a.events + b.events, a.trials + b.trials).estimate
    arrays = (np.array([float(x)]) for x in (*a, *b))
    equal = max(worse, better)
    assert (
        min(worse, better) <= equal == pytest.approx(float(against_equal(*arrays, share=pooled)[0]))
    )


@given(shares(), shares(), st.floats(0.0005, 0.3))
def test_a_margin_only_takes_evidence_away_and_agrees_with_the_interval(
    a: Share, b: Share, margin: float
) -> None:
    found = greater(a, b, margin)
    assert found <= greater(a, b) + 1e-6
    if abs(found - math.log(20)) > 1e-6:
        assert (found > math.log(20)) == (difference(a, b, 0.05).low > margin)


@given(shares(), shares(), st.sampled_from([0.002, 0.05]))
def test_the_evidence_beyond_a_margin_is_that_of_the_simulation(
    a: Share, b: Share, margin: float
) -> None:
    arrays = (np.array([float(x)]) for x in (*a, *b))
    found = float(evidence_beyond(*arrays, margin=margin)[0])
    assert greater(a, b, margin) == pytest.approx(found, abs=1e-3, rel=1e-3)


@pytest.mark.parametrize("share", [0.002, 0.05])
def test_equal_versions_watched_for_a_day_stay_quiet(share: float) -> None:
    alarms = first_told_apart(Side(share), Side(share), DAY, runs=60, seed=7, either=True)
    # At most 5 % are allowed; 60 runs with a true rate of 5 % show 9 alarms or more once in 300.
    assert int(np.isfinite(alarms).sum()) <= 8


def test_a_bad_canary_is_seen_within_two_minutes() -> None:
    alarms = first_told_apart(Side(0.005), Side(0.08), 120.0, runs=60, seed=8)
    assert bool(np.isfinite(alarms).all())
