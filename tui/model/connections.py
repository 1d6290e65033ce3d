"""The connections of a gateway, on either side of it: those of its listeners, and the pools to
its upstreams, each from Envoy's own statistics.

Rates are per second, times in seconds; `None` is a number that the source does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tui.model import gateway_stats as stats
from tui.model.health import Level

Numbers = Mapping[str, float]
"""Statistics by their names in Prometheus."""


ALL: Final = "all"
PROTOCOLS: Final = {"HTTP/1": "http1", "HTTP/2": "http2", "HTTP/3": "http3", "TLS": "ssl"}
"""Protocols that Envoy counts connections of, and what it calls them."""


def added(numbers: Numbers, *names: str) -> float | None:
    """The sum of those that are there; `None` where none of them is."""
    known = [numbers[name] for name in names if name in numbers]
    return sum(known) if known else None


def mean_age(numbers: Numbers, prefix: str) -> float | None:
    """Mean seconds that a connection lasted, of those that ended in the window."""
    ended = numbers.get(f"{prefix}downstream_cx_length_ms_count")
    lasted = numbers.get(f"{prefix}downstream_cx_length_ms_sum", 0.0)
    return lasted / ended / 1000 if ended else None


@dataclass(frozen=True, slots=True, eq=False)
class Connections:
    """The connections of a listener, or of one protocol on it.

    `address` is Envoy's: `0.0.0.0_8443`. `protocol`: `ALL`, or one of `PROTOCOLS`, of which only
    `active` and `opened` are known. `handshakes` succeeded. `resets`: requests reset by either
    side. `overflow`: connections refused because there were too many.
    """

    address: str
    protocol: str = ALL
    active: float | None = None
    opened: float | None = None
    closed: float | None = None
    age: float | None = None
    requests_active: float | None = None
    requests: float | None = None
    handshakes: float | None = None
    handshake_failures: float | None = None
    resets: float | None = None
    overflow: float | None = None
    idle_timeouts: float | None = None
    protocol_errors: float | None = None
    unmatched: float | None = None
    """Connections that no filter chain fits: no host of a Gateway has this server name."""
    received: float | None = None
    sent: float | None = None


def connections(address: str, numbers: Numbers) -> Connections:
    """A listener's connections, from its own statistics and those of its HTTP manager. Where the
    listener shows none, those of HTTP stand for all.
    """
    listener, http = "envoy_listener_", "envoy_http_"
    own = listener if f"{listener}downstream_cx_total" in numbers else http
    if f"{own}downstream_cx_total" not in numbers and f"{listener}downstream_cx_active" in numbers:
        own = listener
    return Connections(
        address,
        active=numbers.get(f"{own}downstream_cx_active"),
        opened=numbers.get(f"{own}downstream_cx_total"),
        closed=numbers.get(f"{own}downstream_cx_destroy"),
        age=mean_age(numbers, own),
        requests_active=numbers.get(f"{http}downstream_rq_active"),
        requests=numbers.get(f"{http}downstream_rq_total"),
        handshakes=numbers.get(f"{listener}ssl_handshake"),
        handshake_failures=added(numbers, *stats.HANDSHAKE_FAILURES),
        resets=added(numbers, f"{http}downstream_rq_rx_reset", f"{http}downstream_rq_tx_reset"),
        overflow=added(
            numbers,
            f"{listener}downstream_cx_overflow",
            f"{listener}downstream_cx_overload_reject",
            f"{listener}downstream_global_cx_overflow",
        ),
        idle_timeouts=added(
            numbers, f"{http}downstream_cx_idle_timeout", f"{http}downstream_rq_idle_timeout"
        ),
        protocol_errors=numbers.get(f"{http}downstream_cx_protocol_error"),
        unmatched=numbers.get(f"{listener}no_filter_chain_match"),
        received=numbers.get(f"{http}downstream_cx_rx_bytes_total"),
        sent=numbers.get(f"{http}downstream_cx_tx_bytes_total"),
    )


def by_protocol(address: str, numbers: Numbers) -> list[Connections]:
    """A row for each protocol that the listener has spoken."""
    rows = [
        Connections(
            address,
            protocol,
            numbers.get(f"envoy_http_downstream_cx_{name}_active"),
            numbers.get(f"envoy_http_downstream_cx_{name}_total"),
        )
        for protocol, name in PROTOCOLS.items()
    ]
    return [row for row in rows if row.active or row.opened]


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The connections from a gateway to one upstream cluster. `overflow`: requests and connections
    per second that a limit refused. `open`: which breakers are open, in any replica.
    """

    cluster: str
    active: float | None
    opened: float | None
    connect_failures: float | None
    connect_timeouts: float | None
    requests: float | None
    requests_active: float | None
    pending: float | None
    overflow: float | None
    timeouts: float | None
    retries: float | None
    retries_refused: float | None
    healthy: float | None
    members: float | None
    ejected: float | None
    ejections: float | None
    open: tuple[str, ...]

    @property
    def parts(self) -> tuple[str, str, str]:
        """(host, port, subset) of Istio's name; any other name is the host."""
        parts = self.cluster.split("|")
        return (parts[3], parts[1], parts[2]) if len(parts) == 4 else (self.cluster, "", "")

    @property
    def level(self) -> Level:
        """A breaker that is open or traffic with nobody to serve it fails; what did not get through
        at once degrades.
        """
        tried = bool(self.requests or self.overflow or self.connect_failures)
        if self.open or (tried and self.healthy == 0):
            return Level.FAILING
        troubles = (self.connect_failures, self.connect_timeouts, self.overflow, self.timeouts,
                    self.retries_refused, self.ejected, self.ejections)  # fmt: skip
        if any(troubles):
            return Level.DEGRADED
        return Level.HEALTHY if tried or self.active else Level.IDLE


def pool(cluster: str, numbers: Numbers) -> Pool:
    """A pool by its statistics."""

    def get(name: str) -> float | None:
        return numbers.get(f"envoy_cluster_{name}")

    breaker = "envoy_cluster_circuit_breakers_"
    return Pool(
        cluster,
        active=get("upstream_cx_active"),
        opened=get("upstream_cx_total"),
        connect_failures=get("upstream_cx_connect_fail"),
        connect_timeouts=get("upstream_cx_connect_timeout"),
        requests=get("upstream_rq_total"),
        requests_active=get("upstream_rq_active"),
        pending=get("upstream_rq_pending_active"),
        overflow=added(numbers, "envoy_cluster_upstream_cx_overflow",
                       "envoy_cluster_upstream_cx_pool_overflow",
                       "envoy_cluster_upstream_rq_pending_overflow"),
        timeouts=get("upstream_rq_timeout"),
        retries=get("upstream_rq_retry"),
        retries_refused=added(numbers, "envoy_cluster_upstream_rq_retry_overflow",
                              "envoy_cluster_upstream_rq_retry_limit_exceeded"),
        healthy=get("membership_healthy"),
        members=get("membership_total"),
        ejected=get("outlier_detection_ejections_active"),
        ejections=get("outlier_detection_ejections_enforced_total"),
        open=tuple(
            name.removeprefix(breaker).removesuffix("_open").replace("default_", "")
            for name in stats.BREAKERS.gauges
            if numbers.get(name)
        ),
    )  # fmt: skip
