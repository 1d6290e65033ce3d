"""Gateways as a table, and what the tables of their parts have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from tui.model import gateway_stats as stats
from tui.model.codes import FAILED
from tui.model.connections import Connections
from tui.model.frame import Kind, Match, Query
from tui.model.gateway import Gateway, expiry_level
from tui.model.health import DEFAULT, Level
from tui.model.promql import promql
from tui.model.text import plain
from tui.view import format
from tui.view.codes import counted as requests_query
from tui.view.order import Order
from tui.view.table import Cell, Column

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Part(Generic[T]):
    """One row about a part of a gateway: a listener, a replica, a pool, a group of statistics."""

    gateway: Gateway
    of: T


def name_columns() -> tuple[Column[Any], ...]:
    """Whose part it is, for tables that may hold several gateways'."""
    return (
        Column(
            "gateway", "GATEWAY", 14, lambda part: part.gateway.key.name,
            lambda part: Cell(plain(part.gateway.key.name)), "The gateway's workload.",
            align="left", flexible=True, descending=False, drop=9, words=("gateway", "gw"),
        ),
        Column(
            "namespace", "NAMESPACE", 10, lambda part: part.gateway.key.namespace,
            lambda part: Cell(plain(part.gateway.key.namespace)), "Its namespace.",
            align="left", flexible=True, descending=False, drop=10, wide=True,
            words=("namespace", "ns"),
        ),
    )  # fmt: skip


def trouble(value: float | None) -> Cell:
    """Something per second that should not happen."""
    return Cell(format.rate(value), Level.DEGRADED if value else None, dim=not value)


def figure(value: float | None, show: Callable[[float | None], str] = format.rate) -> Cell:
    """A number that is neither good nor bad."""
    return Cell(show(value), dim=not value)


def asked(gateway: Gateway, names: Sequence[str], kind: Kind, *where: Match) -> str:
    """The PromQL of the sum of some of Envoy's statistics over a gateway's replicas."""
    own = stats.whose([member.replica for member in gateway.members])
    texts = [promql(Query("", name, (), (*own, *where), kind), gateway.window) for name in names]
    if len(texts) == 1:
        return texts[0]
    return "\n+ ".join(f"({text} or vector(0))" for text in texts)


def _errors(gateway: Gateway) -> float | None:
    """Share of a gateway's requests that failed."""
    shares = [gateway.codes.share(group) for group in FAILED]
    return None if None in shares else sum(share or 0.0 for share in shares)


def _error_cell(gateway: Gateway) -> Cell:
    ratio = _errors(gateway)
    failing = ratio is not None and ratio >= DEFAULT.error_failing
    level = Level.FAILING if failing else Level.DEGRADED
    return Cell(format.ratio(ratio), level if ratio else None, dim=not ratio)


def _hot(gateway: Gateway) -> str:
    """The replicas that have more than their share, by name."""
    return ", ".join(plain(member.name, 80) for member in gateway.members if member.hot)


def _expires(gateway: Gateway) -> float | None:
    return min((m.expires for m in gateway.members if m.expires is not None), default=None)


def _memory(gateway: Gateway) -> float | None:
    known = [m.working_set or m.memory for m in gateway.members]
    return sum(x for x in known if x is not None) if any(known) else None


def expiry_cell(seconds: float | None) -> Cell:
    """When a certificate ends."""
    level = expiry_level(seconds)
    text = "expired" if seconds is not None and seconds <= 0 else format.duration(seconds)
    return Cell(text, level if level.rank < 2 else None, dim=level.rank > 1)


def _worst(gateway: Gateway) -> tuple[float, ...]:
    return (-float(gateway.codes.level.rank), _errors(gateway) or 0.0, gateway.codes.requests)


def _whole(
    key: str, title: str, read: Callable[[Connections], float | None], help: str,
    show: Callable[[float | None], str] = format.rate, drop: int = 0, wide: bool = False,
) -> Column[Gateway]:  # fmt: skip
    return Column(
        key, title, max(6, len(title)), lambda gateway: read(gateway.whole),
        lambda gateway: figure(read(gateway.whole), show), help, drop=drop, wide=wide,
        words=(title.lower().replace("/s", ""),),
    )  # fmt: skip


