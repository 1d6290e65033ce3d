"""A frame's tables read as gateways: which there are, and whose each of Envoy's statistics is.

A gateway is a workload with a gateway's name that reports as a client and never as a server. Its
replicas are known by the labels that its reports were scraped with, and Envoy's own statistics,
which do not say whose they are, by the same labels. A proxy without any traffic is known by its
pod's name, and one without a pod's name by its listeners: no sidecar lacks those of capture.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from tui.model import frame as frames
from tui.model import gateway_stats as stats
from tui.model import labels
from tui.model.codes import Codes, Outcome, ended
from tui.model.connections import Connections, Pool, by_protocol, connections, pool
from tui.model.frame import Frame
from tui.model.gateway import STATES, Gateway, Member, Presence, expiry, stands_out
from tui.model.gateway_stats import Group, Replica
from tui.model.questions import ServiceKey

_SAFE: Final = "[bcdfghjklmnpqrstvwxz2456789]"
"""The letters that Kubernetes makes suffixes of, so that they are never words."""
_POD: Final = re.compile(rf"(.+?)(?:-{_SAFE}{{6,10}})?-{_SAFE}{{5}}|(.+)-[0-9]+", re.DOTALL)
"""A pod's name: of a Deployment or DaemonSet, or of a StatefulSet; and the workload in it."""
_CAPTURE: Final = ("_15001", "_15006", "virtualInbound", "virtualOutbound")
"""Ends of the addresses of listeners that only a sidecar has."""

_TABLES: Final = {
    stats.LISTENERS.key: (stats.LISTENER_RATES, stats.CONNECTIONS),
    stats.TLS.key: (stats.LISTENER_RATES,),
    stats.HTTP.key: (stats.HTTP_RATES, stats.CONNECTIONS),
    stats.POOLS.key: (stats.POOL_RATES, stats.POOL_GAUGES),
    stats.UPSTREAM.key: (stats.POOL_RATES, stats.POOL_GAUGES),
    stats.MEMBERS.key: (stats.POOL_GAUGES,),
    stats.EJECTIONS.key: (stats.POOL_RATES, stats.POOL_GAUGES),
    stats.BREAKERS.key: (stats.POOL_GAUGES,),
}
"""Where the statistics of each group are."""

_Values = dict[str, float]


def workload_of(pod: str) -> str:
    """The workload that a pod's name was made from: `gw` of `gw-7c6f9b8d5-x2v4k`."""
    found = _POD.fullmatch(pod)
    return next((part for part in found.groups() if part), pod) if found else pod


def _summed() -> dict[str, _Values]:
    return defaultdict(lambda: defaultdict(float))


class _Proxy:
    """All that a frame says of one replica."""

    def __init__(self) -> None:
        self.requests = self.errors = 0.0
        self.server: _Values = {}
        self.agents: dict[str, float] = {}
        self.listeners = _summed()
        self.clusters = _summed()
        self.classes: _Values = defaultdict(float)
        self.cpu: float | None = None
        self.memory: float | None = None

    @property
    def shown(self) -> set[str]:
        """Names of Envoy's statistics that it has."""
        parts = (*self.listeners.values(), *self.clusters.values())
        return {name for part in parts for name in part}

    @property
    def is_gateway(self) -> bool:
        """Whether its listeners are those of a gateway."""
        return bool(self.listeners) and not any(x.endswith(_CAPTURE) for x in self.listeners)


def _proxies(frame: Frame) -> dict[Replica, _Proxy]:
    found: dict[Replica, _Proxy] = defaultdict(_Proxy)
    for key, rate in frame.rates(stats.ENTERING):
        proxy = found[Replica(*key[2:5])]
        proxy.requests += rate
        if labels.code_class(key[5]) in ("5xx", labels.NO_RESPONSE):
            proxy.errors += rate
    for (*whose, resource, stat), value in frame.rates(stats.SERVERS):
        proxy = found[Replica(*whose)]
        if stat == stats.AGENT_EXPIRY:
            proxy.agents[resource] = value
        else:
            proxy.server[stat] = value
    for table in (stats.POOL_RATES, stats.POOL_GAUGES):
        for (*whose, cluster, stat), value in frame.rates(table):
            found[Replica(*whose)].clusters[cluster][stat] += value
    _listened(frame, found)
    return dict(found)


