"""Kiali's tolerances, with a minimum of traffic."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.health import DEFAULT, Level, Tolerances, judge

NAN = math.nan
FAILING, DEGRADED, HEALTHY = Level.FAILING, Level.DEGRADED, Level.HEALTHY
shares = st.floats(0.0, 1.0)
requests = st.floats(0.0, 1e6)


@pytest.mark.parametrize(
    ("count", "errors", "client_errors", "expected"),
    [
        (100, 0.0, 0.0, HEALTHY),
        (100, 1e-9, 0.0, DEGRADED),
        (100, 0.0999, 0.0, DEGRADED),
        (100, 0.10, 0.0, FAILING),
        (100, 1.0, 0.0, FAILING),
        (100, 0.0, 0.0999, HEALTHY),
        (100, 0.0, 0.10, DEGRADED),
        (100, 0.0, 0.1999, DEGRADED),
        (100, 0.0, 0.20, FAILING),
        pytest.param(9.99, 1.0, 1.0, DEGRADED, id="too few requests to fail"),
        pytest.param(10, 1.0, 0.0, FAILING, id="just enough"),
        pytest.param(1, 0.0, 0.0, HEALTHY, id="few requests can be healthy"),
        pytest.param(0, 0.0, 0.0, Level.IDLE, id="no traffic"),
        pytest.param(0, 1.0, 1.0, Level.IDLE, id="no traffic has no errors"),
        pytest.param(100, None, 0.0, Level.UNKNOWN, id="errors not known"),
        pytest.param(100, 0.0, None, Level.UNKNOWN, id="4xx not known"),
        pytest.param(0, None, None, Level.UNKNOWN, id="nothing known"),
        pytest.param(NAN, 0.0, 0.0, Level.UNKNOWN, id="NaN requests"),
        pytest.param(100, NAN, 0.0, Level.UNKNOWN, id="NaN errors"),
        pytest.param(100, 0.0, NAN, Level.UNKNOWN, id="NaN 4xx"),
    ],
)
def test_default_tolerances(
    count: float, errors: float | None, client_errors: float | None, expected: Level
) -> None:
    assert judge(count, errors, client_errors) is expected


@pytest.mark.parametrize(
    ("p99", "slow", "expected"),
    [
        (2.0, None, HEALTHY),
        (2.0, 1.0, DEGRADED),
        (1.0, 1.0, HEALTHY),
        (NAN, 1.0, HEALTHY),
        (None, 1.0, HEALTHY),
        (math.inf, 1.0, DEGRADED),
    ],
)
def test_latency_degrades_only_where_somebody_said_how_slow_is_slow(
    p99: float | None, slow: float | None, expected: Level
) -> None:
    assert judge(100, 0.0, 0.0, p99, Tolerances(slow_p99=slow)) is expected


def test_latency_does_not_hide_a_failure() -> None:
    assert judge(100, 0.5, 0.0, 9.0, Tolerances(slow_p99=1.0)) is FAILING


def test_no_errors_are_healthy_however_strict_the_tolerances() -> None:
    strict = Tolerances(0.0, 0.0, 0.0, 0.0, enough=0.0)
    assert judge(100, 0.0, 0.0, tolerances=strict) is HEALTHY
    assert judge(100, 0.001, 0.0, tolerances=strict) is FAILING
    assert judge(100, 0.0, 0.001, tolerances=strict) is FAILING


@given(requests, shares, shares, shares)
def test_more_errors_are_never_better(count: float, few: float, many: float, other: float) -> None:
    few, many = sorted((few, many))
    assert judge(count, many, other).rank <= judge(count, few, other).rank
    assert judge(count, other, many).rank <= judge(count, other, few).rank


@given(st.floats(0.001, DEFAULT.enough, exclude_max=True), shares, shares)
def test_a_handful_of_requests_never_fails_a_service(
    count: float, errors: float, client_errors: float
) -> None:
    assert judge(count, errors, client_errors) in (HEALTHY, DEGRADED)


def test_levels_are_ranked_worst_first_and_told_apart_without_colour() -> None:
    levels = [FAILING, DEGRADED, HEALTHY, Level.IDLE, Level.UNKNOWN]
    assert all(worse.rank < better.rank for worse, better in pairwise(levels))
    assert set(levels) == set(Level)
    marks = [level.mark for level in Level]
    assert len(set(marks)) == len(marks)
    assert all(len(mark) == 1 and mark.isprintable() for mark in marks)
