"""Which label tells versions apart, and what each of them did: all is counted once."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.frames import Series, buckets, frame, metric, requests
from tui.model import labels
from tui.model.codes import Outcome as Ending
from tui.model.compare import Version
from tui.model.frame import Frame, Kind, Presence, Table
from tui.model.questions import ServiceKey
from tui.model.versions import BORN, LOST, SERVED, State, Versions, version_queries, versions

REVIEWS = ServiceKey("service", "default", "reviews")
WINDOW = 120.0


def of(version: str, **more: str) -> dict[str, str]:
    """The labels of one version's reports."""
    told = {
        "destination_version": version,
        "destination_canonical_revision": version,
        "destination_workload": f"reviews-{version}",
    }
    return told | more


def asked(*series: Series, label: str | None = None, names: tuple[str, ...] = ()) -> Frame:
    return frame(*series, queries=version_queries(REVIEWS, label, names), window=WINDOW)


def found(*series: Series, label: str | None = None, names: tuple[str, ...] = ()) -> Versions:
    return versions(asked(*series, label=label, names=names), REVIEWS, label, names)


def named(mesh: Versions) -> dict[str, Version]:
    return {version.name: version for version in mesh.all}


def canary() -> list[Series]:
    """v1 with 16 requests a second, v3 with 4 of which 1 fails; clients report the same."""
    return [
        requests(16, **of("v1")),
        requests(3, **of("v3")),
        requests(1, **of("v3", response_code="503", response_flags="UC,URX")),
        requests(16, **of("v1", reporter="source")),
        requests(4, **of("v3", reporter="source")),
        *buckets({"5": 8, "10": 16, "+Inf": 16}, **of("v1")),
        *buckets({"5": 0, "10": 2, "+Inf": 4}, **of("v3")),
        metric("istio_request_bytes_sum", 1600, **of("v1")),
        metric("istio_response_bytes_sum", 3200, **of("v1")),
        metric("istio_request_duration_milliseconds_sum", 96, **of("v1")),
        metric("istio_request_duration_milliseconds_count", 16, **of("v1")),
    ]


def test_each_version_is_counted_once_over_the_window() -> None:
    mesh = found(*canary())
    assert (mesh.state, mesh.label, mesh.window) == (State.READY, "destination_version", WINDOW)
    v1, v3 = mesh.all
    assert (v1.name, v1.requests, v1.errors) == ("v1", 16 * WINDOW, 0)
    assert (v3.name, v3.requests, v3.errors) == ("v3", 4 * WINDOW, WINDOW)
    assert (mesh.share(v1), mesh.share(v3)) == (0.8, 0.2)
    assert v3.codes == {
        Ending("200", "-", ""): 3 * WINDOW, Ending("503", "UC,URX", ""): WINDOW,
    }  # fmt: skip
    assert v3.callers == {("default", "productpage-v1"): 4 * WINDOW}


def test_latency_is_in_counts_and_seconds_and_sizes_are_means_of_a_request() -> None:
    v1, v3 = found(*canary()).all
    assert v1.latency is not None
    assert v1.latency.bounds == (0.005, 0.01, math.inf)
    assert v1.latency.counts == (8 * WINDOW, 16 * WINDOW, 16 * WINDOW)
    assert (v1.request_bytes, v1.response_bytes) == (100, 200)
    assert v1.mean == pytest.approx(0.006)
    assert (v3.request_bytes, v3.response_bytes, v3.mean) == (None, None, None)


def test_no_more_than_six_questions_are_asked_and_each_has_its_table() -> None:
    for label in (None, "version", "pod"):
        queries = version_queries(REVIEWS, label)
        assert len({query.table for query in queries}) == len(queries) <= 6


@pytest.mark.parametrize(
    ("first", "second", "label"),
    [
        ({}, {}, "destination_version"),
        ({"destination_version": ""}, {"destination_version": ""},
         "destination_canonical_revision"),
        ({"destination_version": "v1"}, {"destination_version": "unknown"},
         "destination_canonical_revision"),
        ({"destination_version": "v1", "destination_canonical_revision": "latest"},
         {"destination_version": "v1", "destination_canonical_revision": "latest"},
         "destination_workload"),
    ],
)  # fmt: skip
def test_the_best_label_that_tells_two_apart_is_taken(
    first: dict[str, str], second: dict[str, str], label: str
) -> None:
    mesh = found(requests(3, **of("v1") | first), requests(2, **of("v3") | second))
    assert (mesh.label, mesh.state) == (label, State.READY)
    assert [version.requests for version in mesh.all] == [3 * WINDOW, 2 * WINDOW]


def test_names_that_are_given_choose_the_label_that_has_them() -> None:
    mesh = found(*canary(), names=("reviews-v3", "reviews-v1"))
    assert mesh.label == "destination_workload"
    assert found(*canary(), names=("v1", "v9")).label == "destination_version"