COLUMNS: Final[tuple[Column[Gateway], ...]] = (
    Column(
        "gateway", "GATEWAY", 16, lambda gateway: gateway.key.name,
        lambda gateway: Cell(plain(gateway.key.name)), "The gateway's workload.",
        align="left", flexible=True, descending=False, words=("gateway", "gw", "name"),
    ),
    Column(
        "namespace", "NAMESPACE", 12, lambda gateway: gateway.key.namespace,
        lambda gateway: Cell(plain(gateway.key.namespace)), "Its namespace.",
        align="left", flexible=True, descending=False, drop=4, words=("namespace", "ns"),
    ),
    Column(
        "replicas", "PODS", 4, lambda gateway: len(gateway.members) or None,
        lambda gateway: Cell(format.count(len(gateway.members) or None)),
        "Replicas that were scraped.", drop=5, words=("pods", "replicas"),
    ),
    Column(
        "requests_per_second", "RPS", 6, lambda gateway: gateway.codes.requests,
        lambda gateway: figure(gateway.codes.requests),
        "Requests per second that it passed on or answered itself.",
        lambda gateway: requests_query(gateway.codes), words=("rps", "requests"),
    ),
    Column(
        "error_ratio", "ERR", 6, _errors, _error_cell,
        "Share of its requests that failed: 5xx, no response, gRPC errors.",
        words=("err", "errors"), factor=0.01,
    ),
    _whole("active_connections", "ACTIVE", lambda c: c.active, "Connections that are open.",
           format.count),
    _whole("opened_per_second", "OPEN/S", lambda c: c.opened, "Connections opened per second."),
    _whole("closed_per_second", "CLOSE/S", lambda c: c.closed, "Connections closed per second.",
           drop=6),
    _whole("mean_age_seconds", "AGE", lambda c: c.age, "Mean time that ended connections lasted.",
           format.duration, drop=7),
    _whole("received_bytes_per_second", "IN/S", lambda c: c.received,
           "Bytes per second from clients.", format.size, drop=8),
    _whole("sent_bytes_per_second", "OUT/S", lambda c: c.sent, "Bytes per second to clients.",
           format.size, drop=8),
    Column(
        "memory_bytes", "MEM", 6, _memory, lambda gateway: figure(_memory(gateway), format.size),
        "Memory of all its proxies: of the container where the source has that, else Envoy's own.",
        drop=9, words=("mem", "memory"),
    ),
    Column(
        "imbalance_ratio", "UNEVEN", 6, lambda gateway: gateway.imbalance,
        lambda gateway: Cell(format.ratio(gateway.imbalance),
                             Level.DEGRADED if _hot(gateway) else None, dim=not _hot(gateway)),
        "How uneven the load of its replicas is: the standard deviation of their connections, or "
        "else requests, as a share of the mean.", drop=9, words=("uneven",), factor=0.01,
    ),
    Column(
        "hot_spots", "HOT SPOT", 10, lambda gateway: _hot(gateway) or None,
        lambda gateway: Cell(_hot(gateway) or format.MISSING,
                             Level.DEGRADED if _hot(gateway) else None, dim=not _hot(gateway)),
        "Replicas with more than half as much again as the mean, and more than chance explains.",
        align="left", flexible=True, descending=False, drop=10, wide=True, words=("hot",),
    ),
    Column(
        "certificate_seconds", "CERT", 7, _expires,
        lambda gateway: expiry_cell(_expires(gateway)),
        "Time until its first certificate ends. Istio renews its own, which last a day.",
        drop=9, descending=False, words=("cert",),
    ),
    Column(
        "statistics_off", "OFF", 3, lambda gateway: len(gateway.missing),
        lambda gateway: figure(float(len(gateway.missing)), format.count),
        "Groups of Envoy's statistics that Istio leaves off here.", drop=3, words=("off",),
    ),
    Column(
        "health", "HEALTH", 10, lambda gateway: gateway.codes.level.value,
        lambda gateway: Cell(f"{gateway.codes.level.mark} {gateway.codes.level.value}",
                             gateway.codes.level, dim=gateway.codes.level.rank > 2),
        "By the same tolerances as in the table of services.",
        align="left", order=_worst, drop=2, words=("health",),
    ),
)  # fmt: skip
"""A row for each gateway."""
DEFAULT_ORDER: Final = Order("health", descending=True)
