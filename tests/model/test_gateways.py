"""Gateways are found, each statistic is theirs, and what is off is told from what is zero."""

from __future__ import annotations

import pytest

from tests.model.envoys import (
    GATEWAY,
    OTHER,
    POD,
    REVIEWS_POOL,
    cluster,
    entered,
    gateway_frame,
    listener,
    manager,
    stat,
)
from tests.model.frames import Series, requests
from tui.model import gateway_stats as stats
from tui.model.connections import ALL
from tui.model.frame import Frame, Presence, Table
from tui.model.gateway import Gateway, expiry, expiry_level, stands_out
from tui.model.gateway import Presence as Shown
from tui.model.gateway_stats import Replica, gateway_queries
from tui.model.gateways import gateways, replicas, workload_of
from tui.model.health import Level
from tui.model.questions import ServiceKey

KEY = ServiceKey("gateway", "istio-system", "istio-ingressgateway")
UP = stat("envoy_server_uptime", 60)


def found(*series: Series) -> dict[ServiceKey, Gateway]:
    return {gateway.key: gateway for gateway in gateways(gateway_frame(*series))}


def one(*series: Series) -> Gateway:
    (gateway,) = gateways(gateway_frame(*series))
    return gateway


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("istio-ingressgateway-7c6f9b8d5-x2v4k", "istio-ingressgateway"),
        ("gateway-x2v4k", "gateway"),
        ("gateway-0", "gateway"),
        ("my-gateway-proxy", "my-gateway-proxy"),
        ("gateway", "gateway"),
        ("", ""),
        ("a-b-c", "a-b-c"),
    ],
)
def test_a_pods_name_tells_its_workload(pod: str, workload: str) -> None:
    assert workload_of(pod) == workload


def test_replicas_are_summed_and_each_is_shown() -> None:
    gateway = one(
        entered(6), entered(2, OTHER), entered(2, OTHER, response_code="503"),
        *listener({"downstream_cx_total": 3, "downstream_cx_active": 30}),
        *listener({"downstream_cx_total": 1, "downstream_cx_active": 10}, OTHER),
    )  # fmt: skip
    assert gateway.key == KEY
    assert gateway.codes.requests == 10
    assert (gateway.whole.opened, gateway.whole.active) == (4, 40)
    first, second = gateway.members
    assert (first.replica.pod, first.active, first.requests) == (OTHER["pod"], 10, 4)
    assert (first.errors, first.hot) == (2, False)
    assert (second.active, second.hot) == (30, False)
    assert gateway.imbalance == pytest.approx(0.5)


def test_a_listener_and_its_http_manager_are_one_row_and_then_each_protocol() -> None:
    gateway = one(
        entered(1),
        *listener({
            "downstream_cx_total": 4, "downstream_cx_destroy": 2, "downstream_cx_active": 7,
            "downstream_cx_length_ms_sum": 6000, "downstream_cx_length_ms_count": 2,
            "ssl_handshake": 3, "ssl_fail_verify_san": 0.5, "ssl_connection_error": 0.25,
            "downstream_cx_overflow": 1, "downstream_global_cx_overflow": 1,
        }),
        *manager({
            "downstream_cx_total": 4, "downstream_cx_active": 7, "downstream_cx_http2_total": 4,
            "downstream_cx_http2_active": 7, "downstream_cx_http1_total": 0,
            "downstream_cx_rx_bytes_total": 100, "downstream_cx_tx_bytes_total": 200,
            "downstream_rq_rx_reset": 1, "downstream_rq_tx_reset": 2,
            "downstream_cx_idle_timeout": 0.5, "downstream_rq_total": 50,
        }),
    )  # fmt: skip
    row, http2 = gateway.listeners
    assert (row.address, row.protocol) == ("0.0.0.0_8443", ALL)
    assert (row.active, row.opened, row.closed, row.age) == (7, 4, 2, 3)
    assert (row.handshakes, row.handshake_failures) == (3, 0.75)
    assert (row.overflow, row.resets, row.idle_timeouts, row.requests) == (2, 3, 0.5, 50)
    assert (row.received, row.sent) == (100, 200)
    assert (http2.protocol, http2.active, http2.opened) == ("HTTP/2", 7, 4)
    assert gateway.whole.opened == 4


def test_without_a_listeners_own_those_of_http_are_its_connections() -> None:
    gateway = one(entered(1), *manager({"downstream_cx_total": 4, "downstream_cx_active": 7}))
    assert (gateway.whole.opened, gateway.whole.active, gateway.whole.closed) == (4, 7, None)
    assert gateway.groups["listeners"] is Shown.OFF


def test_envoys_own_listeners_and_clusters_are_nobodys_connections() -> None:
    series = [
        entered(1),
        *listener({"downstream_cx_total": 9}, at="0.0.0.0_15090"),
        *listener({"downstream_cx_total": 9}, at="0.0.0.0_15021"),
        *manager({"downstream_cx_total": 9}, at="stats"),
        *cluster({"upstream_cx_total": 9}, name="xds-grpc"),
        *cluster({"upstream_cx_total": 9}, name="prometheus_stats"),
    ]
    gateway = one(*series)
    assert (gateway.listeners, gateway.pools) == ((), ())


