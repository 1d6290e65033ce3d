"""What of Envoy's statistics a gateway shows, what is off, and how to switch it on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tui.model import gateway_stats as stats
from tui.model import labels
from tui.model.frame import Frame
from tui.model.frame import Presence as Answered
from tui.model.gateway import Gateway, Presence
from tui.model.gateway_stats import Group
from tui.model.health import Level
from tui.model.text import plain
from tui.view import format
from tui.view.gateways import Part, name_columns
from tui.view.table import Cell, Column

WHY: Final = {
    Presence.ON: "shown",
    Presence.OFF: "off: Istio leaves these statistics out unless proxyStatsMatcher names them",
    Presence.SILENT: "none: off, or nothing to count",
    Presence.UNSEEN: "nobody scrapes Envoy's own statistics here (port 15090 or 15020)",
    Presence.WAITING: "no rates yet: two samples are needed",
    Presence.FAILED: "the source did not answer",
    Presence.NOT_ASKED: "not asked for",
}
"""What each state means."""
_LEVELS: Final = {Presence.ON: Level.HEALTHY, Presence.FAILED: Level.FAILING}
_CURED: Final = frozenset({Presence.OFF, Presence.SILENT})
"""States that switching on may end."""


def _state(part: Part[Group]) -> Presence:
    return part.gateway.groups[part.of.key]


def group_parts(gateways: Iterable[Gateway]) -> list[Part[Group]]:
    """Each group of statistics of each gateway."""
    return [Part(gateway, group) for gateway in gateways for group in stats.GROUPS]


def yaml(part: Part[Group]) -> str:
    """The `proxyStatsMatcher` that switches one group on, beside those that are on; nothing where
    that would change nothing.
    """
    if _state(part) not in _CURED:
        return ""
    return _yaml(part.gateway, {part.of.key})


def switch_on(gateway: Gateway) -> str:
    """The `proxyStatsMatcher` that switches on all that a gateway does not show, ready to paste
    under its Deployment's `spec.template`; nothing where all is there.
    """
    wanted = {key for key, state in gateway.groups.items() if state in _CURED}
    return _yaml(gateway, wanted) if gateway.missing else ""


def _yaml(gateway: Gateway, wanted: set[str]) -> str:
    """A matcher takes the place of the one that is there, so what is on stays in it."""
    kept = wanted | {key for key, state in gateway.groups.items() if state is Presence.ON}
    return stats.stats_matcher(group for group in stats.GROUPS if group.key in kept)


GROUP_COLUMNS: Final[tuple[Column[Part[Group]], ...]] = (
    *name_columns(),
    Column(
        "group", "STATISTICS", 24, lambda part: part.of.title, lambda part: Cell(part.of.title),
        "A group of Envoy's statistics that Istio leaves off by default.",
        align="left", flexible=True, descending=False, words=("statistics",),
    ),
    Column(
        "state", "STATE", 9, lambda part: _state(part).value,
        lambda part: Cell(_state(part).value, _LEVELS.get(_state(part)),
                          dim=_state(part) is Presence.ON),
        "on; off: the proxy shows others but not these; silent: off, or nothing to count; unseen: "
        "nobody scrapes Envoy's own statistics of this gateway.",
        align="left", descending=False, words=("state",),
    ),
    Column(
        "why", "WHY", 30, lambda part: WHY[_state(part)],
        lambda part: Cell(WHY[_state(part)], dim=_state(part) is Presence.ON),
        "What that means.", align="left", flexible=True, descending=False, drop=1, words=("why",),
    ),
    Column(
        "yaml", "YAML", 10, lambda part: yaml(part) or None,
        lambda part: Cell(" ".join(part.of.regexps)),
        "What switches them on: the regular expressions for proxyStatsMatcher; in JSON and CSV the "
        "whole annotation.",
        align="left", flexible=True, descending=False, drop=2, wide=True, words=("yaml",),
    ),
)  # fmt: skip


def why_no_connections(gateway: Gateway) -> str:
    """Why a gateway's table of connections is empty, and what to do: one sentence; nothing where it
    is not.
    """
    if gateway.listeners:
        return ""
    name = plain(gateway.key.name, 60)
    match gateway.groups[stats.LISTENERS.key]:
        case Presence.OFF:
            return (
                f"Istio leaves the connection statistics of {name} off: switch them on with the "
                "proxyStatsMatcher shown here and restart its pods; requests and codes are Istio's "
                "own and need nothing."
            )
        case Presence.SILENT:
            return (
                f"{name} has handled no request and shows no connections: they are off, or nobody "
                "has connected yet."
            )
        case Presence.UNSEEN:
            return (
                f"The source has none of Envoy's own statistics of {name}: scrape its port 15090 "
                "(or 15020)."
            )
        case state:
            return f"No connections of {name}: {WHY[state]}."


def why_no_pools(gateway: Gateway) -> str:
    """Why a gateway's table of pools is empty: one sentence; nothing where it is not."""
    if gateway.pools:
        return ""
    state = gateway.groups[stats.POOLS.key]
    name = plain(gateway.key.name, 60)
    if state is Presence.OFF:
        return (
            f"Istio leaves the upstream statistics of {name} off: switch them on with the "
            "proxyStatsMatcher shown here and restart its pods."
        )
    return f"No upstream pools of {name}: {WHY[state]}."


def why_empty(
    frame: Frame, scope: Sequence[str] = (), named: Sequence[tuple[str, str]] = ()
) -> str:
    """Why a frame shows no gateway at all, and what to do about it: one sentence."""
    where = f" in {', '.join(map(plain, scope))}" if scope else ""
    tables = (frame.rates(stats.ENTERING), frame.rates(stats.SERVERS))
    failed = next((t for t in tables if t.presence is Answered.FAILED), None)
    if failed is not None:
        return f"The source did not answer the question about gateways: {failed.reason}"
    if named:
        names = ", ".join(f"{plain(space, 60)}/{plain(name, 60)}" for space, name in named)
        return (
            f"{frame.source} has nothing of the gateway {names}: is that the namespace and name of "
            "its Deployment?"
        )
    waiting = tables[0]
    if waiting.presence is Answered.NO_RATE and waiting.reason:
        return f"No rates of gateways yet: {waiting.reason}"
    return (
        f"No gateway{where} in the last {format.age(frame.window)}: no workload that is called one "
        f"reports {labels.REQUESTS}; name yours with --gateway NAMESPACE/NAME."
    )
