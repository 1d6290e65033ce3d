"""Envoy's own statistics of a gateway: which there are, which Istio leaves off, and the queries.

Names are those of Istio's tag rules (`cluster_name`, `http_conn_manager_prefix`). Istio keeps only
`SERVER` of them unless `proxyStatsMatcher` says otherwise. Times of Envoy are in milliseconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from tui.model import labels, questions
from tui.model.frame import STAT, Kind, Match, Query

_L, _H, _C = "envoy_listener_", "envoy_http_", "envoy_cluster_"


class Group(NamedTuple):
    """Statistics that Istio leaves off by default and that are switched on together.

    `regexps` match the whole of Envoy's own names (RE2). `always`: a gateway that has handled a
    request shows at least one of them, if they are on; else it may have had no reason to.
    """

    key: str
    title: str
    regexps: tuple[str, ...]
    counters: tuple[str, ...] = ()
    gauges: tuple[str, ...] = ()
    always: bool = True

    @property
    def stats(self) -> frozenset[str]:
        """Their names in Prometheus."""
        return frozenset((*self.counters, *self.gauges))


def _named(prefix: str, *names: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in names)


LISTENERS: Final = Group(
    "listeners", "connections of listeners",
    (r"listener\..*\.downstream_.*", r"listener\..*\.no_filter_chain_match"),
    _named(
        _L, "downstream_cx_total", "downstream_cx_destroy", "downstream_cx_overflow",
        "downstream_cx_overload_reject", "downstream_global_cx_overflow",
        "downstream_pre_cx_timeout", "no_filter_chain_match", "downstream_cx_length_ms_sum",
        "downstream_cx_length_ms_count",
    ),
    _named(_L, "downstream_cx_active", "downstream_pre_cx_active"),
)  # fmt: skip
HANDSHAKE_FAILURES: Final = _named(
    _L, "ssl_connection_error", "ssl_fail_verify_no_cert", "ssl_fail_verify_error",
    "ssl_fail_verify_san", "ssl_fail_verify_cert_hash",
)  # fmt: skip
TLS: Final = Group(
    "tls", "TLS handshakes", (r"listener\..*\.ssl\..*",),
    (*_named(_L, "ssl_handshake", "ssl_session_reused", "ssl_no_certificate"), *HANDSHAKE_FAILURES),
    always=False,
)  # fmt: skip
HTTP: Final = Group(
    "http", "HTTP connections, bytes and resets", (r"http\..*\.downstream_(cx|rq)_.*",),
    _named(
        _H, "downstream_cx_total", "downstream_cx_ssl_total", "downstream_cx_http1_total",
        "downstream_cx_http2_total", "downstream_cx_http3_total", "downstream_cx_destroy",
        "downstream_cx_rx_bytes_total", "downstream_cx_tx_bytes_total",
        "downstream_cx_idle_timeout", "downstream_cx_protocol_error",
        "downstream_cx_max_duration_reached", "downstream_cx_length_ms_sum",
        "downstream_cx_length_ms_count", "downstream_rq_total", "downstream_rq_rx_reset",
        "downstream_rq_tx_reset", "downstream_rq_idle_timeout", "downstream_rq_timeout",
        "downstream_rq",
    ),
    _named(
        _H, "downstream_cx_active", "downstream_cx_ssl_active", "downstream_cx_http1_active",
        "downstream_cx_http2_active", "downstream_cx_http3_active", "downstream_rq_active",
    ),
)  # fmt: skip
POOLS: Final = Group(
    "pools", "upstream connections", (r"cluster\..*\.upstream_cx_.*",),
    _named(
        _C, "upstream_cx_total", "upstream_cx_destroy", "upstream_cx_connect_fail",
        "upstream_cx_connect_timeout", "upstream_cx_overflow", "upstream_cx_pool_overflow",
        "upstream_cx_none_healthy",
    ),
    _named(_C, "upstream_cx_active"),
)  # fmt: skip
UPSTREAM: Final = Group(
    "upstream", "upstream requests, queues and retries",
    (r"cluster\..*\.upstream_rq_(total|active|timeout|per_try_timeout|pending_.*|retry.*)",
     r"cluster\..*\.upstream_rq_(rx|tx)_reset"),
    _named(
        _C, "upstream_rq_total", "upstream_rq_timeout", "upstream_rq_pending_overflow",
        "upstream_rq_retry", "upstream_rq_retry_success", "upstream_rq_retry_overflow",
        "upstream_rq_retry_limit_exceeded",
    ),
    _named(_C, "upstream_rq_active", "upstream_rq_pending_active"),
)  # fmt: skip
MEMBERS: Final = Group(
    "members", "endpoints of upstreams", (r"cluster\..*\.membership_(total|healthy)",),
    gauges=_named(_C, "membership_total", "membership_healthy"),
)  # fmt: skip
EJECTIONS: Final = Group(
    "ejections", "outlier ejections", (r"cluster\..*\.outlier_detection\..*",),
    _named(_C, "outlier_detection_ejections_enforced_total"),
    _named(_C, "outlier_detection_ejections_active"),
    always=False,
)  # fmt: skip
BREAKERS: Final = Group(
    "breakers", "circuit breakers", (r"cluster\..*\.circuit_breakers\..*_open",),
    gauges=tuple(
        f"{_C}circuit_breakers_{priority}_{what}_open"
        for priority in ("default", "high")
        for what in ("cx", "cx_pool", "rq", "rq_pending", "rq_retry")
    ),
    always=False,
)  # fmt: skip
GROUPS: Final = (LISTENERS, TLS, HTTP, POOLS, UPSTREAM, MEMBERS, EJECTIONS, BREAKERS)
"""All that Istio leaves off by default and this program can show."""

SERVER: Final = _named(
    "envoy_server_", "uptime", "live", "state", "memory_allocated", "memory_heap_size",
    "memory_physical_size", "total_connections", "days_until_first_cert_expiring",
)  # fmt: skip
"""What every Envoy of Istio shows."""
AGENT_EXPIRY: Final = "istio_agent_cert_expiry_seconds"
"""Seconds until each certificate of the agent expires; on port 15020 only."""
CPU: Final = "container_cpu_usage_seconds_total"
MEMORY: Final = "container_memory_working_set_bytes"

LISTENER: Final = "listener_address"
MANAGER: Final = "http_conn_manager_prefix"
CLASS: Final = "response_code_class"
CLUSTER: Final = "cluster_name"
RESOURCE: Final = "resource_name"
REPLICA: Final = ("namespace", "pod", "instance")
"""Labels of a scrape that tell replicas apart; without Kubernetes there is only the last."""

ENTERING: Final = "gateway_entering"
BY_DESTINATION: Final = "gateway_by_destination"
SERVING: Final = "gateway_serving"
TCP: Final = "gateway_tcp"
LISTENER_RATES: Final = "gateway_listener_rates"
HTTP_RATES: Final = "gateway_http_rates"
CONNECTIONS: Final = "gateway_connections"
POOL_RATES: Final = "gateway_pool_rates"
POOL_GAUGES: Final = "gateway_pool_gauges"
SERVERS: Final = "gateway_servers"
CPU_USED: Final = "gateway_cpu"
MEMORY_USED: Final = "gateway_memory"

OWN_LISTENERS: Final = r".*_150(?:20|21|90)|admin"
OWN_MANAGERS: Final = "stats|admin|agent|async-client"
"""Listeners and HTTP managers of Envoy itself: health, metrics, admin."""
_OWN_CLUSTERS: Final = (
    "|xds-grpc|sds-grpc|agent|prometheus_stats|zipkin|inbound.*|Inbound.*|main_internal|encap"
    "|connect_originate|inner_connect_originate"
)


class Replica(NamedTuple):
    """One proxy of a gateway, by the labels of its scrape."""

    namespace: str
    pod: str
    instance: str


def stats_matcher(groups: Iterable[Group] = GROUPS) -> str:
    """The YAML that makes Istio keep these statistics, for a gateway's pods (`spec.template` of its
    Deployment); they start again to take it up. It takes the place of a matcher that is there.
    """
    lines = [f"          - '{regexp}'" for group in groups for regexp in group.regexps]
    head = (
        "metadata:", "  annotations:", "    proxy.istio.io/config: |", "      proxyStatsMatcher:",
        "        inclusionRegexps:",
    )  # fmt: skip
    return "\n".join((*head, *lines)) + "\n"


def gateway_queries(
    scope: Sequence[str] = (),
    named: Collection[tuple[str, str]] = (),
    replicas: Collection[Replica] | None = None,
    pools: bool = True,
) -> tuple[Query, ...]:
    """The queries behind the gateways, 12 at most.

    `scope`: namespaces, none for all. `named`: (namespace, workload) of the gateways wanted, none
    for all that look like one. `replicas`: whose connections and pools are wanted, as an earlier
    frame showed them (`tui.model.gateways.replicas`); `None` asks every proxy that may be one.
    `pools`: whether upstreams are wanted, which cost most: a gateway has one for each service.
    """
    pods = _pods(named)
    spaces = (Match.any_of("namespace", [*scope, ""]),) if scope else ()
    own = (*spaces, pods) if replicas is None else whose(replicas)
    upstream = _upstream(own) if pools else ()
    return (
        *_reported(scope, named),
        *_downstream(own),
        *upstream,
        _several(SERVERS, (*SERVER, AGENT_EXPIRY), RESOURCE, (*spaces, pods), Kind.GAUGE),
        *_containers((*spaces, pods)),
    )


def _pods(named: Collection[tuple[str, str]]) -> Match:
    """Pods that may be a gateway's by their name, and proxies that have no pod's."""
    if not named:
        return Match("pod", "=~", f"(?:{labels.GATEWAY_NAME})(?:-.*)?|")
    # With the empty name beside it, one name is a part of a regular expression too.
    names = Match.any_of("pod", ["", *(name for _, name in named)]).value.removeprefix("|")
    return Match("pod", "=~", f"(?:{names})-.*|")


def whose(replicas: Collection[Replica]) -> tuple[Match, ...]:
    """The series of these proxies alone."""
    if all(replica.instance for replica in replicas):
        return (Match.any_of("instance", [replica.instance for replica in replicas]),)
    return (Match.any_of("pod", [replica.pod for replica in replicas]),)


def _reported(scope: Sequence[str], named: Collection[tuple[str, str]]) -> tuple[Query, ...]:
    """What Istio's own metrics say of gateways, and who serves and so is none."""
    who: tuple[Match, ...] = (questions.FROM_GATEWAYS,)
    if named:
        who = (
            Match.any_of(labels.SOURCE_WORKLOAD, [name for _, name in named]),
            Match.any_of(labels.SOURCE_NAMESPACE, [namespace for namespace, _ in named]),
        )
    if scope:
        who = (*who, Match.any_of(labels.SOURCE_NAMESPACE, scope))
    client = (questions.FROM_CLIENTS, *who)
    place = (labels.DESTINATION_WORKLOAD, labels.DESTINATION_WORKLOAD_NAMESPACE)
    tcp = (
        labels.TCP_OPENED, labels.TCP_CLOSED, labels.TCP_REQUEST_BYTES, labels.TCP_RESPONSE_BYTES,
    )  # fmt: skip
    return (
        Query(ENTERING, labels.REQUESTS, (*questions.GATEWAY, *REPLICA, labels.CODE), client),
        Query(BY_DESTINATION, labels.REQUESTS,
              (*questions.GATEWAY, *questions.SERVICE, *questions.OUTCOME), client),
        Query(SERVING, labels.REQUESTS, place, (
            Match(labels.REPORTER, "=", "destination"),
            Match(labels.DESTINATION_WORKLOAD, "=~", labels.GATEWAY_NAME),
        )),
        Query(TCP, tcp[0], (*questions.GATEWAY, STAT), client, also=tcp[1:]),
    )  # fmt: skip


