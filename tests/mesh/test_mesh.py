"""The mesh is what Istio would show: without that no test on it means anything.

Other tests may have used the same mesh before, so what is counted here is counted from here on.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests.mesh import telemetry
from tests.mesh.pods import GATEWAY, INGRESS_HOST, PODS, SERVICES
from tests.mesh.running import Mesh, eventually, running
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
RATINGS_ENVOY = [pod.app for pod in PODS].index("ratings")

_SAMPLE = re.compile(r"(\w+)\{([^}]*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def page(mesh: Mesh, envoy: str, query: str = "") -> str:
    return mesh.http.get(f"http://{envoy}/stats/prometheus{query}").raise_for_status().text


def requests(mesh: Mesh, envoys: Sequence[str] = ()) -> list[tuple[dict[str, str], float]]:
    """Each series of `istio_requests_total` as the Envoys themselves show it, and its value."""
    return [
        (dict(_LABEL.findall(found)), float(value))
        for envoy in envoys or mesh.envoys
        for _, found, value in _SAMPLE.findall(page(mesh, envoy, f"?filter={labels.REQUESTS}"))
    ]


def select(
    mesh: Mesh, wanted: dict[str, str], envoys: Sequence[str] = ()
) -> list[tuple[dict[str, str], float]]:
    return [x for x in requests(mesh, envoys) if wanted.items() <= x[0].items()]


def total(mesh: Mesh, **wanted: str) -> float:
    return sum(value for _, value in select(mesh, wanted))


def edges(mesh: Mesh, reporter: str) -> set[tuple[str, str, str]]:
    return {
        (x[labels.SOURCE_WORKLOAD], x[labels.DESTINATION_WORKLOAD], x[labels.SERVICE])
        for x, _ in select(mesh, {labels.REPORTER: reporter, labels.CODE: "200"})
        if x[labels.SOURCE_WORKLOAD] != labels.UNKNOWN
    }


def halt(mesh: Mesh) -> None:
    mesh.set_rate(0)
    mesh.rest()


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


def test_injected_errors_are_500s_on_both_sides_and_only_there(mesh: Mesh) -> None:
    halt(mesh)
    ratings = {labels.SERVICE: "ratings", labels.REPORTER: "destination"}
    failed = ratings | {labels.CODE: "500", labels.FLAGS: "-"}
    seen, injected = total(mesh, **ratings), total(mesh, **failed)
    everywhere = total(mesh, response_code="500")
    mesh.set_errors("ratings-v1", 0.25)
    mesh.set_rate(60)
    eventually(lambda: total(mesh, **ratings) - seen >= 40, "40 requests")
    halt(mesh)
    new = total(mesh, **failed) - injected
    # An even spread: of n requests a quarter, give or take the fraction that was left over.
    assert abs(new - 0.25 * (total(mesh, **ratings) - seen)) < 1
    assert total(mesh, response_code="500") - everywhere == 2 * new


def test_a_lost_proxy_is_a_failed_connection_to_an_unknown_workload(mesh: Mesh) -> None:
    clients = [envoy for at, envoy in enumerate(mesh.envoys) if at != RATINGS_ENVOY]
    lost = {labels.SERVICE: "ratings", labels.DESTINATION_WORKLOAD: labels.UNKNOWN}

    def failures() -> float:
        return sum(value for _, value in select(mesh, lost, clients))

    before = failures()
    mesh.kill_envoy("ratings-v1")
    eventually(lambda: failures() - before >= 3, "3 failed connections")
    for found, _ in select(mesh, lost, clients):
        assert "UF" in labels.flags(found[labels.FLAGS])
        assert found[labels.CODE] == "503"
        assert found[labels.HOST] == "ratings.default.svc.cluster.local"
        assert found["destination_principal"] == found["source_principal"] == labels.UNKNOWN
    mesh.start_envoy("ratings-v1")
    back = {labels.SERVICE: "ratings", labels.REPORTER: "destination", labels.CODE: "200"}
    eventually(lambda: total(mesh, **back) > 0, "ratings is called again, and counts from 0")


def test_a_stopped_application_is_reported_by_its_own_sidecar(mesh: Mesh) -> None:
    refused = {labels.DESTINATION_WORKLOAD: "details-v1", labels.CODE: "503"}
    before = total(mesh, **refused, reporter="source", response_flags="-")
    mesh.stop_app("details")
    eventually(
        lambda: total(mesh, **refused, reporter="source", response_flags="-") > before, "a 503"
    )
    server = [x for x, _ in select(mesh, refused | {labels.REPORTER: "destination"})]
    assert server
    # Unable to connect, or cut off: both are the application's end, seen by its own proxy.
    assert all({"UF", "UC"} & set(labels.flags(x[labels.FLAGS])) for x in server)


def test_a_service_scaled_to_zero_has_no_healthy_host(mesh: Mesh) -> None:
    lost = {labels.SERVICE: "promotions", labels.FLAGS: "UH", labels.CODE: "503"}
    lost |= {labels.DESTINATION_WORKLOAD: labels.UNKNOWN, labels.REPORTER: "source"}
    before = total(mesh, **lost)
    answer = mesh.http.get(f"{mesh.gateway}/promotions", headers={"Host": INGRESS_HOST})
    assert answer.status_code == 503
    eventually(lambda: total(mesh, **lost) == before + 1, "one request counted")


def test_a_caller_without_a_proxy_is_unknown_and_not_secured(mesh: Mesh) -> None:
    stranger = {labels.SOURCE_WORKLOAD: labels.UNKNOWN, labels.SECURITY: telemetry.PLAINTEXT}
    stranger |= {"source_canonical_revision": "latest", "source_principal": labels.UNKNOWN}
    before = total(mesh, **stranger)
    details = mesh.envoys[2].partition(":")[0]
    assert mesh.http.get(f"http://{details}:9080/details/0").status_code == 200
    eventually(lambda: total(mesh, **stranger) == before + 1, "one request counted")


def test_slow_answers_are_counted_in_milliseconds(mesh: Mesh) -> None:
    def between(low: int, high: int) -> float:
        side = 'destination_service_name="details",reporter="destination"'
        below, upto = (
            sum(mesh.query(f'sum({labels.DURATION}_bucket{{{side},le="{x}"}})').values())
            for x in (low, high)
        )
        return upto - below

    before = between(500, 1000)
    mesh.set_latency("details", 0.6)
    eventually(lambda: between(500, 1000) > before, "0.6 s between 500 and 1000")


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


def test_prometheus_comes_back_at_the_same_place_with_its_history(mesh: Mesh) -> None:
    samples = f'sum(count_over_time(up{{pod="{GATEWAY.name}"}}[1h]))'
    before = sum(mesh.query(samples).values())
    mesh.stop_prometheus()
    with pytest.raises(httpx.ConnectError):
        mesh.query("up")
    mesh.start_prometheus()
    assert sum(mesh.query(samples).values()) >= before > 0


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


def test_an_unknown_name_is_refused_in_a_sentence(mesh: Mesh) -> None:
    with pytest.raises(AssertionError, match="no workload, app or part 'nobody'"):
        mesh.set_errors("nobody", 0.1)


def children(pid: int) -> set[Path]:
    """The running processes that this one has started."""
    return {
        stat.parent
        for stat in Path("/proc").glob("[0-9]*/stat")
        if _text(stat).rpartition(")")[2].split()[1:2] == [str(pid)]
    }


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def test_two_meshes_have_two_addresses_and_nothing_outlives_a_killed_one(mesh: Mesh) -> None:
    with running() as second:
        assert not set(second.envoys) & set(mesh.envoys)
        parts = children(second.pid)
        assert len(parts) == len(PODS) + 1
        # SIGKILL leaves the process no chance to end its children.
        os.kill(second.pid, signal.SIGKILL)
        eventually(lambda: not any((part / "exe").exists() for part in parts), "all have ended")
