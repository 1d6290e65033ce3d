"""A frame's tables read as a mesh: services and gateways, each request counted once.

A service's numbers are what its servers report. What only its clients saw, because no server ever
got it, is a part of its own (`unreached`). A service that no server reports for (outside the mesh,
or without a sidecar) has its clients' numbers. A gateway only ever reports as a client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from tui.model import labels, questions
from tui.model.frame import Frame, Histogram, Key, Table
from tui.model.health import DEFAULT, Level, Tolerances, judge
from tui.model.quantile import merge
from tui.model.questions import ServiceKey
from tui.model.service import Service, Tally, latency

V = TypeVar("V")

NOWHERE = ServiceKey("service", labels.UNKNOWN, labels.UNKNOWN)
"""Where a gateway counts what it has no route for: no service, and already in the gateway's row."""


def _keys(table: Table[Any]) -> Iterator[tuple[Key, ServiceKey]]:
    """Each row's key with the service it belongs to."""
    if not table.by:
        return
    name_at, namespace_at, host_at = table.columns(*questions.SERVICE)
    found: dict[tuple[str, str, str], ServiceKey] = {}
    for key in table.rows:
        parts = (key[name_at], key[namespace_at], key[host_at])
        service = found.get(parts)
        if service is None:
            namespace, name = labels.service_of(*parts)
            host = "" if parts[0] or parts[2] == labels.UNKNOWN else parts[2]
            service = found[parts] = ServiceKey("service", namespace, name, host)
        yield key, service


def _served(frame: Frame) -> dict[ServiceKey, Tally]:
    table = frame.rates(questions.SERVED)
    if not table.by:
        return {}
    code_at, grpc_at, protocol_at, security_at = table.columns(
        labels.CODE, labels.GRPC_STATUS, labels.PROTOCOL, labels.SECURITY
    )
    tallies: dict[ServiceKey, Tally] = {}
    for key, service in _keys(table):
        tally = tallies.get(service)
        if tally is None:
            tally = tallies[service] = Tally()
        rate = table.rows[key]
        tally.add(key[code_at], key[grpc_at], rate)
        tally.protocols.add(key[protocol_at])
        if (security := key[security_at]) not in ("", labels.UNKNOWN):
            tally.judged += rate
            if security == labels.MUTUAL_TLS:
                tally.secured += rate
    return tallies


def _called(frame: Frame, served: dict[ServiceKey, Tally]) -> dict[ServiceKey, Tally]:
    """Adds what never arrived to the served ones; the others are returned whole."""
    table = frame.rates(questions.CALLED)
    if not table.by:
        return {}
    code_at, flags_at, grpc_at, workload_at = table.columns(
        *questions.OUTCOME[:2], labels.GRPC_STATUS, labels.DESTINATION_WORKLOAD
    )
    others: dict[ServiceKey, Tally] = {}
    for key, service in _keys(table):
        rate = table.rows[key]
        if service in served:
            if labels.never_arrived(key[code_at], key[flags_at], key[workload_at]):
                served[service].unreached += rate
        elif service != NOWHERE:
            others.setdefault(service, Tally()).add(key[code_at], key[grpc_at], rate)
    return others


def _entered(frame: Frame, served: Iterable[ServiceKey]) -> dict[ServiceKey, Tally]:
    """Gateways: workloads with a gateway's name that no server reports for."""
    table = frame.rates(questions.ENTERED)
    if not table.by:
        return {}
    workload_at, namespace_at, code_at, grpc_at = table.columns(
        *questions.GATEWAY, labels.CODE, labels.GRPC_STATUS
    )
    servers = {(key.namespace, key.name) for key in served}
    gateways: dict[ServiceKey, Tally] = {}
    for key, rate in table:
        owner = (key[namespace_at], key[workload_at])
        if owner not in servers:
            gateway = ServiceKey("gateway", *owner)
            gateways.setdefault(gateway, Tally()).add(key[code_at], key[grpc_at], rate)
    return gateways


