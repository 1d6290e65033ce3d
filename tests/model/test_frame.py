"""Matchers that no name breaks out of, and tables that nobody asked for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.hostile import IDS, NAMES
from tui.model.frame import NOT_ASKED, Frame, Histogram, Kind, Match, Presence, Query, Table

names = st.text(max_size=8) | st.text("a.|*+?()[]{}^$\\-# \n", max_size=6)


@pytest.mark.parametrize(
    ("op", "value", "accepted", "refused"),
    [
        ("=", "a", ["a"], ["", "aa", "A"]),
        ("=", "", [""], ["a"]),
        ("=", ".*", [".*"], ["", "a"]),
        ("!=", "a", ["", "b"], ["a"]),
        ("=~", "a|bc", ["a", "bc"], ["", "ab", "xa", "ac", "a\n"]),
        ("=~", "5..", ["500", "5\n0"], ["1500", "50", "5000"]),
        ("=~", "unknown|", ["unknown", ""], ["unknowns"]),
        ("=~", "", [""], ["a"]),
        ("!~", "a|bc", ["", "ab"], ["a", "bc"]),
    ],
)
def test_accepts(op: str, value: str, accepted: list[str], refused: list[str]) -> None:
    match = Match("label", op, value)  # type: ignore[arg-type]
    assert [text for text in (*accepted, *refused) if match.accepts(text)] == accepted


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_hostile_name_selects_itself_alone(name: str) -> None:
    alone = Match.any_of("label", [name])
    beside = Match.any_of("label", [name, "some other"])
    assert [text for text in NAMES if alone.accepts(text)] == [name]
    assert [text for text in NAMES if beside.accepts(text)] == [name]


@given(st.sets(names, max_size=4), st.sets(names, max_size=4))
def test_any_of_accepts_exactly_its_values(wanted: set[str], others: set[str]) -> None:
    match = Match.any_of("label", wanted)
    assert {text for text in wanted | others | {"", "x", "\n"} if match.accepts(text)} == wanted


def test_any_of_is_the_same_however_its_values_come() -> None:
    assert Match.any_of("l", ["b", "a", "b"]) == Match.any_of("l", ("a", "b"))
    assert Match.any_of("l", iter(["a", "a"])) == Match("l", "=", "a")


@pytest.mark.parametrize("value", [Match.any_of("l", NAMES).value, Match.any_of("l", []).value])
def test_any_of_writes_no_escape_that_only_python_knows(value: str) -> None:
    # RE2 takes a backslash before any ASCII punctuation or space for that character itself.
    assert not re.search(r"\\[^\W_]", re.sub(r"\\\\", "", value))


def test_narrowing_adds_matchers_and_changes_nothing_else() -> None:
    one, two = Match("a", "=", "1"), Match("b", "!=", "2")
    query = Query("t", "m", ("x", "y"), (one,), Kind.HISTOGRAM, ((two,),), 0.001)
    assert query.narrowed(two) == Query(
        "t", "m", ("x", "y"), (one, two), Kind.HISTOGRAM, ((two,),), 0.001
    )
    assert query.narrowed() == query


def test_a_table_tells_where_its_labels_stand() -> None:
    table = Table(("a", "b"), {("1", "2"): 3.0})
    assert table.columns("b", "c", "a") == (1, -1, 0)
    assert list(table) == [(("1", "2"), 3.0)]
    assert len(table) == 1
    assert table.presence is Presence.PRESENT


def test_what_nobody_asked_for_is_empty_and_says_so() -> None:
    frame = Frame(0.0, 60.0, "source", {"asked": Table((), {(): 1.0})})
    assert frame.rates("asked").rows == {(): 1.0}
    for table in (frame.rates("other"), frame.histograms("other")):
        assert table.presence is Presence.NOT_ASKED
        assert len(table) == 0
        assert table.columns("a") == (-1,)
    with pytest.raises(TypeError):
        NOT_ASKED.rows[()] = 1.0  # type: ignore[index]


def test_frames_are_compared_by_identity() -> None:
    tables = {"t": Table(("a",), {("1",): Histogram((1.0,), (1.0,))})}
    one, other = (Frame(0.0, 60.0, "source", tables) for _ in range(2))
    assert one == one
    assert one != other
