"""Every measure of the control plane is Prometheus' own answer to PromQL written by hand."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from tests import prometheus
from tests.mesh.istiod import Istiod, serving
from tests.mesh.running import eventually
from tests.oracle import LIMIT, Oracle
from tui.model.control import ControlPlane, control_plane
from tui.model.frame import Ask
from tui.model.health import Level
from tui.model.istiod import control_queries
from tui.sources.prometheus import Endpoint, PrometheusSource
from tui.view.measures import Measure, measures

pytestmark = [pytest.mark.real, prometheus.needs_prometheus]

WINDOW = 5
SUM = "sum(rate({}[5s]))"
OR_ZERO = "sum(rate({}[5s])) or vector(0)"
QUANTILE = "histogram_quantile({}, sum by (le) (rate({}_bucket[5s])))"
CONVERGENCE, QUEUE = "pilot_proxy_convergence_time", "pilot_proxy_queue_time"
BY_HAND = {
    ("istiods", ""): "count(istiod_uptime_seconds)",
    ("connected_proxies", ""): "sum(pilot_xds)",
    ("connected_proxies", "istiod-b"): 'sum(pilot_xds{pod="istiod-b"})',
    ("cpu_cores", "istiod-a"): 'rate(process_cpu_seconds_total{app="istiod",pod="istiod-a"}[5s])',
    ("memory_bytes", "istiod-a"): 'process_resident_memory_bytes{app="istiod",pod="istiod-a"}',
    ("goroutines", "istiod-b"): 'go_goroutines{app="istiod",pod="istiod-b"}',
    ("pushes_per_second", ""): SUM.format('pilot_xds_pushes{type!="eds_senderr"}'),
    ("pushes_per_second", "istiod-a"): SUM.format(
        'pilot_xds_pushes{type!="eds_senderr",pod="istiod-a"}'
    ),
    ("pushes_per_second", "cds"): SUM.format('pilot_xds_pushes{type="cds"}'),
    ("convergence_p50_seconds", ""): QUANTILE.format(0.5, CONVERGENCE),
    ("convergence_p99_seconds", ""): QUANTILE.format(0.99, CONVERGENCE),
    ("queue_p50_seconds", ""): QUANTILE.format(0.5, QUEUE),
    ("queue_p99_seconds", ""): QUANTILE.format(0.99, QUEUE),
    ("send_errors_per_second", ""): SUM.format('pilot_xds_pushes{type="eds_senderr"}'),
    ("rejects_per_second", ""): SUM.format("pilot_total_xds_rejects"),
    ("rejects_per_second", "cds"): SUM.format('pilot_total_xds_rejects{type="cds"}'),
    ("rejects_per_second", "lds"): SUM.format('pilot_total_xds_rejects{type="lds"}'),
    ("internal_errors_per_second", ""): OR_ZERO.format("pilot_total_xds_internal_errors"),
    ("write_timeouts_per_second", ""): OR_ZERO.format("pilot_xds_write_timeout"),
    ("config_events_per_second", ""): SUM.format("pilot_k8s_cfg_events"),
    ("config_events_per_second", "VirtualService update"): SUM.format(
        'pilot_k8s_cfg_events{type="VirtualService",event="update"}'
    ),
    ("registry_events_per_second", ""): SUM.format("pilot_k8s_reg_events"),
    ("conflicts", ""): "sum(pilot_conflict_inbound_listener)",
    ("signing_requests_per_second", ""): SUM.format("citadel_server_csr_count"),
    ("signed_per_second", ""): SUM.format("citadel_server_success_cert_issuance_count"),
    ("signing_errors_per_second", ""): SUM.format("citadel_server_csr_sign_err_count"),
    ("root_expiry_seconds", ""): "min(citadel_server_root_cert_expiry_timestamp) - time()",
    ("validated_per_second", ""): SUM.format("galley_validation_passed"),
    ("validation_failures_per_second", ""): SUM.format("galley_validation_failed"),
    ("validation_errors_per_second", ""): OR_ZERO.format("galley_validation_http_error"),
    ("injected_per_second", ""): SUM.format("sidecar_injection_success_total"),
    ("injection_failures_per_second", ""): SUM.format("sidecar_injection_failure_total"),
    ("components_running", "pilot 1.24.1"): 'sum(istio_build{component="pilot",tag="1.24.1"})',
    ("components_running", "pilot 1.25.0"): 'sum(istio_build{component="pilot",tag="1.25.0"})',
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One past instant: what the program makes of it, and Prometheus."""

    oracle: Oracle
    plane: ControlPlane
    found: dict[tuple[str, str], Measure]


