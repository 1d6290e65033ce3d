"""The table of services: its columns, defined once, and why it may be empty."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tui.model import labels, questions
from tui.model.frame import Frame, Presence
from tui.model.health import DEFAULT, Level
from tui.model.service import Service
from tui.model.text import plain
from tui.view import format, promql
from tui.view.order import Order
from tui.view.spark import spark
from tui.view.table import Cell, Column


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One row of the table: a service, and its requests per second of late, oldest first."""

    service: Service
    history: tuple[float | None, ...] = ()


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _share(ratio: float | None, degraded: float, failing: float) -> Cell:
    level = None
    if ratio is not None and ratio > 0:
        level = Level.FAILING if ratio >= failing else Level.DEGRADED if ratio > degraded else None
    return Cell(format.ratio(ratio), level, dim=not ratio)


def _errors(line: Line) -> Cell:
    service = line.service
    if service.new_errors and not service.error_ratio:
        return Cell(f"{format.count(service.new_errors)} new", Level.DEGRADED)
    return _share(service.error_ratio, DEFAULT.error_degraded, DEFAULT.error_failing)


def _client_errors(line: Line) -> Cell:
    return _share(
        line.service.client_error_ratio,
        DEFAULT.client_error_degraded,
        DEFAULT.client_error_failing,
    )


def _quantile(which: int) -> tuple[Callable[[Line], float | None], Callable[[Line], Cell]]:
    def value(line: Line) -> float | None:
        latency = line.service.latency
        return _finite(latency.values[which]) if latency else None

    def cell(line: Line) -> Cell:
        latency = line.service.latency
        if latency is None:
            mean = line.service.mean if which == 0 else None
            return Cell(f"μ{format.duration(mean)}" if mean is not None else "–", dim=True)
        text = format.duration(_finite(latency.values[which]))
        if latency.capped[which]:
            text = f"≥{text}"
        thin = latency.thin[which]
        return Cell(f"~{text}" if thin and text != "–" else text, dim=thin)

    return value, cell


def _both_bytes(requests: bool) -> Callable[[Line], float | None]:
    def value(line: Line) -> float | None:
        service = line.service
        parts = (
            (service.request_bytes, service.tcp_request_bytes)
            if requests
            else (service.response_bytes, service.tcp_response_bytes)
        )
        known = [part for part in parts if part is not None]
        return sum(known) if known else None

    return value


def _mutual_tls(line: Line) -> Cell:
    share = line.service.mutual_tls
    return Cell(format.ratio(share), Level.DEGRADED if share is not None and share < 1 else None,
                dim=share is None or share == 1)  # fmt: skip


def health_word(service: Service) -> str:
    """The level in a word; what only speaks TCP has no level."""
    return "tcp" if service.requests is None else service.level.value


def _health(line: Line) -> Cell:
    level = line.service.level
    return Cell(f"{level.mark} {health_word(line.service)}", level, dim=level.rank > 2)


def worst_first(line: Line) -> tuple[float, ...]:
    """Greater is worse: health, then failed requests per second, then requests per second."""
    service = line.service
    failed = service.errors + service.unreached + service.new_errors / service.window
    return (-float(service.level.rank), failed, service.requests or 0.0)


def _number(
    read: Callable[[Service], float | None], show: Callable[[float | None], str] = format.rate
) -> tuple[Callable[[Line], float | None], Callable[[Line], Cell]]:
    return (
        lambda line: read(line.service),
        lambda line: Cell(show(read(line.service)), dim=not read(line.service)),
    )


_REQUESTS = _number(lambda s: s.requests)
_UNREACHED = _number(lambda s: s.unreached if s.served else None)
_NO_RESPONSE = _number(lambda s: s.no_response)
_MEAN = _number(lambda s: s.mean, format.duration)
_BYTES = _number(lambda s: s.all_bytes, format.size)
_IN, _OUT = _both_bytes(requests=True), _both_bytes(requests=False)
_P50, _P95, _P99 = _quantile(0), _quantile(1), _quantile(2)
_LATENCY_HELP = (
    "Of the requests that completed in the window, the time that this share stayed under, from the "
    "histogram's buckets as Prometheus' histogram_quantile. ≥: in the last bucket, so at least "
    "this. ~: too few requests to trust it. μ: a mean, because the source has no buckets."
)

