"""Gateways by hand: what Envoy shows of them, and the frame that a source would make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.model.frames import Series, answer
from tui.model.frame import Frame, Query
from tui.model.gateway_stats import gateway_queries

GATEWAY = {
    "source_workload": "istio-ingressgateway",
    "source_workload_namespace": "istio-system",
}
POD = {
    "namespace": "istio-system",
    "pod": "istio-ingressgateway-7c6f9b8d5-x2v4k",
    "instance": "10.0.0.1:15090",
}
OTHER = POD | {"pod": "istio-ingressgateway-7c6f9b8d5-qqqqq", "instance": "10.0.0.2:15090"}
REVIEWS_POOL = "outbound|9080|v1|reviews.default.svc.cluster.local"


def entered(rate: float, pod: Mapping[str, str] = POD, **labels: str) -> Series:
    """Requests that a gateway reports."""
    base = {
        "__name__": "istio_requests_total",
        "reporter": "source",
        "destination_service_name": "reviews",
        "destination_service_namespace": "default",
        "destination_service": "reviews.default.svc.cluster.local",
        "response_code": "200",
        "response_flags": "-",
    }
    return {**base, **GATEWAY, **pod, **labels}, rate


def stat(name: str, value: float, pod: dict[str, str] = POD, **labels: str) -> Series:
    """One of Envoy's own statistics: its rate, or its value if it is a gauge."""
    return {"__name__": name, **pod, **labels}, value


def listener(
    values: dict[str, float], pod: dict[str, str] = POD, at: str = "0.0.0.0_8443"
) -> list[Series]:
    """Statistics of a listener, by the end of their names."""
    return [
        stat(f"envoy_listener_{name}", value, pod, listener_address=at)
        for name, value in values.items()
    ]


def manager(
    values: dict[str, float], pod: dict[str, str] = POD, at: str = "outbound_0.0.0.0_8443"
) -> list[Series]:
    """Statistics of an HTTP manager, by the end of their names."""
    return [
        stat(f"envoy_http_{name}", value, pod, http_conn_manager_prefix=at)
        for name, value in values.items()
    ]


def cluster(
    values: dict[str, float], pod: dict[str, str] = POD, name: str = REVIEWS_POOL
) -> list[Series]:
    """Statistics of an upstream cluster, by the end of their names."""
    return [
        stat(f"envoy_cluster_{end}", value, pod, cluster_name=name) for end, value in values.items()
    ]


def gateway_frame(
    *series: Series, queries: Sequence[Query] | None = None, window: float = 60.0
) -> Frame:
    """The frame that answers the gateways' queries over these series."""
    asked = gateway_queries() if queries is None else queries
    tables = {query.table: answer(query, series) for query in asked}
    return Frame(at=1_700_000_000.0, window=window, source="by hand", tables=tables)
