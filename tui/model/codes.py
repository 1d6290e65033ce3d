"""How requests end: by class of code and exact code, by gRPC status, and by response flag.

Each request is in one class. What a client never got an answer to is class `0`; a gRPC call that
failed is class `grpc` whatever its HTTP code says, which is nearly always 200.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from tui.model import labels, mesh, questions
from tui.model.frame import Frame, Match, Query
from tui.model.health import DEFAULT, Level, Tolerances, judge
from tui.model.questions import ServiceKey

GRPC: Final = "grpc"
CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx", labels.NO_RESPONSE, GRPC, "?")
"""Every class that a request can be in: `0` is no response, `?` what is no code."""
FAILED: Final = frozenset({"5xx", labels.NO_RESPONSE, GRPC})

STATUSES: Final = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
"""gRPC's status names by their number."""

MESH: Final = ServiceKey("mesh", "", "all services")
"""Whose the sum of all services is."""
_TABLES: Final = frozenset({questions.SERVED, questions.CALLED, questions.ENTERED})


def status_name(status: str) -> str:
    """`UNAVAILABLE` of `14`; what is no status of gRPC stays as it is."""
    known = status.isascii() and status.isdigit() and int(status) < len(STATUSES)
    return STATUSES[int(status)] if known else status


class Outcome(NamedTuple):
    """How requests ended, by the labels of Istio. `flags` may join several with a comma."""

    code: str
    flags: str
    grpc: str

    @property
    def group(self) -> str:
        """One of `CLASSES`."""
        return GRPC if labels.grpc_failed(self.grpc) else labels.code_class(self.code)

    @property
    def exact(self) -> str:
        """The HTTP code, or the name of the gRPC status of a call that failed."""
        return status_name(self.grpc) if labels.grpc_failed(self.grpc) else self.code


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """How the requests of one service, gateway or edge ended. Requests per second.

    `outcomes` hold each request once: what servers report, and of what clients report those that no
    server saw. `seen` are the flags that only clients saw of requests that did reach a server.
    """

    key: ServiceKey
    window: float
    outcomes: Mapping[Outcome, float]
    seen: Mapping[str, float]
    level: Level
    source: tuple[str, str] = ("", "")
    """(namespace, workload) of the caller, where the row is an edge."""
    served: bool = False
    """Whether its servers report; else these are its clients' numbers."""

    @property
    def matches(self) -> tuple[Match, ...]:
        """The series that its requests are counted in, whoever reports them."""
        where = () if self.key == MESH else selects(self.key)
        if not any(self.source):
            return where
        namespace, workload = self.source
        return (
            *where,
            Match(labels.SOURCE_WORKLOAD, "=", workload),
            Match(labels.SOURCE_NAMESPACE, "=", namespace),
        )

    @property
    def requests(self) -> float:
        """Requests per second that were tried."""
        return sum(self.outcomes.values())

    def groups(self) -> dict[str, float]:
        """Requests per second by class, in the order of `CLASSES`, all of them."""
        found = dict.fromkeys(CLASSES, 0.0)
        for outcome, rate in self.outcomes.items():
            found[outcome.group] += rate
        return found

    def share(self, group: str) -> float | None:
        """Share of the requests that are in a class; `None` without requests."""
        total = self.requests
        return self.groups()[group] / total if total else None

    def exact(self) -> dict[str, float]:
        """Requests per second by exact code or gRPC status, most first."""
        found: dict[str, float] = defaultdict(float)
        for outcome, rate in self.outcomes.items():
            found[outcome.exact] += rate
        return _sorted(found)

    def flags(self) -> dict[str, float]:
        """Requests per second by response flag, most first; one may have several."""
        found: dict[str, float] = defaultdict(float, self.seen)
        for outcome, rate in self.outcomes.items():
            for flag in labels.flags(outcome.flags):
                found[flag] += rate
        return _sorted(found)


