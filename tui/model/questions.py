"""What a view asks of a source: the few grouped queries behind each table, defined once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from tui.model import labels
from tui.model.frame import Kind, Match, Query

SERVED: Final = "served"
"""Requests per second as servers report them."""
CALLED: Final = "called"
"""Requests per second as clients report them: those that no server has seen, or all."""
ENTERED: Final = "entered"
"""Requests per second that gateways passed on or answered."""
NEW_ERRORS: Final = "new_errors"
REQUEST_BYTES: Final = "request_bytes"
RESPONSE_BYTES: Final = "response_bytes"
TCP_REQUEST_BYTES: Final = "tcp_request_bytes"
TCP_RESPONSE_BYTES: Final = "tcp_response_bytes"
ENTERED_REQUEST_BYTES: Final = "entered_request_bytes"
ENTERED_RESPONSE_BYTES: Final = "entered_response_bytes"
DURATION: Final = "duration"
ENTERED_DURATION: Final = "entered_duration"
DURATION_SUM: Final = "duration_sum"
DURATION_COUNT: Final = "duration_count"

SERVICE: Final = (labels.SERVICE, labels.NAMESPACE, labels.HOST)
SIDE: Final = (*SERVICE, labels.REPORTER)
GATEWAY: Final = (labels.SOURCE_WORKLOAD, labels.SOURCE_NAMESPACE)
OUTCOME: Final = (labels.CODE, labels.FLAGS, labels.GRPC_STATUS)

FROM_SERVERS: Final = Match(labels.REPORTER, "=~", "|".join(labels.SERVER))
FROM_CLIENTS: Final = Match(labels.REPORTER, "=", labels.CLIENT)
FROM_GATEWAYS: Final = Match(labels.SOURCE_WORKLOAD, "=~", labels.GATEWAY_NAME)

_LOST: Final = (
    (Match(labels.FLAGS, "=~", f"(?:.*,)?(?:{'|'.join(sorted(labels.NEVER_LEFT))})(?:,.*)?"),),
    (Match(labels.CODE, "=", labels.NO_RESPONSE),),
    (Match(labels.DESTINATION_WORKLOAD, "=~", f"{labels.UNKNOWN}|"),),
)
"""Where a client's report of a request that no server saw can be found."""

FAILED: Final = (
    (Match(labels.CODE, "=~", f"5..|{labels.NO_RESPONSE}"),),
    (Match(labels.GRPC_STATUS, "=~", "[1-9]|1[0-6]"),),
)
"""Where requests that failed at a server are."""

NEVER_ARRIVED: Final = (
    _LOST[0],
    (
        Match(labels.DESTINATION_WORKLOAD, "=~", f"{labels.UNKNOWN}|"),
        Match(labels.CODE, "=", labels.NO_RESPONSE),
    ),
    (
        Match(labels.DESTINATION_WORKLOAD, "=~", f"{labels.UNKNOWN}|"),
        Match(labels.FLAGS, "=~", "(?:.*,)?URX(?:,.*)?"),
    ),
)
"""`labels.never_arrived` as matchers, for clients' reports."""


class ServiceKey(NamedTuple):
    """Whose row it is. `kind` is `service`, or `gateway`: a workload that lets traffic in or out,
    by its workload's name. `host` is `destination_service` where there is no label with the
    service's name to ask by, else nothing.
    """

    kind: str
    namespace: str
    name: str
    host: str = ""


def destination(key: ServiceKey) -> tuple[Match, ...]:
    """The series of requests to a service, whoever reports them."""
    if key.host:
        return (Match(labels.HOST, "=", key.host),)
    return (Match(labels.SERVICE, "=", key.name), within(key.namespace))


def within(namespace: str) -> Match:
    """The series of a destination's namespace, where it may have been removed from them."""
    if namespace == labels.UNKNOWN:
        return Match(labels.NAMESPACE, "=~", f"{labels.UNKNOWN}|")
    return Match(labels.NAMESPACE, "=", namespace)


def _scoped(queries: Sequence[Query], scope: Sequence[str]) -> tuple[Query, ...]:
    if not scope:
        return tuple(queries)
    return tuple(
        q.narrowed(
            Match.any_of(
                labels.SOURCE_NAMESPACE if labels.SOURCE_NAMESPACE in q.by else labels.NAMESPACE,
                scope,
            )
        )
        for q in queries
    )


def _named(keys: Collection[ServiceKey]) -> tuple[tuple[Match, ...], ...]:
    """Where these services' series are: by name, or by host for those that have no other."""
    names = {key.name for key in keys if not key.host}
    hosts = {key.host for key in keys if key.host}
    either = ((labels.SERVICE, names), (labels.HOST, hosts))
    return tuple((Match.any_of(label, values),) for label, values in either if values)


def _called(unserved: Collection[ServiceKey] | None) -> Query:
    """What clients report: everything (`None`), or what servers cannot know of, and everything of
    the services that no server reports for.
    """
    by = (*SERVICE, *OUTCOME, labels.DESTINATION_WORKLOAD)
    query = Query(CALLED, labels.REQUESTS, by, (FROM_CLIENTS,))
    if unserved is None:
        return query
    return Query(
        CALLED, labels.REQUESTS, by, (FROM_CLIENTS,), either=(*_LOST, *_named(unserved))
    )  # fmt: skip


