"""Counters of many targets over a window: answers an `Ask` locally, with PromQL's meaning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from statistics import median_low
from typing import Any, Final

from tui.model.frame import Ask, Query, Table
from tui.sources.page import Page
from tui.sources.plan import Plan, sample_names
from tui.sources.tally import Span, Tally
from tui.sources.track import Track

PLANS: Final = 64
"""Queries whose series are remembered. A screen asks a dozen; each scroll makes a few others."""
SPACINGS: Final = 16
"""Spacings between scrapes that are remembered, per target."""


class Meter:
    """What many targets counted, remembered for `keep` seconds.

    Feed it every page of every target, then ask. Nothing here does I/O or reads a clock: each
    method is told the time, in Unix seconds. Only the metrics that somebody wants are kept.

    The rate of a target is what its counters went up by between its last scrape and the scrape
    nearest to the start of the window, over the seconds between these two; targets are then
    summed. What a series counted before its first scrape is in it, which `rate()` cannot see.
    """

    def __init__(self, keep: float = 900.0, *, stale: float = 2.5) -> None:
        """`keep`: seconds of history. `stale`: scrape intervals without a page after which a target
        contributes nothing.
        """
        self._keep = keep
        self._stale = stale
        self._names: frozenset[str] = frozenset()
        self._tracks: dict[str, Track] = {}
        self._plans: dict[Query, Plan] = {}
        self._spacings: list[float] = []
        self._interval: float | None = None

    @property
    def names(self) -> frozenset[str]:
        """Sample names wanted so far: `istio_requests_total`, `istio_request_bytes_sum`, a
        histogram's `…_bucket`. Only grows, so that a metric once asked for keeps its history.
        """
        return self._names

    @property
    def interval(self) -> float | None:
        """Median seconds between the scrapes of one target; `None` before there are two."""
        if self._interval is None and self._spacings:
            self._interval = median_low(self._spacings)
        return self._interval

    def want(self, queries: Iterable[Query]) -> None:
        """Keep what answers these, from the next page on. Call it before `feed`."""
        self._names = self._names.union(*map(sample_names, queries))

    def feed(
        self,
        target: str,
        body: bytes,
        at: float,
        *,
        labels: Mapping[str, str] | None = None,
        names: frozenset[str] | None = None,
    ) -> None:
        """One page (Prometheus' text format) of one target, rendered at `at`.

        `labels` (instance, pod) act as labels of all its series; a label that a series has itself
        wins. `names` is what the page was asked for, if that was before `self.names` grew.
        Raises `ExpositionError`, and has changed nothing, if the body is no page. A page that is
        older than the last one starts the target's history again.
        """
        wanted = self._names if names is None else names
        track = self._tracks.get(target)
        last = track.scrapes[-1].at if track and track.scrapes else None
        if track is None or (last is not None and at < last) or track.churned():
            track, last = Track(Page(wanted)), None
        elif last == at:
            return
        if track.page.names != wanted:
            track.page.names = wanted
        track.add(track.page.read(body), at, self._keep)
        self._remember(target, track, labels or {})
        if last is not None:
            self._spaced(at - last)

    def failed(self, target: str, at: float) -> None:
        """The target gave no page at `at`: its gauges are gone, its counters have a gap."""
        track = self._tracks.get(target)
        if track is not None:
            track.failed = at
            track.expire(at - self._keep)
            if not track.scrapes:
                self.forget(target)

    def forget(self, target: str) -> None:
        """Drop all that is known of a target; unknown ones are fine."""
        track = self._tracks.pop(target, None)
        if track is not None:
            for plan in self._plans.values():
                plan.drop(track)

    def answer(self, ask: Ask, at: float) -> dict[str, Table[Any]]:
        """A table for each query of the ask, as of `at` (now, or any instant still remembered)."""
        tallies = [(query.table, Tally(self._plan(query))) for query in ask.queries]
        for span in self._spans(ask.window, at):
            for _, tally in tallies:
                tally.add(span)
        return {table: tally.table() for table, tally in tallies}

    def covered(self, window: float, at: float) -> float:
        """Seconds that rates over `window` up to `at` really cover; 0 where there are none.

        That of the target that covers most: others may have come later.
        """
        return max((x.elapsed for x in self._spans(window, at)), default=0.0)

    def _spans(self, window: float, at: float) -> Iterator[Span]:
        limit = self._stale * (self.interval or self._keep)
        for track in self._tracks.values():
            last = track.last(at, limit)
            if last >= 0:
                failed = track.scrapes[last].at < track.failed <= at
                yield Span(track, last, at - window, window + limit, failed)

    def _plan(self, query: Query) -> Plan:
        """The plan of a query; the one not used for longest goes when there are too many."""
        plan = self._plans.pop(query, None)
        self._plans[query] = plan = Plan(query) if plan is None else plan
        if len(self._plans) > PLANS:
            del self._plans[next(iter(self._plans))]
        return plan

    def _remember(self, target: str, track: Track, labels: Mapping[str, str]) -> None:
        if self._tracks.get(target) is not track:
            if target in self._tracks:
                self._plans.clear()
            self._tracks[target] = track
        if track.labels != labels:
            track.labels = dict(labels)
            for plan in self._plans.values():
                plan.drop(track)

    def _spaced(self, seconds: float) -> None:
        self._spacings.append(seconds)
        self._interval = None
        if len(self._spacings) > 2 * SPACINGS * len(self._tracks):
            del self._spacings[: len(self._spacings) // 2]
