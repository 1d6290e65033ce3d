"""Faults of the mesh look as they do on Istio, and end with the test that caused them."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import httpx
import pytest

from tests.mesh import telemetry
from tests.mesh.pods import GATEWAY, INGRESS_HOST, PODS
from tests.mesh.reading import halt, select, total
from tests.mesh.running import Mesh, eventually, running
from tui.model import labels

pytestmark = pytest.mark.real

RATINGS_ENVOY = [pod.app for pod in PODS].index("ratings")


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


def test_prometheus_comes_back_at_the_same_place_with_its_history(mesh: Mesh) -> None:
    samples = f'sum(count_over_time(up{{pod="{GATEWAY.name}"}}[1h]))'
    before = sum(mesh.query(samples).values())
    mesh.stop_prometheus()
    with pytest.raises(httpx.ConnectError):
        mesh.query("up")
    mesh.start_prometheus()
    assert sum(mesh.query(samples).values()) >= before > 0


def test_an_unknown_name_is_refused_in_a_sentence(mesh: Mesh) -> None:
    with pytest.raises(AssertionError, match="no workload, app or part 'nobody'"):
        mesh.set_errors("nobody", 0.1)


def children(pid: int) -> dict[Path, list[str]]:
    """The running processes that this one has started: /proc's folder of each and its command."""
    return {
        stat.parent: _text(stat.with_name("cmdline")).split("\0")
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
        # SIGKILL leaves the process no chance to end its children, or to remove its folder.
        os.kill(second.pid, signal.SIGKILL)
        eventually(lambda: not any((part / "exe").exists() for part in parts), "all have ended")
    configuration = next(
        c[c.index("--config-path") + 1] for c in parts.values() if "--config-path" in c
    )
    shutil.rmtree(Path(configuration).parent)
