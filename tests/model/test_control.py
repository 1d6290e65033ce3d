"""The control plane: no data, zero and idle are three things, and nothing is counted twice."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.control import START, WINDOW, Watch, watched
from tui.model import istiod
from tui.model.control import DEFAULT, ControlPlane, Count, Detail, control_plane
from tui.model.frame import Frame, Key, Kind, Presence, Query, Table
from tui.model.health import Level
from tui.model.istiod import control_queries

QUERIES = {query.table: query for query in control_queries(("a:15014",))}
A, B = ("istiod", "a:15014", "istiod-a"), ("istiod", "b:15014", "istiod-b")
ALIVE: dict[Key, Any] = {(*A, istiod.UPTIME): 100.0}


def frame(**rows: dict[Key, Any]) -> Frame:
    """A frame in which every query was answered, by these rows or by none."""

    def table(query: Query) -> Table[Any]:
        found = rows.get(query.table, {})
        present = found or query.kind is Kind.BORN
        return Table(query.by, found, Presence.PRESENT if present else Presence.ABSENT)

    return Frame(START, WINDOW, "by hand", {x: table(query) for x, query in QUERIES.items()})


def plane(**rows: dict[Key, Any]) -> ControlPlane:
    return control_plane(frame(**rows))


def without(found: Frame, table: str, presence: Presence) -> Frame:
    """The frame, had this query got no answer."""
    empty: Table[Any] = Table(QUERIES[table].by, {}, presence, "because")
    return replace(found, tables={**found.tables, table: empty})


def test_a_refresh_takes_at_most_twelve_queries_and_two_probes_fit_in() -> None:
    assert len(control_queries()) == 8
    assert len(control_queries(("a", "b"))) == 10
    assert len({query.table for query in QUERIES.values()}) == 10


def test_processes_are_asked_for_by_the_instances_that_are_istiods() -> None:
    by_metric = {query.metric: query for query in control_queries(("b:1", "a:1"))}
    for metric in (istiod.CPU, istiod.MEMORY):
        (match,) = by_metric[metric].where
        assert match.accepts("a:1")
        assert not match.accepts("application:8080")
    assert not {istiod.CPU, istiod.MEMORY} & {query.metric for query in control_queries()}


def test_two_istiods_in_good_health() -> None:
    found = watched("a:15014", "b:15014").plane()
    assert [x.key.name for x in found.istiods] == ["a:15014", "b:15014"]
    assert found.instances == {"a:15014", "b:15014"}
    assert [x.proxies for x in found.istiods] == [12.0, 12.0]
    assert [x.pushes for x in found.istiods] == pytest.approx([21.0, 21.0], rel=0.01)
    assert [x.cpu for x in found.istiods] == pytest.approx([0.35, 0.35])
    assert [x.goroutines for x in found.istiods] == [884.0, 884.0]
    assert found.pushes == pytest.approx(
        {"cds": 8.0, "eds": 18.0, "lds": 8.0, "nds": 2.0, "rds": 6.0}, rel=0.01
    )
    assert found.convergence is not None
    assert 0.1 < found.convergence.values[0] <= 0.5
    assert [tuple(x) for x in found.versions] == [("pilot", "1.24.1", 2.0)]
    assert found.details(istiod.CONFIG_EVENTS).keys() == {
        Detail("VirtualService", "update"), Detail("DestinationRule", "add"),
    }  # fmt: skip
    assert found.root_expiry == pytest.approx(10 * 365 * 86_400 - 60)


def test_errors_that_were_never_counted_are_zero_while_istiod_is_alive() -> None:
    found = watched().plane()
    assert found.quiet
    assert found.count(istiod.REJECTS) == Count(0.0, 0.0)
    assert found.send_errors == Count(0.0, 0.0)
    assert found.state("pilot_vservice_dup_domain") == 0


@pytest.mark.parametrize("errors", [(istiod.REJECTS,), istiod.SIGNING_ERRORS])
def test_errors_of_nobody_are_unknown(errors: tuple[str, ...]) -> None:
    nobody = plane()
    assert nobody.istiods == ()
    assert nobody.count(*errors) is None
    assert nobody.send_errors is None
    assert nobody.pushes is None
    assert nobody.state(istiod.CONFLICTS[0]) is None
    assert (nobody.convergence, nobody.root_expiry) == (None, None)


def test_an_istiod_that_died_says_no_more_that_there_are_no_errors() -> None:
    watch = watched()
    watch.istiods["a:15014"].reject("cds", 2.0)
    watch.scrape(2)
    watch.scrape(1, dead=("a:15014",))
    found = watch.plane()
    assert found.istiods == ()
    assert found.count(istiod.INTERNAL_ERRORS) is None
    rejects = found.count(istiod.REJECTS)
    assert rejects is not None, "what it counted while it lived stays known"
    assert rejects.per_second > 0


def test_one_scrape_knows_no_rate_and_so_no_zero() -> None:
    found = watched(times=1).plane()
    assert len(found.istiods) == 1
    assert found.count(istiod.REJECTS) is None
    assert found.send_errors is None
    assert found.pushes is None


@pytest.mark.parametrize("presence", [Presence.FAILED, Presence.NO_RATE, Presence.NOT_ASKED])
def test_a_question_without_an_answer_is_no_zero(presence: Presence) -> None:
    alive = frame(**{istiod.STATE: ALIVE})
    assert control_plane(alive).count(istiod.REJECTS) == Count()
    found = control_plane(without(alive, istiod.COUNTS, presence))
    assert found.count(istiod.REJECTS) is None
    assert found.send_errors == Count(), "that was another question"
    found = control_plane(without(alive, istiod.PUSHES, presence))
    assert (found.send_errors, found.pushes) == (None, None)


def test_a_frame_that_nobody_asked_anything_of_is_an_empty_plane() -> None:
    found = control_plane(Frame(START, WINDOW, "by hand"))
    assert (found.istiods, found.versions, found.quiet) == ((), (), False)


def test_idle_is_no_zero() -> None:
    watch = watched()
    watch.istiods["a:15014"].rest()
    watch.scrape(6)
    found = watch.plane()
    assert found.convergence is not None
    assert math.isnan(found.convergence.values[-1])
    assert DEFAULT.slow(found.convergence.values[-1]) is Level.IDLE
    assert found.pushes == dict.fromkeys(("cds", "eds", "lds", "nds", "rds"), 0.0)


def test_trouble_shows_and_mended_trouble_goes() -> None:
    watch = watched()
    one = watch.istiods["a:15014"]
    one.reject("cds", 1.0)
    one.reject("lds", 0.5)
    one.fail_sends("eds", 1.0)
    one.conflict(3)
    one.break_injection(1.0)
    one.break_signing(1.0)
    one.refuse_validation(1.0)
    one.take(25)
    one.expire(86_400.0)
    watch.scrape(9)
    found = watch.plane()
    assert found.count(istiod.REJECTS) == pytest.approx((1.5, 0.0), rel=0.05)
    assert found.details(istiod.REJECTS).keys() == {Detail("cds"), Detail("lds")}
    for metrics in (istiod.SIGNING_ERRORS, (istiod.NOT_INJECTED,), (istiod.INVALID,)):
        assert found.count(*metrics) == pytest.approx((1.0, 0.0), rel=0.05)
    assert found.failed_sends.keys() == {"eds"}
    assert found.send_errors == pytest.approx((1.0, 0.0), rel=0.05)
    assert found.pushes is not None
    assert "eds_senderr" not in found.pushes
    assert found.istiods[0].pushes == pytest.approx(21.0, rel=0.01), "failed ones were not sent"
    assert found.state("pilot_conflict_inbound_listener") == 3
    assert found.convergence is not None
    assert found.convergence.values[-1] > 20
    assert found.convergence.capped[-1]
    assert found.root_expiry == pytest.approx(86_400 - 8 * 15)
    one.mend()
    watch.scrape(9)
    found = watch.plane()
    assert found.count(istiod.REJECTS) == Count(0.0, 0.0)
    assert found.state("pilot_conflict_inbound_listener") == 0


def test_a_first_error_that_no_rate_shows_is_there() -> None:
    born: dict[Key, Any] = {(*A, istiod.REJECTS, "cds", "", ""): 2.0}
    sends: dict[Key, Any] = {(*A, "eds_senderr"): 1.0}
    found = plane(**{
        istiod.STATE: ALIVE, istiod.NEW_ERRORS: born, istiod.NEW_SEND_ERRORS: sends,
    })  # fmt: skip
    assert found.count(istiod.REJECTS) == Count(0.0, 2.0)
    assert found.details(istiod.REJECTS) == {Detail("cds"): Count(0.0, 2.0)}
    assert found.failed_sends == {"eds": Count(0.0, 1.0)}
    assert found.send_errors == Count(0.0, 1.0)


def test_what_two_jobs_scrape_is_counted_once() -> None:
    other = ("kubernetes-pods", *A[1:])
    keys = (A, other, B)
    state: dict[Key, Any] = {(*key, istiod.PROXIES): 5.0 for key in keys}
    pushes: dict[Key, Any] = {(*key, "cds"): 2.0 for key in keys}
    found = plane(**{istiod.STATE: state, istiod.PUSHES: pushes})
    assert [x.key for x in found.istiods] == [A, B]
    assert found.states == {istiod.PROXIES: 10.0}
    assert found.pushes == {"cds": 4.0}
    assert [match.accepts("kubernetes-pods") for match in found.where] == [False]


def test_pods_behind_one_instance_are_several_istiods() -> None:
    state: dict[Key, Any] = {("f", "federation:80", pod, istiod.PROXIES): 5.0 for pod in "xy"}
    found = plane(**{istiod.STATE: state})
    assert [x.key.name for x in found.istiods] == ["x", "y"]
    assert found.where == ()


def test_without_labels_there_is_one_istiod_and_no_instance_to_ask_by() -> None:
    state: dict[Key, Any] = {("", "", "", istiod.PROXIES): 5.0}
    found = plane(**{istiod.STATE: state})
    assert [(x.key.name, x.proxies) for x in found.istiods] == [("istiod", 5.0)]
    assert found.instances == frozenset()


def test_the_certificate_that_ends_first_counts() -> None:
    state: dict[Key, Any] = {
        (*A, istiod.ROOT_EXPIRY): START + 90,
        (*B, istiod.ROOT_EXPIRY): START - 30,
        (*B, istiod.CHAIN_EXPIRY): math.nan,
    }
    found = plane(**{istiod.STATE: state})
    assert (found.root_expiry, found.chain_expiry) == (-30, None)


@pytest.mark.parametrize(
    ("p99", "level"),
    [(math.nan, Level.IDLE), (0.5, Level.HEALTHY), (5.0, Level.HEALTHY), (5.1, Level.DEGRADED),
     (29.9, Level.DEGRADED), (30.0, Level.FAILING)],
)  # fmt: skip
def test_slowness_is_judged(p99: float, level: Level) -> None:
    assert DEFAULT.slow(p99) is level


@pytest.mark.parametrize(
    ("days", "level"),
    [(-1.0, Level.FAILING), (6.9, Level.FAILING), (7.0, Level.DEGRADED), (29.9, Level.DEGRADED),
     (30.0, Level.HEALTHY), (math.nan, Level.UNKNOWN), (None, Level.UNKNOWN)],
)  # fmt: skip
def test_expiry_is_judged(days: float | None, level: Level) -> None:
    assert DEFAULT.expiry(None if days is None else days * 86_400) is level


def test_an_istiod_that_comes_late_is_alive_before_it_has_rates() -> None:
    watch = watched("a:15014")
    watch.start("b:15014")
    watch.scrape()
    late = watch.plane().istiods[1]
    assert (late.proxies, late.pushes, late.cpu) == (12.0, None, None)


def test_a_restart_is_no_fall() -> None:
    watch: Watch = watched()
    watch.start("a:15014")
    watch.scrape(2)
    found = watch.plane()
    assert found.pushes is not None
    assert all(rate >= 0 for rate in found.pushes.values())
    assert found.istiods[0].uptime == 3615
