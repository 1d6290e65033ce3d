"""What is said of gateways and codes is Prometheus' own answer, and what Envoy's admin port has.

The mesh is in trouble and is then looked at as of one past instant: PromQL by hand answers each
figure, and so does the query that a cell explains itself with.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from tests import prometheus
from tests.mesh.pods import INGRESS_HOST
from tests.mesh.reading import halt
from tests.mesh.running import Mesh, eventually
from tests.oracle import LIMIT, Oracle, equal
from tui.model import gateway_stats as stats
from tui.model.codes import Codes, code_queries, codes
from tui.model.frame import Ask, Frame, Query
from tui.model.gateway import Gateway, Presence
from tui.model.gateway_stats import GROUPS, gateway_queries
from tui.model.gateways import gateways, replicas
from tui.sources.prometheus import Endpoint, PrometheusSource
from tui.view import codes as codes_view
from tui.view import connections, pools, switches
from tui.view.gateways import COLUMNS
from tui.view.table import Column

pytestmark = [pytest.mark.real, prometheus.needs_prometheus]

WINDOW: Final = 60
LISTENER: Final = 'envoy_listener_%s{listener_address="0.0.0.0_8080"}'
MANAGER: Final = 'envoy_http_%s{http_conn_manager_prefix="outbound_0.0.0.0_8080"}'
POOL: Final = (
    'envoy_cluster_%s{cluster_name="outbound|9080||productpage.default.svc.cluster.local",'
    'pod=~"istio-ingressgateway.*"}'
)


async def _poll(url: str, queries: tuple[Query, ...], at: float | None) -> Frame:
    source = PrometheusSource(Endpoint(url))
    try:
        return await source.poll(Ask(queries, WINDOW, at))
    finally:
        await source.close()


def poll(url: str, queries: tuple[Query, ...], at: float | None = None) -> Frame:
    return asyncio.run(_poll(url, queries, at))


def gateway(url: str, at: float | None = None) -> Gateway:
    """The one gateway of the mesh, asked for as the program does: first who, then what."""
    known = replicas(poll(url, gateway_queries(), at))
    frame = poll(url, gateway_queries(replicas=known), at)
    assert frame.warnings == ()
    assert frame.cost.queries <= 12
    (found,) = gateways(frame)
    return found


class Past:
    """An instant that Prometheus will learn nothing more about."""

    def __init__(self, mesh: Mesh, http: httpx.Client, at: float) -> None:
        self.url, self.at = mesh.prometheus, at
        self.oracle = Oracle(http, mesh.prometheus, at, window=WINDOW)
        self.gateway = gateway(mesh.prometheus, at)
        self.codes: list[Codes] = codes(poll(mesh.prometheus, code_queries(), at))

    def rate(self, series: str) -> float | None:
        return self.oracle.number(f"sum(rate({series}[{WINDOW}s]))")


@contextmanager
def held(mesh: Mesh, how_many: int) -> Iterator[None]:
    """Connections to the gateway that stay open."""
    at = urlsplit(mesh.gateway)
    with ExitStack() as stack:
        for _ in range(how_many):
            stack.enter_context(socket.create_connection((at.hostname, at.port)))
        yield


def hang_up(mesh: Mesh) -> None:
    """Ask the gateway for a slow page, and leave before it comes: code 0, DC."""
    at = urlsplit(mesh.gateway)
    with socket.create_connection((at.hostname, at.port)) as connection:
        connection.sendall(f"GET /productpage HTTP/1.1\r\nHost: {INGRESS_HOST}\r\n\r\n".encode())
        time.sleep(0.05)


def shown(mesh: Mesh, *flags: str) -> bool:
    mesh.http.get(f"{mesh.gateway}/promotions", headers={"Host": INGRESS_HOST})
    hang_up(mesh)
    rates = mesh.query(
        "sum by (response_flags) (rate(istio_requests_total{"
        f'source_workload="istio-ingressgateway"}}[{WINDOW}s])) > 0'
    )
    seen = {flag for labels in rates for _, value in labels for flag in value.split(",")}
    return seen >= set(flags)


@pytest.fixture(scope="module")
def past(_running_mesh: Mesh) -> Iterator[Past]:
    mesh = _running_mesh
    with httpx.Client(timeout=LIMIT, trust_env=False) as http:
        try:
            mesh.set_latency("details", 0.3)
            eventually(lambda: shown(mesh, "UH", "DC", "NR"), "UH, DC and NR have rates")
            mesh.kill_envoy("productpage-v1")
            eventually(lambda: shown(mesh, "UF", "URX"), "UF has a rate")
            ended = f"rate({LISTENER % 'downstream_cx_length_ms_count'}[{WINDOW}s]) > 0"
            eventually(lambda: bool(mesh.query(ended)), "Envoy has flushed its histograms")
            at = round(time.time(), 3)
            eventually(
                lambda: min(mesh.query('timestamp(up{pod=~"istio-ingress.*"})').values()) > at,
                "the gateway was scraped again",
            )
        finally:
            mesh.mend()
        yield Past(mesh, http, at)


@pytest.mark.parametrize(
    ("figure", "series"),
    [
        ("opened", LISTENER % "downstream_cx_total"),
        ("closed", LISTENER % "downstream_cx_destroy"),
        ("overflow", LISTENER % "downstream_cx_overflow"),
        ("requests", MANAGER % "downstream_rq_total"),
        ("resets", MANAGER % "downstream_rq_rx_reset"),
        ("idle_timeouts", MANAGER % "downstream_cx_idle_timeout"),
        ("received", MANAGER % "downstream_cx_rx_bytes_total"),
        ("sent", MANAGER % "downstream_cx_tx_bytes_total"),
    ],
)
def test_each_rate_of_a_listener_is_prometheus_own(past: Past, figure: str, series: str) -> None:
    row, *_ = past.gateway.listeners
    assert row.address == "0.0.0.0_8080"
    expected = past.rate(series)
    assert expected is not None
    assert equal(getattr(row, figure), expected)


def test_gauges_and_the_mean_age_are_prometheus_own(past: Past) -> None:
    row, *_ = past.gateway.listeners
    assert row.active == past.oracle.number(f"sum({LISTENER % 'downstream_cx_active'})")
    total, count = (past.rate(LISTENER % f"downstream_cx_length_ms_{x}") for x in ("sum", "count"))
    assert total is not None
    assert count
    assert row.age is not None
    assert equal(row.age, total / count / 1000)


@pytest.mark.parametrize(
    ("figure", "stat"),
    [
        ("opened", "upstream_cx_total"),
        ("connect_failures", "upstream_cx_connect_fail"),
        ("requests", "upstream_rq_total"),
        ("retries", "upstream_rq_retry"),
        ("retries_refused", "upstream_rq_retry_limit_exceeded"),
    ],
)
def test_each_rate_of_a_pool_is_prometheus_own(past: Past, figure: str, stat: str) -> None:
    pool = next(p for p in past.gateway.pools if p.parts[0].startswith("productpage."))
    assert equal(getattr(pool, figure), past.rate(POOL % stat))


def test_codes_of_the_gateway_are_istios_and_classes_are_envoys(past: Past) -> None:
    own = 'istio_requests_total{reporter="source",source_workload="istio-ingressgateway",%s}'
    for code, rate in past.gateway.codes.exact().items():
        assert equal(rate, past.rate(own % f'response_code="{code}"'))
    assert equal(past.gateway.codes.requests, past.rate(own % ""))
    for group, rate in past.gateway.classes.items():
        series = MANAGER.replace("}", f',response_code_class="{group}"}}') % "downstream_rq"
        assert equal(rate, past.rate(series))


def test_the_trouble_is_in_flags_codes_and_pools(past: Past) -> None:
    flags = past.gateway.codes.flags()
    assert flags.keys() >= {"UH", "DC", "NR", "UF", "URX"}
    by_name = {row.key.name: row for row in past.gateway.destinations}
    assert by_name["promotions"].flags().keys() == {"UH"}
    assert by_name["unknown"].flags().keys() >= {"NR"}
    assert past.gateway.codes.exact()["0"] > 0
    pool = next(p for p in past.gateway.pools if p.parts[0].startswith("productpage."))
    assert pool.connect_failures
    every = {row.key.name: row for row in past.codes}
    assert every["promotions"].share("5xx") == 1
    assert every["productpage"].flags().keys() >= {"UF", "URX"}
    assert every["istio-ingressgateway"].flags() == flags


def explained(
    past: Past, columns: Sequence[Column[Any]], items: Sequence[Any]
) -> Iterator[tuple[str, object, float | None]]:
    """Each cell that has a number: what it is, the number, and what its query is answered."""
    for item in items:
        for column in columns:
            value = column.value(item)
            if column.promql is not None and value is not None:
                query = column.promql(item)
                yield f"{column.key}: {query}", value, past.oracle.number(query)


def test_the_explained_query_of_each_cell_gives_its_value(past: Past) -> None:
    one = [past.gateway]
    asked = 0
    for columns, items in (
        (COLUMNS, one),
        (connections.CONNECTION_COLUMNS, connections.connection_parts(one)),
        (pools.POOL_COLUMNS, pools.pool_parts(one)),
        (codes_view.COLUMNS, past.codes),
    ):
        for what, value, answer in explained(past, columns, items):
            assert equal(value, answer), f"{what}: {value}, not {answer}"
            asked += 1
    assert asked > 100


def admin(mesh: Mesh) -> dict[str, str]:
    """The gateway's statistics as its admin port has them, by Envoy's own names."""
    host = mesh.envoys[0].partition(":")[0]
    text = mesh.http.get(f"http://{host}:15000/stats").raise_for_status().text
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def test_connections_are_those_of_envoys_admin_port(mesh: Mesh) -> None:
    halt(mesh)
    name = "listener.0.0.0.0_8080.downstream_cx_active"
    before = float(admin(mesh)[name])
    with held(mesh, 5):
        eventually(lambda: float(admin(mesh)[name]) == before + 5, "Envoy has five more")
        eventually(lambda: gateway(mesh.prometheus).whole.active == before + 5, "so does the frame")
        (member,) = gateway(mesh.prometheus).members
        assert member.active == before + 5
    eventually(lambda: gateway(mesh.prometheus).whole.active == before, "and they are gone again")


def test_what_is_told_of_the_proxy_is_what_its_admin_port_says(mesh: Mesh) -> None:
    (member,) = gateway(mesh.prometheus).members
    told = admin(mesh)
    assert member.state == "live"
    assert member.uptime is not None
    assert 0 <= float(told["server.uptime"]) - member.uptime < LIMIT
    assert member.expires is None, "it has no certificate, and 0 days would say nothing anyway"
    for pool in gateway(mesh.prometheus).pools:
        assert pool.healthy == float(told[f"cluster.{pool.cluster};.membership_healthy"])


def test_the_regular_expressions_fit_the_names_on_the_admin_port(mesh: Mesh) -> None:
    names = list(admin(mesh))
    found = gateway(mesh.prometheus)
    for group in GROUPS:
        if found.groups[group.key] is Presence.ON:
            fit = [any(re.fullmatch(x, name) for name in names) for x in group.regexps]
            assert any(fit), group.key
    on = {key for key, state in found.groups.items() if state is Presence.ON}
    assert on == {"listeners", "http", "pools", "upstream", "members", "breakers"}


def test_a_thin_gateway_has_requests_and_codes_and_says_what_is_off(mesh: Mesh) -> None:
    job = {
        "job_name": "thin", "metrics_path": "/stats/prometheus", "honor_labels": True,
        "static_configs": [{"targets": [mesh.envoys[0]]}],
        "metric_relabel_configs": [{
            "action": "drop", "source_labels": ["__name__"],
            "regex": "envoy_(listener|http|cluster)_.*",
        }],
    }  # fmt: skip
    times = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    with prometheus.running(json.dumps({"global": times, "scrape_configs": [job]})) as url:
        source = f"rate(istio_requests_total[{WINDOW}s]) > 0"

        def rates() -> bool:
            answer = mesh.http.get(f"{url}/api/v1/query", params={"query": source})
            return bool(answer.json()["data"]["result"])

        eventually(rates, "it has a rate")
        thin = gateway(url)
    assert thin.codes.requests > 0
    assert thin.key.name == "istio-ingressgateway"
    assert {group.key for group in thin.missing} == {
        "listeners", "http", "pools", "upstream", "members",
    }  # fmt: skip
    assert switches.switch_on(thin) == stats.stats_matcher()
    assert "proxyStatsMatcher" in switches.why_no_connections(thin)