def _sides(unserved: Collection[ServiceKey]) -> tuple[tuple[Match, ...], ...]:
    """Servers' reports, and clients' of the services that have no others. A name may be served in
    one namespace and not in another: `SIDE` tells the two reports apart.
    """
    return ((FROM_SERVERS,), *((FROM_CLIENTS, *names) for names in _named(unserved)))


def _sized(unserved: Collection[ServiceKey]) -> tuple[Query, ...]:
    sides = _sides(unserved)
    http = (
        (REQUEST_BYTES, labels.REQUEST_BYTES + "_sum"),
        (RESPONSE_BYTES, labels.RESPONSE_BYTES + "_sum"),
    )
    tcp = (
        (TCP_REQUEST_BYTES, labels.TCP_REQUEST_BYTES),
        (TCP_RESPONSE_BYTES, labels.TCP_RESPONSE_BYTES),
    )
    entered = (
        (ENTERED_REQUEST_BYTES, labels.REQUEST_BYTES + "_sum"),
        (ENTERED_RESPONSE_BYTES, labels.RESPONSE_BYTES + "_sum"),
    )
    return (
        *(_either(Query(table, metric, SIDE), sides) for table, metric in http),
        *(Query(table, metric, SIDE) for table, metric in tcp),
        *(
            Query(table, metric, GATEWAY, (FROM_CLIENTS, FROM_GATEWAYS))
            for table, metric in entered
        ),
    )


def _either(query: Query, sides: tuple[tuple[Match, ...], ...]) -> Query:
    if len(sides) == 1:
        return query.narrowed(*sides[0])
    return Query(query.table, query.metric, query.by, query.where, query.kind, sides, query.scale)


def _latency(
    visible: Collection[ServiceKey] | None, unserved: Collection[ServiceKey]
) -> tuple[Query, ...]:
    """Bucket rates of these rows (`None`: all): a query for services, one for gateways."""
    scale = labels.SECONDS_PER_MILLISECOND
    services = Query(DURATION, labels.DURATION, SIDE, (), Kind.HISTOGRAM, scale=scale)
    sides = _sides(unserved)
    gateways = Query(
        ENTERED_DURATION, labels.DURATION, GATEWAY, (FROM_CLIENTS, FROM_GATEWAYS),
        Kind.HISTOGRAM, scale=scale,
    )  # fmt: skip
    if visible is None:
        return _either(services, sides), gateways
    queries = []
    if wanted := _named([key for key in visible if key.kind == "service"]):
        both = tuple((*side, *names) for side in sides for names in wanted)
        queries.append(_either(services, both))
    if names := {key.name for key in visible if key.kind == "gateway"}:
        queries.append(gateways.narrowed(Match.any_of(labels.SOURCE_WORKLOAD, names)))
    return tuple(queries)


def _means(unserved: Collection[ServiceKey]) -> tuple[Query, ...]:
    scale = labels.SECONDS_PER_MILLISECOND
    sides = _sides(unserved)
    return (
        _either(Query(DURATION_SUM, labels.DURATION + "_sum", SIDE, scale=scale), sides),
        _either(Query(DURATION_COUNT, labels.DURATION + "_count", SIDE), sides),
    )


def service_queries(
    scope: Sequence[str] = (),
    visible: Collection[ServiceKey] | None = None,
    unserved: Collection[ServiceKey] | None = None,
    means: bool = False,
) -> tuple[Query, ...]:
    """The queries behind the table of services, 12 at most.

    `scope`: namespaces, none for all. `visible`: rows whose latency is wanted, `None` for all.
    `unserved`: the services that no server reports for, as an earlier frame showed them
    (`tui.model.mesh.unserved`); `None` asks for everything that clients report, which finds them
    but costs as much as the mesh has callers. `means`: the mean latency in place of buckets, for a
    source that has none.
    """
    known = unserved or ()
    served = Query(
        SERVED, labels.REQUESTS,
        (*SERVICE, *OUTCOME, labels.PROTOCOL, labels.SECURITY), (FROM_SERVERS,),
    )  # fmt: skip
    entered = Query(ENTERED, labels.REQUESTS, (*GATEWAY, *OUTCOME), (FROM_CLIENTS, FROM_GATEWAYS))
    new_errors = Query(
        NEW_ERRORS, labels.REQUESTS, SERVICE, (FROM_SERVERS,), Kind.BORN, either=FAILED
    )
    latency = _means(known) if means else _latency(visible, known)
    return _scoped(
        (served, _called(unserved), entered, new_errors, *_sized(known), *latency), scope
    )


def history_queries(scope: Sequence[str] = ()) -> tuple[Query, ...]:
    """The queries that fill the sparklines of services and gateways, over a range of time."""
    return _scoped(
        (
            Query(SERVED, labels.REQUESTS, SERVICE, (FROM_SERVERS,)),
            Query(ENTERED, labels.REQUESTS, GATEWAY, (FROM_CLIENTS, FROM_GATEWAYS)),
        ),
        scope,
    )
