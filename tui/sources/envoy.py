"""A fleet of Envoys scraped directly, where there is no Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tui.model.frame import Ask, Cost, Frame
from tui.sources.base import Reason, SourceError
from tui.sources.exposition import ExpositionError
from tui.sources.meter import Meter
from tui.sources.proxies import STATS_PATH, Proxy, proxies
from tui.sources.scrape import Fetched, Scraper, Trouble

INTERVAL: Final = 5.0
"""Seconds between scrapes: Envoy's histograms move only at its stats flush, every 5 s."""
EARLY: Final = 0.9
"""Part of the interval after which a poll scrapes again: timers are not exact."""
LARGEST: Final = 64 * 1024 * 1024
RETRIES: Final = 8
"""Proxies that did not answer last time which are tried at once: each holds its place for the whole
timeout."""
NAMED: Final = 3
"""Proxies in trouble that are named; the others are counted."""

_NOT_YET: Final = Trouble(Reason.TIMEOUT, "was not scraped yet", "wait for the next refresh.")


@dataclass(slots=True, eq=False)
class _Member:
    """One proxy of the fleet. `late`: it did not answer in time, and nobody waits for it."""

    proxy: Proxy
    trouble: Trouble | None = _NOT_YET
    bare: bool = False
    late: bool = False
    task: asyncio.Task[None] | None = None


class EnvoySource:
    """Envoys, each asked for its own counters; rates are ours (`Meter`).

    What one proxy does wrong costs only its own numbers, and is told in the frame's warnings. A
    proxy that did not answer in time is tried again beside the others, which do not wait for it.
    """

    least_interval: float = INTERVAL
    warm_up: float = INTERVAL

    def __init__(
        self,
        targets: Sequence[str],
        *,
        keep: float = 900.0,
        timeout: float = 4.0,
        largest: int = LARGEST,
        concurrency: int = 32,
        clock: Callable[[], float] = time.time,
        path: str = STATS_PATH,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`targets`: `HOST:PORT`, `[IPv6]:PORT`, `HOST` or `http://…`; `SourceError` (bad setting)
        if one is none of these. `keep`: seconds of history. `timeout`: seconds, and `largest`:
        bytes, that one page may take. `headers` are sent to every proxy, and shown to nobody.
        """
        self._fleet = tuple(map(_Member, proxies(targets, path)))
        self.name = f"envoy {self._fleet[0].proxy.name}"
        if len(self._fleet) > 1:
            self.name = f"envoy {len(self._fleet)} proxies"
        self._clock = clock
        self._patience = 2 * timeout
        self._meter = Meter(keep)
        self._scraper = Scraper(
            timeout=timeout, largest=largest, headers=headers or {}, clock=clock
        )
        self._places = asyncio.Semaphore(concurrency)
        self._retries = asyncio.Semaphore(RETRIES)
        self._turn = asyncio.Lock()
        self._swept: float | None = None
        self._received = self._scrapes = 0

    @property
    def states(self) -> Mapping[str, str]:
        """What each proxy does, in words; "up" if its last page was good."""
        return {x.proxy.name: x.trouble.says if x.trouble else "up" for x in self._fleet}

    async def poll(self, ask: Ask) -> Frame:
        """Scrape, unless the last time is less than `least_interval` ago or the ask is about the
        past, and answer. `SourceError` if not one proxy can be read.
        """
        self._meter.want(ask.queries)
        cost = Cost()
        if ask.at is None:
            async with self._turn:
                if self._due():
                    cost = await self._sweep()
            self._check()
        at = self._swept if ask.at is None else ask.at
        return self._frame(ask, self._clock() if at is None else at, cost)

    async def past(self, ask: Ask, start: float, end: float, step: float) -> list[Frame]:
        """Frames from what is remembered, oldest first; none where nothing is."""
        frames = []
        for i in range(int((end - start) / step) + 1):
            at = start + i * step
            if self._meter.covered(ask.window, at):
                frames.append(self._frame(ask, at, Cost()))
            await asyncio.sleep(0)  # 40 ms for 1,000 services: the screen may have its turn
        return frames

    async def close(self) -> None:
        """Stop what is under way, and let go of every connection."""
        tasks = [x.task for x in self._fleet if x.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._scraper.close()

    def _due(self) -> bool:
        if self._swept is None:
            return True
        return not 0 <= self._clock() - self._swept < EARLY * self.least_interval

    async def _sweep(self) -> Cost:
        """Scrape the fleet. Late ones are started behind the others, and only waited for if nobody
        else is there.
        """
        began, self._received, self._scrapes = self._clock(), 0, 0
        for member in sorted(self._fleet, key=lambda x: x.late):
            if member.task is None:
                places = self._retries if member.late else self._places
                member.task = asyncio.create_task(self._scrape(member, places))
        waited = [x for x in self._fleet if not x.late] or self._fleet
        tasks = [x.task for x in waited if x.task is not None]
        done, _ = await asyncio.wait(tasks, timeout=self._patience)
        for task in done:
            if not task.cancelled():
                task.result()
        for member in waited:
            if member.task is not None:
                member.late, member.trouble = True, self._scraper.late
        self._swept = self._clock()
        return Cost(self._scrapes, self._swept - began, self._received, "scrape")

    async def _scrape(self, member: _Member, places: asyncio.Semaphore) -> None:
        proxy = member.proxy
        try:
            async with places:
                names = self._meter.names
                self._scrapes += 1
                page = await self._scraper.fetch(proxy, names, member.bare)
                trouble = self._feed(member, page, names) if isinstance(page, Fetched) else page
            member.trouble = trouble
            member.late = trouble is not None and trouble.reason is Reason.TIMEOUT
            if trouble is not None:
                self._meter.failed(proxy.name, self._clock())
        finally:
            member.task = None

    def _feed(self, member: _Member, page: Fetched, names: frozenset[str]) -> Trouble | None:
        name = member.proxy.name
        member.bare = page.bare
        self._received += len(page.body)
        try:
            self._meter.feed(name, page.body, page.at, labels={"instance": name}, names=names)
        except ExpositionError as error:
            return Trouble(Reason.SERVER, f"sends {error}", "is that Envoy's statistics port?")
        return None

    def _check(self) -> None:
        """`SourceError` if every proxy is in trouble, with what most of them have."""
        troubles = [x.trouble for x in self._fleet if x.trouble is not None]
        if len(troubles) < len(self._fleet):
            return
        common, _ = Counter(troubles).most_common(1)[0]
        one = next(x.proxy.name for x in self._fleet if x.trouble == common)
        which = f"None of {len(self._fleet)} Envoys can be read: {one}"
        start = one if len(self._fleet) == 1 else which
        raise SourceError(common.reason, f"{start} {common.says}: {common.advice}")

    def _frame(self, ask: Ask, at: float, cost: Cost) -> Frame:
        count = len(self._fleet)
        up = sum(x.trouble is None for x in self._fleet)
        return Frame(
            at=at,
            window=min(ask.window, self._meter.covered(ask.window, at)),
            source=self.name if up == count else f"envoy {up} of {count} proxies",
            tables=self._meter.answer(ask, at),
            scrape_interval=self._meter.interval,
            warnings=self._warnings(),
            cost=cost,
        )

    def _warnings(self) -> tuple[str, ...]:
        said = [f"{x.proxy.name} {x.trouble.says}" for x in self._fleet if x.trouble]
        if len(said) > NAMED + 1:
            said[NAMED:] = [f"and {len(said) - NAMED} more proxies cannot be read"]
        return tuple(said)
