"""The control plane's measures: each says how well it is, and what is missing is no zero."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.control import START, WINDOW, watched
from tui import report
from tui.model import istiod
from tui.model.control import control_plane
from tui.model.frame import Frame, Presence, Table
from tui.model.health import Level
from tui.view.control import COLUMNS, ISTIODS, why_empty
from tui.view.measures import NO_DATA, Measure, measures, worst

NOTHING = Frame(START, WINDOW, "by hand")
HOSTILE = "\x1b[31mred\u202e\n" + "x" * 10_000

EXPECTED = {
    "istiods", "connected_proxies", "pushes_per_second", "convergence_p50_seconds",
    "convergence_p99_seconds", "queue_p50_seconds", "queue_p99_seconds", "send_errors_per_second",
    "rejects_per_second", "internal_errors_per_second", "write_timeouts_per_second",
    "config_events_per_second", "registry_events_per_second", "conflicts",
    "signing_requests_per_second", "signed_per_second", "signing_errors_per_second",
    "root_expiry_seconds", "chain_expiry_seconds", "validated_per_second",
    "validation_failures_per_second", "validation_errors_per_second", "injected_per_second",
    "injection_failures_per_second",
}  # fmt: skip


def shown(frame: Frame) -> dict[tuple[str, str], Measure]:
    found = measures(control_plane(frame))
    by_name = {(x.key, x.of): x for x in found}
    assert len(by_name) == len(found), "no measure is there twice"
    return by_name


def test_the_keys_that_scripts_rely_on_are_there_in_any_state() -> None:
    for frame in (NOTHING, watched(times=1).frame(), watched().frame()):
        assert {key for key, of in shown(frame) if not of} == EXPECTED


def test_every_measure_has_its_promql() -> None:
    watch = watched()
    watch.istiods["a:15014"].reject("cds")
    watch.scrape(5)
    found = shown(watch.frame())
    assert {key for key, of in found if of} == {
        "connected_proxies", "pushes_per_second", "cpu_cores", "memory_bytes", "goroutines",
        "uptime_seconds", "rejects_per_second", "config_events_per_second",
        "registry_events_per_second", "components_running",
    }  # fmt: skip
    assert all(x.promql for x in found.values())


def test_a_healthy_control_plane_is_healthy() -> None:
    found = shown(watched().frame())
    assert {x.level for x in found.values()} == {Level.HEALTHY, None}
    assert worst(found.values()) is Level.HEALTHY
    assert found["rejects_per_second", ""].text == "0"
    assert found["cpu_cores", "a:15014"].text == "0.35"
    assert found["memory_bytes", "a:15014"].text == "180MB"
    assert found["root_expiry_seconds", ""].text == "3650d"
    assert found["components_running", "pilot 1.24.1"].value == 1


def test_nothing_known_is_no_zero_anywhere() -> None:
    found = shown(NOTHING)
    assert {x.value for x in found.values()} == {None}
    assert {x.text for x in found.values()} == {"–"}
    assert {x.level for x in found.values()} == {Level.UNKNOWN}
    assert all(x.words for x in found.values())
    assert worst(found.values()) is Level.UNKNOWN


def test_idle_zero_and_no_data_read_differently() -> None:
    watch = watched()
    watch.istiods["a:15014"].rest()
    watch.scrape(6)
    found = shown(watch.frame())
    idle, zero = found["convergence_p99_seconds", ""], found["rejects_per_second", ""]
    assert (idle.value, idle.text, idle.level) == (None, "idle", Level.IDLE)
    assert (zero.value, zero.text, zero.level) == (0.0, "0", Level.HEALTHY)
    assert found["pushes_per_second", ""].level is Level.IDLE
    unknown = shown(NOTHING)["rejects_per_second", ""]
    assert (unknown.value, unknown.text, unknown.words) == (None, "–", NO_DATA)
    assert worst(found.values()) is Level.HEALTHY, "an idle control plane is well"


@pytest.mark.parametrize(
    ("trouble", "key", "level"),
    [
        ("reject", "rejects_per_second", Level.DEGRADED),
        ("fail_sends", "send_errors_per_second", Level.DEGRADED),
        ("conflict", "conflicts", Level.DEGRADED),
        ("break_injection", "injection_failures_per_second", Level.DEGRADED),
        ("break_signing", "signing_errors_per_second", Level.DEGRADED),
        ("refuse_validation", "validation_failures_per_second", Level.HEALTHY),
    ],
)
def test_each_trouble_is_told_in_its_own_measure(trouble: str, key: str, level: Level) -> None:
    watch = watched()
    getattr(watch.istiods["a:15014"], trouble)()
    watch.scrape(5)
    found = shown(watch.frame())
    value = found[key, ""].value
    assert value is not None
    assert value > 0
    assert found[key, ""].level is level
    assert found[key, ""].words
    assert worst(found.values()) is level
    others = {x.key for x in found.values() if x.level not in (Level.HEALTHY, None)}
    assert others <= {key}


@pytest.mark.parametrize(
    ("seconds", "level", "text"),
    [(8.0, Level.DEGRADED, "9."), (45.0, Level.FAILING, "≥30")],
)
def test_slow_pushes_are_told(seconds: float, level: Level, text: str) -> None:
    watch = watched()
    watch.istiods["a:15014"].take(seconds)
    watch.scrape(6)
    p99 = shown(watch.frame())["convergence_p99_seconds", ""]
    assert p99.level is level
    assert p99.text.startswith(text)
    assert p99.words == "proxies get changes late"


@pytest.mark.parametrize(
    ("seconds", "level", "text", "words"),
    [(20 * 86_400.0, Level.DEGRADED, "20d", "renew it"), (3600.0, Level.FAILING, "1h", "renew it"),
     (-120.0, Level.FAILING, "-2m", "has expired")],
)  # fmt: skip
def test_an_end_of_the_root_is_told(seconds: float, level: Level, text: str, words: str) -> None:
    watch = watched(times=4)
    watch.istiods["a:15014"].expire(seconds)
    watch.scrape()
    root = shown(watch.frame())["root_expiry_seconds", ""]
    assert (root.level, root.text, root.words) == (level, text, words)


def test_a_first_reject_is_new() -> None:
    frame = watched().frame()
    by = frame.tables[istiod.NEW_ERRORS].by
    born = Table(by, {("", "a:15014", "", istiod.REJECTS, "cds", "", ""): 3.0})
    found = shown(replace(frame, tables={**frame.tables, istiod.NEW_ERRORS: born}))
    for of in ("", "cds"):
        measure = found["rejects_per_second", of]
        assert (measure.value, measure.text, measure.new) == (0.0, "3 new", 3.0)
        assert measure.level is Level.DEGRADED


@pytest.mark.parametrize("form", ["table", "wide", "csv", "md", "json"])
def test_reports_print_hostile_names_harmlessly(form: str) -> None:
    watch = watched()
    watch.istiods["a:15014"].reject(HOSTILE)
    watch.istiods["a:15014"].tag = HOSTILE
    watch.scrape(5)
    frame = watch.frame()
    text = report.render(form, COLUMNS, measures(control_plane(frame)), frame)
    assert text.isascii() or not {"\x1b", "\u202e"} & set(text)
    assert "[31mred" in text or r"\[31mred" in text
    if form == "json":
        rows = json.loads(text)["rows"]
        assert {row["measure"] for row in rows} >= EXPECTED
        (rejects,) = (r for r in rows if r["measure"] == "rejects_per_second" and r["of"])
        assert rejects["of"] == HOSTILE
        assert rejects["health"] == "degraded"
    else:
        assert max(map(len, text.splitlines())) < 1000


def test_json_has_null_where_there_is_no_data() -> None:
    text = report.render("json", COLUMNS, measures(control_plane(NOTHING)), NOTHING)
    assert {row["value"] for row in json.loads(text)["rows"]} == {None}


def test_istiods_have_a_table_of_their_own() -> None:
    watch = watched("a:15014", "b:15014")
    frame = watch.frame()
    text = report.render("csv", ISTIODS, control_plane(frame).istiods, frame)
    head, *rows = text.splitlines()
    assert head == (
        "at,istiod,connected_proxies,pushes_per_second,cpu_cores,memory_bytes,goroutines,"
        "uptime_seconds"
    )
    assert [row.split(",")[1] for row in rows] == ["a:15014", "b:15014"]
    assert rows[0].endswith(",180060000.0,884.0,3660.0")


@pytest.mark.parametrize(
    ("presence", "words"),
    [
        (Presence.FAILED, "did not answer the question about istiod: because"),
        (Presence.NO_RATE, "because"),
        (Presence.ABSENT, "nobody scrapes its port 15014"),
        (Presence.NOT_ASKED, "wait for the next refresh"),
    ],
)
def test_why_there_is_no_istiod_is_told(presence: Presence, words: str) -> None:
    state: Table[float] = Table((), {}, presence, "because")
    sentence = why_empty(replace(NOTHING, tables={istiod.STATE: state}))
    assert words in sentence
    assert sentence.count(". ") == 0