def test_any_label_may_tell_versions_apart() -> None:
    hashed = "rollouts_pod_template_hash"
    mesh = found(
        requests(3, **of("v1", **{hashed: "abc"})), requests(1, **of("v1", **{hashed: "def"})),
        requests(1, **of("v1")),
        requests(1, **of("v1", reporter="source", response_code="503", response_flags="UF",
                         **{hashed: "xyz"})),
        label=hashed,
    )  # fmt: skip
    assert [version.name for version in mesh.all] == ["abc", "def"]
    assert mesh.nameless == WINDOW
    assert mesh.share(mesh.all[0]) == pytest.approx(0.6)
    # A client's own label says nothing about whom it called.
    assert mesh.lost == WINDOW


def test_services_may_be_versions_of_one_another() -> None:
    series = [
        requests(9, destination_service_name="reviews-stable"),
        requests(1, destination_service_name="reviews-canary"),
        requests(5, destination_service_name="ratings"),
        requests(7, destination_service_name="reviews-canary", destination_service_namespace="x"),
    ]
    names = ("reviews-stable", "reviews-canary")
    mesh = found(*series, label="service", names=names)
    assert mesh.label == labels.SERVICE
    assert [(v.name, v.requests) for v in mesh.all] == [
        ("reviews-stable", 9 * WINDOW), ("reviews-canary", WINDOW),
    ]  # fmt: skip
    assert len(found(*series, label="service").all) == 3


@pytest.mark.parametrize(
    ("series", "label", "state"),
    [
        ([], None, State.IDLE),
        ([requests(0, **of("v1")), requests(0, **of("v3"))], None, State.IDLE),
        ([requests(4, **of("v1"))], None, State.SINGLE),
        ([requests(4, destination_workload="unknown")], None, State.NAMELESS),
        ([requests(4, **of("v1")), requests(4, **of("v3"))], "pod", State.NAMELESS),
        ([requests(4, **of("v1")), requests(0, **of("v3"))], None, State.READY),
        ([requests(4, **of("v1", reporter="source"))], None, State.IDLE),
    ],
)
def test_what_there_is_to_compare_is_told_apart(
    series: list[Series], label: str | None, state: State
) -> None:
    assert found(*series, label=label).state is state


def test_a_source_that_did_not_answer_is_no_idle_service() -> None:
    failed: Table[float] = Table((), {}, Presence.FAILED, "query timed out")
    mesh = versions(Frame(0.0, 60.0, "p", {SERVED: failed}), REVIEWS)
    assert (mesh.state, mesh.presence, mesh.reason) == (
        State.IDLE, Presence.FAILED, "query timed out",
    )  # fmt: skip
    assert versions(Frame(0.0, 60.0, "p"), REVIEWS).presence is Presence.NOT_ASKED


def test_the_busiest_two_are_compared_unless_others_are_named() -> None:
    mesh = found(*canary(), requests(1, **of("v2")))

    def pair(*given: str) -> list[str]:
        both = mesh.pair(*given)
        return [version.name for version in both] if both else []

    assert pair() == ["v1", "v3"]
    assert pair("v3") == ["v3", "v1"]
    assert pair("v1") == ["v1", "v3"]
    assert pair("", "v1") == ["v3", "v1"]
    assert pair("v2", "v1") == ["v2", "v1"]
    assert pair("v2", "v9") == ["v2", "v9"]
    both = mesh.pair("v2", "v9")
    assert both is not None
    assert (both[1].requests, both[1].latency) == (0, None)
    assert found(requests(1, **of("v1"))).pair() is None
    assert found().pair("v1") is None


def test_what_a_client_meant_for_a_version_and_no_server_saw_is_that_versions_error() -> None:
    lost = {"reporter": "source", "response_code": "503", "response_flags": "UF,URX"}
    mesh = found(
        *canary(),
        requests(1, **of("v3", **lost)),
        requests(2, **of("unknown", **lost) | {"destination_workload": "unknown"}),
    )
    v3 = named(mesh)["v3"]
    assert (v3.requests, v3.errors, v3.unreached) == (5 * WINDOW, 2 * WINDOW, WINDOW)
    assert v3.codes[Ending("503", "UF,URX", "")] == WINDOW
    assert mesh.lost == 2 * WINDOW
    assert sum(v3.callers.values()) == 4 * WINDOW


def test_grpc_errors_are_errors_and_4xx_are_none() -> None:
    mesh = found(
        requests(1, **of("v1", grpc_response_status="14", request_protocol="grpc")),
        requests(1, **of("v1", response_code="404")),
        requests(1, **of("v1", response_code="0", response_flags="DC")),
        requests(2, **of("v3")),
    )
    v1 = named(mesh)["v1"]
    assert (v1.errors, v1.client_errors, v1.requests) == (2 * WINDOW, WINDOW, 3 * WINDOW)