def _one_side(
    table: Table[V], gateways: Table[V], merge_rows: Callable[[list[V]], V]
) -> dict[ServiceKey, V]:
    """One value for each service, its servers' report where there is one, and each gateway."""
    sides: tuple[dict[ServiceKey, list[V]], ...] = ({}, {})
    reporter_at = table.columns(labels.REPORTER)[0]
    for key, service in _keys(table):
        served = reporter_at < 0 or key[reporter_at] != labels.CLIENT
        sides[served].setdefault(service, []).append(table.rows[key])
    found = {s: rows[0] if len(rows) == 1 else merge_rows(rows) for s, rows in
             (sides[0] | sides[1]).items()}  # fmt: skip
    for (name, namespace), value in gateways:
        found[ServiceKey("gateway", namespace, name)] = value
    return found


class _Extras:
    """The tables beside the requests, by service or gateway."""

    def __init__(self, frame: Frame) -> None:
        def sums(table: str, gateways: str = "") -> dict[ServiceKey, float]:
            return _one_side(frame.rates(table), frame.rates(gateways), sum)

        self.request_bytes = sums(questions.REQUEST_BYTES, questions.ENTERED_REQUEST_BYTES)
        self.response_bytes = sums(questions.RESPONSE_BYTES, questions.ENTERED_RESPONSE_BYTES)
        self.tcp_request_bytes = sums(questions.TCP_REQUEST_BYTES)
        self.tcp_response_bytes = sums(questions.TCP_RESPONSE_BYTES)
        self.new_errors = sums(questions.NEW_ERRORS)
        self.duration_sum = sums(questions.DURATION_SUM)
        self.duration_count = sums(questions.DURATION_COUNT)
        self.histograms: dict[ServiceKey, Histogram] = _one_side(
            frame.histograms(questions.DURATION),
            frame.histograms(questions.ENTERED_DURATION),
            merge,
        )

    def mean(self, key: ServiceKey) -> float | None:
        """Seconds; `None` without observations."""
        count = self.duration_count.get(key)
        return self.duration_sum.get(key, 0.0) / count if count else None


def services(frame: Frame, tolerances: Tolerances = DEFAULT) -> list[Service]:
    """Every service and gateway that the frame knows, in no order."""
    served = _served(frame)
    tallies = served | _called(frame, served) | _entered(frame, served)
    extras = _Extras(frame)
    quiet = extras.tcp_request_bytes.keys() | extras.tcp_response_bytes.keys()
    return [
        *(_service(frame, k, t, extras, k in served, tolerances) for k, t in tallies.items()),
        *(_service(frame, k, None, extras, True, tolerances) for k in quiet - tallies.keys()),
    ]


def _level(service: Tally, window: float, p99: float | None, tolerances: Tolerances) -> Level:
    handled = service.requests + service.unreached
    failed = service.errors + service.unreached
    return judge(
        handled * window,
        failed / handled if handled else 0.0,
        service.client_errors / handled if handled else 0.0,
        p99,
        tolerances,
    )


def _service(
    frame: Frame,
    key: ServiceKey,
    tally: Tally | None,
    extras: _Extras,
    served: bool,
    tolerances: Tolerances,
) -> Service:
    counted = tally or Tally()
    histogram = extras.histograms.get(key)
    measured = latency(histogram, frame.window) if histogram else None
    new_errors = extras.new_errors.get(key, 0.0)
    p99 = measured.values[-1] if measured else None
    level = Level.UNKNOWN if tally is None else _level(tally, frame.window, p99, tolerances)
    if new_errors > 0 and level in (Level.HEALTHY, Level.IDLE):
        level = Level.DEGRADED
    return Service(
        key=key,
        window=frame.window,
        requests=None if tally is None else counted.requests,
        errors=counted.errors,
        client_errors=counted.client_errors,
        no_response=counted.no_response,
        unreached=counted.unreached,
        new_errors=new_errors,
        mutual_tls=counted.secured / counted.judged if counted.judged else None,
        request_bytes=extras.request_bytes.get(key),
        response_bytes=extras.response_bytes.get(key),
        tcp_request_bytes=extras.tcp_request_bytes.get(key),
        tcp_response_bytes=extras.tcp_response_bytes.get(key),
        latency=measured,
        mean=extras.mean(key),
        protocols=tuple(sorted(p for p in counted.protocols if p)),
        served=served,
        level=level,
    )


def unserved(found: Iterable[Service]) -> frozenset[ServiceKey]:
    """The services that only clients report for, for the next `service_queries`."""
    return frozenset(s.key for s in found if s.key.kind == "service" and not s.served)
