from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.view.spark import ASCII_BARS, BARS, GAP, spark

NAN = math.nan


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ((), ""),
        ((0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0), "▁▂▃▄▅▆▇█"),
        ((5.0, 5.0, 5.0), "███"),
        ((100.0, 101.0, 99.0), "███"),
        ((0.0, 0.0), "▁▁"),
        ((0.0, 0.0001, 1000.0), "▁▂█"),
        ((None, 1.0, NAN, 0.0), " █ ▁"),
        ((None, None), "  "),
        ((-3.0, 7.0), "▁█"),
        ((1.0, math.inf, 2.0), "▅██"),
        ((math.inf,), "█"),
    ],
)
def test_a_bar_is_a_value_from_zero_to_the_largest(
    values: tuple[float | None, ...], drawn: str
) -> None:
    assert spark(values) == drawn


def test_a_given_top_makes_rows_comparable() -> None:
    assert spark((1.0, 5.0, 10.0, 99.0), top=10.0) == "▂▅██"


def test_ascii_draws_the_same_heights() -> None:
    values = (0.0, 1.0, 2.0, None, 4.0, 5.0, 6.0, 7.0)
    assert spark(values, ascii=True) == "_.: =+*#"


NUMBERS = st.none() | st.just(NAN) | st.floats(min_value=0, allow_nan=False)


@given(st.lists(NUMBERS))
def test_zero_no_data_and_something_never_look_alike(values: list[float | None]) -> None:
    bars, plain = spark(values), spark(values, ascii=True)
    assert len(bars) == len(plain) == len(values)
    for value, bar, letter in zip(values, bars, plain, strict=True):
        if value is None or math.isnan(value):
            assert bar == letter == GAP
        else:
            assert (bar == BARS[0]) is (value == 0)
            assert ASCII_BARS.index(letter) == BARS.index(bar)


@given(st.lists(st.floats(min_value=0, max_value=1e9), min_size=1))
def test_more_is_never_a_lower_bar(values: list[float]) -> None:
    ascending = sorted(values)
    heights = [BARS.index(bar) for bar in spark(ascending)]
    assert heights == sorted(heights)
    assert heights[-1] == (len(BARS) - 1 if ascending[-1] else 0)
