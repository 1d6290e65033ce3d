"""The table of services: every column has a value, a cell and PromQL, and nothing is invented."""

from __future__ import annotations

import dataclasses
import math

import pytest

from tests.model.frames import Series, buckets, frame, metric, requests
from tui.model import labels, questions
from tui.model.frame import Frame, Presence, Table
from tui.model.health import Level
from tui.model.mesh import services
from tui.view.services import COLUMNS, Line, lacks_buckets, why_empty, worst_first
from tui.view.table import Column

COLUMN = {column.key: column for column in COLUMNS}

JSON_KEYS = {
    "namespace", "service", "requests_per_second", "error_ratio", "client_error_ratio",
    "p50_seconds", "p95_seconds", "p99_seconds", "request_bytes_per_second",
    "response_bytes_per_second", "mtls_ratio", "health",
}  # fmt: skip


def line(*series: Series) -> Line:
    (service,) = services(frame(*series))
    return Line(service)


def texts(shown: Line) -> dict[str, str]:
    return {column.key: column.cell(shown).text for column in COLUMNS}


def test_the_keys_that_scripts_rely_on_are_there_and_no_key_twice() -> None:
    keys = [column.key for column in COLUMNS]
    assert set(keys) >= JSON_KEYS
    assert len(set(keys)) == len(keys)


def test_no_two_columns_answer_to_the_same_word() -> None:
    words = [word for column in COLUMNS for word in column.words]
    assert len(set(words)) == len(words)


def test_a_busy_service_reads_as_a_person_would_write_it() -> None:
    shown = texts(
        line(
            requests(95),
            requests(5, response_code="503"),
            *buckets({"5": 50, "10": 99, "25": 100, "+Inf": 100}),
            metric("istio_request_bytes_sum", 1500),
            metric("istio_response_bytes_sum", 20_000),
        )
    )
    assert shown["requests_per_second"] == "100"
    assert shown["error_ratio"] == "5.00%"
    assert shown["p50_seconds"] == "5.0ms"
    assert shown["mtls_ratio"] == "100%"
    assert shown["health"] == "▲ degraded"


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_a_service_without_any_data_has_no_numbers(column: Column[Line]) -> None:
    tcp = line(metric(labels.TCP_REQUEST_BYTES, 0))
    value = column.value(tcp)
    assert value is None or isinstance(value, str | list) or value == 0
    assert "nan" not in column.cell(tcp).text.lower()


def test_what_only_speaks_tcp_says_so_and_shows_no_error_ratio() -> None:
    shown = texts(line(metric(labels.TCP_REQUEST_BYTES, 2048)))
    assert shown["error_ratio"] == "–"
    assert shown["requests_per_second"] == "–"
    assert shown["health"] == "? tcp"
    assert shown["bytes_per_second"] not in ("–", "0")


def test_a_quantile_in_the_last_bucket_is_at_least_and_a_thin_one_is_marked() -> None:
    shown = texts(line(requests(10), *buckets({"5": 1, "3600000": 2, "+Inf": 10})))
    assert shown["p99_seconds"].startswith("≥")
    thin = line(requests(0.02), *buckets({"5": 0.02, "+Inf": 0.02}))
    assert texts(thin)["p99_seconds"].startswith("~")
    assert COLUMN["p99_seconds"].cell(thin).dim


def test_a_histogram_without_observations_is_no_data_and_never_nan() -> None:
    idle = line(requests(0), *buckets({"5": 0, "+Inf": 0}))
    assert idle.service.latency is not None
    assert math.isnan(idle.service.latency.values[0])
    assert COLUMN["p50_seconds"].value(idle) is None
    assert texts(idle)["p50_seconds"] == "–"


def test_a_mean_is_marked_as_one() -> None:
    queries = questions.service_queries(means=True)
    series = (
        requests(10),
        metric("istio_request_duration_milliseconds_sum", 120),
        metric("istio_request_duration_milliseconds_count", 10),
    )
    (service,) = services(frame(*series, queries=queries))
    shown = texts(Line(service))
    assert shown["p50_seconds"] == "μ12ms"
    assert shown["p99_seconds"] == "–"
    assert COLUMN["mean_seconds"].value(Line(service)) == pytest.approx(0.012)


def test_worst_first_is_health_then_errors_then_traffic() -> None:
    def named(name: str, ok: float, bad: float) -> list[Series]:
        return [
            requests(ok, destination_service_name=name),
            requests(bad, destination_service_name=name, response_code="500"),
        ]

    found = services(
        frame(*named("fine", 50, 0), *named("busy", 90, 0), *named("few", 99, 1),
              *named("more", 95, 5), *named("down", 0.5, 1))
    )  # fmt: skip
    order = sorted(map(Line, found), key=worst_first, reverse=True)
    assert [x.service.key.name for x in order] == ["down", "more", "few", "busy", "fine"]


def test_errors_too_young_for_a_rate_are_shown_as_a_count() -> None:
    plain = frame(requests(10))
    young = Table(questions.SERVICE, {("reviews", "default", ""): 3.0})
    tables = {**plain.tables, questions.NEW_ERRORS: young}
    (service,) = services(dataclasses.replace(plain, tables=tables))
    cell = COLUMN["error_ratio"].cell(Line(service))
    assert (cell.text, cell.level) == ("3 new", Level.DEGRADED)


def test_hostile_names_are_harmless_in_cells_and_whole_in_values() -> None:
    hostile = "a\x1b[31m\u202egnp\n" + "x" * 10_000
    (service,) = services(frame(requests(1, destination_service_name=hostile)))
    cell = COLUMN["service"].cell(Line(service)).text
    assert "\x1b" not in cell
    assert "\u202e" not in cell
    assert "\n" not in cell
    assert len(cell) <= 256
    assert COLUMN["service"].value(Line(service)) == hostile


def _empty(presence: Presence, reason: str = "") -> Frame:
    table: Table[float] = Table((), {}, presence, reason)
    tables = {questions.SERVED: table, questions.CALLED: table}
    return Frame(0.0, 60.0, "prometheus http://p:9090", tables)


@pytest.mark.parametrize(
    ("presence", "reason", "said"),
    [
        (Presence.ABSENT, "", "has no istio_requests_total"),
        (Presence.NO_RATE, "needs a second scrape", "needs a second scrape"),
        (Presence.NO_RATE, "", "idle"),
        (Presence.PRESENT, "", "idle"),
        (Presence.FAILED, "query timed out", "query timed out"),
    ],
)
def test_every_empty_table_says_why(presence: Presence, reason: str, said: str) -> None:
    sentence = why_empty(_empty(presence, reason), ["shop"])
    assert said in sentence
    assert "\n" not in sentence


def test_means_are_wanted_only_where_buckets_are_absent() -> None:
    assert lacks_buckets(frame(requests(1)))
    assert not lacks_buckets(frame(requests(1), *buckets({"5": 1, "+Inf": 1})))
    assert not lacks_buckets(frame())
