"""How often Prometheus scrapes the mesh: read beside the refreshes, never in their way."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from tui.sources import failures
from tui.sources.answer import instant
from tui.sources.base import Reason, SourceError
from tui.sources.exchange import Exchange, Question

LARGEST: Final = 32_000_000
"""Bytes of `/api/v1/targets` that are worth their price: it lists every label of every target."""
AGAIN: Final = 300.0
"""Seconds until the interval is read again: it changes with the configuration."""
SOON: Final = 30.0
"""Seconds until another try, when the server did not answer or knew nothing yet."""
LOOK_BACK: Final = 300
"""Seconds over which the samples of `up` are counted, where the targets may not be read."""

_PASSING: Final = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.SERVER})
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATION: Final = re.compile(rf"(?:{_PART.pattern})+")
_ISTIO_URL: Final = re.compile(r":(?:15020|15090)/|/stats/prometheus")
_ISTIO_POOL: Final = re.compile(r"(?i)istio|envoy")


class _Target(msgspec.Struct):
    scrapeUrl: str = ""
    scrapePool: str = ""
    scrapeInterval: str = ""


class _Active(msgspec.Struct):
    activeTargets: list[_Target] | None = None


class _Targets(msgspec.Struct):
    data: _Active


class ScrapeInterval:
    """The scrape interval of the mesh's proxies, kept fresh in the background."""

    def __init__(self, exchange: Exchange, *, clock: Callable[[], float]) -> None:
        self.seconds: float | None = None
        """`None` while it is unknown, and where it cannot be known."""
        self._exchange = exchange
        self._clock = clock
        self._due = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def keep_fresh(self) -> None:
        """Start reading it again if it is time to. Returns at once."""
        idle = self._task is None or self._task.done()
        if idle and self._clock() >= self._due:
            self._due = self._clock() + AGAIN
            self._task = asyncio.create_task(self._read())

    async def close(self) -> None:
        """End a reading under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        try:
            self.seconds = await self._of_targets()
        except SourceError as error:
            if error.reason in _PASSING:
                self._due = self._clock() + SOON
                return
            self.seconds = None
        if self.seconds is None:
            self.seconds = await self._estimate()
        if self.seconds is None:
            self._due = self._clock() + SOON

    async def _of_targets(self) -> float | None:
        question = Question("targets", {"state": "active"}, readable=True, largest=LARGEST)
        reply = await self._exchange.ask(question, self._deadline())
        try:
            active = msgspec.json.decode(reply.body, type=_Targets).data.activeTargets or []
        except failures.UNREADABLE:
            return None
        return usual(active)

    async def _estimate(self) -> float | None:
        """From how many samples of `up` half of the targets have, among those as old as the
        look-back: one row, and right wherever most targets share an interval.
        """
        samples_each = f"count_over_time(up[{LOOK_BACK}s]) and up offset {LOOK_BACK}s"
        question = Question("query", {"query": f"quantile(0.5, {samples_each})"})
        try:
            reply = await self._exchange.ask(question, self._deadline())
            samples = instant(reply, (), self._exchange.place).samples
        except SourceError:
            return None
        count = samples[0][2] if samples else 0.0
        # Of a target scraped once in the look-back nobody knows when it was scraped before.
        return max(1.0, round(LOOK_BACK / count)) if count > 1 else None

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._exchange.timeout


def usual(targets: list[_Target]) -> float | None:
    """The most common interval (seconds) of targets that look like Istio's proxies; of all targets
    where none does.
    """
    known = [(target, duration(target.scrapeInterval)) for target in targets]
    mesh = Counter(seconds for target, seconds in known if seconds and _of_istio(target))
    every = Counter(seconds for _, seconds in known if seconds)
    best = (mesh or every).most_common(1)
    return best[0][0] if best else None


def duration(text: str) -> float | None:
    """Seconds of a Prometheus duration (`15s`, `1m30s`); `None` of what is none."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _of_istio(target: _Target) -> bool:
    return bool(_ISTIO_URL.search(target.scrapeUrl) or _ISTIO_POOL.search(target.scrapePool))