def _listened(frame: Frame, found: Mapping[Replica, _Proxy]) -> None:
    """Add the statistics of listeners, and of HTTP managers to the listener they belong to."""
    for (*whose, listener, stat), value in frame.rates(stats.LISTENER_RATES):
        found[Replica(*whose)].listeners[listener][stat] += value
    for (*whose, manager, group, stat), value in frame.rates(stats.HTTP_RATES):
        proxy = found[Replica(*whose)]
        if group:
            proxy.classes[group] += value
        else:
            proxy.listeners[_address(manager)][stat] += value
    for (*whose, listener, manager, stat), value in frame.rates(stats.CONNECTIONS):
        found[Replica(*whose)].listeners[listener or _address(manager)][stat] += value


def _address(manager: str) -> str:
    """The listener of an HTTP manager: Istio names one after the other."""
    return manager.removeprefix("outbound_")


def _servers(frame: Frame) -> set[tuple[str, str]]:
    """(namespace, workload) of those that report as servers."""
    return {(namespace, name) for (name, namespace), _ in frame.rates(stats.SERVING)}


def _owners(frame: Frame, proxies: Mapping[Replica, _Proxy]) -> dict[Replica, ServiceKey]:
    servers = _servers(frame)
    owners: dict[Replica, ServiceKey] = {}
    for key, _ in frame.rates(stats.ENTERING):
        if (key[1], key[0]) not in servers:
            owners[Replica(*key[2:5])] = ServiceKey("gateway", key[1], key[0])
    known = {(key.namespace, key.name) for key in owners.values()}
    for one, proxy in proxies.items():
        whose = (one.namespace, workload_of(one.pod))
        if one in owners:
            continue
        if one.pod:
            if whose in known or (labels.looks_like_gateway(whose[1]) and whose not in servers):
                owners[one] = ServiceKey("gateway", *whose)
        elif proxy.is_gateway:
            owners[one] = ServiceKey("gateway", one.namespace or labels.UNKNOWN, one.instance)
    return owners


def replicas(frame: Frame) -> frozenset[Replica]:
    """The replicas of the gateways that the frame knows, for the next `gateway_queries`."""
    return frozenset(_owners(frame, _proxies(frame)))


def gateways(frame: Frame) -> list[Gateway]:
    """Every gateway that the frame knows, in no order."""
    proxies = _proxies(frame)
    _contained(frame, proxies)
    owners = _owners(frame, proxies)
    mine: dict[ServiceKey, dict[Replica, _Proxy]] = defaultdict(dict)
    for one, key in owners.items():
        mine[key][one] = proxies[one]
    reached = _destinations(frame)
    # With a label of the replica missing, its reports still say whose they are.
    servers = _servers(frame)
    for key in reached:
        if (key.namespace, key.name) not in servers:
            mine.setdefault(key, {})
    return [_gateway(frame, key, own, reached.get(key, {})) for key, own in mine.items()]


def _contained(frame: Frame, proxies: Mapping[Replica, _Proxy]) -> None:
    cpu, memory = frame.rates(stats.CPU_USED).rows, frame.rates(stats.MEMORY_USED).rows
    for one, proxy in proxies.items():
        if one.pod:
            proxy.cpu, proxy.memory = cpu.get(one[:2]), memory.get(one[:2])


_Reached = dict[ServiceKey, dict[Outcome, float]]


def _destinations(frame: Frame) -> dict[ServiceKey, _Reached]:
    """How the requests of each gateway to each service ended; without a route there is none."""
    found: dict[ServiceKey, _Reached] = defaultdict(lambda: defaultdict(lambda: defaultdict(float)))
    for (workload, space, name, namespace, host, *outcome), rate in frame.rates(
        stats.BY_DESTINATION
    ):
        service = ServiceKey("service", *labels.service_of(name, namespace, host))
        found[ServiceKey("gateway", space, workload)][service][Outcome(*outcome)] += rate
    return found


