"""How requests ended: each one in one class, each flag explained, nothing counted twice."""

from __future__ import annotations

import pytest

from tests.model.frames import Series, frame, requests
from tui.model import labels, questions
from tui.model.codes import CLASSES, MESH, Codes, Outcome, code_queries, codes, status_name, total
from tui.model.flags import FLAGS, OTHER, explained
from tui.model.frame import Kind, Match
from tui.model.health import Level
from tui.model.mesh import services
from tui.model.questions import ServiceKey

REVIEWS = ServiceKey("service", "default", "reviews")
GATEWAY = {"source_workload": "istio-ingressgateway", "source_workload_namespace": "istio-system"}


def found(*series: Series) -> dict[ServiceKey, Codes]:
    return {row.key: row for row in codes(frame(*series, queries=code_queries()))}


def test_each_request_is_in_one_class_and_no_response_and_grpc_have_their_own() -> None:
    row = found(
        requests(80),
        requests(6, response_code="404"),
        requests(5, response_code="503", response_flags="UF,URX"),
        requests(4, response_code="0", response_flags="DC"),
        requests(3, request_protocol="grpc", grpc_response_status="14"),
        requests(1, request_protocol="grpc", grpc_response_status="0"),
        requests(1, response_code="teapot"),
    )[REVIEWS]
    groups = row.groups()
    assert tuple(groups) == CLASSES
    assert {name: rate for name, rate in groups.items() if rate} == {
        "2xx": 81, "4xx": 6, "5xx": 5, "0": 4, "grpc": 3, "?": 1,
    }  # fmt: skip
    assert sum(groups.values()) == row.requests == 100
    assert row.share("5xx") == pytest.approx(0.05)
    assert row.exact()["UNAVAILABLE"] == 3
    assert list(row.exact())[:2] == ["200", "404"]
    assert row.flags() == {"UF": 5, "URX": 5, "DC": 4}


def test_what_no_server_saw_is_added_once_and_what_both_saw_is_the_servers() -> None:
    lost = requests(2, reporter="source", response_code="503", response_flags="UH",
                    destination_workload="unknown")  # fmt: skip
    slow = requests(3, reporter="source", response_code="504", response_flags="UT")
    both = requests(1, response_code="0", response_flags="DC")
    left = requests(1, reporter="source", response_code="0", response_flags="DC")
    row = found(requests(9), requests(9, reporter="source"), lost, slow, both, left)[REVIEWS]
    assert row.requests == 12
    assert row.exact() == {"200": 9, "503": 2, "0": 1}
    assert row.flags() == {"UT": 3, "UH": 2, "DC": 1}
    assert row.seen == {"UT": 3}


def test_a_service_that_only_clients_report_for_has_their_codes() -> None:
    row = found(requests(4, reporter="source", response_code="502"))[REVIEWS]
    assert row.exact() == {"502": 4}
    assert row.level is Level.FAILING


def test_a_gateway_has_its_own_row_and_no_request_of_it_is_in_the_total_twice() -> None:
    nowhere = {labels.SERVICE: "unknown", labels.NAMESPACE: "unknown", labels.HOST: "unknown"}
    rows = found(
        requests(10),
        requests(10, reporter="source", **GATEWAY),
        requests(1, reporter="source", response_code="404", response_flags="NR",
                 destination_workload="unknown", **GATEWAY, **nowhere),
    )  # fmt: skip
    gateway = rows[ServiceKey("gateway", "istio-system", "istio-ingressgateway")]
    assert gateway.exact() == {"200": 10, "404": 1}
    assert gateway.flags() == {"NR": 1}
    whole = total(frame(), rows.values())
    assert (whole.key, whole.requests) == (MESH, 10)


@pytest.mark.parametrize(
    "series",
    [
        (requests(10),),
        (requests(10), requests(1, response_code="500")),
        (requests(10), requests(3, reporter="source", response_code="404", response_flags="NR",
                                destination_workload="unknown")),
        (requests(10), requests(3, response_code="404")),
        (requests(10), requests(3, grpc_response_status="13")),
        (requests(0),),
    ],
)  # fmt: skip
def test_the_level_is_that_of_the_table_of_services(series: tuple[Series, ...]) -> None:
    answered = frame(*series)
    assert {row.key: row.level for row in codes(answered)} == {
        service.key: service.level for service in services(answered)
    }


def test_an_edge_has_its_caller() -> None:
    asked = code_queries(of=REVIEWS, edges=True)
    rows = codes(frame(requests(3), requests(2, source_workload="other"), queries=asked))
    assert {row.source: row.requests for row in rows} == {
        ("default", "productpage-v1"): 3, ("default", "other"): 2,
    }  # fmt: skip


def test_one_service_is_asked_for_by_name_and_a_gateway_by_its_workload() -> None:
    assert [query.table for query in code_queries()] == [
        questions.SERVED, questions.CALLED, questions.ENTERED,
    ]  # fmt: skip
    for query in code_queries(of=REVIEWS):
        assert Match(labels.SERVICE, "=", "reviews") in query.where
        assert Match(labels.NAMESPACE, "=", "default") in query.where
    (entered,) = code_queries(of=ServiceKey("gateway", "edge", "gw"))
    assert Match(labels.SOURCE_WORKLOAD, "=", "gw") in entered.where
    assert all(query.kind is Kind.RATE for query in code_queries(edges=True))
    unnamed = code_queries(of=ServiceKey("service", "unknown", "a.com", "a.com"))
    assert Match(labels.HOST, "=", "a.com") in unnamed[0].where


@pytest.mark.parametrize(
    ("status", "name"),
    [("0", "OK"), ("16", "UNAUTHENTICATED"), ("17", "17"), ("x", "x"), ("²", "²")],
)
def test_a_grpc_status_has_its_name(status: str, name: str) -> None:
    assert status_name(status) == name


def test_a_failed_grpc_call_is_no_2xx() -> None:
    assert Outcome("200", "-", "5").group == "grpc"
    assert Outcome("200", "-", "5").exact == "NOT_FOUND"
    assert Outcome("200", "-", "").group == "2xx"


def test_every_flag_of_requests_that_never_left_is_explained_in_a_line() -> None:
    assert FLAGS.keys() >= labels.NEVER_LEFT
    for flag in FLAGS.values():
        assert 0 < len(flag.meaning) <= 45
        assert 0 < len(flag.look) <= 45
    assert explained("XYZ").group == OTHER
    assert explained("UF") is FLAGS["UF"]
