"""Trouble for the oracle tests: every fault of the mesh at once, thin Prometheus, hostile names."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.exporter import line
from tests.mesh.pods import INGRESS_HOST
from tests.mesh.running import Mesh, eventually
from tests.model.hostile import NAMES
from tests.oracle import Oracle

Relabeling = Sequence[Mapping[str, Any]]

THIN: Final[Mapping[str, Relabeling]] = {
    "nameless": [
        {
            "action": "labeldrop",
            "regex": "destination_service_name(space)?|connection_security_policy",
        },
    ],
    "bucketless": [
        {"action": "drop", "source_labels": ["__name__"], "regex": "istio_.*_bucket"},
    ],
    "clients": [
        {"action": "keep", "source_labels": ["reporter"], "regex": "source"},
    ],
}
"""Prometheus with less than Istio's metrics: what it does to each scrape."""

_RATE: Final = "sum(rate(istio_requests_total{%s}[30s])) > 0"
_SEEN: Final = (
    _RATE % 'destination_service=~"promotions.*",response_flags="UH"',
    _RATE % 'response_code="0",source_workload="istio-ingressgateway"',
    'sum(rate(istio_request_duration_milliseconds_sum{destination_service=~"details.*"}[30s]))'
    ' / sum(rate(istio_request_duration_milliseconds_count{destination_service=~"details.*"}[30s]))'
    " > 100",
    'sum(rate(istio_request_duration_milliseconds_count{destination_service=~"promotions.*"}[30s]))'
    " > 0",
)
"""What every Prometheus has to know of the trouble."""
_SEEN_IN_FULL: Final = (
    _RATE % 'destination_workload="reviews-v3",response_code="500",reporter="destination"',
    _RATE % 'destination_workload="ratings-v1",response_code="500",reporter="destination"',
    _RATE % 'connection_security_policy="none"',
)
"""What only the one that has everything can know."""
_LOST: Final = _RATE % 'destination_service=~"ratings.*",response_flags=~".*URX.*"'


def scraping(*targets: str, keep: Relabeling = ()) -> str:
    """The configuration of a Prometheus that keeps what it wants of these (JSON is YAML)."""
    job = {
        "job_name": "proxies", "metrics_path": "/stats/prometheus", "honor_labels": True,
        "static_configs": [{"targets": targets}], "metric_relabel_configs": keep,
    }  # fmt: skip
    times = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    return json.dumps({"global": times, "scrape_configs": [job]})


def cause_trouble(mesh: Mesh, oracles: Sequence[Oracle]) -> None:
    """Every fault, until each Prometheus shows it; the first one has all of Istio's metrics."""
    mesh.set_errors("reviews-v3", 0.5)
    mesh.set_errors("ratings", 0.3)
    mesh.set_latency("details", 0.3)

    def shown(*promql: str) -> bool:
        _misbehave(mesh)
        present = [replace(oracle, at=time.time()) for oracle in oracles]
        return all(oracle.ask(text) for oracle in present for text in promql) and all(
            present[0].ask(text) for text in _SEEN_IN_FULL
        )

    eventually(lambda: shown(*_SEEN), "every fault has a rate")
    mesh.kill_envoy("ratings-v1")
    eventually(lambda: shown(_LOST), "requests of ratings are lost")


def _misbehave(mesh: Mesh) -> None:
    """What no application of the mesh does: call a service that is scaled to zero, call one without
    a proxy, and hang up.
    """
    mesh.http.get(f"{mesh.gateway}/promotions", headers={"Host": INGRESS_HOST})
    details = mesh.envoys[2].partition(":")[0]
    with suppress(httpx.HTTPError):
        mesh.http.get(f"http://{details}:9080/details/0")
    gateway = urlsplit(mesh.gateway)
    with socket.create_connection((gateway.hostname, gateway.port)) as connection:
        connection.sendall(f"GET /productpage HTTP/1.1\r\nHost: {INGRESS_HOST}\r\n\r\n".encode())
        time.sleep(0.05)


def hostile_page(scrape: int) -> Iterator[str]:
    """A mesh whose services have hostile names: served by a sidecar, by a waypoint, or by nobody
    that reports; some speak TCP. Two are calm: one without requests, and one whose only failure
    came with its series.
    """
    for place, name in enumerate(NAMES):
        who = {
            "destination_service_name": name, "destination_service_namespace": NAMES[place - 1],
            "destination_service": name, "destination_workload": name, "response_flags": "-",
            "connection_security_policy": ("mutual_tls", "none", "unknown")[place % 3],
        }  # fmt: skip
        if name and NAMES[place - 1]:
            reporter = ("destination", "waypoint", "source")[place % 3]
            yield from _service({**who, "reporter": reporter}, scrape, place + 1)
    for name, answered, failed in (("asleep", 7, 0), ("newborn", scrape, 1)):
        who = {"destination_service_name": name, "destination_service_namespace": "calm",
               "reporter": "destination"}  # fmt: skip
        yield line("istio_requests_total", {**who, "response_code": "200"}, answered)
        yield line("istio_requests_total", {**who, "response_code": "503"}, failed)


def _service(who: Mapping[str, str], scrape: int, pace: int) -> Iterator[str]:
    requests, duration = "istio_requests_total", "istio_request_duration_milliseconds"
    if pace % 10 == 0:
        yield line("istio_tcp_received_bytes_total", who, scrape * pace * 100)
    if pace % 20 == 0:
        return
    for code, status in (("200", ""), ("404", ""), ("503", ""), ("0", ""), ("200", "14")):
        outcome = {"response_code": code, "grpc_response_status": status}
        yield line(requests, {**who, **outcome}, scrape * (pace + int(code) + len(status)))
    lost = {"reporter": "source", "destination_workload": "unknown", "response_code": "503"}
    yield line(requests, {**who, **lost, "response_flags": "UF,URX"}, scrape * pace)
    for share, bound in enumerate(("5", "100", "2500", "+Inf")):
        yield line(f"{duration}_bucket", {**who, "le": bound}, scrape * pace * (share + 1))
    for name in (duration, "istio_request_bytes", "istio_response_bytes"):
        yield line(f"{name}_sum", who, scrape * pace * 70)
        yield line(f"{name}_count", who, scrape * pace * 4)