def young(plain: Frame, *born: tuple[dict[str, str], float]) -> Frame:
    """The frame with counters that began inside its window."""
    by = plain.rates(SERVED).by
    rows = {tuple(told.get(label, "") for label in by): value for told, value in born}
    return dataclasses.replace(plain, tables={**plain.tables, BORN: Table(by, rows)})


def test_the_first_errors_of_a_version_are_counted_though_no_rate_shows_them() -> None:
    first, steady = requests(0, **of("v3", response_code="500")), requests(3, **of("v3"))
    plain = asked(requests(16, **of("v1")), steady)
    mesh = versions(young(plain, (dict(first[0]), 7.0), (dict(steady[0]), 400.0)), REVIEWS)
    v3 = named(mesh)["v3"]
    assert v3.errors == 7
    assert v3.requests == 400 + 7


def test_where_every_series_is_young_the_source_is_and_not_the_mesh() -> None:
    series = [requests(16, **of("v1")), requests(4, **of("v3"))]
    plain = asked(*series)
    mesh = versions(young(plain, *((dict(x), 1e9) for x, _ in series)), REVIEWS)
    assert [version.requests for version in mesh.all] == [16 * WINDOW, 4 * WINDOW]


@pytest.mark.parametrize(("interval", "sampled"), [(None, 1), (15, 0.875), (120, 0), (600, 0)])
def test_what_is_extrapolated_is_no_evidence(interval: float | None, sampled: float) -> None:
    plain = dataclasses.replace(asked(*canary()), scrape_interval=interval)
    mesh = versions(plain, REVIEWS)
    assert mesh.sampled == sampled
    v3 = mesh.all[1]
    seen = v3.part(mesh.sampled)
    assert seen.requests == pytest.approx(v3.requests * sampled)
    assert seen.errors == pytest.approx(v3.errors * sampled)
    assert seen.latency is not None
    assert seen.latency.counts[-1] == pytest.approx(4 * WINDOW * sampled)


def test_several_workloads_of_one_version_are_one() -> None:
    mesh = found(
        requests(3, **of("v1")),
        requests(2, **of("v1", destination_workload="reviews-v1-eu")),
        requests(1, **of("v3")),
        *buckets({"5": 3, "+Inf": 3}, **of("v1")),
        *buckets({"5": 1, "+Inf": 2}, **of("v1", destination_workload="reviews-v1-eu")),
    )
    v1 = mesh.all[0]
    assert v1.requests == 5 * WINDOW
    assert v1.latency is not None
    assert v1.latency.counts == (4 * WINDOW, 5 * WINDOW)


def test_a_service_without_a_namespace_label_is_still_found() -> None:
    key = ServiceKey("service", "unknown", "reviews")
    queries = version_queries(key)
    series = [requests(2, **of(name, destination_service_namespace="")) for name in ("v1", "v3")]
    mesh = versions(frame(*series, queries=queries), key)
    assert mesh.state is State.READY


def test_only_servers_buckets_are_asked_for() -> None:
    (query,) = [q for q in version_queries(REVIEWS) if q.kind is Kind.HISTOGRAM]
    assert any(match.label == "reporter" and "source" not in match.value for match in query.where)


_NAMES = st.sampled_from(["", "unknown", "v1", "v2", "v3"])


@given(
    st.lists(
        st.tuples(
            _NAMES, st.sampled_from(["200", "404", "503", "0"]), st.sampled_from(["", "0", "14"]),
            st.sampled_from(["destination", "waypoint", "source"]),
            st.sampled_from(["-", "UF", "UH,URX", "DC"]), st.floats(0, 100),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_no_request_is_lost_and_none_is_counted_twice(
    drawn: list[tuple[str, str, str, str, str, float]],
) -> None:
    series = [
        requests(
            rate, **of(name, reporter=reporter, response_code=code, response_flags=flags),
            grpc_response_status=grpc,
        )
        for name, code, grpc, reporter, flags, rate in drawn
    ]  # fmt: skip
    mesh = found(*series, label="version")
    served = sum(rate for *_, reporter, _, rate in drawn if reporter != "source")
    never = sum(
        rate
        for name, code, _, reporter, flags, rate in drawn
        if reporter == "source" and labels.never_arrived(code, flags, f"reviews-{name}")
    )
    counted = sum(version.requests for version in mesh.all) + mesh.nameless + mesh.lost
    assert counted == pytest.approx((served + never) * WINDOW)
    for version in mesh.all:
        assert version.errors + version.client_errors <= version.requests * (1 + 1e-9)
        assert sum(version.codes.values()) == pytest.approx(version.requests)
        assert not math.isnan(version.failed.events)


def test_the_lost_are_not_asked_of_servers() -> None:
    (query,) = [q for q in version_queries(REVIEWS) if q.table == LOST]
    assert any(match.value == "source" for match in query.where)
