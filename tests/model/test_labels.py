"""Istio's vocabulary: codes, flags, gateways, and destinations whose labels were thinned out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.hostile import IDS, NAMES
from tui.model import labels


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("200", "2xx"),
        ("204", "2xx"),
        ("101", "1xx"),
        ("308", "3xx"),
        ("404", "4xx"),
        ("599", "5xx"),
        ("0", labels.NO_RESPONSE),
        ("", "?"),
        ("-", "?"),
        ("unknown", "?"),
        ("000", "?"),
        ("099", "?"),
        ("600", "?"),
        ("20", "?"),
        ("2000", "?"),
        ("200\n", "?"),
        ("5.*", "?"),
        ("２００", "?"),
        ("²00", "?"),
    ],
)
def test_code_class(code: str, expected: str) -> None:
    assert labels.code_class(code) == expected


@given(st.text())
def test_no_code_has_a_class_of_its_own_making(code: str) -> None:
    assert labels.code_class(code) in {"0", "1xx", "2xx", "3xx", "4xx", "5xx", "?"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("-", ()),
        ("", ()),
        ("UF", ("UF",)),
        ("UF,URX", ("UF", "URX")),
        ("UF,-", ("UF",)),
        (",,UO,", ("UO",)),
        ("SOMETHING_NEW", ("SOMETHING_NEW",)),
    ],
)
def test_flags(value: str, expected: tuple[str, ...]) -> None:
    assert labels.flags(value) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [("0", False), ("", False), ("1", True), ("14", True), ("16", True), ("Unknown", True)],
)
def test_grpc_failed(status: str, expected: bool) -> None:
    assert labels.grpc_failed(status) is expected


@pytest.mark.parametrize(
    ("code", "response_flags", "workload", "expected"),
    [
        *[("503", flag, "reviews-v1", True) for flag in sorted(labels.NEVER_LEFT)],
        ("503", "URX,UF", "reviews-v1", True),
        ("503", "UC", "reviews-v1", False),
        ("503", "UC", "unknown", False),
        ("503", "URX", "reviews-v1", False),
        ("503", "URX", "unknown", True),
        ("503", "URX", "", True),
        ("0", "DC", "reviews-v1", False),
        ("0", "DC", "unknown", True),
        ("0", "-", "", True),
        ("200", "-", "unknown", False),
        ("503", "-", "unknown", False),
        ("503", "uo", "reviews-v1", False),
        ("503", "UOX", "reviews-v1", False),
    ],
)
def test_never_arrived(code: str, response_flags: str, workload: str, expected: bool) -> None:
    assert labels.never_arrived(code, response_flags, workload) is expected


@pytest.mark.parametrize(
    ("workload", "expected"),
    [
        ("istio-ingressgateway", True),
        ("istio-egressgateway", True),
        ("istio-ingressgateway-canary", True),
        ("gateway", True),
        ("api-gateway", True),
        ("gateway-eu-1", True),
        ("public-ingress", True),
        ("bookinfo-gateway-istio", True),
        ("shop-istio", True),
        ("reviews-v1", False),
        ("istiod", False),
        ("istio", False),
        ("-istio", False),
        ("gatewayish", False),
        ("mygateway", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_looks_like_gateway(workload: str, expected: bool) -> None:
    assert labels.looks_like_gateway(workload) is expected


@pytest.mark.parametrize(
    ("name", "namespace", "host", "expected"),
    [
        ("reviews", "default", "reviews.default.svc.cluster.local", ("default", "reviews")),
        ("reviews", "", "", ("unknown", "reviews")),
        ("", "", "reviews.default.svc.cluster.local", ("default", "reviews")),
        ("", "prod", "reviews.default.svc.cluster.local", ("prod", "reviews")),
        ("", "", "reviews.default.svc", ("default", "reviews")),
        ("", "", "api.example.com", ("unknown", "api.example.com")),
        ("", "", "a.b.svcs", ("unknown", "a.b.svcs")),
        ("", "", "10.0.0.7", ("unknown", "10.0.0.7")),
        ("", "", "", ("unknown", "unknown")),
        ("", "", "...", ("unknown", "...")),
        ("PassthroughCluster", "unknown", "x", ("unknown", "PassthroughCluster")),
    ],
)
def test_service_of(name: str, namespace: str, host: str, expected: tuple[str, str]) -> None:
    assert labels.service_of(name, namespace, host) == expected


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_hostile_values_are_read_without_a_fault(name: str) -> None:
    namespace, service = labels.service_of("", "", name)
    assert namespace == labels.UNKNOWN
    assert service == (name or labels.UNKNOWN)
    assert not labels.never_arrived(name, name, "reviews-v1")
    assert not labels.looks_like_gateway(name)