COLUMNS: Final[tuple[Column[Line], ...]] = (
    Column(
        "service", "SERVICE", 16, lambda line: line.service.key.name,
        lambda line: Cell(plain(line.service.key.name)),
        "The destination's service name; a gateway's workload name; a host outside the mesh.",
        align="left", flexible=True, descending=False, words=("service", "svc", "name"),
    ),
    Column(
        "namespace", "NAMESPACE", 10, lambda line: line.service.key.namespace,
        lambda line: Cell(plain(line.service.key.namespace)),
        "The namespace of the service, or of the gateway's workload.",
        align="left", flexible=True, descending=False, drop=2, words=("namespace", "ns"),
    ),
    Column(
        "kind", "KIND", 7, lambda line: line.service.key.kind,
        lambda line: Cell(line.service.key.kind, dim=True),
        "service, or gateway: a workload that lets traffic in or out and reports as a client.",
        align="left", descending=False, drop=12, wide=True, words=("kind",),
    ),
    Column(
        "history", "REQUESTS", 10, lambda line: list(line.history),
        lambda line: Cell(spark(line.history), plot=True),
        "Requests per second of late, newest right, each row on its own scale from zero; a hole "
        "is time without data.",
        promql.requests, flexible=True, order=lambda line: line.service.requests or 0.0,
        drop=1, crop="start", live=True,
    ),
    Column(
        "requests_per_second", "RPS", 6, *_REQUESTS,
        "Requests per second that the service's own proxies reported; what never reached them is "
        "not in it. Clients' reports where no server reports.",
        promql.requests, words=("rps", "requests"),
    ),
    Column(
        "error_ratio", "ERR", 6, lambda line: line.service.error_ratio, _errors,
        "Share of the requests tried that failed: HTTP 5xx, gRPC status other than OK, no response "
        "(code 0), and those that no server ever saw. `new`: errors of series so young that no "
        "rate shows them.",
        promql.error_ratio, words=("err", "error", "errors"), factor=0.01,
    ),
    Column(
        "client_error_ratio", "4XX", 6, lambda line: line.service.client_error_ratio,
        _client_errors, "Share of the requests tried that were answered 4xx. Not an error, but "
        "judged from 10 %.",
        promql.client_error_ratio, drop=6, words=("4xx",), factor=0.01,
    ),
    Column(
        "unreached_per_second", "UNREACHED", 9, *_UNREACHED,
        "Requests per second that clients tried and no server saw: no route, no healthy endpoint, "
        "connection refused, breaker open. Where only clients report, they are in RPS and ERR.",
        promql.unreached, drop=11, wide=True, words=("unreached",),
    ),
    Column(
        "no_response_per_second", "NO RESP", 7, *_NO_RESPONSE,
        "Requests per second that ended without any response (code 0): the client or the "
        "connection left first.",
        promql.no_response, drop=11, wide=True, words=("noresp",),
    ),
    Column(
        "p50_seconds", "P50", 7, *_P50, _LATENCY_HELP, promql.quantile(0.50), drop=7,
        words=("p50",), factor=0.001,
    ),
    Column(
        "p95_seconds", "P95", 7, *_P95, _LATENCY_HELP, promql.quantile(0.95), drop=5,
        words=("p95",), factor=0.001,
    ),
    Column(
        "p99_seconds", "P99", 7, *_P99, _LATENCY_HELP, promql.quantile(0.99),
        words=("p99",), factor=0.001,
    ),
    Column(
        "mean_seconds", "MEAN", 6, *_MEAN,
        "Mean latency, asked for only where the source has no buckets.",
        promql.mean, drop=13, wide=True, words=("mean",), factor=0.001,
    ),
    Column(
        "bytes_per_second", "BYTES/S", 7, *_BYTES,
        "Bytes per second in both directions, HTTP messages and TCP.",
        promql.all_bytes, drop=8, live=True, words=("bytes",),
    ),
    Column(
        "request_bytes_per_second", "IN/S", 7, _IN, lambda line: Cell(format.size(_IN(line))),
        "Bytes per second towards the service, HTTP and TCP.",
        promql.request_bytes, drop=11, wide=True, words=("in",),
    ),
    Column(
        "response_bytes_per_second", "OUT/S", 7, _OUT, lambda line: Cell(format.size(_OUT(line))),
        "Bytes per second from the service, HTTP and TCP.",
        promql.response_bytes, drop=11, wide=True, words=("out",),
    ),
    Column(
        "mtls_ratio", "MTLS", 5, lambda line: line.service.mutual_tls, _mutual_tls,
        "Share of requests that came by mutual TLS, as the server saw them; clients cannot tell.",
        promql.mutual_tls, drop=9, words=("mtls",), factor=0.01,
    ),
    Column(
        "health", "HEALTH", 10, lambda line: health_word(line.service), _health,
        "Kiali's tolerances: any error degrades, 10 % fails; 4xx degrade from 10 %, fail from "
        "20 %. Fewer than 10 requests in the window never fail a service.",
        align="left", order=worst_first, words=("health",),
    ),
)  # fmt: skip

DEFAULT_ORDER: Final = Order("health", descending=True)


def lacks_buckets(frame: Frame) -> bool:
    """Whether the source has requests but no duration buckets, so that means are to be asked."""
    served = frame.rates(questions.SERVED).presence is Presence.PRESENT
    return served and frame.histograms(questions.DURATION).presence is Presence.ABSENT


def why_empty(frame: Frame, scope: Sequence[str] = ()) -> str:
    """Why a frame shows no service at all, and what to do about it: one sentence."""
    tables = (frame.rates(questions.SERVED), frame.rates(questions.CALLED))
    where = f" in {', '.join(map(plain, scope))}" if scope else ""
    failed = next((t for t in tables if t.presence is Presence.FAILED), None)
    if failed is not None:
        return f"The source did not answer the question about requests: {failed.reason}"
    if all(table.presence is Presence.ABSENT for table in tables):
        return (
            f"{frame.source} has no {labels.REQUESTS}{where}: is this the Prometheus that scrapes "
            "the mesh, and is telemetry on?"
        )
    waiting = next((t.reason for t in tables if t.reason), "")
    if waiting:
        return f"No rates yet: {waiting}"
    return f"No requests{where} in the last {format.age(frame.window)}: the mesh is idle."
