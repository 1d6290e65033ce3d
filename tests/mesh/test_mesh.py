"""The mesh is what Istio would show: without that no test on it means anything.

Other tests may have used the same mesh before, so what is counted here is counted from here on.
"""

from __future__ import annotations

import pytest

from tests.mesh import telemetry
from tests.mesh.pods import GATEWAY, PODS, SERVICES
from tests.mesh.reading import halt, page, requests, select, total
from tests.mesh.running import Mesh, eventually
from tui.model import labels

pytestmark = pytest.mark.real

EDGES = {
    ("istio-ingressgateway", "productpage-v1", "productpage"),
    ("productpage-v1", "details-v1", "details"),
    ("productpage-v1", "reviews-v1", "reviews"),
    ("productpage-v1", "reviews-v3", "reviews"),
    ("reviews-v1", "ratings-v1", "ratings"),
    ("reviews-v3", "ratings-v1", "ratings"),
}
ISTIO = {
    "reporter", "destination_service", "destination_service_name",
    "destination_service_namespace", "request_protocol", "response_code", "response_flags",
    "connection_security_policy",
    *(
        f"{side}_{label}"
        for side in ("source", "destination")
        for label in (
            "workload", "workload_namespace", "principal", "app", "version", "cluster",
            "canonical_service", "canonical_revision",
        )
    ),
}  # fmt: skip


def edges(mesh: Mesh, reporter: str) -> set[tuple[str, str, str]]:
    return {
        (x[labels.SOURCE_WORKLOAD], x[labels.DESTINATION_WORKLOAD], x[labels.SERVICE])
        for x, _ in select(mesh, {labels.REPORTER: reporter, labels.CODE: "200"})
        if x[labels.SOURCE_WORKLOAD] != labels.UNKNOWN
    }


def test_each_hop_is_reported_once_by_each_side_with_all_of_istios_labels(mesh: Mesh) -> None:
    eventually(lambda: edges(mesh, "destination") == EDGES, "every server has seen its clients")
    assert edges(mesh, "source") == EDGES
    assert {frozenset(x) for x, _ in requests(mesh)} == {frozenset(ISTIO)}


def test_a_server_and_its_client_tell_the_same_of_one_hop(mesh: Mesh) -> None:
    hop = {labels.DESTINATION_WORKLOAD: "reviews-v3", labels.CODE: "200"}
    eventually(lambda: total(mesh, reporter="destination", **hop) > 0, "reviews-v3 is called")
    server = select(mesh, hop | {labels.REPORTER: "destination"})[0][0]
    client = select(mesh, hop | {labels.REPORTER: "source"})[0][0]
    assert server.pop(labels.REPORTER) != client.pop(labels.REPORTER)
    assert server.pop(labels.SECURITY) == labels.MUTUAL_TLS
    assert client.pop(labels.SECURITY) == labels.UNKNOWN
    assert server == client
    assert client == {
        "source_workload": "productpage-v1", "source_workload_namespace": "default",
        "source_principal": "spiffe://cluster.local/ns/default/sa/bookinfo-productpage",
        "source_app": "productpage", "source_version": "v1",
        "source_canonical_service": "productpage", "source_canonical_revision": "v1",
        "source_cluster": "Kubernetes",
        "destination_workload": "reviews-v3", "destination_workload_namespace": "default",
        "destination_principal": "spiffe://cluster.local/ns/default/sa/bookinfo-reviews",
        "destination_app": "reviews", "destination_version": "v3",
        "destination_canonical_service": "reviews", "destination_canonical_revision": "v3",
        "destination_cluster": "Kubernetes",
        "destination_service": "reviews.default.svc.cluster.local",
        "destination_service_name": "reviews", "destination_service_namespace": "default",
        "request_protocol": "http", "response_code": "200", "response_flags": "-",
    }  # fmt: skip


def counts(mesh: Mesh) -> dict[tuple[str, str, str, str], float]:
    """Requests of each edge as each side has counted them."""
    return {
        (client, server, service, reporter): total(
            mesh,
            source_workload=client,
            destination_workload=server,
            destination_service_name=service,
            reporter=reporter,
        )
        for client, server, service in EDGES
        for reporter in ("source", "destination")
    }


def answered(mesh: Mesh) -> int:
    return sum(count for _, _, count in mesh.load()["answers"])


