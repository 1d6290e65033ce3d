"""The text behind the explain key: exact, with its unit, and harmless."""

from __future__ import annotations

import pytest

from tests.model.frames import buckets, frame, requests
from tests.model.hostile import NAMES
from tui.model.mesh import services
from tui.view import explain
from tui.view.services import COLUMNS, Line

COLUMN = {column.key: column for column in COLUMNS}
FRAME = frame(
    requests(97.0),
    requests(3.0, response_code="503"),
    *buckets({"10": 50.0, "100": 100.0, "+Inf": 100.0}),
)
(SERVICE,) = services(FRAME)
LINE = Line(SERVICE, (1.0, None, 2.5))


def said(key: str, asked: bool = True) -> dict[str, str]:
    return {p.heading: p.text for p in explain.cell(COLUMN[key], LINE, asked, FRAME)}


def test_a_cell_is_explained_with_its_meaning_its_value_its_time_and_its_query() -> None:
    found = said("error_ratio")
    assert found["what"] == COLUMN["error_ratio"].help
    assert found["shown"] == "3.00%"
    assert found["exact"] == "0.03 as a share from 0 to 1"
    assert found["time"].endswith(", over 1m")
    assert found["PromQL"] == explain.promql(COLUMN["error_ratio"], LINE)
    assert "istio_requests_total" in found["PromQL"]


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("requests_per_second", "per second"),
        ("request_bytes_per_second", "bytes per second"),
        ("bytes_per_second", "bytes per second"),
        ("p99_seconds", "seconds"),
        ("mtls_ratio", "as a share from 0 to 1"),
        ("service", ""),
        ("health", ""),
    ],
)
def test_a_value_has_the_unit_of_its_columns_key(key: str, unit: str) -> None:
    assert explain.unit(COLUMN[key]) == unit


def test_every_column_with_numbers_has_a_unit() -> None:
    without = {column.key for column in COLUMNS if not explain.unit(column)}
    assert without == {"service", "namespace", "kind", "history", "health"}


def test_what_was_not_asked_and_what_has_no_data_are_told_apart() -> None:
    assert said("p99_seconds", asked=False)["exact"].startswith("not asked yet")
    assert said("p99_seconds", asked=False)["shown"] == "…"
    assert said("mean_seconds")["exact"] == "no data"


def test_a_history_says_how_many_bars_it_has() -> None:
    assert explain.exact(COLUMN["history"], LINE) == "2 bars, the newest 2.5 per second"
    assert explain.exact(COLUMN["history"], Line(SERVICE)) == "0 bars"


def test_a_row_has_every_column_and_exact_values_beside_the_short_ones() -> None:
    passages = explain.row(COLUMNS, LINE, asked=True)
    assert [p.heading for p in passages] == [column.title for column in COLUMNS]
    texts = {p.heading: p.text for p in passages}
    assert texts["SERVICE"] == "reviews"
    assert texts["RPS"].split() == ["100", "100.0", "per", "second"]
    assert texts["MEAN"] == "–"
    pending = {p.heading: p.text for p in explain.row(COLUMNS, LINE, asked=False)}
    assert pending["P99"] == "…"


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_hostile_names_do_no_harm(name: str) -> None:
    (service,) = services(frame(requests(1.0, destination_service_name=name)))
    line = Line(service)
    texts = [explain.name(line)]
    texts += (p.text for p in explain.row(COLUMNS, line, asked=True))
    for key in ("service", "requests_per_second"):
        texts += (p.text for p in explain.cell(COLUMN[key], line, True, FRAME))
    for text in texts:
        assert text.replace("\n", "").isprintable(), ascii(text)
