"""The tables of codes: shares add up, bars need no colour, and a sentence stands where none is."""

from __future__ import annotations

import json

import pytest

from tests.model.frames import Series, frame, requests
from tests.model.hostile import IDS, NAMES
from tui.model import labels
from tui.model.codes import Codes, code_queries, codes, total
from tui.model.frame import Frame
from tui.report import render
from tui.view.codes import (
    COLUMNS,
    FLAG_COLUMNS,
    flag_lines,
    heat,
    why_empty,
    why_no_flags,
)
from tui.view.table import Column

COLUMN = {column.key: column for column in COLUMNS}
BUSY = (
    requests(90),
    requests(4, response_code="404"),
    requests(3, response_code="503", response_flags="UO"),
    requests(2, response_code="0", response_flags="DC"),
    requests(1, grpc_response_status="4", request_protocol="grpc"),
)


def answered(*series: Series) -> Frame:
    return frame(*series, queries=code_queries())


def one(*series: Series) -> Codes:
    (found,) = codes(answered(*series))
    return found


def text(key: str, row: Codes) -> str:
    return COLUMN[key].cell(row).text


def test_shares_of_all_classes_add_up_to_one() -> None:
    row = one(*BUSY)
    shares = [COLUMN[key].value(row) for key in COLUMN if key.endswith("_ratio")]
    assert len(shares) == 8
    assert sum(share for share in shares if isinstance(share, float)) == pytest.approx(1)


def test_a_share_is_a_bar_and_a_number_and_zero_is_no_bar() -> None:
    row = one(*BUSY)
    assert text("2xx_ratio", row) == "█ 90.0%"
    assert text("5xx_ratio", row) == "▂ 3.00%"
    assert text("no_response_ratio", row) == "▂ 2.00%"
    assert text("grpc_error_ratio", row) == "▂ 1.00%"
    assert text("3xx_ratio", row) == "0%"
    assert heat(None, None).text == "–"


def test_exact_codes_and_flags_are_named_with_their_rates() -> None:
    row = one(*BUSY)
    assert text("codes", row) == "200 90.0 · 404 4.00 · 503 3.00 · 0 2.00 · DEADLINE_EXCEEDED 1.00"
    assert text("flags", row) == "UO 3.00 · DC 2.00"
    assert text("caller", row) == "–"


def test_many_codes_are_counted() -> None:
    row = one(*(requests(1, response_code=str(400 + code)) for code in range(9)))
    assert text("codes", row).endswith(" · 3 more")


def test_each_flag_has_its_meaning_and_where_to_look() -> None:
    lines = flag_lines([one(*BUSY, requests(0, response_flags="UH"))])
    shown = [[column.cell(line).text for column in FLAG_COLUMNS] for line in lines]
    assert [row[0] for row in shown] == ["UO", "DC"]
    assert "circuit breaker" in shown[0][-2]
    assert "DestinationRule" in shown[0][-1]


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_hostile_names_are_harmless_in_every_format(name: str) -> None:
    series = requests(1, **{labels.SERVICE: name, labels.CODE: name, labels.FLAGS: name})
    shown = answered(series)
    rows = [*codes(shown), total(shown, codes(shown))]
    for form in ("table", "wide", "csv", "md"):
        page = render(form, COLUMNS, rows, shown)
        page += render(form, FLAG_COLUMNS, flag_lines(rows), shown)
        assert all(character.isprintable() or character == "\n" for character in page)
    assert len(json.loads(render("json", COLUMNS, rows, shown))["rows"]) == 2


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_every_column_explains_itself_and_survives_a_row_without_requests(
    column: Column[Codes],
) -> None:
    assert column.help.endswith(".")
    row = one(requests(0))
    column.value(row)
    assert "nan" not in column.cell(row).text
    assert column.promql is None or "istio_requests_total" in column.promql(row)


def test_no_two_columns_answer_to_the_same_word() -> None:
    for columns in (COLUMNS, FLAG_COLUMNS):
        words = [word for column in columns for word in column.words]
        assert len(set(words)) == len(words)


def test_an_empty_table_says_why() -> None:
    empty = answered()
    assert "istio_requests_total" in why_empty(empty)
    assert why_no_flags(empty, []) == why_empty(empty)
    quiet = codes(answered(requests(1)))
    assert why_no_flags(empty, quiet).startswith("No request ended with a response flag")
    thin = codes(answered(requests(1, response_flags="")))
    assert "response_flags" in why_no_flags(empty, thin)