def test_codes_of_envoy_are_by_class_once() -> None:
    gateway = one(
        entered(1),
        stat("envoy_http_downstream_rq", 8, http_conn_manager_prefix="outbound_0.0.0.0_8080",
             response_code_class="2xx"),
        stat("envoy_http_downstream_rq", 1, http_conn_manager_prefix="outbound_0.0.0.0_8443",
             response_code_class="2xx"),
    )  # fmt: skip
    assert gateway.classes == {"2xx": 9}


def test_a_thin_gateway_has_requests_and_says_what_is_off() -> None:
    gateway = one(entered(5), UP)
    assert gateway.codes.requests == 5
    assert gateway.whole.active is None
    assert {group.key for group in gateway.missing} == {
        "listeners", "http", "pools", "upstream", "members",
    }  # fmt: skip
    assert gateway.groups["tls"] is gateway.groups["breakers"] is Shown.SILENT


def test_without_any_statistics_of_envoy_nobody_says_that_they_are_off() -> None:
    gateway = one(entered(5))
    assert set(gateway.groups.values()) == {Shown.UNSEEN}
    assert gateway.missing == ()


def test_what_is_on_and_zero_is_zero() -> None:
    gateway = one(entered(1), *listener({"downstream_cx_total": 0, "downstream_cx_active": 0}))
    assert (gateway.whole.opened, gateway.whole.active) == (0, 0)
    assert gateway.groups["listeners"] is Shown.ON


def test_what_failed_or_was_not_asked_is_not_off() -> None:
    asked = gateway_frame(entered(1), UP, queries=gateway_queries(pools=False))
    (gateway,) = gateways(asked)
    assert gateway.groups["pools"] is Shown.NOT_ASKED
    failed = dict(asked.tables)
    failed[stats.LISTENER_RATES] = Table((), {}, Presence.FAILED, "no")
    (gateway,) = gateways(Frame(asked.at, asked.window, "x", failed))
    assert gateway.groups["listeners"] is Shown.FAILED


def test_a_gateway_without_traffic_is_known_by_its_pod() -> None:
    gateway = one(UP)
    assert (gateway.key, gateway.codes.requests) == (KEY, 0)
    assert gateway.groups["listeners"] is Shown.SILENT


def test_a_proxy_without_a_pod_is_a_gateway_by_its_listeners() -> None:
    bare = {"namespace": "", "pod": "", "instance": "127.0.0.1:15090"}
    sidecar = {**bare, "instance": "127.0.0.2:15090"}
    rows = found(
        *listener({"downstream_cx_active": 1}, bare),
        *listener({"downstream_cx_active": 1}, sidecar, at="0.0.0.0_9080"),
        *listener({"downstream_cx_active": 1}, sidecar, at="0.0.0.0_15006"),
        stat("envoy_server_uptime", 9, {**bare, "instance": "127.0.0.3:15090"}),
    )
    assert list(rows) == [ServiceKey("gateway", "unknown", "127.0.0.1:15090")]


def test_a_workload_that_serves_is_no_gateway_whatever_its_name() -> None:
    pod = {"namespace": "shop", "pod": "payment-gateway-7c6f9b8d5-x2v4k", "instance": "i"}
    who = {"source_workload": "payment-gateway", "source_workload_namespace": "shop"}
    serves = requests(
        3, destination_workload="payment-gateway", destination_workload_namespace="shop"
    )
    assert found(entered(1, pod | who), serves, stat("envoy_server_uptime", 1, pod)) == {}
    assert len(found(entered(1, pod | who))) == 1


def test_without_labels_of_replicas_there_is_still_the_gateway() -> None:
    gateway = one(entered(4, dict.fromkeys(POD, "")))
    assert (gateway.key, gateway.codes.requests) == (KEY, 4)


def test_destinations_have_their_codes_and_what_had_no_route_is_one_of_them() -> None:
    nowhere = {
        "destination_service_name": "unknown", "destination_service_namespace": "unknown",
        "destination_service": "unknown",
    }  # fmt: skip
    gateway = one(
        entered(9), entered(1, response_code="503", response_flags="UH"),
        entered(2, POD | nowhere, response_code="404", response_flags="NR"),
    )  # fmt: skip
    reviews, lost = gateway.destinations
    assert (reviews.key.name, reviews.exact()) == ("reviews", {"200": 9, "503": 1})
    assert (lost.key.name, lost.flags()) == ("unknown", {"NR": 2})
    assert gateway.codes.flags() == {"NR": 2, "UH": 1}


