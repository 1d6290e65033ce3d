"""Counters that restart, stand still, are young or stop: by hand, `rate()` itself elsewhere."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.rates import extrapolated_rate, increase

NAN = math.nan
values = st.floats(0.0, 1e12)
Samples = list[tuple[float, float]]


@pytest.mark.parametrize(
    ("previous", "current", "expected"),
    [
        (5.0, 8.0, 3.0),
        (5.0, 5.0, 0.0),
        (0.0, 7.0, 7.0),
        pytest.param(5.0, 2.0, 2.0, id="restarted and counted on"),
        pytest.param(5.0, 0.0, 0.0, id="restarted"),
        pytest.param(NAN, 2.0, NAN, id="not known before"),
        pytest.param(5.0, NAN, NAN, id="not known after"),
    ],
)
def test_increase(previous: float, current: float, expected: float) -> None:
    assert increase(previous, current) == pytest.approx(expected, nan_ok=True)


@given(values, values)
def test_an_increase_is_never_negative_nor_more_than_the_counter(
    previous: float, current: float
) -> None:
    assert 0.0 <= increase(previous, current) <= current


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([(30, 5)], None, id="one sample"),
        pytest.param([(-1, 5), (30, 6)], None, id="one of them before the window"),
        pytest.param([(30, 5), (61, 6)], None, id="one of them after the window"),
        pytest.param([(0, 5), (60, 65)], 1.0, id="both ends count"),
        pytest.param([(0, 5), (20, 25), (40, 45), (60, 65)], 1.0, id="steady"),
        pytest.param([(10, 100), (30, 120), (50, 140)], 1.0, id="reaches both ends"),
        pytest.param([(0, 50), (20, 60), (40, 10), (60, 20)], 30 / 60, id="restarted"),
        pytest.param([(0, 9), (30, 9), (60, 9)], 0.0, id="stands still"),
        pytest.param([(40, 100), (50, 110), (60, 120)], 25 / 60, id="began in the window"),
        pytest.param([(40, 2), (50, 12), (60, 22)], 22 / 60, id="began at 0 in the window"),
        pytest.param([(0, 0), (10, 10), (20, 20)], 25 / 60, id="stopped in the window"),
        pytest.param([(0, 1), (30, NAN), (60, 61)], 1.0, id="NaN between is passed over"),
        pytest.param([(0, 1), (30, 31), (60, NAN)], NAN, id="NaN at the end"),
    ],
)
def test_rate(samples: Samples, expected: float | None) -> None:
    found = extrapolated_rate(samples, 0, 60)
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, nan_ok=True)


@given(
    st.lists(st.tuples(st.integers(0, 60), values), unique_by=lambda s: s[0], max_size=12).map(
        sorted
    ),
    st.integers(-(10**6), 2 * 10**9),
)
def test_a_rate_does_not_depend_on_the_date_and_is_never_negative(
    samples: Samples, moved: int
) -> None:
    rate = extrapolated_rate(samples, 0, 60)
    later = [(at + moved, value) for at, value in samples]
    assert extrapolated_rate(later, moved, 60 + moved) == rate
    assert rate is None or rate >= 0.0
