"""The demo mesh's counters as text: what each proxy answers on `/stats/prometheus?usedonly`.

A sheet is made for some queries, and holds only the series that one of them selects, as an Envoy
does with `filter=`, which sees metric and labels; without queries it holds everything.

A histogram follows from the counts of its levels: of N requests, floor(N·F(bound) + u) are at or
below a bound, with F the distribution at that level. That is a stratified sample, so one level's
quantiles scatter less than drawn ones would; it is the levels, drawn in each step, that move them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from tui.model import labels
from tui.model.frame import Kind, Match, Query
from tui.sources.proxy_stats import Stat, proxy_stats
from tui.sources.reports import LEVELS, Report, block
from tui.sources.simulation import Simulation
from tui.sources.traffic import Cell

BOUNDS: Final = (
    "0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000",
    "30000", "60000", "300000", "600000", "1800000", "3600000", "+Inf",
)  # fmt: skip
"""Istio's default buckets, for milliseconds and for bytes."""
WAITING: Final = 300.0
"""Milliseconds that a request takes longer which waits for the canary."""
_PACE: Final = (0.85, 1.0, 1.45, 1.0)
_HOP: Final = 0.6
"""Milliseconds that a client measures more than its server."""
_HISTOGRAMS: Final = (labels.DURATION, labels.REQUEST_BYTES, labels.RESPONSE_BYTES)
_SUFFIXES: Final = ("_bucket", "_sum", "_count")
_TCP: Final = (
    labels.TCP_OPENED, labels.TCP_CLOSED, labels.TCP_REQUEST_BYTES, labels.TCP_RESPONSE_BYTES,
)  # fmt: skip
_POOL: Final = 3
"""Connections that a client of a TCP service keeps open."""

Sides = tuple[Sequence[int], Sequence[int]]
"""What the source's and the destination's proxies have counted, by slot."""


class Spread(NamedTuple):
    """A lognormal distribution over `BOUNDS`: its shares at or below each, and its mean."""

    shares: tuple[float, ...]
    mean: float


@lru_cache(maxsize=32768)
def spread(median: float, sigma: float, shift: float = 0.0) -> Spread:
    """The distribution of `shift` plus a lognormal."""
    shares = [
        0.5 * math.erfc(-math.log((float(bound) - shift) / median) / (sigma * math.sqrt(2)))
        if float(bound) > shift
        else 0.0
        for bound in BOUNDS[:-1]
    ]
    return Spread((*shares, 1.0), shift + median * math.exp(sigma * sigma / 2))


@dataclass(slots=True)
class _Line:
    """The lines of one label set in one family: a template with a place for each number."""

    template: bytes
    cell: Cell
    slot: int
    side: int
    metric: str
    parts: tuple[bool, bool, bool]

    def text(self, counts: Sequence[int]) -> bytes:
        """The lines, or none of a counter that was never touched."""
        a, b, c, d = counts[self.slot : self.slot + LEVELS]
        if self.metric in _TCP:
            value = self._tcp(a, b)
            return self.template % value if value else b""
        total = a + b + c + d
        if not total:
            return b""
        if self.metric == labels.REQUESTS:
            return self.template % total
        return self.template % self._histogram((a, b, c, d), total)

    def _tcp(self, queries: int, opened: int) -> int:
        service = self.cell.service
        return (
            opened, max(0, opened - _POOL), queries * service.request, queries * service.response
        )[_TCP.index(self.metric)]  # fmt: skip

    def _histogram(self, counts: tuple[int, ...], total: int) -> tuple[float, ...]:
        levels = self._levels()
        if len(levels) == 1:
            counts = (total,)
        buckets, add, count = self.parts
        found: list[float] = []
        if buckets:
            offset = self.slot * 0.618 % 1.0
            rows = [
                [int(count * share + offset) for share in level.shares]
                for count, level in zip(counts, levels, strict=True)
                if count
            ]
            found += rows[0] if len(rows) == 1 else map(sum, zip(*rows, strict=True))
        if add:
            found.append(sum(n * x.mean for n, x in zip(counts, levels, strict=True)))
        if count:
            found.append(total)
        return tuple(found)

    def _levels(self) -> tuple[Spread, ...]:
        service = self.cell.service
        if self.metric == labels.REQUEST_BYTES:
            return (spread(service.request, 0.25),)
        if self.metric == labels.RESPONSE_BYTES:
            return (spread(service.response, 0.6),)
        shift = 0.0 if self.side else _HOP
        if self.cell.flags != "-" and not self.cell.sides[1]:
            return (spread(min(service.median, 1.5), 0.5, shift),)
        waits = (0.0, 0.0, 0.0, WAITING)
        return tuple(
            spread(service.median * pace, service.spread, shift + wait)
            for pace, wait in zip(_PACE, waits, strict=True)
        )


