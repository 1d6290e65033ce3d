"""Each request is counted once, whoever reports it, and labels that are missing mislead nobody."""

from __future__ import annotations

import dataclasses

import pytest

from tests.model.frames import Series, buckets, frame, metric, requests
from tui.model import labels, questions
from tui.model.frame import Frame, Kind, Presence, Table
from tui.model.health import Level
from tui.model.mesh import services, unserved
from tui.model.questions import ServiceKey, service_queries
from tui.model.service import Service

REVIEWS = ServiceKey("service", "default", "reviews")
REVIEWS_BY_HOST = REVIEWS._replace(host="reviews.default.svc.cluster.local")


def found(*series: Series) -> dict[ServiceKey, Service]:
    return {service.key: service for service in services(frame(*series))}


def test_a_request_that_both_sides_report_is_counted_once() -> None:
    service = found(requests(10), requests(10, reporter="source"))[REVIEWS]
    assert (service.requests, service.unreached, service.error_ratio) == (10, 0, 0)


def test_what_only_the_client_saw_is_a_part_of_its_own() -> None:
    lost = requests(
        2, reporter="source", response_code="503", response_flags="UF,URX",
        destination_workload="unknown",
    )  # fmt: skip
    service = found(requests(8), requests(8, reporter="source"), lost)[REVIEWS]
    assert service.requests == 8
    assert service.unreached == 2
    assert service.error_ratio == pytest.approx(0.2)
    assert service.level is Level.FAILING


@pytest.mark.parametrize(
    ("code", "flags", "workload", "unreached"),
    [
        ("503", "UO", "reviews-v1", 2),
        ("503", "UH", "unknown", 2),
        ("404", "NR", "unknown", 2),
        ("0", "DC", "unknown", 2),
        ("503", "URX", "unknown", 2),
        ("503", "URX", "reviews-v1", 0),
        ("0", "DC", "reviews-v1", 0),
        ("503", "UC", "reviews-v1", 0),
        ("500", "-", "reviews-v1", 0),
        ("503", "UFX", "reviews-v1", 0),
    ],
)
def test_only_what_no_server_saw_is_unreached(
    code: str, flags: str, workload: str, unreached: float
) -> None:
    client = requests(
        2,
        reporter="source",
        response_code=code,
        response_flags=flags,
        destination_workload=workload,
    )
    assert found(requests(8), client)[REVIEWS].unreached == unreached


def test_errors_are_5xx_grpc_status_and_no_response_but_not_4xx() -> None:
    service = found(
        requests(80),
        requests(5, response_code="500"),
        requests(4, response_code="0", response_flags="DC"),
        requests(3, request_protocol="grpc", grpc_response_status="14"),
        requests(6, response_code="404"),
        requests(2, request_protocol="grpc", grpc_response_status="0"),
    )[REVIEWS]
    assert service.requests == 100
    assert service.errors == 12
    assert service.no_response == 4
    assert service.error_ratio == pytest.approx(0.12)
    assert service.client_error_ratio == pytest.approx(0.06)
    assert service.protocols == ("grpc", "http")


def test_a_waypoint_reports_for_the_server() -> None:
    service = found(requests(10, reporter="waypoint"), requests(10, reporter="source"))[REVIEWS]
    assert (service.requests, service.served) == (10, True)


def test_a_service_that_no_server_reports_for_has_its_clients_numbers() -> None:
    outside = {
        "reporter": "source", "destination_service_name": "api.example.com",
        "destination_service_namespace": "unknown", "destination_service": "api.example.com",
        "destination_workload": "unknown", "connection_security_policy": "unknown",
    }  # fmt: skip
    mesh = found(
        requests(9, **outside),
        requests(1, **{**outside, "response_code": "503", "response_flags": "UF"}),
        metric("istio_response_bytes_sum", 500, **outside),
    )
    service = mesh[ServiceKey("service", "unknown", "api.example.com")]
    assert (service.served, service.requests, service.unreached) == (False, 10, 0)
    assert service.error_ratio == pytest.approx(0.1)
    assert service.mutual_tls is None
    assert unserved(mesh.values()) == {service.key}