def config(targets: dict[str, str]) -> str:
    """Each istiod with the labels that Istio's own Prometheus gives it (JSON is YAML)."""
    static = [
        {"targets": [address], "labels": {"pod": pod, "app": "istiod"}}
        for pod, address in targets.items()
    ]
    times = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    jobs = [{"job_name": "kubernetes-pods", "static_configs": static}]
    return json.dumps({"global": times, "scrape_configs": jobs})


async def look(url: str, at: float) -> ControlPlane:
    source = PrometheusSource(Endpoint(url))
    try:
        first = control_plane(await source.poll(Ask(control_queries(), WINDOW, at)))
        frame = await source.poll(Ask(control_queries(first.instances), WINDOW, at))
    finally:
        await source.close()
    assert frame.warnings == ()
    assert frame.cost.queries <= 12
    return control_plane(frame)


def past(oracle: Oracle, *true: str) -> float:
    """An instant at which all of this was true, and about which nothing more will be learnt."""

    def holds() -> bool:
        now = Oracle(oracle.http, oracle.url, time.time(), WINDOW)
        return all(now.ask(text) for text in true)

    eventually(holds, "; ".join(true))
    at = round(time.time(), 3)
    later = Oracle(oracle.http, oracle.url, at + 60, WINDOW)
    eventually(lambda: bool(later.ask(f"min(timestamp(up)) > {at}")), "later scrapes")
    return at


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Oracle, Istiod, Istiod]]:
    """A Prometheus that scrapes two istiods in good health."""
    one, other = Istiod(), Istiod(tag="1.25.0", proxies=3)
    with ExitStack() as stack:
        a, b = (stack.enter_context(serving(x)) for x in (one, other))
        url = stack.enter_context(prometheus.running(config({"istiod-a": a, "istiod-b": b})))
        http = stack.enter_context(httpx.Client(timeout=LIMIT, trust_env=False))
        yield Oracle(http, url, 0.0, WINDOW), one, other


async def seen(oracle: Oracle, at: float) -> Seen:
    plane = await look(oracle.url, at)
    found = {(x.key, x.of): x for x in measures(plane)}
    return Seen(Oracle(oracle.http, oracle.url, at, WINDOW), plane, found)


def agrees(mine: float | None, theirs: float | None) -> bool:
    """Sums of floats in another order differ in their last bits."""
    if mine is None or theirs is None:
        return mine is theirs
    return math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-6)


async def test_in_trouble_every_measure_is_prometheus_own(
    running: tuple[Oracle, Istiod, Istiod],
) -> None:
    oracle, one, other = running
    healthy = await seen(oracle, past(oracle, "min(count_over_time(istio_build[5s])) > 3"))
    assert {x.level for x in healthy.found.values()} <= {Level.HEALTHY, None}
    assert healthy.found["rejects_per_second", ""].text == "0"
    one.reject("cds", 2.0)
    other.reject("lds", 3.0)
    one.fail_sends("eds", 2.0)
    other.conflict(2)
    one.refuse_validation(2.0)
    one.break_injection(2.0)
    one.break_signing(2.0)
    other.take(7.0)
    other.expire(86_400.0)
    shows = [f"sum(rate({metric}[5s])) > 1.5" for metric in (
        "pilot_total_xds_rejects", 'pilot_xds_pushes{type="eds_senderr"}',
        "galley_validation_failed", "sidecar_injection_failure_total",
        "citadel_server_csr_sign_err_count",
    )]  # fmt: skip
    trouble = await seen(oracle, past(oracle, *shows))
    for place, promql in BY_HAND.items():
        theirs = trouble.oracle.number(promql)
        assert theirs is not None, promql
        assert agrees(trouble.found[place].value, theirs), (place, promql)
    for measure in trouble.found.values():
        theirs = trouble.oracle.number(measure.promql)
        assert agrees(measure.value, theirs), (measure, theirs)
    assert trouble.found["root_expiry_seconds", ""].level is Level.FAILING
    assert trouble.found["convergence_p99_seconds", ""].level is Level.DEGRADED


async def test_idle_and_nothing_at_all_are_told_apart(
    running: tuple[Oracle, Istiod, Istiod],
) -> None:
    oracle, one, other = running
    for istiod in (one, other):
        istiod.mend()
        istiod.rest()
    rest = await seen(oracle, past(oracle, f"sum(increase({CONVERGENCE}_count[5s])) == 0"))
    p99 = rest.found["convergence_p99_seconds", ""]
    assert (p99.value, p99.text) == (None, "idle")
    assert rest.oracle.number(BY_HAND["convergence_p99_seconds", ""]) is None
    assert rest.found["pushes_per_second", ""].value == 0
    assert rest.found["internal_errors_per_second", ""].value == 0
    before = await seen(oracle, time.time() - 86_400)
    assert {x.value for x in before.found.values()} == {None}
    assert before.plane.istiods == ()
