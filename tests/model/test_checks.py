"""Checks: what may be written, what it means, and that nothing is ever run."""

from __future__ import annotations

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.checks import LONGEST, CheckError, Kind, Value, parse

VERDICTS = ("worse", "better", "no difference seen")
VALUES: dict[str, Value] = {
    "A.error_ratio": 0.005, "B.error_ratio": 0.08, "A.requests": 1200.0, "B.requests": 300.0,
    "A.zero": 0.0, "B.missing": None, "A.nan": math.nan, "A.inf": math.inf, "verdict": "worse",
    "late": None,
}  # fmt: skip


def kind(name: str) -> Kind | None:
    if name in ("verdict", "late"):
        return VERDICTS
    return float if name in VALUES else None


def held(text: str) -> bool | None:
    return parse(text, kind, VALUES).holds(VALUES.__getitem__)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("B.error_ratio - A.error_ratio < 0.005", False),
        ("B.error_ratio - A.error_ratio < 0.08", True),
        ("B.error_ratio <= 2 * (A.error_ratio + 0.05)", True),
        ("B.error_ratio / A.error_ratio >= 16", True),
        ("-A.requests < +B.requests", True),
        ("0.001 < A.error_ratio < 0.01", True),
        ("0.001 < A.error_ratio < 0.002", False),
        ("verdict != 'worse'", False),
        ('verdict == "worse"', True),
        ("'worse' == verdict", True),
        ("not (verdict == 'worse') or A.requests > 1000", True),
        ("verdict == 'better' and A.requests > 1000", False),
        ("  A.requests == 1200  ", True),
        ("1 < 2", True),
        ("B.missing < 1", None),
        ("B.missing + 1 < 1", None),
        ("not B.missing < 1", None),
        ("A.nan < 1", None),
        ("A.inf > 1", None),
        ("A.inf - A.inf < 1", None),
        ("A.requests / A.zero < 1", None),
        ("A.requests * 1e308 * 1e308 > 1", None),
        ("late != 'worse'", None),
        ("B.missing < 1 and A.requests < 1", False),
        ("B.missing < 1 and A.requests > 1", None),
        ("B.missing < 1 or A.requests > 1", True),
        ("B.missing < 1 or A.requests < 1", None),
        ("1 < B.missing < 2 < 1", False),
    ],
)
def test_what_a_check_means(text: str, holds: bool | None) -> None:
    assert held(text) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no expression"),
        ("A.requests <", "no expression"),
        ("A.requests = 1", "no expression"),
        ("A.requests", "a check compares"),
        ("verdict", "a check compares"),
        ("A.eror_ratio < 1", "did you mean A.error_ratio?"),
        ("C.something_else < 1", "-o json"),
        ("A.b.c < 1", "A.b.c is unknown"),
        ("verdict == 'worst'", "there is worse, better"),
        ("verdict < 'worse'", "two numbers are compared"),
        ("verdict == 1", "two numbers are compared"),
        ("'worse' == 1", "two numbers are compared"),
        ("A.requests + verdict < 1", "verdict is no number"),
        ("A.requests and verdict == 'worse'", "A.requests is no condition"),
        ("(A.requests < 1) + 1 < 2", "is no number"),
        ("(1 < 2) == (2 < 3)", "two numbers are compared"),
        ("A.requests < True", "True is not allowed"),
        ("A.requests ** 2 < 1", "not allowed"),
        ("A.requests in (1, 2)", "not allowed"),
        ("A.requests is 1", "not allowed"),
        ("A.requests if 1 < 2 else 3 < 4", "not allowed"),
        ("(x := 1) < 2", "not allowed"),
        ("[1][0] < 2", "not allowed"),
        ("abs(A.requests) < 2", "not allowed"),
        ("__import__('os').system('true') == 0", "not allowed"),
        ("(lambda: 1)() < 2", "not allowed"),
        ("f'{A.requests}' == 'x'", "not allowed"),
        ("1j < 2", "not allowed"),
        ("A.requests < 1e400", "too large"),
        ("A.requests < " + "9" * 380, "too large"),
        ("A.requests < 1" + " " * LONGEST, "characters"),
        ("-" * 300 + "1 < 2", "nested"),
        ("A.requests < 1\nA.requests < 2", "no expression"),
        ("A.requests\0 < 1", "no expression"),
        ("\x1b[31m < 1", "no expression"),
    ],
)
def test_what_is_no_check_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(CheckError) as refused:
        parse(text, kind, VALUES)
    assert said in str(refused.value)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


@given(st.text(alphabet=string.printable + "\u202e\0é", max_size=60))
def test_any_text_is_a_check_or_a_sentence(text: str) -> None:
    try:
        found: bool | CheckError | None = held(text)
    except CheckError as error:
        found = None if str(error).isprintable() else error
    assert found in (True, False, None)


_NUMBERS = st.sampled_from(["A.error_ratio", "B.error_ratio", "A.requests", "A.zero", "2", "0.5"])
_SUMS = st.recursive(
    _NUMBERS,
    lambda part: st.builds("({} {} {})".format, part, st.sampled_from("+-*/"), part),
    max_leaves=8,
)
_CONDITIONS = st.recursive(
    st.builds("{} {} {}".format, _SUMS, st.sampled_from(["<", "<=", ">", "==", "!="]), _SUMS),
    lambda part: (
        st.builds("({} {} {})".format, part, st.sampled_from(["and", "or"]), part)
        | st.builds("(not ({}))".format, part)
    ),
    max_leaves=4,
)


class _Side:
    def __init__(self, side: str) -> None:
        self.__dict__.update({k[2:]: v for k, v in VALUES.items() if k.startswith(f"{side}.")})


@given(_CONDITIONS)
def test_a_decided_check_is_what_python_says(text: str) -> None:
    if len(text) > LONGEST:
        return
    try:
        wanted = bool(eval(text, {"A": _Side("A"), "B": _Side("B")}))
    except ZeroDivisionError:
        return
    assert held(text) in (wanted, None)
    if "/" not in text:
        assert held(text) is wanted