def test_a_narrowed_question_gives_unserved_services_the_same_numbers_as_the_full_one() -> None:
    outside = {
        "reporter": "source", "destination_service_name": "legacy",
        "destination_service_namespace": "vm", "destination_service": "legacy.vm.svc.cluster.local",
        "destination_workload": "legacy-vm",
    }  # fmt: skip
    series = (
        requests(9, **outside),
        requests(1, **{**outside, "response_code": "500"}),
        requests(5),
        requests(5, reporter="source"),
        metric("istio_request_bytes_sum", 100, **outside),
        *buckets({"5": 9, "10": 10, "+Inf": 10}, **outside),
    )
    first = services(frame(*series))
    queries = service_queries(unserved=unserved(first))
    second = {s.key: s for s in services(frame(*series, queries=queries))}
    legacy = second[ServiceKey("service", "vm", "legacy")]
    assert legacy.requests == 10
    assert legacy.error_ratio == pytest.approx(0.1)
    assert legacy.request_bytes == 100
    assert legacy.latency is not None
    assert second[REVIEWS].requests == 5


def test_one_name_served_here_and_not_there_is_counted_once_in_each() -> None:
    there = {"destination_service_namespace": "vm", "destination_workload": "reviews-vm"}
    series = (
        requests(5),
        requests(5, reporter="source"),
        requests(3, reporter="source", **there),
        metric("istio_request_bytes_sum", 50),
        metric("istio_request_bytes_sum", 51, reporter="source"),
        metric("istio_request_bytes_sum", 30, reporter="source", **there),
    )
    other = ServiceKey("service", "vm", "reviews")
    mesh = {s.key: s for s in services(frame(*series, queries=service_queries(unserved=[other])))}
    assert (mesh[REVIEWS].requests, mesh[REVIEWS].request_bytes) == (5, 50)
    assert (mesh[other].requests, mesh[other].request_bytes) == (3, 30)


def test_a_gateway_is_a_row_and_what_it_answers_itself_is_its_own() -> None:
    gateway = {
        "reporter": "source", "source_workload": "istio-ingressgateway",
        "source_workload_namespace": "istio-system",
    }  # fmt: skip
    mesh = found(
        requests(7, source_workload="istio-ingressgateway"),
        requests(7, **gateway),
        requests(
            1, **gateway, response_code="404", response_flags="NR", destination_service="unknown",
            destination_service_name="unknown", destination_service_namespace="unknown",
            destination_workload="unknown",
        ),
        metric("istio_request_bytes_sum", 70, **gateway),
        *buckets({"5": 6, "+Inf": 7}, **gateway),
    )  # fmt: skip
    key = ServiceKey("gateway", "istio-system", "istio-ingressgateway")
    assert mesh[key].requests == 8
    assert mesh[key].client_error_ratio == pytest.approx(1 / 8)
    assert mesh[key].request_bytes == 70
    assert mesh[key].latency is not None
    assert mesh[REVIEWS].requests == 7
    assert mesh.keys() == {key, REVIEWS}


def test_a_workload_with_a_gateways_name_that_is_served_is_no_gateway() -> None:
    mesh = found(
        requests(3, destination_service_name="api-gateway", destination_workload="api-gateway"),
        requests(3, reporter="source", source_workload="api-gateway"),
    )
    assert not [key for key in mesh if key.kind == "gateway"]


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"destination_service_name": ""}, REVIEWS_BY_HOST),
        ({"destination_service_name": "", "destination_service_namespace": ""}, REVIEWS_BY_HOST),
        (
            {"destination_service_name": "", "destination_service_namespace": "",
             "destination_service": ""},
            ServiceKey("service", "unknown", "unknown"),
        ),
        ({"destination_service_namespace": ""}, ServiceKey("service", "unknown", "reviews")),
    ],
)  # fmt: skip
def test_missing_labels_fall_back(given: dict[str, str], key: ServiceKey) -> None:
    assert found(requests(1, **given)).keys() == {key}


@pytest.mark.parametrize("name", ["", "reviews"])
def test_a_service_known_by_its_host_is_asked_for_by_it(name: str) -> None:
    client = {"reporter": "source", "destination_service_name": name}
    series = (requests(9, **client), *buckets({"5": 9, "+Inf": 9}, **client))
    (first,) = services(frame(*series))
    (second,) = services(
        frame(*series, queries=service_queries(visible=[first.key], unserved=[first.key]))
    )
    assert (second.key, second.requests) == (first.key, 9)
    assert second.latency is not None