@dataclass(slots=True)
class Sheet:
    """The series that some queries select, by target and family, ready to be filled with numbers.
    `queries`: `None` for all there is.
    """

    simulation: Simulation
    queries: Sequence[Query] | None
    _pages: dict[str, dict[str, list[_Line]]] = field(default_factory=dict)
    _wanted: dict[str, list[Query]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for query in self.queries or ():
            suffix = "_bucket" if query.kind is Kind.HISTOGRAM else ""
            for metric in query.metrics:
                self._wanted.setdefault(metric + suffix, []).append(query)
        self._pages = {target: {} for target in self.simulation.targets}
        for report in self.simulation.reports:
            self._add(report)

    def targets(self) -> Mapping[str, Mapping[str, str]]:
        """Every target that has something to say, with the labels that discovery gives it."""
        own = self._own_wanted()
        every = self.simulation.targets.items()
        return {t: x for t, x in every if self._pages[t] or (own and "." in t)}

    def page(self, target: str, counts: Sides, at: float) -> bytes:
        """A target's page. `counts` are those of `at`."""
        text: list[bytes] = []
        for metric, lines in self._pages[target].items():
            body = [line.text(counts[line.side]) for line in lines]
            if any(body):
                kind = "histogram" if metric in _HISTOGRAMS else "counter"
                text += (f"# TYPE {metric} {kind}\n".encode(), *body)
        if "." in target and self._own_wanted():
            text += self._own(target, counts, at)
        return b"".join(text)

    def _own_wanted(self) -> bool:
        names = self._wanted
        return self.queries is None or any(x.startswith(("envoy_", "istio_build")) for x in names)

    def _selects(self, sample: str, found: Mapping[str, str]) -> bool:
        if self.queries is None:
            return True
        for query in self._wanted.get(sample, ()):
            if _holds(query.where, found) and (
                not query.either or any(_holds(group, found) for group in query.either)
            ):
                return True
        return False

    def _add(self, report: Report) -> None:
        cell, found = report.cell, report.labels
        metrics: tuple[str, ...] = (labels.REQUESTS, *_HISTOGRAMS)
        for metric in _TCP if cell.service.protocol == "tcp" else metrics:
            if metric not in _HISTOGRAMS:
                parts = (False, False, False)
                if not self._selects(metric, found):
                    continue
                template = f"{metric}{{{report.block}}} %d\n"
            else:
                if metric == labels.DURATION and cell.code == labels.NO_RESPONSE:
                    continue
                bucket, add, count = (self._selects(metric + x, found) for x in _SUFFIXES)
                parts = (bucket, add, count)
                if not any(parts):
                    continue
                template = _histogram(metric, report.block, parts)
            line = _Line(template.encode(), cell, report.slot, report.side, metric, parts)
            self._pages[report.target].setdefault(metric, []).append(line)

    def _own(self, target: str, counts: Sides, at: float) -> list[bytes]:
        """The proxy's own statistics."""
        families: dict[tuple[str, str], list[Stat]] = {}
        for stat in proxy_stats(self.simulation, target, counts[0], at):
            if self._selects(stat.name, self.simulation.targets[target] | stat.labels):
                families.setdefault((stat.name, stat.type), []).append(stat)
        text = []
        for (name, kind), stats in families.items():
            text.append(f"# TYPE {name} {kind}\n")
            text += [f"{name}{{{block(stat.labels)}}} {stat.value}\n" for stat in stats]
        return [line.encode() for line in text]


def _holds(matchers: Iterable[Match], found: Mapping[str, str]) -> bool:
    return all(matcher.accepts(found.get(matcher.label, "")) for matcher in matchers)


def _histogram(metric: str, block: str, parts: tuple[bool, bool, bool]) -> str:
    buckets, add, count = parts
    lines = [f'{metric}_bucket{{{block},le="{bound}"}} %d\n' for bound in BOUNDS if buckets]
    if add:
        lines.append(f"{metric}_sum{{{block}}} %.2f\n")
    if count:
        lines.append(f"{metric}_count{{{block}}} %d\n")
    return "".join(lines)