def _sorted(found: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def code_queries(
    scope: Sequence[str] = (), of: ServiceKey | None = None, edges: bool = False
) -> tuple[Query, ...]:
    """The queries behind the codes, 3 at most. `scope`: namespaces, none for all. `of`: only this
    service or gateway. `edges`: apart by caller.
    """
    asked = [q for q in questions.service_queries(scope, ()) if q.table in _TABLES]
    if of is not None:
        gateway = of.kind == "gateway"
        asked = [
            q.narrowed(*selects(of)) for q in asked if (q.table == questions.ENTERED) == gateway
        ]
    if not edges:
        return tuple(asked)
    apart = (query for query in asked if query.table != questions.ENTERED)
    return tuple(replace(query, by=(*query.by, *questions.GATEWAY)) for query in apart)


def selects(key: ServiceKey) -> tuple[Match, ...]:
    """The series that a service's or gateway's requests are counted in, whoever reports them."""
    if key.kind == "gateway":
        return (
            Match(labels.SOURCE_WORKLOAD, "=", key.name),
            Match(labels.SOURCE_NAMESPACE, "=", key.namespace),
        )
    return questions.destination(key)


_Whose = tuple[ServiceKey, tuple[str, str]]


@dataclass(slots=True)
class _Parts:
    outcomes: dict[Outcome, float] = field(default_factory=lambda: defaultdict(float))
    seen: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    nowhere: float = 0.0
    """Requests answered 4xx that no server saw: failed, as in the table of services."""
    served: set[str] = field(default_factory=set)
    """Flags that servers themselves report."""


def _rows(frame: Frame, table: str) -> Iterator[tuple[_Whose, Outcome, str, float]]:
    """Whose each row is, how its requests ended, the workload they reached, and how many."""
    rows = frame.rates(table)
    places = rows.columns(
        *questions.SERVICE, *questions.OUTCOME, labels.DESTINATION_WORKLOAD, *questions.GATEWAY
    )
    for key, rate in rows:
        name, space, host, code, flags, grpc, workload, source, source_space = (
            key[at] if at >= 0 else "" for at in places
        )
        namespace, service = labels.service_of(name, space, host)
        by_host = "" if name or host == labels.UNKNOWN else host
        whose = ServiceKey("service", namespace, service, by_host)
        yield (whose, (source_space, source)), Outcome(code, flags, grpc), workload, rate


def codes(frame: Frame, tolerances: Tolerances = DEFAULT) -> list[Codes]:
    """How the requests of every service and gateway ended (of every edge, where those were asked
    for), in no order.
    """
    found: dict[_Whose, _Parts] = {}
    for whose, outcome, _, rate in _rows(frame, questions.SERVED):
        parts = found.setdefault(whose, _Parts())
        parts.outcomes[outcome] += rate
        parts.served.update(labels.flags(outcome.flags))
    served = {key for key, _ in found}
    for whose, outcome, workload, rate in _rows(frame, questions.CALLED):
        if whose[0] == mesh.NOWHERE:
            continue
        parts = found.setdefault(whose, _Parts())
        lost = labels.never_arrived(outcome.code, outcome.flags, workload)
        if whose[0] not in served or lost:
            parts.outcomes[outcome] += rate
            if whose[0] in served and outcome.group == "4xx":
                parts.nowhere += rate
        else:
            for flag in set(labels.flags(outcome.flags)) - parts.served:
                parts.seen[flag] += rate
    rows = [
        replace(
            ended(frame, key, parts.outcomes, parts.seen, parts.nowhere, tolerances),
            source=source,
            served=key in served,
        )
        for (key, source), parts in found.items()
        if parts.outcomes or parts.seen
    ]
    return rows + _entered(frame, served, tolerances)


def _entered(frame: Frame, served: Iterable[ServiceKey], tolerances: Tolerances) -> list[Codes]:
    """Gateways: workloads with a gateway's name that no server reports for."""
    table = frame.rates(questions.ENTERED)
    servers = {(key.namespace, key.name) for key in served}
    places = table.columns(*questions.GATEWAY, *questions.OUTCOME)
    found: dict[ServiceKey, dict[Outcome, float]] = {}
    for key, rate in table:
        name, namespace, *outcome = (key[at] if at >= 0 else "" for at in places)
        if (namespace, name) not in servers:
            gateway = ServiceKey("gateway", namespace, name)
            found.setdefault(gateway, defaultdict(float))[Outcome(*outcome)] += rate
    return [ended(frame, key, outcomes, tolerances=tolerances) for key, outcomes in found.items()]


def ended(
    frame: Frame,
    key: ServiceKey,
    outcomes: Mapping[Outcome, float],
    seen: Mapping[str, float] | None = None,
    nowhere: float = 0.0,
    tolerances: Tolerances = DEFAULT,
) -> Codes:
    """The codes of one row, judged. `nowhere`: how many of its 4xx count as failed."""
    total = sum(outcomes.values())
    failed = sum(rate for outcome, rate in outcomes.items() if outcome.group in FAILED) + nowhere
    refused = sum(rate for outcome, rate in outcomes.items() if outcome.group == "4xx") - nowhere
    shares = (failed / total, refused / total) if total else (0.0, 0.0)
    level = judge(total * frame.window, *shares, tolerances=tolerances)
    return Codes(key, frame.window, outcomes, seen or {}, level)


def total(frame: Frame, rows: Iterable[Codes], tolerances: Tolerances = DEFAULT) -> Codes:
    """All services in one row. What gateways passed on is in their destinations already."""
    outcomes: dict[Outcome, float] = defaultdict(float)
    seen: dict[str, float] = defaultdict(float)
    for row in rows:
        if row.key.kind == "service":
            for outcome, rate in row.outcomes.items():
                outcomes[outcome] += rate
            for flag, rate in row.seen.items():
                seen[flag] += rate
    return ended(frame, MESH, outcomes, seen, tolerances=tolerances)
