"""The PromQL behind a cell, ready to paste: what the explain key shows and the oracle tests ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tui.model import labels, questions
from tui.model.frame import Kind, Match, Query
from tui.model.promql import promql
from tui.model.service import Service


class HasService(Protocol):
    """A row about one service."""

    @property
    def service(self) -> Service:
        """Whose row it is."""


def _whose(service: Service) -> tuple[Match, ...]:
    """The series that a service's numbers are made of."""
    key = service.key
    if key.kind == "gateway":
        return (
            questions.FROM_CLIENTS,
            Match(labels.SOURCE_WORKLOAD, "=", key.name),
            Match(labels.SOURCE_NAMESPACE, "=", key.namespace),
        )
    side = questions.FROM_SERVERS if service.served else questions.FROM_CLIENTS
    return (side, *_destination(service))


def _destination(service: Service) -> tuple[Match, ...]:
    return (
        Match(labels.SERVICE, "=", service.key.name),
        Match(labels.NAMESPACE, "=", service.key.namespace),
    )


def _sum(service: Service, metric: str, *where: Match, scale: float = 1.0) -> str:
    query = Query("", metric, (), (*_whose(service), *where), scale=scale)
    return promql(query, service.window)


def requests(line: HasService) -> str:
    """Requests per second."""
    return _sum(line.service, labels.REQUESTS)


def _failed(service: Service) -> str:
    return promql(
        Query("", labels.REQUESTS, (), _whose(service), either=questions.FAILED), service.window
    )


def unreached(line: HasService) -> str:
    """Requests per second that no server saw."""
    query = Query(
        "", labels.REQUESTS, (), (questions.FROM_CLIENTS, *_destination(line.service)),
        either=questions.NEVER_ARRIVED,
    )  # fmt: skip
    return promql(query, line.service.window)


def _tried(line: HasService) -> str:
    if not line.service.unreached:
        return requests(line)
    return f"(\n  {requests(line)}\n+ {unreached(line)}\n)"


def error_ratio(line: HasService) -> str:
    """Share of the requests tried that failed."""
    failed = _failed(line.service)
    if line.service.unreached:
        failed = f"(\n  ({failed} or vector(0))\n+ {unreached(line)}\n)"
    return f"{failed}\n/\n{_tried(line)}"


def client_error_ratio(line: HasService) -> str:
    """Share of the requests tried that were answered 4xx."""
    part = _sum(line.service, labels.REQUESTS, Match(labels.CODE, "=~", "4.."))
    return f"{part}\n/\n{_tried(line)}"


def no_response(line: HasService) -> str:
    """Requests per second without a response."""
    return _sum(line.service, labels.REQUESTS, Match(labels.CODE, "=", labels.NO_RESPONSE))


def quantile(q: float) -> Callable[[HasService], str]:
    """Latency in seconds that the share `q` of requests stayed under."""

    def text(line: HasService) -> str:
        query = Query("", labels.DURATION, (), _whose(line.service), Kind.HISTOGRAM)
        return f"histogram_quantile({q},\n  {promql(query, line.service.window)}\n) / 1000"

    return text


def mean(line: HasService) -> str:
    """Mean latency in seconds."""
    total = _sum(line.service, labels.DURATION + "_sum")
    return f"{total}\n/\n{_sum(line.service, labels.DURATION + '_count')} / 1000"


def request_bytes(line: HasService) -> str:
    """Bytes per second towards the service."""
    return _bytes(line.service, labels.REQUEST_BYTES + "_sum", labels.TCP_REQUEST_BYTES)


def response_bytes(line: HasService) -> str:
    """Bytes per second from the service."""
    return _bytes(line.service, labels.RESPONSE_BYTES + "_sum", labels.TCP_RESPONSE_BYTES)


def _bytes(service: Service, http: str, tcp: str) -> str:
    parts = []
    if service.request_bytes is not None or service.response_bytes is not None:
        parts.append(_sum(service, http))
    if service.tcp_request_bytes is not None or service.tcp_response_bytes is not None:
        parts.append(_sum(service, tcp))
    return "\n+ ".join(parts) or _sum(service, http)


def all_bytes(line: HasService) -> str:
    """Bytes per second in both directions."""
    return f"{request_bytes(line)}\n+ {response_bytes(line)}"


def mutual_tls(line: HasService) -> str:
    """Share of requests that came by mutual TLS."""
    known = Match(labels.SECURITY, "!~", f"{labels.UNKNOWN}|")
    part = _sum(line.service, labels.REQUESTS, Match(labels.SECURITY, "=", labels.MUTUAL_TLS))
    return f"{part}\n/\n{_sum(line.service, labels.REQUESTS, known)}"
