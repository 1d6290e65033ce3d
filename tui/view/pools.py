"""What stands behind a gateway as tables: its replicas, and the pools of connections upstream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tui.model import gateway_stats as stats
from tui.model.connections import Pool
from tui.model.frame import Kind, Match
from tui.model.gateway import Gateway, Member
from tui.model.health import Level
from tui.model.text import plain
from tui.view import format
from tui.view.gateways import Part, asked, expiry_cell, figure, name_columns, trouble
from tui.view.order import Order
from tui.view.table import Cell, Column

_C: Final = "envoy_cluster_"


def member_parts(gateways: Iterable[Gateway]) -> list[Part[Member]]:
    """Each replica of each gateway."""
    return [Part(gateway, member) for gateway in gateways for member in gateway.members]


def pool_parts(gateways: Iterable[Gateway]) -> list[Part[Pool]]:
    """Each pool of each gateway, worst first."""
    return [Part(gateway, pool) for gateway in gateways for pool in gateway.pools]


def _hot(part: Part[Member]) -> Cell:
    hot = part.of.hot
    return Cell("▲ hot" if hot else "", Level.DEGRADED if hot else None)


def _of_member(
    key: str, title: str, read: Callable[[Member], float | None], help: str,
    show: Callable[[float | None], str] = format.rate, drop: int = 0,
) -> Column[Part[Member]]:  # fmt: skip
    return Column(
        key, title, max(6, len(title)), lambda part: read(part.of),
        lambda part: figure(read(part.of), show), help, drop=drop,
        words=(title.lower().replace("/s", "").replace(" ", ""),),
    )  # fmt: skip


MEMBER_COLUMNS: Final[tuple[Column[Part[Member]], ...]] = (
    *name_columns(),
    Column(
        "replica", "REPLICA", 20, lambda part: part.of.name,
        lambda part: Cell(plain(part.of.name)), "Its pod, or the address that it is scraped at.",
        align="left", flexible=True, descending=False, words=("replica", "pod"),
    ),
    Column(
        "hot", "HOT", 5, lambda part: part.of.hot, _hot,
        "Whether it has more than half as much again as the mean of all replicas, and more than "
        "chance explains: of connections, or else of requests.", align="left", words=("hot",),
    ),
    _of_member("active_connections", "ACTIVE", lambda m: m.active, "Connections that are open.",
               format.count),
    _of_member("opened_per_second", "OPEN/S", lambda m: m.opened, "Connections opened per second.",
               drop=3),
    _of_member("requests_per_second", "RPS", lambda m: m.requests, "Requests per second."),
    Column(
        "errors_per_second", "ERR/S", 6, lambda part: part.of.errors,
        lambda part: trouble(part.of.errors), "5xx and requests without response per second.",
        drop=2, words=("err",),
    ),
    _of_member("memory_bytes", "ENVOY", lambda m: m.memory, "Memory that Envoy itself holds.",
               format.size, drop=4),
    _of_member("container_memory_bytes", "MEM", lambda m: m.working_set,
               "Memory of its container, where the source has it.", format.size, drop=6),
    _of_member("cpu_cores", "CPU", lambda m: m.cpu,
               "Cores that its container uses, where the source has it.", drop=6),
    _of_member("uptime_seconds", "UP", lambda m: m.uptime, "Since Envoy started.",
               format.duration, drop=5),
    Column(
        "state", "STATE", 8, lambda part: part.of.state,
        lambda part: Cell(part.of.state or format.MISSING,
                          Level.DEGRADED if part.of.state not in (None, "live") else None,
                          dim=part.of.state is None),
        "live, draining before it ends, or starting.",
        align="left", descending=False, drop=5, words=("state",),
    ),
    Column(
        "certificate_seconds", "CERT", 7, lambda part: part.of.expires,
        lambda part: expiry_cell(part.of.expires),
        "Time until its first certificate ends: exact where istio-agent is scraped (15020), else "
        "Envoy's count of whole days, whose 0 is usual and says nothing.",
        descending=False, drop=4, words=("cert",),
    ),
)  # fmt: skip
MEMBER_ORDER: Final = Order("active_connections", descending=True)


def _of_pool(
    key: str,
    title: str,
    read: Callable[[Pool], float | None],
    names: tuple[str, ...],
    help: str,
    *,
    gauge: bool = False,
    bad: bool = False,
    drop: int = 0,
    wide: bool = False,
) -> Column[Part[Pool]]:
    show = format.count if gauge else format.rate

    def cell(part: Part[Pool]) -> Cell:
        value = read(part.of)
        return trouble(value) if bad else figure(value, show)

    def query(part: Part[Pool]) -> str:
        found = [f"{_C}{name}" for name in names]
        where = Match(stats.CLUSTER, "=", part.of.cluster)
        return asked(part.gateway, found, Kind.GAUGE if gauge else Kind.RATE, where)

    return Column(
        key, title, max(6, len(title)), lambda part: read(part.of), cell, help, query,
        drop=drop, wide=wide, words=(title.lower().replace("/s", "").replace(" ", ""),),
    )  # fmt: skip


def _healthy(part: Part[Pool]) -> Cell:
    pool = part.of
    if pool.healthy is None and pool.members is None:
        return Cell(format.MISSING, dim=True)
    short = pool.healthy is not None and pool.members is not None and pool.healthy < pool.members
    level = Level.FAILING if pool.healthy == 0 else Level.DEGRADED if short else None
    text = f"{format.count(pool.healthy)}/{format.count(pool.members)}"
    return Cell(text, level, dim=level is None)


def _breakers(part: Part[Pool]) -> Cell:
    opened = ", ".join(part.of.open)
    return Cell(f"■ {opened}" if opened else "", Level.FAILING if opened else None)


def _worst(part: Part[Pool]) -> tuple[float, ...]:
    return (-float(part.of.level.rank), part.of.requests or 0.0)


POOL_COLUMNS: Final[tuple[Column[Part[Pool]], ...]] = (
    *name_columns(),
    Column(
        "upstream", "UPSTREAM", 20, lambda part: part.of.parts[0],
        lambda part: Cell(plain(part.of.parts[0])),
        "The host of Envoy's cluster; one that Istio did not name is shown whole.",
        align="left", flexible=True, descending=False, words=("upstream", "host"),
    ),
    Column(
        "port", "PORT", 5, lambda part: part.of.parts[1] or None,
        lambda part: Cell(plain(part.of.parts[1], 5)), "The service's port.",
        descending=False, drop=6, words=("port",),
    ),
    Column(
        "subset", "SUBSET", 6, lambda part: part.of.parts[2] or None,
        lambda part: Cell(plain(part.of.parts[2], 40)), "The DestinationRule's subset.",
        align="left", descending=False, drop=5, words=("subset",),
    ),
    _of_pool("requests_per_second", "RPS", lambda p: p.requests, ("upstream_rq_total",),
             "Requests per second that were sent there, retries included."),
    _of_pool("active_connections", "ACTIVE", lambda p: p.active, ("upstream_cx_active",),
             "Connections that are open.", gauge=True),
    _of_pool("opened_per_second", "OPEN/S", lambda p: p.opened, ("upstream_cx_total",),
             "Connections opened per second.", drop=7),
    _of_pool("active_requests", "RQ ACT", lambda p: p.requests_active, ("upstream_rq_active",),
             "Requests under way.", gauge=True, drop=9, wide=True),
    _of_pool("pending_requests", "PEND", lambda p: p.pending, ("upstream_rq_pending_active",),
             "Requests that wait for a connection.", gauge=True, drop=4),
    _of_pool("connect_failures_per_second", "CX FAIL", lambda p: p.connect_failures,
             ("upstream_cx_connect_fail",),
             "Connections per second that failed, timeouts included.", bad=True),
    _of_pool("connect_timeouts_per_second", "CX TIME", lambda p: p.connect_timeouts,
             ("upstream_cx_connect_timeout",), "Connections per second that took too long.",
             bad=True, drop=8),
    _of_pool("overflow_per_second", "OVERFL", lambda p: p.overflow,
             ("upstream_cx_overflow", "upstream_cx_pool_overflow", "upstream_rq_pending_overflow"),
             "Requests and connections per second that a limit of the DestinationRule refused.",
             bad=True, drop=1),
    _of_pool("timeouts_per_second", "RQ TIME", lambda p: p.timeouts, ("upstream_rq_timeout",),
             "Requests per second that the route's timeout ended.", bad=True, drop=8),
    _of_pool("retries_per_second", "RETRY", lambda p: p.retries, ("upstream_rq_retry",),
             "Retries per second.", drop=3),
    _of_pool("retries_refused_per_second", "NO RETRY", lambda p: p.retries_refused,
             ("upstream_rq_retry_overflow", "upstream_rq_retry_limit_exceeded"),
             "Requests per second not retried: too many retries at once, or all were spent.",
             bad=True, drop=9, wide=True),
    Column(
        "healthy_endpoints", "UP/ALL", 6, lambda part: part.of.healthy, _healthy,
        "Endpoints that are healthy, of all, as each replica counts them, summed over replicas.",
        lambda part: asked(part.gateway, [f"{_C}membership_healthy"], Kind.GAUGE,
                           Match(stats.CLUSTER, "=", part.of.cluster)),
        drop=2, words=("up",),
    ),
    _of_pool("ejected_endpoints", "EJECT", lambda p: p.ejected,
             ("outlier_detection_ejections_active",),
             "Endpoints that outlier detection has taken out, summed over replicas.", gauge=True,
             drop=3),
    Column(
        "open_breakers", "BREAKERS", 10, lambda part: ", ".join(part.of.open) or None, _breakers,
        "Circuit breakers that are open in any replica: cx connections, rq requests, rq_pending "
        "the queue, rq_retry retries.",
        align="left", flexible=True, descending=False, drop=1, words=("breakers",),
    ),
    Column(
        "health", "HEALTH", 10, lambda part: part.of.level.value,
        lambda part: Cell(f"{part.of.level.mark} {part.of.level.value}", part.of.level,
                          dim=part.of.level.rank > 2),
        "failing: a breaker is open, or there is traffic and no healthy endpoint; degraded: "
        "something failed, timed out or was refused.",
        align="left", order=_worst, words=("health",),
    ),
)  # fmt: skip
POOL_ORDER: Final = Order("health", descending=True)
