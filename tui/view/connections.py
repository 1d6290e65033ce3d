"""The connections of gateways' listeners as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tui.model import gateway_stats as stats
from tui.model.connections import ALL, PROTOCOLS, Connections
from tui.model.frame import Kind, Match
from tui.model.gateway import Gateway, Presence
from tui.model.text import plain
from tui.view import format
from tui.view.gateways import Part, asked, figure, name_columns, trouble
from tui.view.order import Order
from tui.view.table import Cell, Column

_L: Final = "envoy_listener_"
_H: Final = "envoy_http_"


def _place(connections: Connections, name: str) -> tuple[Match, ...]:
    """The series of one listener, or of all but Envoy's own."""
    managed = name.startswith(_H)
    address = connections.address
    if not address:
        own = stats.OWN_MANAGERS if managed else stats.OWN_LISTENERS
        return (Match(stats.MANAGER if managed else stats.LISTENER, "!~", own),)
    if managed:
        return (Match.any_of(stats.MANAGER, (address, f"outbound_{address}")),)
    return (Match(stats.LISTENER, "=", address),)


def _connection(what: str) -> Callable[[Part[Connections]], tuple[str, ...]]:
    """The statistic of connections that a row shows: of one protocol, or of a listener by itself or
    else by its HTTP manager.
    """

    def names(part: Part[Connections]) -> tuple[str, ...]:
        if part.of.protocol != ALL:
            return (f"{_H}downstream_cx_{PROTOCOLS[part.of.protocol]}_{what}",)
        on = part.gateway.groups[stats.LISTENERS.key] is Presence.ON
        return (f"{_L if on else _H}downstream_cx_{what}",)

    return names


def _fixed(*names: str) -> Callable[[Part[Connections]], tuple[str, ...]]:
    return lambda part: names


def _column(
    key: str,
    title: str,
    read: Callable[[Connections], float | None],
    names: Callable[[Part[Connections]], tuple[str, ...]],
    help: str,
    *,
    kind: Kind = Kind.RATE,
    show: Callable[[float | None], str] = format.rate,
    bad: bool = False,
    drop: int = 0,
    wide: bool = False,
) -> Column[Part[Connections]]:
    def cell(part: Part[Connections]) -> Cell:
        value = read(part.of)
        return trouble(value) if bad else figure(value, show)

    def query(part: Part[Connections]) -> str:
        found = names(part)
        return asked(part.gateway, found, kind, *_place(part.of, found[0]))

    return Column(
        key, title, max(6, len(title)), lambda part: read(part.of), cell, help, query,
        drop=drop, wide=wide, words=(title.lower().replace("/s", "").replace(" ", ""),),
    )  # fmt: skip


def _age_query(part: Part[Connections]) -> str:
    (prefix,) = _connection("length_ms")(part)
    where = _place(part.of, prefix)
    total, count = (
        asked(part.gateway, (prefix + end,), Kind.RATE, *where) for end in ("_sum", "_count")
    )
    return f"{total}\n/\n{count} / 1000"


def _listener(part: Part[Connections]) -> str:
    return plain(part.of.address.replace("_", ":")) or "all listeners"


CONNECTION_COLUMNS: Final[tuple[Column[Part[Connections]], ...]] = (
    *name_columns(),
    Column(
        "listener", "LISTENER", 13, lambda part: part.of.address or None,
        lambda part: Cell(_listener(part)),
        "The address that the gateway's pods listen on: 8080 and 8443 serve ports 80 and 443.",
        align="left", flexible=True, descending=False, words=("listener",),
    ),
    Column(
        "protocol", "PROTOCOL", 8, lambda part: part.of.protocol,
        lambda part: Cell(part.of.protocol, dim=part.of.protocol == ALL),
        "All connections of the listener, or those that spoke this protocol. TLS ones are in "
        "HTTP/1 to 3 too.",
        align="left", descending=False, drop=1, words=("protocol",),
    ),
    _column("active_connections", "ACTIVE", lambda c: c.active, _connection("active"),
            "Connections that are open.", kind=Kind.GAUGE, show=format.count),
    _column("opened_per_second", "OPEN/S", lambda c: c.opened, _connection("total"),
            "Connections opened per second: high beside few requests, clients do not keep them."),
    _column("closed_per_second", "CLOSE/S", lambda c: c.closed, _connection("destroy"),
            "Connections closed per second.", drop=2),
    Column(
        "mean_age_seconds", "AGE", 6, lambda part: part.of.age,
        lambda part: figure(part.of.age, format.duration),
        "Mean time that connections lasted, of those that ended in the window.",
        _age_query, drop=2, words=("age",),
    ),
    _column("active_requests", "RQ ACT", lambda c: c.requests_active,
            _fixed(f"{_H}downstream_rq_active"), "Requests under way.", kind=Kind.GAUGE,
            show=format.count, drop=6),
    _column("requests_per_second", "RPS", lambda c: c.requests, _fixed(f"{_H}downstream_rq_total"),
            "HTTP requests per second, as Envoy itself counts them.", drop=5),
    _column("handshakes_per_second", "TLS/S", lambda c: c.handshakes, _fixed(f"{_L}ssl_handshake"),
            "TLS handshakes per second that succeeded.", drop=4),
    _column("handshake_failures_per_second", "TLS FAIL", lambda c: c.handshake_failures,
            _fixed(*stats.HANDSHAKE_FAILURES),
            "TLS handshakes per second that failed: protocol errors, missing or wrong "
            "certificates.", bad=True),
    _column("resets_per_second", "RESETS", lambda c: c.resets,
            _fixed(f"{_H}downstream_rq_rx_reset", f"{_H}downstream_rq_tx_reset"),
            "Requests per second that the client or the gateway reset.", bad=True),
    _column("overflow_per_second", "OVERFL", lambda c: c.overflow,
            _fixed(f"{_L}downstream_cx_overflow", f"{_L}downstream_cx_overload_reject",
                   f"{_L}downstream_global_cx_overflow"),
            "Connections per second refused because there were too many.", bad=True, drop=1),
    _column("idle_timeouts_per_second", "IDLE", lambda c: c.idle_timeouts,
            _fixed(f"{_H}downstream_cx_idle_timeout", f"{_H}downstream_rq_idle_timeout"),
            "Connections and streams per second closed because nothing was sent.", drop=7),
    _column("protocol_errors_per_second", "PROTO ERR", lambda c: c.protocol_errors,
            _fixed(f"{_H}downstream_cx_protocol_error"),
            "Connections per second whose client broke the protocol.", bad=True, drop=11,
            wide=True),
    _column("unmatched_per_second", "NO CHAIN", lambda c: c.unmatched,
            _fixed(f"{_L}no_filter_chain_match"),
            "Connections per second that no filter chain fits: no Gateway has that server name.",
            bad=True, drop=11, wide=True),
    _column("received_bytes_per_second", "IN/S", lambda c: c.received,
            _fixed(f"{_H}downstream_cx_rx_bytes_total"), "Bytes per second from clients.",
            show=format.size, drop=3),
    _column("sent_bytes_per_second", "OUT/S", lambda c: c.sent,
            _fixed(f"{_H}downstream_cx_tx_bytes_total"), "Bytes per second to clients.",
            show=format.size, drop=3),
)  # fmt: skip
CONNECTION_ORDER: Final = Order("listener", descending=False)


def connection_parts(gateways: Iterable[Gateway]) -> list[Part[Connections]]:
    """Each listener of each gateway, and each protocol on it."""
    return [Part(gateway, row) for gateway in gateways for row in gateway.listeners]