def _several(
    table: str, stats: Sequence[str], by: str, where: tuple[Match, ...], kind: Kind = Kind.RATE
) -> Query:
    return Query(table, stats[0], (*REPLICA, by, STAT), where, kind, also=tuple(stats[1:]))


def _downstream(own: tuple[Match, ...]) -> tuple[Query, ...]:
    listeners = Match(LISTENER, "!~", OWN_LISTENERS)
    managers = Match(MANAGER, "!~", OWN_MANAGERS)
    http, gauges = HTTP.counters, (*LISTENERS.gauges, *HTTP.gauges)
    return (
        _several(LISTENER_RATES, (*LISTENERS.counters, *TLS.counters), LISTENER, (*own, listeners)),
        Query(HTTP_RATES, http[0], (*REPLICA, MANAGER, CLASS, STAT), (*own, managers),
              also=http[1:]),
        Query(CONNECTIONS, gauges[0], (*REPLICA, LISTENER, MANAGER, STAT),
              (*own, listeners, managers), Kind.GAUGE, also=gauges[1:]),
    )  # fmt: skip


def _upstream(own: tuple[Match, ...]) -> tuple[Query, ...]:
    where = (*own, Match(CLUSTER, "!~", _OWN_CLUSTERS))
    groups = (POOLS, UPSTREAM, MEMBERS, EJECTIONS, BREAKERS)
    counters = [stat for group in groups for stat in group.counters]
    gauges = [stat for group in groups for stat in group.gauges]
    return (
        _several(POOL_RATES, counters, CLUSTER, where),
        _several(POOL_GAUGES, gauges, CLUSTER, where, Kind.GAUGE),
    )


def _containers(where: tuple[Match, ...]) -> tuple[Query, ...]:
    """What the kubelet says of the proxies, where Prometheus has that."""
    proxy = (*where, Match("container", "=", "istio-proxy"), Match("pod", "!=", ""))
    return (
        Query(CPU_USED, CPU, REPLICA[:2], proxy),
        Query(MEMORY_USED, MEMORY, REPLICA[:2], proxy, Kind.GAUGE),
    )
