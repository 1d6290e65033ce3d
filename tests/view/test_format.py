from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.view import format
from tui.view.format import age, count, duration, rate, ratio, size

Show = Callable[[float | None], str]

ALL = pytest.mark.parametrize("show", [rate, ratio, duration, size, age, count])
AMOUNTS = st.floats(0, allow_nan=False, allow_infinity=False)
USUAL = st.floats(1e-6, 1e7)

_UNITS = {
    "": 1.0, "%": 1.0, "B": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15,
}  # fmt: skip
_TIMES = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def read(text: str, show: Show) -> float:
    """A shown number read back; `<` and `>` put it beside the number that they name."""
    units = _TIMES if show in (duration, age) else _UNITS
    parts = re.findall(r"(\d+(?:\.\d+)?)([a-zµA-Z%]*)", text)
    assert parts, text
    value = sum(float(number) * units[unit] for number, unit in parts)
    return value * {"<": 0.5, ">": 1.5}.get(text[0], 1.0)


@pytest.mark.parametrize(
    ("show", "x", "text"),
    [
        (rate, 0, "0"),
        (rate, 0.0099, "<0.01"),
        (rate, 0.04, "0.04"),
        (rate, 1.234, "1.23"),
        (rate, 9.996, "10.0"),
        (rate, 99.96, "100"),
        (rate, 812.4, "812"),
        (rate, 999.4, "999"),
        (rate, 999.96, "1.0k"),
        (rate, 1234, "1.2k"),
        (rate, 99_960, "100k"),
        (rate, 999_600, "1.0M"),
        (rate, 1e30, ">999P"),
        (rate, -3.0, "-3.00"),
        (ratio, 0, "0%"),
        (ratio, 1e-9, "<0.01%"),
        (ratio, 0.0012, "0.12%"),
        (ratio, 0.123, "12.3%"),
        (ratio, 0.9997, "99.97%"),
        (ratio, 0.999999, "99.99%"),
        (ratio, 1, "100%"),
        (ratio, 1 - 1e-14, "100%"),
        (ratio, 1.5, "150%"),
        (ratio, 1e9, ">9999%"),
        (duration, 0, "0ms"),
        (duration, 1e-9, "<1µs"),
        (duration, 0.0009996, "1.0ms"),
        (duration, 0.0034, "3.4ms"),
        (duration, 0.00996, "10ms"),
        (duration, 0.812, "812ms"),
        (duration, 0.9996, "1.00s"),
        (duration, 1.25, "1.25s"),
        (duration, 59.96, "1m"),
        (duration, 90, "1m30s"),
        (duration, 120, "2m"),
        (duration, 125, "2m05s"),
        (duration, 3599.7, "1h"),
        (duration, 86_399, "1d"),
        (duration, 90_000, "1d01h"),
        (duration, 1e12, ">9999d"),
        (size, 0, "0B"),
        (size, 0.3, "<1B"),
        (size, 999.6, "1.0kB"),
        (size, 1234, "1.2kB"),
        (size, 3.4e6, "3.4MB"),
        (size, 99.96e6, "100MB"),
        (age, -2, "0s"),
        (age, 0.4, "<1s"),
        (age, 12.9, "12s"),
        (age, 59.9, "59s"),
        (age, 200, "3m"),
        (age, 7300, "2h"),
        (age, 5 * 86_400, "5d"),
        (count, 0, "0"),
        (count, 0.2, "<1"),
        (count, 99_999, "99999"),
        (count, 99_999.6, "100k"),
        (count, 1.23e6, "1.2M"),
    ],
)
def test_shows(show: Show, x: float, text: str) -> None:
    assert show(x) == text


@ALL
def test_nothing_is_a_dash(show: Show) -> None:
    assert show(None) == show(math.nan) == format.MISSING


@ALL
def test_without_end(show: Show) -> None:
    assert show(math.inf) == "∞"


@ALL
@given(x=AMOUNTS)
def test_six_characters_are_enough(show: Show, x: float) -> None:
    assert 1 <= len(show(x)) <= 6


@ALL
@given(x=AMOUNTS.filter(bool))
def test_what_is_not_zero_never_looks_like_it(show: Show, x: float) -> None:
    assert re.search(r"[1-9]", show(x))


@ALL
@given(x=USUAL, y=USUAL)
def test_more_never_looks_like_less(show: Show, x: float, y: float) -> None:
    low, high = sorted((x, y))
    assert read(show(low), show) <= read(show(high), show)


@pytest.mark.parametrize("show", [rate, size, count])
@given(x=AMOUNTS)
def test_no_unit_reaches_the_next(show: Show, x: float) -> None:
    assert not re.match(r"1000[A-Za-z]", show(x))


@pytest.mark.parametrize(
    ("show", "factor", "least", "most"),
    [(rate, 1, 0.1, 1e12), (size, 1, 10, 1e12), (duration, 1, 1e-4, 1e8), (ratio, 0.01, 1e-3, 90)],
)
@given(share=st.floats(0, 1))
def test_shown_is_near_the_truth(
    show: Show, factor: float, least: float, most: float, share: float
) -> None:
    """Two digits at least: 6 % is half of the second one of `1.0`, and a little."""
    x = least * (most / least) ** share
    assert math.isclose(read(show(x), show) * factor, x, rel_tol=0.06)


@pytest.mark.parametrize("show", [rate, ratio, duration, size, count])
@given(x=USUAL)
def test_a_negative_number_has_its_sign(show: Show, x: float) -> None:
    assert show(-x) == "-" + show(x)
