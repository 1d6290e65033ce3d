from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.frame import Kind, Match, Query
from tui.model.promql import exists, promql, quoted

BY = ("destination_service_name", "response_code")
SERVER = Match.any_of("reporter", ("destination", "waypoint"))
PROD = Match("destination_service_namespace", "=", "prod")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query("t", "m_total", ()), "sum(rate(m_total[60s]))"),
        (
            Query("t", "m_total", BY, (SERVER, PROD)),
            "sum by (destination_service_name, response_code) "
            '(rate(m_total{reporter=~"destination|waypoint", '
            'destination_service_namespace="prod"}[60s]))',
        ),
        (
            Query("t", "m_sum", ("a",), scale=0.001),
            "sum by (a) (rate(m_sum[60s])) * 0.001",
        ),
        (
            Query("t", "m", ("a",), (Match("b", "!~", "x|y"),), Kind.GAUGE),
            'sum by (a) (m{b!~"x|y"})',
        ),
        (
            Query("t", "m", ("a",), (PROD,), Kind.BORN),
            'sum by (a) (m{destination_service_namespace="prod"} '
            'unless m{destination_service_namespace="prod"} offset 60s)',
        ),
        (
            Query("t", "m", ("a",), (SERVER,), Kind.HISTOGRAM, scale=0.001),
            'sum by (a, le) (rate(m_bucket{reporter=~"destination|waypoint"}[60s]))',
        ),
        (Query("t", "m", (), kind=Kind.HISTOGRAM), "sum by (le) (rate(m_bucket[60s]))"),
        (
            Query("t", "m", ("a",), (PROD, PROD), either=((Match("b", "=", "1"),), (SERVER,))),
            'sum by (a) (rate(m{destination_service_namespace="prod", b="1"}[60s]) or '
            'rate(m{destination_service_namespace="prod", reporter=~"destination|waypoint"}[60s]))',
        ),
        (
            Query("t", "m", ("a",), (), Kind.GAUGE, ((Match("b", "=", "1"),), (SERVER,))),
            'sum by (a) (m{b="1"} or m{reporter=~"destination|waypoint"})',
        ),
        (
            Query("t", "m", (), (), Kind.BORN, ((Match("b", "=", "1"),), (Match("c", "=", ""),))),
            'sum((m{b="1"} or m{c=""}) unless (m{b="1"} offset 60s or m{c=""} offset 60s))',
        ),
        (
            Query("t", "m", ("stat",), (PROD,), also=("n",)),
            "sum by (stat) ("
            'label_replace(rate(m{destination_service_namespace="prod"}[60s]), '
            '"stat", "m", "", "") or '
            'label_replace(rate(n{destination_service_namespace="prod"}[60s]), '
            '"stat", "n", "", ""))',
        ),
        (
            Query("t", "m", ("stat",), (), Kind.GAUGE, also=("n",), scale=2.0),
            'sum by (stat) (label_replace(m, "stat", "m", "", "") or '
            'label_replace(n, "stat", "n", "", "")) * 2.0',
        ),
        (
            Query("t", "m", (), (), either=((Match("b", "=", "1"),), ())),
            "sum(rate(m[60s]))",
        ),
    ],
)
def test_each_kind_of_query_has_its_promql(query: Query, expected: str) -> None:
    assert promql(query, 60.0) == expected


@pytest.mark.parametrize(
    ("window", "text"),
    [(60.0, "60s"), (1.0, "1s"), (0.5, "500ms"), (22.5, "22500ms"), (3600, "3600s")],
)
def test_a_window_is_whole_seconds_where_it_can_be(window: float, text: str) -> None:
    assert promql(Query("t", "m", ()), window) == f"sum(rate(m[{text}]))"


@pytest.mark.parametrize("window", [0.0, -1.0, 0.0001, float("nan"), float("inf")])
def test_a_window_that_is_none_is_refused(window: float) -> None:
    with pytest.raises(ValueError, match="window"):
        promql(Query("t", "m", ()), window)


def test_probes_count_the_series_that_the_query_selects() -> None:
    either = ((Match("b", "=", "1"),), (Match("b", "=", "2"),))
    assert exists(Query("t", "m", ("a",), (PROD,))) == (
        'count(m{destination_service_namespace="prod"})'
    )
    assert exists(Query("t", "m", ("a",), either=either)) == 'count(m{b="1"} or m{b="2"})'
    assert exists(Query("t", "m", ("a",), kind=Kind.HISTOGRAM)) == 'count(m_bucket{le="+Inf"})'


@pytest.mark.parametrize(
    "name", ["", "a b", "1a", 'a"}', "a\n", "é", "a{}", "a)) or vector(1", "a-b"]
)
def test_names_that_promql_does_not_have_are_refused(name: str) -> None:
    for query in (
        Query("t", name, ()),
        Query("t", "m", (name,)),
        Query("t", "m", (), (Match(name, "=", "x"),)),
    ):
        with pytest.raises(ValueError, match="PromQL") as caught:
            promql(query, 60.0)
        assert str(caught.value).isprintable()
    with pytest.raises(ValueError, match="PromQL"):
        exists(Query("t", name, ()))


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("reviews", '"reviews"'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ("a\nb\r\t", r'"a\nb\r\t"'),
        ("\x1b[31m\x00", r'"\x1b[31m\x00"'),
        ("\u202eevil", r'"\u202eevil"'),
        ("żółć", '"żółć"'),
        ("\U000e0041", r'"\U000e0041"'),
        ('"} or vector(1) #', r'"\"} or vector(1) #"'),
        ("\ud800", '"\ufffd"'),
    ],
)
def test_a_value_cannot_break_out_of_its_literal(value: str, literal: str) -> None:
    assert quoted(value) == literal


_GO_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\\"])|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))|([^\"\\\n])", re.DOTALL
)
_GO_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def unquote(literal: str) -> str:
    """What Go's `strconv.Unquote` makes of a double-quoted literal; fails where it would."""
    assert literal[0] == literal[-1] == '"'
    body, found, place = literal[1:-1], [], 0
    while place < len(body):
        escape = _GO_ESCAPE.match(body, place)
        assert escape is not None, f"Go refuses {literal!r} at {place}"
        letter, *codes, plain = escape.groups()
        code = next((x for x in codes if x is not None), None)
        if code is not None:
            assert not 0xD800 <= int(code, 16) <= 0xDFFF
            assert len(code) > 2 or int(code, 16) < 0x80, "a byte is no character"
            found.append(chr(int(code, 16)))
        else:
            found.append(plain if letter is None else _GO_LETTERS.get(letter, letter))
        place = escape.end()
    return "".join(found)


@given(st.text(st.characters(exclude_categories=())))
def test_go_reads_back_every_value(value: str) -> None:
    literal = quoted(value)
    assert unquote(literal) == re.sub("[\ud800-\udfff]", "\ufffd", value)
    assert not any(unicodedata.category(character)[0] == "C" for character in literal)


@given(st.lists(st.text(min_size=1), min_size=2, max_size=5, unique=True))
def test_values_joined_in_a_regular_expression_come_back(values: list[str]) -> None:
    match = Match.any_of("a", values)
    text = promql(Query("t", "m", (), (match,), Kind.GAUGE), 60.0)
    inside = text.removeprefix("sum(m{a=~").removesuffix("})")
    assert unquote(inside) == re.sub("[\ud800-\udfff]", "\ufffd", match.value)