def _gateway(
    frame: Frame, key: ServiceKey, own: Mapping[Replica, _Proxy], reached: _Reached
) -> Gateway:
    everything: dict[Outcome, float] = defaultdict(float)
    for outcomes in reached.values():
        for outcome, rate in outcomes.items():
            everything[outcome] += rate
    destinations: list[Codes] = [ended(frame, s, outcomes) for s, outcomes in reached.items()]
    listeners = _merged(proxy.listeners for proxy in own.values())
    classes = _merged({"": proxy.classes} for proxy in own.values())
    tcp = frame.rates(stats.TCP)
    return Gateway(
        key,
        frame.window,
        ended(frame, key, everything),
        tuple(sorted(destinations, key=lambda codes: (-codes.requests, codes.key))),
        _members(frame, own),
        _whole(listeners),
        _listeners(listeners),
        dict(sorted(classes.get("", {}).items())),
        _pools(_merged(proxy.clusters for proxy in own.values())),
        {stat: rate for (name, space, stat), rate in tcp if (space, name) == key[1:3]},
        {group.key: _presence(frame, group, own) for group in stats.GROUPS},
    )


def _merged(parts: Iterable[Mapping[str, Mapping[str, float]]]) -> dict[str, _Values]:
    """The sums over replicas of each listener's or cluster's statistics."""
    found = _summed()
    for part in parts:
        for name, values in part.items():
            for stat, value in values.items():
                found[name][stat] += value
    return found


def _whole(listeners: Mapping[str, _Values]) -> Connections:
    """All listeners together. One that shows only what its HTTP manager counts, whose name is not
    the listener's, is the same connections again.
    """
    total: _Values = defaultdict(float)
    for values in listeners.values():
        for stat, value in values.items():
            total[stat] += value
    return connections("", total)


def _listeners(listeners: Mapping[str, _Values]) -> tuple[Connections, ...]:
    rows: list[Connections] = []
    for address, values in sorted(listeners.items()):
        rows += (connections(address, values), *by_protocol(address, values))
    return tuple(rows)


def _pools(clusters: Mapping[str, _Values]) -> tuple[Pool, ...]:
    found = [pool(cluster, values) for cluster, values in clusters.items()]
    return tuple(sorted(found, key=lambda p: (p.level.rank, -(p.requests or 0.0), p.cluster)))


def _members(frame: Frame, own: Mapping[Replica, _Proxy]) -> tuple[Member, ...]:
    members = [_member(one, proxy) for one, proxy in sorted(own.items())]
    loads = [member.load for member in members]
    counted = all(member.active is None for member in members)
    return tuple(
        replace(m, hot=stands_out(m.load, loads, frame.window if counted else 1.0)) for m in members
    )


def _member(one: Replica, proxy: _Proxy) -> Member:
    held = _whole(proxy.listeners)
    state = proxy.server.get("envoy_server_state")
    known = state is not None and 0 <= state < len(STATES)
    return Member(
        one,
        proxy.requests,
        proxy.errors,
        held.active,
        held.opened,
        proxy.server.get("envoy_server_memory_physical_size")
        or proxy.server.get("envoy_server_memory_heap_size")
        or proxy.server.get("envoy_server_memory_allocated"),
        proxy.server.get("envoy_server_uptime"),
        STATES[int(state)] if known and state is not None else None,
        proxy.cpu,
        proxy.memory,
        expiry(proxy.server, proxy.agents),
    )


def _presence(frame: Frame, group: Group, own: Mapping[Replica, _Proxy]) -> Presence:
    """Why there are the statistics of a group that there are."""
    if any(proxy.shown & group.stats for proxy in own.values()):
        return Presence.ON
    tables = [frame.rates(table).presence for table in _TABLES[group.key]]
    if all(presence is frames.Presence.NOT_ASKED for presence in tables):
        return Presence.NOT_ASKED
    if frames.Presence.FAILED in tables:
        return Presence.FAILED
    if not any(proxy.server or proxy.shown for proxy in own.values()):
        return Presence.UNSEEN
    waiting = frame.rates(stats.ENTERING).presence is frames.Presence.NO_RATE
    if waiting and frames.Presence.NO_RATE in tables and not group.gauges:
        return Presence.WAITING
    used = any(proxy.requests for proxy in own.values())
    return Presence.OFF if group.always and used else Presence.SILENT