def test_mutual_tls_is_read_where_servers_know_it() -> None:
    service = found(
        requests(6),
        requests(2, connection_security_policy="none"),
        requests(2, connection_security_policy="unknown"),
        requests(10, reporter="source", connection_security_policy="unknown"),
    )[REVIEWS]
    assert service.mutual_tls == pytest.approx(0.75)


def test_a_service_that_only_speaks_tcp_has_bytes_and_no_verdict() -> None:
    tcp = {"destination_service_name": "mongodb", "request_protocol": "tcp"}
    mesh = found(
        metric(labels.TCP_REQUEST_BYTES, 10, **tcp),
        metric(labels.TCP_REQUEST_BYTES, 11, reporter="source", **tcp),
        metric(labels.TCP_RESPONSE_BYTES, 20, **tcp),
    )
    service = mesh[ServiceKey("service", "default", "mongodb")]
    assert (service.requests, service.error_ratio, service.level) == (None, None, Level.UNKNOWN)
    assert (service.tcp_request_bytes, service.tcp_response_bytes) == (10, 20)
    assert service.all_bytes == 30


def test_latency_is_in_seconds_and_tells_how_far_to_trust_it() -> None:
    service = found(requests(1), *buckets({"5": 0.5, "10": 1.0, "3600000": 1.0, "+Inf": 1.0}))[
        REVIEWS
    ]
    assert service.latency is not None
    assert service.latency.values[0] == pytest.approx(0.005)
    assert service.latency.values[1] == pytest.approx(0.0095)
    assert service.latency.thin == (False, False, True)
    assert service.latency.capped == (False, False, False)


def test_the_far_end_of_the_buckets_is_at_least() -> None:
    service = found(requests(10), *buckets({"5": 1, "3600000": 2, "+Inf": 10}))[REVIEWS]
    assert service.latency is not None
    assert service.latency.values[2] == 3600
    assert service.latency.capped[2]


def test_errors_too_young_for_a_rate_degrade_a_service() -> None:
    plain = frame(requests(10))
    young = Table(questions.SERVICE, {("reviews", "default", ""): 3.0})
    frames = dataclasses.replace(plain, tables={**plain.tables, questions.NEW_ERRORS: young})
    (service,) = services(frames)
    assert (service.new_errors, service.error_ratio, service.level) == (3, 0, Level.DEGRADED)


def test_an_idle_service_has_no_errors_and_no_traffic() -> None:
    service = found(requests(0))[REVIEWS]
    assert (service.requests, service.error_ratio, service.level) == (0, 0, Level.IDLE)


def test_an_empty_frame_is_an_empty_mesh() -> None:
    assert services(Frame(0.0, 60.0, "nobody")) == []


@pytest.mark.parametrize("visible", [None, [REVIEWS, ServiceKey("gateway", "a", "b")], []])
@pytest.mark.parametrize("known", [None, [], [REVIEWS]])
def test_a_refresh_asks_at_most_twelve_questions(
    visible: list[ServiceKey] | None, known: list[ServiceKey] | None
) -> None:
    for means in (False, True):
        queries = service_queries(("default",), visible, known, means)
        assert len(queries) <= 12
        assert len({query.table for query in queries}) == len(queries)


def test_every_question_is_scoped_to_the_namespaces() -> None:
    for query in service_queries(("shop", "default")):
        scoping = [m for m in query.where if m.label.endswith("namespace")]
        assert [m.value for m in scoping] == ["default|shop"]
    assert (
        frame(requests(1), queries=service_queries(("x",))).rates("served").presence
        is Presence.ABSENT
    )


def test_buckets_are_asked_for_visible_rows_only() -> None:
    queries = service_queries(visible=[REVIEWS])
    histograms = [query for query in queries if query.kind is Kind.HISTOGRAM]
    assert [query.table for query in histograms] == [questions.DURATION]
    assert any(m.label == labels.SERVICE and m.value == "reviews" for m in histograms[0].where)
