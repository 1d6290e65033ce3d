"""Reports: the same rows in five formats, harmless whatever the names are."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.frames import buckets, frame, requests
from tui import __version__
from tui.model.frame import Frame
from tui.model.health import Level
from tui.model.mesh import services
from tui.report import instant, paragraph, render
from tui.settings import FORMATS
from tui.view.services import COLUMNS, Line
from tui.view.table import Cell, Column, Value

AT = 1_700_000_000.0
FRAME = Frame(AT, 60.0, "by hand", warnings=("one thing", "another"))
HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J", "a\nb\r\nc", "\u202eevil\u2066", "x" * 10_000, "=1+1", "@SUM(A1)",
    "a|b`c`<script>&*_[x](y)", 'say "hi", you', "\x00\x9b31m", "\ud800", "日本語", "e\u0301",
    "-cmd|' /C calc'!A0", "\u200b", "", "  = 1", "＝1", "[/bold][red]",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    name: str
    load: float | None = 1.5
    level: Level | None = None


def _load(item: Item) -> Value:
    return item.load


TABLE: tuple[Column[Item], ...] = (
    Column("name", "Name", 9, lambda i: i.name, lambda i: Cell(i.name, i.level), "", align="left"),
    Column("trend", "Trend", 9, lambda i: [i.load, math.nan], lambda i: Cell("▁▂"), ""),
    Column("spark", "Spark", 9, lambda i: [i.load], lambda i: Cell("▁▂"), "", live=True),
    Column("load_per_second", "Load", 9, _load, lambda i: Cell(str(i.load), dim=True), ""),
    Column("more_ratio", "More", 9, lambda i: 0.5, lambda i: Cell("50%"), "", wide=True),
)


def parsed(items: list[Item], **options: Any) -> dict[str, Any]:
    text = render("json", TABLE, items, FRAME, **options)
    answer: dict[str, Any] = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    return answer


def test_json_is_the_envelope_and_rows_by_key() -> None:
    answer = parsed([Item("reviews")])
    assert answer == {
        "version": __version__,
        "source": "by hand",
        "at": "2023-11-14T22:13:20Z",
        "window_seconds": 60.0,
        "warnings": ["one thing", "another"],
        "rows": [
            {"name": "reviews", "trend": [1.5, None], "load_per_second": 1.5, "more_ratio": 0.5}
        ],
    }
    assert list(answer) == ["version", "source", "at", "window_seconds", "warnings", "rows"]


@pytest.mark.parametrize("number", [None, math.nan, math.inf, -math.inf])
def test_json_has_null_for_what_is_no_number(number: float | None) -> None:
    (row,) = parsed([Item("a", number)])["rows"]
    assert row["load_per_second"] is None


def test_json_without_rows_is_still_an_answer() -> None:
    assert parsed([])["rows"] == []


def test_compact_json_is_one_line() -> None:
    text = render("json", TABLE, [Item("a"), Item("b")], FRAME, compact=True)
    assert text.count("\n") == 1
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("at", "text"),
    [(0, "1970-01-01T00:00:00Z"), (AT + 0.25, "2023-11-14T22:13:20.250Z"),
     (AT + 0.9999, "2023-11-14T22:13:20.999Z")],
)  # fmt: skip
def test_instants_are_rfc_3339_in_utc(at: float, text: str) -> None:
    assert instant(at) == text


@pytest.mark.parametrize("name", HOSTILE)
def test_json_gives_every_name_back_as_it_was(name: str) -> None:
    text = render("json", TABLE, [Item(name)], FRAME)
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert json.loads(text)["rows"][0]["name"] == name


@pytest.mark.parametrize("format", [f for f in FORMATS if f != "json"])
@pytest.mark.parametrize("name", HOSTILE)
def test_every_other_format_makes_names_harmless(format: str, name: str) -> None:
    usual = render(format, TABLE, [Item("reviews")], FRAME)
    text = render(format, TABLE, [Item(name)], FRAME)
    assert text.count("\n") == usual.count("\n")
    harmful = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert not {unicodedata.category(c) for c in text.replace("\n", "")} & harmful
    assert all(len(line) < 600 for line in text.splitlines())
    text.encode()


@given(st.lists(st.builds(Item, st.text(), st.floats() | st.none()), max_size=4))
def test_csv_reads_back_with_every_row_and_column(items: list[Item]) -> None:
    rows = list(csv.reader(io.StringIO(render("csv", TABLE, items, FRAME)), strict=True))
    assert rows[0] == ["at", "name", "trend", "load_per_second", "more_ratio"]
    assert len(rows) == 1 + len(items)
    for row, item in zip(rows[1:], items, strict=True):
        assert len(row) == len(rows[0])
        assert row[0] == "2023-11-14T22:13:20Z"
        known = item.load is not None and math.isfinite(item.load)
        assert row[3] == (repr(item.load) if known else "")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "＝1"])
def test_csv_has_no_formula(name: str) -> None:
    rows = list(csv.reader(io.StringIO(render("csv", TABLE, [Item(name, -2.5)], FRAME))))
    assert rows[1][1] == "'" + name
    assert rows[1][3] == "-2.5"


def test_csv_quotes_as_rfc_4180() -> None:
    text = render("csv", TABLE, [Item('a "b", c')], FRAME, header=False)
    assert '"a ""b"", c"' in text
    assert text.count("\n") == 1


def test_markdown_is_one_table() -> None:
    text = render("md", TABLE, [Item("reviews"), Item(HOSTILE[6])], FRAME)
    lines = text.splitlines()
    assert lines[:3] == [
        "| Name | Trend | Load |",
        "| --- | --: | --: |",
        "| reviews | ▁▂ | 1.5 |",
    ]
    assert "<" not in lines[3]
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in lines] == [4, 4, 4, 4]
    assert re.search(r"(?<!\\)[`*_\[]", lines[3]) is None


@given(st.text())
def test_markdown_has_as_many_columns_whatever_the_name(name: str) -> None:
    *_, line = render("md", TABLE, [Item(name)], FRAME).splitlines()
    cells = re.sub(r"\\.", "", line).split("|")
    assert len(cells) == 5


def test_a_table_is_aligned_by_what_a_terminal_shows() -> None:
    text = render("table", TABLE, [Item("reviews"), Item("日本"), Item("e\u0301", 1234.5)], FRAME)
    assert text == (
        "NAME      TREND     LOAD\n"
        "reviews      ▁▂      1.5\n"
        "日本         ▁▂      1.5\n"
        "e\u0301            ▁▂   1234.5\n"
    )


def test_wide_adds_the_wide_columns_and_no_table_ends_in_a_blank() -> None:
    items = [Item("reviews"), Item("a")]
    assert "MORE" in render("wide", TABLE, items, FRAME)
    assert "MORE" not in render("table", TABLE, items, FRAME)
    left = (*TABLE[1:], TABLE[0])
    assert not re.search(r" $", render("wide", left, items, FRAME), re.MULTILINE)


def test_colour_only_where_it_is_asked_for_and_it_moves_nothing() -> None:
    items = [Item("reviews", level=Level.FAILING), Item("b", level=Level.DEGRADED), Item("c")]
    plain = render("table", TABLE, items, FRAME)
    painted = render("table", TABLE, items, FRAME, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[31mreviews\x1b[0m" in painted
    assert "\x1b[33mb\x1b[0m" in painted
    bare = re.sub(r"\x1b\[\d+m", "", painted)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


def test_json_says_more_than_its_rows_where_there_is_more() -> None:
    answer = json.loads(render("json", TABLE, [Item("a")], FRAME, more={"verdict": "worse"}))
    assert list(answer)[-2:] == ["verdict", "rows"]
    for format in ("table", "csv", "md"):
        assert "worse" not in render(format, TABLE, [Item("a")], FRAME, more={"verdict": "worse"})


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("format", ["table", "wide", "md"])
def test_a_paragraph_is_one_harmless_line(format: str, name: str) -> None:
    text = paragraph(format, Cell(f"{name} is worse"), colour=True)
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    assert len(text) < 5000


def test_a_paragraph_is_escaped_for_markdown_and_painted_for_a_terminal() -> None:
    cell = Cell("a_b is *worse*", Level.FAILING)
    assert paragraph("md", cell, colour=True) == "a\\_b is \\*worse\\*\n"
    assert paragraph("table", cell, colour=True) == "\x1b[31ma_b is *worse*\x1b[0m\n"
    assert paragraph("table", cell) == "a_b is *worse*\n"


def test_the_table_of_services_has_its_keys_in_json() -> None:
    shown = frame(requests(9.0), requests(1.0, response_code="503"), *buckets({"5": 5, "+Inf": 10}))
    lines = [Line(service) for service in services(shown)]
    (row,) = json.loads(render("json", COLUMNS, lines, shown))["rows"]
    assert row.keys() == {column.key for column in COLUMNS if not column.live}
    assert row["service"] == "reviews"
    assert row["requests_per_second"] == 10.0
    assert row["error_ratio"] == 0.1
    assert row["p50_seconds"] == 0.005
    assert row["health"] == "failing"
    assert "history" not in row