def test_at_rest_a_server_has_counted_what_its_clients_have(mesh: Mesh) -> None:
    halt(mesh)
    before, answered_before = counts(mesh), answered(mesh)
    entered_before = total(mesh, source_workload=GATEWAY.workload, reporter="source")
    mesh.set_rate(60)
    eventually(lambda: answered(mesh) - answered_before >= 100, "100 requests")
    halt(mesh)

    def agreed() -> bool:
        new = {key: count - before[key] for key, count in counts(mesh).items()}
        return all(new[(*edge, "source")] == new[(*edge, "destination")] > 0 for edge in EDGES)

    eventually(agreed, "both sides of each hop have counted the same")
    entered = total(mesh, source_workload=GATEWAY.workload, reporter="source") - entered_before
    assert entered == answered(mesh) - answered_before


def test_the_gateway_only_reports_as_a_client(mesh: Mesh) -> None:
    own = [x for x, _ in requests(mesh, mesh.envoys[:1])]
    assert {x[labels.REPORTER] for x in own} == {"source"}
    assert {x[labels.SOURCE_WORKLOAD] for x in own} == {GATEWAY.workload}
    assert not select(mesh, {labels.DESTINATION_WORKLOAD: GATEWAY.workload})


def test_a_request_without_a_route_is_a_404_nr_for_nobody(mesh: Mesh) -> None:
    assert mesh.http.get(f"{mesh.gateway}/productpage").status_code == 404
    lost = select(mesh, {labels.FLAGS: "NR"})[0][0]
    assert lost[labels.CODE] == "404"
    assert {lost[x] for x in (labels.HOST, labels.SERVICE, labels.NAMESPACE)} == {labels.UNKNOWN}
    assert lost[labels.DESTINATION_WORKLOAD] == labels.UNKNOWN


def test_the_canary_gets_its_share(mesh: Mesh) -> None:
    mesh.set_rate(60)
    reviews = {labels.REPORTER: "destination", "destination_app": "reviews"}
    eventually(lambda: total(mesh, **reviews) >= 100, "100 requests")
    canary = total(mesh, **reviews, destination_version="v3")
    # 20 % of 100: five standard deviations are 20 points.
    assert 0 < canary / total(mesh, **reviews) < 0.4


@pytest.mark.parametrize("metric", [labels.DURATION, labels.REQUEST_BYTES, labels.RESPONSE_BYTES])
@pytest.mark.parametrize("reporter", ["source", "destination"])
def test_each_histogram_has_istios_buckets(mesh: Mesh, metric: str, reporter: str) -> None:
    wanted = {*map(float, telemetry.BUCKETS), float("inf")}

    def complete() -> bool:
        found = mesh.query(f'count by (le) ({metric}_bucket{{reporter="{reporter}"}})')
        return {float(dict(x)["le"]) for x in found} == wanted

    eventually(complete, f"all buckets of {metric}")


def test_prometheus_has_all_that_the_envoys_show(mesh: Mesh) -> None:
    halt(mesh)

    def same() -> bool:
        stored = mesh.query(f"sum by (namespace, pod, app, version) ({labels.REQUESTS})")
        return stored == {
            frozenset(
                (label, value)
                for label, value in pod.scrape_labels.items()
                if label in ("namespace", "pod", "app", "version")
            ): sum(value for _, value in requests(mesh, [envoy]))
            for pod, envoy in zip(PODS, mesh.envoys, strict=True)
        }

    eventually(same, "Prometheus' counts are the Envoys'")


def test_the_gateway_shows_its_connections_and_sidecars_only_istios_defaults(mesh: Mesh) -> None:
    gateway, *sidecars = (page(mesh, envoy) for envoy in mesh.envoys)
    assert 'envoy_listener_downstream_cx_active{listener_address="0.0.0.0_8080"}' in gateway
    prefix = 'http_conn_manager_prefix="outbound_0.0.0.0_8080"'
    assert f"envoy_http_downstream_cx_active{{{prefix}}}" in gateway
    for service in SERVICES:
        assert f'cx_active{{cluster_name="{service.cluster()}"}}' in gateway
    for sidecar in sidecars:
        assert "envoy_server_live{} 1" in sidecar
        assert "envoy_cluster_upstream_cx_active" not in sidecar


def test_only_metrics_are_on_their_port_and_the_query_string_gets_through(mesh: Mesh) -> None:
    assert mesh.http.get(f"http://{mesh.envoys[0]}/stats").status_code == 404
    assert "envoy_server_live" in page(mesh, mesh.envoys[0])
    assert "envoy_server_live" not in page(mesh, mesh.envoys[0], f"?filter={labels.REQUESTS}")
