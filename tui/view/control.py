"""The control plane as tables: its measures, its istiods, and why there may be none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tui.model import istiod
from tui.model.control import Istiod
from tui.model.frame import Frame, Presence
from tui.model.text import plain
from tui.view import format
from tui.view.measures import Measure
from tui.view.table import Cell, Column


def _health(measure: Measure) -> Cell:
    level = measure.level
    return Cell(f"{level.mark} {level.value}", level, dim=level.rank > 2) if level else Cell("")


COLUMNS: Final[tuple[Column[Measure], ...]] = (
    Column(
        "group", "GROUP", 12, lambda x: x.group, lambda x: Cell(x.group, dim=True),
        "What the measure is about: istiod itself, push, config, certificates, validation, "
        "injection, versions.",
        align="left", descending=False, drop=2, words=("group",),
    ),
    Column(
        "measure", "MEASURE", 20, lambda x: x.key, lambda x: Cell(x.title),
        "What is measured. `/s` is per second over the window.",
        align="left", descending=False, words=("measure",),
    ),
    Column(
        "of", "OF", 20, lambda x: x.of, lambda x: Cell(plain(x.of)),
        "The part that it is measured of: a type of configuration, an istiod, a version; nothing "
        "for all together.",
        align="left", flexible=True, descending=False, words=("of",),
    ),
    Column(
        "value", "VALUE", 8, lambda x: x.value, lambda x: Cell(x.text, x.level, dim=not x.value),
        "The number, in the unit that the measure's key ends in. –: no data. idle: nothing was "
        "there to measure. `new`: events of series so young that no rate shows them. ≥: in the "
        "last bucket, so at least this. ~: too few pushes to trust it.",
        lambda x: x.promql, words=("value",),
    ),
    Column(
        "new_count", "NEW", 5, lambda x: x.new, lambda x: Cell(format.count(x.new)),
        "Events of series that began in the window, whose first step no rate shows.",
        drop=3, wide=True, words=("new",),
    ),
    Column(
        "health", "HEALTH", 10, lambda x: x.level.value if x.level else None, _health,
        "p99 of convergence and queue: degraded above 5 s, failing at 30 s. A certificate: "
        "degraded below 30 days, failing below 7. Any error or conflict degrades, except what "
        "validation refuses.",
        align="left", order=lambda x: -x.level.rank if x.level else -9, words=("health",),
    ),
    Column(
        "note", "NOTE", 24, lambda x: x.words, lambda x: Cell(x.words),
        "What it means, where it is not well.",
        align="left", flexible=True, descending=False, drop=1, words=("note",),
    ),
)  # fmt: skip


def _number(
    key: str, title: str, read: Callable[[Istiod], float | None],
    show: Callable[[float | None], str], help: str,
) -> Column[Istiod]:  # fmt: skip
    return Column(
        key, title, 9, read, lambda x: Cell(show(read(x)), dim=not read(x)), help,
        words=(title.lower(),),
    )  # fmt: skip


ISTIODS: Final[tuple[Column[Istiod], ...]] = (
    Column(
        "istiod", "ISTIOD", 24, lambda x: x.key.name, lambda x: Cell(plain(x.key.name)),
        "Its pod, or where its metrics are scraped.",
        align="left", flexible=True, descending=False, words=("istiod",),
    ),
    _number("connected_proxies", "PROXIES", lambda x: x.proxies, format.count,
            "Proxies that are connected to it."),
    _number("pushes_per_second", "PUSHES/S", lambda x: x.pushes, format.rate,
            "Pushes per second that it sent, of all types."),
    _number("cpu_cores", "CPU", lambda x: x.cpu, format.rate, "Cores that it takes."),
    _number("memory_bytes", "MEMORY", lambda x: x.memory, format.size, "Its resident memory."),
    _number("goroutines", "GOROUTINES", lambda x: x.goroutines, format.count, "Its goroutines."),
    _number("uptime_seconds", "UP", lambda x: x.uptime, format.age, "Since it started."),
)  # fmt: skip


def why_empty(frame: Frame) -> str:
    """Why a frame shows no istiod, and what to do about it: one sentence."""
    state = frame.rates(istiod.STATE)
    if state.presence is Presence.FAILED:
        return f"The source did not answer the question about istiod: {state.reason}"
    if state.presence is Presence.NO_RATE:
        return f"Nothing is known of istiod at this moment: {state.reason or 'no fresh scrape'}."
    if state.presence is Presence.NOT_ASKED:
        return "Nobody has asked about istiod yet: wait for the next refresh."
    return (
        f"{plain(frame.source)} has no istiod metrics ({istiod.UPTIME}, {istiod.PROXIES}): istiod "
        "is down, or nobody scrapes its port 15014."
    )
