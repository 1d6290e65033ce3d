"""The control plane in measures: each a number, how well it is, and what that means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from tui.model import istiod
from tui.model.control import DEFAULT, ControlPlane, Count, Istiod, Limits
from tui.model.health import Level
from tui.model.service import QUANTILES, Latency
from tui.view import control_promql as promql
from tui.view import format, troubles
from tui.view.troubles import Trouble

NO_DATA: Final = "no data"


_SHOWN: Final = ((QUANTILES.index(0.50), "p50"), (QUANTILES.index(0.99), "p99"))


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """One row. `key` names what is measured, with its unit, and `of` the part: a type, an istiod, a
    version. `level` is `None` for what is neither good nor bad. `new`: events that no rate shows.
    """

    group: str
    key: str
    title: str
    value: float | None
    text: str
    level: Level | None = None
    words: str = ""
    of: str = ""
    new: float | None = None
    promql: str = ""


def measures(plane: ControlPlane, limits: Limits = DEFAULT) -> list[Measure]:
    """The rows, in the order of a push: istiods, pushes, their time, their failures, configuration,
    certificates, validation, injection, versions.
    """
    return [
        *_istiods(plane),
        *_pushes(plane),
        *_timing(plane, plane.convergence, istiod.CONVERGENCE_TIME, limits),
        *_timing(plane, plane.queue, istiod.QUEUE_TIME, limits),
        *_push_errors(plane),
        *_configuration(plane),
        *_certificates(plane, limits),
        *_admission(plane),
        *_versions(plane),
    ]


def worst(found: Iterable[Measure]) -> Level:
    """How well the control plane is as a whole: as its worst measure that is known."""
    judged = (Level.FAILING, Level.DEGRADED, Level.HEALTHY)
    levels = {x.level for x in found}
    return next((level for level in judged if level in levels), Level.UNKNOWN)


def _istiods(plane: ControlPlane) -> Iterator[Measure]:
    alive = len(plane.istiods)
    yield Measure(
        "istiod", "istiods", "istiods alive", float(alive) if alive else None,
        format.count(alive) if alive else format.MISSING, Level.HEALTHY if alive else Level.UNKNOWN,
        "" if alive else "none is seen: down, or not scraped", promql=promql.alive(plane),
    )  # fmt: skip
    known = [x.proxies for x in plane.istiods if x.proxies is not None]
    yield Measure(
        "istiod", "connected_proxies", "connected proxies", sum(known) if known else None,
        format.count(sum(known) if known else None), Level.UNKNOWN if not known else None,
        "" if known else NO_DATA, promql=promql.gauge(plane, istiod.PROXIES),
    )  # fmt: skip
    for one in plane.istiods:
        yield from _istiod(plane, one)


def _istiod(plane: ControlPlane, one: Istiod) -> Iterator[Measure]:
    key = one.key
    parts = (
        ("connected_proxies", "connected proxies", one.proxies, format.count(one.proxies),
         promql.gauge(plane, istiod.PROXIES, key)),
        ("pushes_per_second", "pushes/s", one.pushes, format.rate(one.pushes),
         promql.pushes(plane, key)),
        ("cpu_cores", "CPU cores", one.cpu, format.rate(one.cpu), promql.cpu(plane, key)),
        ("memory_bytes", "memory", one.memory, format.size(one.memory),
         promql.gauge(plane, istiod.MEMORY, key)),
        ("goroutines", "goroutines", one.goroutines, format.count(one.goroutines),
         promql.gauge(plane, istiod.GOROUTINES, key)),
        ("uptime_seconds", "up for", one.uptime, format.age(one.uptime),
         promql.gauge(plane, istiod.UPTIME, key)),
    )  # fmt: skip
    for name, title, value, text, query in parts:
        words = "" if value is not None else NO_DATA
        yield Measure("istiod", name, title, value, text, words=words, of=key.name, promql=query)


def _pushes(plane: ControlPlane) -> Iterator[Measure]:
    key, title = "pushes_per_second", "pushes/s"
    if plane.pushes is None:
        yield _unknown("push", key, title, promql.pushes(plane))
        return
    total = sum(plane.pushes.values())
    level, words = (None, "") if total else (Level.IDLE, "idle: nothing was pushed")
    yield Measure("push", key, title, total, format.rate(total), level, words,
                  promql=promql.pushes(plane))  # fmt: skip
    for kind, rate in plane.pushes.items():
        yield Measure("push", key, title, rate, format.rate(rate), of=kind,
                      promql=promql.pushes(plane, kind=kind))  # fmt: skip


def _timing(
    plane: ControlPlane, found: Latency | None, metric: str, limits: Limits
) -> Iterator[Measure]:
    key = "convergence" if metric == istiod.CONVERGENCE_TIME else "queue"
    for which, name in _SHOWN:
        query = promql.quantile(plane, metric, QUANTILES[which])
        place = ("push", f"{key}_{name}_seconds", f"{key} {name}")
        if found is None:
            yield _unknown(*place, query)
            continue
        value = found.values[which]
        if math.isnan(value):
            words = "idle: no change was pushed in the window"
            yield Measure(*place, None, "idle", Level.IDLE, words, promql=query)
            continue
        marks = ("~" if found.thin[which] else "") + ("≥" if found.capped[which] else "")
        level = limits.slow(value) if name == "p99" else None
        words = _slow_words(level, key) or ("few pushes" if found.thin[which] else "")
        text = marks + format.duration(value)
        yield Measure(*place, value, text, level, words, promql=query)


def _slow_words(level: Level | None, key: str) -> str:
    if level not in (Level.DEGRADED, Level.FAILING):
        return ""
    if key == "queue":
        return "pushes wait for their turn: is istiod short of CPU?"
    return "proxies get changes late"


def _push_errors(plane: ControlPlane) -> Iterator[Measure]:
    yield _errors(troubles.SENDS, plane.send_errors, promql.send_errors(plane))
    for kind, count in plane.failed_sends.items():
        if count.happened:
            yield _part(_errors(troubles.SENDS, count, promql.send_errors(plane, kind)), kind)
    for trouble in troubles.PUSH:
        yield from _counted(plane, trouble)


def _configuration(plane: ControlPlane) -> Iterator[Measure]:
    yield from _events(plane, "config_events_per_second", "config events/s", istiod.CONFIG_EVENTS)
    yield from _events(
        plane, "registry_events_per_second", "registry events/s", istiod.REGISTRY_EVENTS
    )
    known = [x for x in map(plane.state, istiod.CONFLICTS) if x is not None]
    query = promql.trouble(plane, istiod.CONFLICTS)
    if not known:
        yield _unknown("config", "conflicts", "conflicts", query)
        return
    total = sum(known)
    level = Level.DEGRADED if total else Level.HEALTHY
    words = "configuration that contradicts itself" if total else ""
    yield Measure("config", "conflicts", "conflicts", total, format.count(total), level, words,
                  promql=query)  # fmt: skip
    for metric in istiod.CONFLICTS:
        if value := plane.state(metric):
            yield Measure("config", "conflicts", "conflicts", value, format.count(value), level,
                          of=metric, promql=promql.gauge(plane, metric))  # fmt: skip


def _certificates(plane: ControlPlane, limits: Limits) -> Iterator[Measure]:
    group = "certificates"
    for key, title, metric in (
        ("signing_requests_per_second", "signing requests/s", istiod.SIGNING_REQUESTS),
        ("signed_per_second", "signed/s", istiod.SIGNED),
    ):
        yield _traffic(plane, group, key, title, metric)
    yield from _counted(plane, troubles.SIGNING)
    for key, title, metric, left in (
        ("root_expiry_seconds", "root ends in", istiod.ROOT_EXPIRY, plane.root_expiry),
        ("chain_expiry_seconds", "chain ends in", istiod.CHAIN_EXPIRY, plane.chain_expiry),
    ):
        query = promql.expiry(plane, metric)
        if left is None:
            yield _unknown(group, key, title, query)
            continue
        level = limits.expiry(left)
        words = "has expired" if left <= 0 else "" if level is Level.HEALTHY else "renew it"
        yield Measure(group, key, title, left, format.duration(left), level, words, promql=query)


def _admission(plane: ControlPlane) -> Iterator[Measure]:
    yield _traffic(plane, "validation", "validated_per_second", "validated/s", istiod.VALIDATED)
    yield from _counted(plane, troubles.VALIDATION)
    yield from _counted(plane, troubles.WEBHOOK)
    yield _traffic(plane, "injection", "injected_per_second", "injected/s", istiod.INJECTED)
    yield from _counted(plane, troubles.INJECTION)


def _versions(plane: ControlPlane) -> Iterator[Measure]:
    for component, tag, running in plane.versions:
        several = sum(x.component == component for x in plane.versions) > 1
        yield Measure(
            "versions", "components_running", "running", running, format.count(running),
            words="several versions at once" if several else "", of=f"{component} {tag}".strip(),
            promql=promql.version(component, tag),
        )  # fmt: skip


def _unknown(group: str, key: str, title: str, query: str) -> Measure:
    return Measure(group, key, title, None, format.MISSING, Level.UNKNOWN, NO_DATA, promql=query)


def _traffic(plane: ControlPlane, group: str, key: str, title: str, metric: str) -> Measure:
    """What happens all the time, or never: neither good nor bad."""
    count, query = plane.count(metric), promql.counted(plane, (metric,))
    if count is None:
        return _unknown(group, key, title, query)
    rate = count.per_second
    return Measure(group, key, title, rate, format.rate(rate), promql=query)


def _events(plane: ControlPlane, key: str, title: str, metric: str) -> Iterator[Measure]:
    yield _traffic(plane, "config", key, title, metric)
    for detail, count in plane.details(metric).items():
        if count.per_second:
            yield Measure(
                "config", key, title, count.per_second, format.rate(count.per_second),
                of=detail.words, promql=promql.counted(plane, (metric,), detail),
            )  # fmt: skip


def _counted(plane: ControlPlane, trouble: Trouble) -> Iterator[Measure]:
    """Errors in all, and by what they were about where that is known."""
    metrics = trouble.metrics
    yield _errors(trouble, plane.count(*metrics), promql.counted(plane, metrics))
    for metric in metrics:
        for detail, count in plane.details(metric).items():
            if count.happened and detail.words:
                query = promql.counted(plane, (metric,), detail)
                yield _part(_errors(trouble, count, query), detail.words)


def _part(measure: Measure, of: str) -> Measure:
    """What it means stands beside the whole."""
    return replace(measure, of=of, words="")


def _errors(trouble: Trouble, count: Count | None, query: str) -> Measure:
    place = (trouble.group, trouble.key, trouble.title)
    if count is None:
        return _unknown(*place, query)
    text = format.rate(count.per_second)
    if count.new and not count.per_second:
        text = f"{format.count(count.new)} new"
    level, words = Level.HEALTHY, ""
    if count.happened:
        level, words = trouble.level, trouble.words
    return Measure(*place, count.per_second, text, level, words, new=count.new, promql=query)