def test_a_pool_has_its_troubles_and_worst_comes_first() -> None:
    gateway = one(
        entered(1),
        *cluster({"upstream_rq_total": 5, "membership_healthy": 2, "membership_total": 2,
                  "circuit_breakers_default_rq_pending_open": 1,
                  "circuit_breakers_high_cx_open": 1, "upstream_rq_pending_overflow": 2,
                  "upstream_cx_overflow": 1}),
        *cluster({"upstream_rq_total": 50, "membership_healthy": 1}, name="outbound|80||a.b"),
        *cluster({"upstream_rq_total": 1, "membership_healthy": 0}, name="outbound|80||empty"),
        *cluster({"upstream_cx_active": 0, "membership_healthy": 0}, name="odd|name"),
        *cluster({"upstream_cx_connect_fail": 1, "membership_healthy": 1}, name="outbound|1||c"),
    )  # fmt: skip
    pools = {pool.cluster: pool for pool in gateway.pools}
    full = pools[REVIEWS_POOL]
    assert full.parts == ("reviews.default.svc.cluster.local", "9080", "v1")
    assert (full.open, full.overflow) == (("rq_pending", "high_cx"), 3)
    assert pools["odd|name"].parts == ("odd|name", "", "")
    assert [pool.level for pool in gateway.pools] == [
        Level.FAILING, Level.FAILING, Level.DEGRADED, Level.HEALTHY, Level.IDLE,
    ]  # fmt: skip
    assert gateway.pools[0].cluster == REVIEWS_POOL


@pytest.mark.parametrize(
    ("loads", "hot"),
    [([30, 10], False), ([100, 40, 40], True), ([6, 1, 1], False), ([5], False), ([0, 0], False)],
)
def test_a_hot_spot_is_more_than_chance(loads: list[float], hot: bool) -> None:
    assert stands_out(loads[0], loads) is hot


@pytest.mark.parametrize("days", [0, 2_147_483_647, 4_294_967_295, 106_751])
def test_envoys_days_say_nothing_where_they_are_usual_or_mean_no_certificate(days: int) -> None:
    assert expiry({"envoy_server_days_until_first_cert_expiring": days}, {}) is None
    assert expiry_level(None) is Level.UNKNOWN


def test_the_agents_seconds_are_exact_and_come_first() -> None:
    gateway = one(
        entered(1), stat("envoy_server_days_until_first_cert_expiring", 0),
        stat("istio_agent_cert_expiry_seconds", 80_000, resource_name="default"),
        stat("istio_agent_cert_expiry_seconds", 9e8, resource_name="ROOTCA"),
    )  # fmt: skip
    assert gateway.members[0].expires == 80_000
    assert expiry_level(80_000) is Level.HEALTHY
    assert expiry_level(-1) is Level.FAILING
    assert expiry_level(3 * 86_400) is Level.DEGRADED
    assert expiry({"envoy_server_days_until_first_cert_expiring": 3}, {}) == 3 * 86_400


def test_a_member_has_its_containers_cpu_and_memory_where_the_source_has_them() -> None:
    container = {"namespace": POD["namespace"], "pod": POD["pod"], "container": "istio-proxy"}
    gateway = one(
        entered(1), UP, stat("envoy_server_state", 1), stat("envoy_server_memory_heap_size", 5),
        stat("container_cpu_usage_seconds_total", 0.5, container),
        stat("container_memory_working_set_bytes", 1e8, container),
        stat("container_memory_working_set_bytes", 2e8, {**container, "container": ""}),
    )  # fmt: skip
    (member,) = gateway.members
    assert (member.cpu, member.working_set) == (0.5, 1e8)
    assert (member.memory, member.uptime, member.state) == (5, 60, "draining")


def test_known_replicas_are_those_of_gateways() -> None:
    sidecar = {"namespace": "default", "pod": "reviews-v1-7c6f9b8d5-x2v4k", "instance": "i"}
    shown = gateway_frame(entered(1), UP, stat("envoy_server_uptime", 1, sidecar))
    assert replicas(shown) == {Replica(**POD)}


def test_a_tcp_gateway_has_its_bytes() -> None:
    tcp = {"__name__": "istio_tcp_sent_bytes_total", "reporter": "source", **GATEWAY, **POD}
    gateway = one(entered(1), (tcp, 1000.0))
    assert gateway.tcp == {"istio_tcp_sent_bytes_total": 1000}


@pytest.mark.parametrize(
    ("reported", "shown"), [(Presence.NO_RATE, Shown.WAITING), (Presence.PRESENT, Shown.SILENT)]
)
def test_rates_that_nothing_has_yet_are_waited_for(reported: Presence, shown: Shown) -> None:
    asked = gateway_frame(entered(1), UP)
    tables = dict(asked.tables)
    entering = tables[stats.ENTERING]
    tables[stats.ENTERING] = Table(
        entering.by, entering.rows if reported is Presence.PRESENT else {}, reported
    )
    tables[stats.LISTENER_RATES] = Table((), {}, Presence.NO_RATE, "needs a second scrape")
    (gateway,) = gateways(Frame(asked.at, asked.window, "x", tables))
    assert gateway.groups["tls"] is shown
