"""A simulated mesh that speaks Envoy's text format: no cluster, no network.

Its pages go through the same parser and meter as those of real proxies. The gateways and the
proxies of the services that have a story are targets of their own, and restart now and then; all
others share a page a node, as a federating scrape would show them.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from tui.model.frame import Ask, Cost, Frame, Kind, Query, Table
from tui.sources.base import Reason, SourceError
from tui.sources.meter import Meter
from tui.sources.sheet import Sheet
from tui.sources.simulation import STEP, Counters, Simulation

MOST_SERVICES = 1000
_SPACING = 4
"""Least scrapes in a window: what has to be caught up on is scraped so often."""


class _Reading:
    """Some queries, and the meter that answers them from pages that hold nothing else.

    A reading begins a window before its first answer, and only goes forward.
    """

    def __init__(
        self, simulation: Simulation, queries: tuple[Query, ...], window: float, at: float
    ) -> None:
        self.queries = queries
        self.first = at - window
        self.last = -math.inf
        self.sheet = Sheet(simulation, queries)
        self.counters = Counters(simulation, self.first)
        self.keeps = 2 * window
        self.meter = Meter(self.keeps)
        self.meter.want(queries)

    def fits(self, queries: tuple[Query, ...], window: float, at: float) -> bool:
        """Whether it can answer this, without more catching up than a fresh one would have, and
        remembers far enough back: the window of a comparison grows.
        """
        near = self.last <= at <= self.last + window
        recalls = self.first <= at - window and window < self.keeps
        return queries == self.queries and near and recalls

    def due(self, window: float, at: float) -> list[float]:
        """The instants of the scrapes that are missing up to `at`."""
        done = max(self.last, self.first)
        count = math.ceil((at - done) / window * _SPACING - 1e-6)
        instants = [done + (at - done) * number / count for number in range(1, count)]
        begun = [] if self.last >= self.first else [self.first]
        return [*begun, *instants, *([at] if count else [])]


class DemoSource:
    """The demo mesh of one seed. `spent` is the CPU time in seconds that the simulation and its
    text have cost so far: it is no part of what a monitor costs.
    """

    least_interval = 1.0
    warm_up = 0.0

    def __init__(
        self,
        seed: int = 1,
        services: int = 40,
        *,
        clock: Callable[[], float] = time.time,
        cpu: Callable[[], float] = time.thread_time,
        keep: float = 900.0,
    ) -> None:
        """`keep`: seconds that `past` reaches back. `clock` is Unix time, `cpu` measures `spent`.
        `SourceError` for a seed below 0, or services not from 1 to 1,000.
        """
        if not 1 <= services <= MOST_SERVICES:
            sentence = f"The demo mesh has 1 to {MOST_SERVICES} services, not {services}."
            raise SourceError(Reason.BAD_SETTING, sentence + " Choose another number.")
        if seed < 0:
            sentence = f"The seed of the demo mesh is 0 or more, not {seed}. Choose another one."
            raise SourceError(Reason.BAD_SETTING, sentence)
        self.name = f"demo mesh, seed {seed}"
        self.spent = 0.0
        self._settings = (seed, services)
        self._clock = clock
        self._cpu = cpu
        self._keep = keep
        self._made: Simulation | None = None
        self._readings: dict[bool, _Reading] = {}
        self._written: tuple[float, Counters] | None = None
        self._turn = asyncio.Lock()

    async def poll(self, ask: Ask) -> Frame:
        """The mesh now, or at any instant that was: it is computed, not remembered."""
        if ask.at is None:
            async with self._turn:
                return await self._frame(ask, self._clock(), self._readings)
        if not math.isfinite(ask.at):
            raise SourceError(Reason.BAD_QUERY, "The time asked for is no number of seconds.")
        return await self._frame(ask, min(ask.at, self._clock()), {})

    async def past(self, ask: Ask, start: float, end: float, step: float) -> list[Frame]:
        """The mesh at past instants, by a simulation of its own."""
        now = self._clock()
        start, end, step = max(start, now - self._keep), min(end, now), max(step, 1.0)
        readings: dict[bool, _Reading] = {}
        count = math.floor((end - start) / step + 1e-6) + 1 if end >= start else 0
        return [await self._frame(ask, start + step * i, readings) for i in range(count)]

    async def close(self) -> None:
        """Forget what was measured; the mesh itself holds nothing open."""
        self._readings.clear()
        self._written = None

    def pages(self, at: float) -> dict[str, bytes]:
        """Every target's whole page at a Unix time. Counters go on from call to call as long as
        `at` does not go back; else, and at first, they begin with their expected values.
        """
        began = self._cpu()
        mesh = self._mesh()
        if self._written is None or at < self._written[0]:
            self._written = (at, Counters(mesh, at))
        counters = self._written[1]
        self._written = (at, counters)
        sheet, counts = Sheet(mesh, None), counters.read(at)
        found = {target: sheet.page(target, counts, at) for target in sheet.targets()}
        self.spent += self._cpu() - began
        return found

    def _mesh(self) -> Simulation:
        if self._made is None:
            self._made = Simulation(*self._settings)
        return self._made

    async def _frame(self, ask: Ask, at: float, readings: dict[bool, _Reading]) -> Frame:
        """`readings`: those that may go on, by whether they are of histograms, whose rows change
        with every scrolling; replaced by those that answered.
        """
        began = self._clock()
        window = max(ask.window, STEP)
        tables: dict[str, Table[Any]] = {}
        covered, scrapes, size = [], 0, 0
        for histograms, queries in _split(ask.queries).items():
            reading = self._reading(readings.get(histograms), queries, window, at)
            readings[histograms] = reading
            async for bytes_read in self._scrape(reading, reading.due(window, at)):
                scrapes += 1
                size += bytes_read
            tables |= reading.meter.answer(Ask(queries, window), at)
            covered.append(reading.meter.covered(window, at))
        cost = Cost(scrapes, max(0.0, self._clock() - began), size, "scrape")
        return Frame(at, min(covered, default=window), self.name, tables, STEP, (), cost)

    def _reading(
        self, known: _Reading | None, queries: tuple[Query, ...], window: float, at: float
    ) -> _Reading:
        if known is not None and known.fits(queries, window, at):
            return known
        began = self._cpu()
        reading = _Reading(self._mesh(), queries, window, at)
        self.spent += self._cpu() - began
        return reading

    async def _scrape(self, reading: _Reading, instants: Sequence[float]) -> AsyncIterator[int]:
        """Feeds the meter, page by page so that keys are not kept waiting; yields their sizes."""
        for at in instants:
            began = self._cpu()
            counts = reading.counters.read(at)
            self.spent += self._cpu() - began
            for target, labels in reading.sheet.targets().items():
                began = self._cpu()
                body = reading.sheet.page(target, counts, at)
                self.spent += self._cpu() - began
                reading.meter.feed(target, body, at, labels=labels)
                yield len(body)
                await asyncio.sleep(0)
            reading.last = at


def _split(queries: Sequence[Query]) -> dict[bool, tuple[Query, ...]]:
    found: dict[bool, tuple[Query, ...]] = {}
    for query in queries:
        histogram = query.kind is Kind.HISTOGRAM
        found[histogram] = (*found.get(histogram, ()), query)
    return found
