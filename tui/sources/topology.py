"""The shape of the demo mesh: its services, their workloads, and who calls whom how often.

Everything here follows from the seed and the number of services, and does not change with time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from tui.model import labels
from tui.sources import cast
from tui.sources.cast import Role

LEAST_RATE: Final = 0.4
"""Requests per second of the quietest service: 24 in a minute, so that none looks idle."""
MOST_RATE: Final = 400.0
ALONE: Final = frozenset(
    {"productpage", "details", "reviews", "ratings", "storefront", "checkout", "payment",
     "inventory", "invoices", "cart"}
)  # fmt: skip
"""Services whose proxies are targets of their own: the others share a page a node."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One deployment with its proxy. `target` is the page on which the proxy's counters stand."""

    name: str
    namespace: str
    app: str
    version: str
    account: str
    target: str = ""

    @property
    def principal(self) -> str:
        """Its SPIFFE identity."""
        if not self.account:
            return labels.UNKNOWN
        return f"spiffe://cluster.local/ns/{self.namespace}/sa/{self.account}"


NOBODY: Final = Workload(labels.UNKNOWN, labels.UNKNOWN, labels.UNKNOWN, labels.UNKNOWN, "")
"""The peer that no proxy knows: outside the mesh, or never reached."""


@dataclass(frozen=True, slots=True)
class Service:
    """One destination. `median` is milliseconds as its server sees them, with all that it calls;
    `spread` is the sigma of their logarithm; `request` and `response` are median bytes.
    """

    name: str
    namespace: str
    host: str
    protocol: str
    median: float = 5.0
    spread: float = 0.5
    request: int = 500
    response: int = 800
    workloads: tuple[Workload, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """An edge: `rate` requests per second by day's mean from a workload (`NOBODY`: from outside
    the mesh) to a service. `entry` is the gateway whose visitors cause it.
    """

    source: Workload
    service: Service
    rate: float
    entry: int


@dataclass(frozen=True, slots=True)
class Topology:
    """The whole mesh. `callers`: for each service name those that call it, with calls a request."""

    services: tuple[Service, ...]
    gateways: tuple[Workload, Workload]
    calls: tuple[Call, ...]
    callers: Mapping[str, Mapping[str, float]]


def topology(seed: int, services: int) -> Topology:
    """The mesh of this seed with exactly `services` services, 1 to 1,125, and two gateways."""
    random = Random(f"mesh {seed}")
    roles = _roles(random, services)
    wanted = _calls(random, roles)
    callers: dict[str, dict[str, float]] = {role.name: {} for role in roles}
    for caller, callees in wanted.items():
        for callee, ratio in callees.items():
            callers[callee][caller] = ratio
    medians = _medians(random, roles, wanted)
    nodes = max(4, min(12, services // 40))
    built = {
        role.name: Service(
            role.name, role.namespace, f"{role.name}.{role.namespace}.svc.cluster.local",
            role.protocol, medians[role.name], random.uniform(0.35, 0.75), role.request,
            role.response, _workloads(role, f"node-{number % nodes + 1}"),
        )
        for number, role in enumerate(roles)
    }  # fmt: skip
    gateways = (_gateway("istio-ingressgateway", "istio-system"), _gateway("public-istio", "shop"))
    calls = tuple(_traffic(random, built, callers, gateways))
    return Topology(tuple(built.values()), gateways, calls, callers)


def _gateway(name: str, namespace: str) -> Workload:
    account = f"{name}-service-account" if namespace == "istio-system" else name
    return Workload(name, namespace, name, labels.UNKNOWN, account, f"{name}.{namespace}")


def _workloads(role: Role, node: str) -> tuple[Workload, ...]:
    versions = ("v1", "v2", "v3") if role.name == "reviews" else ("v1",)
    account = f"bookinfo-{role.name}" if role.namespace == "bookinfo" else role.name
    return tuple(
        Workload(
            f"{role.name}-{version}", role.namespace, role.name, version, account,
            f"{role.name}-{version}.{role.namespace}" if role.name in ALONE else node,
        )
        for version in versions
    )  # fmt: skip


def _roles(random: Random, services: int) -> list[Role]:
    roles = list(cast.ROLES[:services])
    names = [f"{subject}-{task}" for subject in cast.SUBJECTS for task in cast.TASKS]
    random.shuffle(names)
    for number in range(services - len(roles)):
        kind = random.random()
        protocol = "http" if kind < 0.7 else "grpc" if kind < 0.92 else "tcp"
        roles.append(
            Role(
                names[number], cast.NAMESPACES[len(roles) // 40 % len(cast.NAMESPACES)], protocol,
                random.lognormvariate(1.6, 0.8), random.randint(120, 2000),
                int(random.lognormvariate(7.0, 1.2)),
            )
        )  # fmt: skip
    return roles


def _calls(random: Random, roles: list[Role]) -> dict[str, dict[str, float]]:
    """Callers always stand before callees, so there is no circle."""
    here = {role.name for role in roles}
    calls = {role.name: dict[str, float]() for role in roles}
    for caller, callees in cast.CALLS.items():
        if caller in here:
            calls[caller].update({name: r for name, r in callees if name in here})
    may_call = [role for role in roles[: len(cast.ROLES)] if role.protocol != "tcp"]
    for role in roles[len(cast.ROLES) :]:
        near = [other for other in may_call[-200:] if other.namespace == role.namespace]
        for _ in range(random.choice((1, 1, 2, 2, 3))):
            above = random.choice(near if near and random.random() < 0.6 else may_call)
            calls[above.name][role.name] = round(random.uniform(0.05, 0.6), 2)
        if role.protocol != "tcp" and random.random() < 0.4:
            may_call.append(role)
    return calls


def _medians(
    random: Random, roles: list[Role], calls: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """Latency adds up along the tree: the slowest callee counts fully, the others run beside it."""
    medians: dict[str, float] = {}
    for role in reversed(roles):
        waits = sorted(min(1.0, ratio) * medians[name] for name, ratio in calls[role.name].items())
        below = waits[-1] + 0.15 * sum(waits[:-1]) if waits else 0.0
        medians[role.name] = role.median * random.uniform(0.8, 1.25) + min(below, 400.0)
    return medians


def _entries(
    random: Random, services: Mapping[str, Service], callers: Mapping[str, Mapping[str, float]]
) -> Iterator[tuple[int, str, float]]:
    """(gateway, service, requests per second): also for those that nobody else calls."""
    entered = set()
    for gateway, entries in enumerate((cast.ENTRIES, cast.PUBLIC_ENTRIES)):
        for name, rate in entries:
            if name in services:
                entered.add(name)
                yield gateway, name, rate * random.uniform(0.8, 1.3)
    for number, name in enumerate(services):
        if not callers[name] and name not in entered:
            yield number % 2, name, random.uniform(0.5, 4.0)


def _traffic(
    random: Random,
    services: Mapping[str, Service],
    callers: Mapping[str, Mapping[str, float]],
    gateways: tuple[Workload, Workload],
) -> Iterator[Call]:
    """Rates flow down from the gateways, caller before callee."""
    arriving: dict[str, list[tuple[Workload | str, float, int]]] = {n: [] for n in services}
    for gateway, name, rate in _entries(random, services, callers):
        arriving[name].append((gateways[gateway], rate, gateway))
    rates: dict[str, tuple[float, int]] = {}
    for name, service in services.items():
        sources = [*arriving[name], *_inner(callers[name], rates)]
        total = sum(rate for _, rate, _ in sources)
        factor = min(max(total, LEAST_RATE), MOST_RATE) / total
        for source, rate, entry in sources:
            if isinstance(source, Workload):
                yield Call(source, service, rate * factor, entry)
            else:
                yield from _from_each(services[source].workloads, service, rate * factor, entry)
        rates[name] = (total * factor, sources[0][2])


def _inner(
    callers: Mapping[str, float], rates: Mapping[str, tuple[float, int]]
) -> Iterator[tuple[str, float, int]]:
    for caller, ratio in callers.items():
        rate, entry = rates[caller]
        yield caller, rate * ratio, entry


def _from_each(
    workloads: Iterable[Workload], service: Service, rate: float, entry: int
) -> Iterator[Call]:
    """A service's calls come from all of its versions alike."""
    sources = tuple(workloads)
    for workload in sources:
        yield Call(workload, service, rate / len(sources), entry)
