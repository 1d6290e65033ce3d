"""Frames by hand: a table of series in, a frame as a source would answer out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tui.model.frame import STAT, Frame, Histogram, Kind, Match, Presence, Query, Table
from tui.model.questions import service_queries

Series = tuple[Mapping[str, str], float]
"""Labels with `__name__`, and the value: a rate, or for a `_bucket` a cumulative bucket rate."""

BASE = {
    "reporter": "destination",
    "destination_service_name": "reviews",
    "destination_service_namespace": "default",
    "destination_service": "reviews.default.svc.cluster.local",
    "destination_workload": "reviews-v1",
    "destination_workload_namespace": "default",
    "source_workload": "productpage-v1",
    "source_workload_namespace": "default",
    "response_code": "200",
    "response_flags": "-",
    "request_protocol": "http",
    "connection_security_policy": "mutual_tls",
}


def requests(rate: float, **labels: str) -> Series:
    """A series of `istio_requests_total` that grows by `rate` a second."""
    return {**BASE, "__name__": "istio_requests_total", **labels}, rate


def metric(name: str, rate: float, **labels: str) -> Series:
    """A series of any metric."""
    return {**BASE, "__name__": name, **labels}, rate


def buckets(counts: Mapping[str, float], **labels: str) -> list[Series]:
    """The bucket series of the request duration: `le` in milliseconds to observations a second."""
    name = "istio_request_duration_milliseconds_bucket"
    return [metric(name, rate, le=le, **labels) for le, rate in counts.items()]


def _selected(query: Query, names: Iterable[str], labels: Mapping[str, str]) -> bool:
    def holds(matches: Iterable[Match]) -> bool:
        return all(match.accepts(labels.get(match.label, "")) for match in matches)

    return (
        labels["__name__"] in names
        and holds(query.where)
        and (not query.either or any(map(holds, query.either)))
    )


def answer(query: Query, series: Iterable[Series]) -> Table[Any]:
    """One query answered the obvious, slow way. BORN selects nothing: no series here is young."""
    histogram = query.kind is Kind.HISTOGRAM
    names = (f"{query.metric}_bucket",) if histogram else query.metrics
    rows: dict[tuple[str, ...], Any] = {}
    known = query.kind is not Kind.BORN
    for labels, value in series:
        if not known or not _selected(query, names, labels):
            continue
        told = {**labels, STAT: labels["__name__"]} if query.also else labels
        key = tuple(told.get(label, "") for label in query.by)
        if histogram:
            bucket = rows.setdefault(key, {})
            bound = float(labels["le"]) * query.scale
            bucket[bound] = bucket.get(bound, 0.0) + value
        else:
            rows[key] = rows.get(key, 0.0) + value * query.scale
    if histogram:
        rows = {
            k: Histogram(tuple(sorted(b)), tuple(b[x] for x in sorted(b))) for k, b in rows.items()
        }
    return Table(query.by, rows, Presence.PRESENT if rows else Presence.ABSENT)


def frame(*series: Series, queries: tuple[Query, ...] | None = None, window: float = 60.0) -> Frame:
    """The frame that answers the services' queries over these series."""
    asked = service_queries() if queries is None else queries
    return Frame(
        at=1_700_000_000.0,
        window=window,
        source="by hand",
        tables={query.table: answer(query, series) for query in asked},
    )
