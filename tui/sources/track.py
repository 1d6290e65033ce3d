"""What one target counted, scrape after scrape, with restarts and births already accounted for."""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from operator import add, gt
from typing import Final

from tui.sources.page import Page

OPEN: Final = 120.0
"""Seconds after which a scrape is kept compressed: to a third and less, at 0.1 ms per 1,000 series.
Windows of up to two minutes never pay for unpacking."""
CHURN: Final = 10_000
"""Series of a target that may be gone before it is asked whether most of them are."""


@dataclass(slots=True, eq=False)
class Scrape:
    """One page, by slot. `totals`: what a counter has gone up by since the first page with it, or
    the value of a gauge. `offsets`: what was added to the page's own values for that. A slot
    from `slots` on was not there yet. `gone`: slots whose series this page lacks.
    """

    at: float
    totals: array[float] | bytes
    offsets: array[float]
    gone: frozenset[int]
    slots: int

    def opened(self) -> array[float]:
        """The totals, whether they are compressed or not."""
        if isinstance(self.totals, bytes):
            return array("d", zlib.decompress(self.totals))
        return self.totals

    def pack(self) -> None:
        """Keep it in less memory."""
        if not isinstance(self.totals, bytes):
            self.totals = zlib.compress(self.totals, 1)


@dataclass(slots=True, eq=False)
class Track:
    """One target's scrapes, oldest first.

    A counter that falls has restarted from 0, one by one, as PromQL has it. A series born after the
    first page that could have had it was 0 before: Envoy hides what it has not counted yet. So its
    first value is an increase, which Prometheus' `rate()` cannot see.
    """

    page: Page
    labels: Mapping[str, str] = field(default_factory=dict)
    scrapes: list[Scrape] = field(default_factory=list)
    since: dict[str, float] = field(default_factory=dict)
    """When each sample name was first kept, whether the page had it or not."""
    failed: float = float("-inf")
    """When a page was last missing."""
    _raw: array[float] = field(default_factory=lambda: array("d"))
    _packed: int = 0

    def add(self, values: array[float], at: float, keep: float) -> None:
        """Take the values of a page that was read at `at`, later than all before; forget what is
        older than `keep` seconds.
        """
        raw, page = self._raw, self.page
        offsets = self.scrapes[-1].offsets if self.scrapes else array("d")
        gone = page.absent
        if gone or not isfinite(sum(values)):
            gone = self._carry(values)
        if any(map(gt, raw, values)):
            offsets = self._restarted(values, offsets)
        for name in page.names:
            self.since.setdefault(name, at)
        for slot in range(len(raw), len(values)):
            stem = page.stems[slot]
            known = stem.gauge or self.since[stem.name] < at
            offsets.append(0.0 if known else -values[slot])
        totals = array("d", map(add, values, offsets))
        self.scrapes.append(Scrape(at, totals, offsets, gone, len(totals)))
        self._raw = values
        self.expire(at - keep)
        while self.scrapes[self._packed].at < at - OPEN:
            self.scrapes[self._packed].pack()
            self._packed += 1

    def _carry(self, values: array[float]) -> frozenset[int]:
        """Give slots without a usable value their last one; which these are."""
        raw, stems = self._raw, self.page.stems
        gone = self.page.absent.union(
            slot
            for slot, value in enumerate(values)
            if not isfinite(value) and not stems[slot].gauge
        )
        for slot in gone:
            values[slot] = raw[slot] if slot < len(raw) else 0.0
        return gone

    def _restarted(self, values: array[float], offsets: array[float]) -> array[float]:
        """Offsets that hold after some counters began again at 0. Older scrapes keep theirs."""
        stems = self.page.stems
        fallen = [
            slot
            for slot, (before, value) in enumerate(zip(self._raw, values, strict=False))
            if before > value and not stems[slot].gauge
        ]
        if fallen:
            offsets = offsets[:]
        for slot in fallen:
            offsets[slot] += self._raw[slot]
        return offsets

    def expire(self, before: float) -> None:
        """Forget the scrapes older than this."""
        old = bisect_left(self.scrapes, before, key=_at)
        del self.scrapes[:old]
        self._packed = max(0, self._packed - old)

    def churned(self) -> bool:
        """Whether most of what is remembered is of series that no longer exist."""
        gone = len(self.page.absent)
        return gone > CHURN and gone > 0.75 * len(self.page.stems)

    def last(self, at: float, stale: float) -> int:
        """The newest scrape at `at` that is not older than `stale` seconds; -1 if there is none."""
        found = bisect_right(self.scrapes, at, key=_at) - 1
        return found if found >= 0 and self.scrapes[found].at >= at - stale else -1

    def first(self, last: int, start: float, since: float, limit: float) -> int:
        """The scrape before `last` that is nearest to `start`, neither before `since` nor more than
        `limit` seconds before the last; -1 if there is none.
        """
        end = self.scrapes[last].at
        low = bisect_left(self.scrapes, max(since, end - limit), 0, last, key=_at)
        found = bisect_left(self.scrapes, start, low, last, key=_at)
        near = [x for x in (found - 1, found) if low <= x < last]
        return min(near, key=lambda x: abs(self.scrapes[x].at - start), default=-1)


def _at(scrape: Scrape) -> float:
    return scrape.at
