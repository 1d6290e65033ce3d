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
    return (side, *questions.destination(service.key))


def _or_zero(text: str) -> str:
    """A sum that is 0 where there is nothing to sum: Prometheus alone would answer nothing."""
    return f"({text} or vector(0))"


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
        "", labels.REQUESTS, (), (questions.FROM_CLIENTS, *questions.destination(line.service.key)),
        either=questions.NEVER_ARRIVED,
    )  # fmt: skip
    return _or_zero(promql(query, line.service.window))


def _tried(line: HasService) -> str:
    if not line.service.unreached:
        return requests(line)
    return f"(\n  {requests(line)}\n+ {unreached(line)}\n)"


def error_ratio(line: HasService) -> str:
    """Share of the requests tried that failed."""
    failed = _or_zero(_failed(line.service))
    if line.service.unreached:
        failed = f"(\n  {failed}\n+ {unreached(line)}\n)"
    return f"{failed}\n/\n{_tried(line)}"


def client_error_ratio(line: HasService) -> str:
    """Share of the requests tried that were answered 4xx."""
    refused = Match(labels.CODE, "=~", "4.."), Match(labels.GRPC_STATUS, "=~", "0|")
    return f"{_or_zero(_sum(line.service, labels.REQUESTS, *refused))}\n/\n{_tried(line)}"


def no_response(line: HasService) -> str:
    """Requests per second without a response."""
    lost = Match(labels.CODE, "=", labels.NO_RESPONSE)
    return _or_zero(_sum(line.service, labels.REQUESTS, lost))


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
    return _bytes(line.service, _towards(line.service))


def response_bytes(line: HasService) -> str:
    """Bytes per second from the service."""
    return _bytes(line.service, _from(line.service))


def all_bytes(line: HasService) -> str:
    """Bytes per second in both directions."""
    return _bytes(line.service, {**_towards(line.service), **_from(line.service)})


def _towards(service: Service) -> dict[str, float | None]:
    return {
        labels.REQUEST_BYTES + "_sum": service.request_bytes,
        labels.TCP_REQUEST_BYTES: service.tcp_request_bytes,
    }


def _from(service: Service) -> dict[str, float | None]:
    return {
        labels.RESPONSE_BYTES + "_sum": service.response_bytes,
        labels.TCP_RESPONSE_BYTES: service.tcp_response_bytes,
    }


def _bytes(service: Service, values: dict[str, float | None]) -> str:
    """The sum of the metrics that the service has; of what it lacks, Prometheus has no number."""
    known = [metric for metric, value in values.items() if value is not None] or list(values)[:1]
    return "\n+ ".join(_sum(service, metric) for metric in known)


def mutual_tls(line: HasService) -> str:
    """Share of requests that came by mutual TLS."""
    known = Match(labels.SECURITY, "!~", f"{labels.UNKNOWN}|")
    part = _sum(line.service, labels.REQUESTS, Match(labels.SECURITY, "=", labels.MUTUAL_TLS))
    return f"{_or_zero(part)}\n/\n{_sum(line.service, labels.REQUESTS, known)}"
