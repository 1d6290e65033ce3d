"""Frames from Prometheus' HTTP API, and from all that speaks it: Thanos, Mimir, Cortex,
VictoriaMetrics, the managed ones.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import ceil, floor
from typing import Any, Final

from tui.model.frame import Ask, Frame, Key, Kind, Presence, Query, Table
from tui.model.promql import exists, promql
from tui.sources.answer import Answer, instant, ranged, rows
from tui.sources.base import Reason, SourceError
from tui.sources.exchange import Exchange, Reply
from tui.sources.http import Endpoint
from tui.sources.refresh import MOST_QUERIES, Refresh
from tui.sources.skew import Skew
from tui.sources.targets import ScrapeInterval

__all__ = ["Endpoint", "PrometheusSource"]

MOST_PROBES: Final = 2
"""Questions of one refresh that only find out why a table is empty."""
PROBE_HOLDS: Final = 60.0
"""Seconds for which it stays known whether a metric has any series."""
MOST_POINTS: Final = 11_000
"""Points of a range query that Prometheus answers."""
ODD_SKEW: Final = 30.0
"""Seconds between the clocks from which on the user is told."""

_TELLING: Final = (
    Reason.BAD_SETTING, Reason.UNAUTHORIZED, Reason.FORBIDDEN, Reason.TLS, Reason.NOT_FOUND,
    Reason.NOT_PROMETHEUS, Reason.RATE_LIMITED, Reason.SERVER, Reason.UNREACHABLE,
    Reason.TIMEOUT, Reason.BAD_QUERY,
)  # fmt: skip
"""Which of several reasons a person should read first."""

_Answers = dict[Query, Answer | SourceError]
_Decode = Callable[[Reply, Key, str], Answer]


class PrometheusSource:
    """A `Source` that asks one Prometheus: one query for each table, all about one instant."""

    least_interval = 1.0
    warm_up = 0.0

    def __init__(self, endpoint: Endpoint, *, clock: Callable[[], float] = time.time) -> None:
        """`SourceError` (bad setting) for an endpoint that cannot be used. Nothing is sent yet."""
        self._exchange = Exchange(endpoint, clock=clock)
        self._place = self._exchange.place
        self.name = f"prometheus {self._place}"
        self._clock = clock
        self._skew = Skew()
        self._polled = False
        self._interval = ScrapeInterval(self._exchange, clock=clock)
        self._known: dict[tuple[str, float | None], tuple[float, bool]] = {}
        self._puzzling: set[Query] = set()

    async def poll(self, ask: Ask) -> Frame:
        """The mesh at `ask.at`, or at the server's present."""
        assumed = self._skew.seconds
        frame = await self._poll(ask)
        first, self._polled = not self._polled, True
        if first and ask.at is None and self._skew.seconds != assumed:
            # The clocks differ, so the first frame was about the wrong moment.
            return await self._poll(ask)
        return frame

    async def past(self, ask: Ask, start: float, end: float, step: float) -> list[Frame]:
        """A frame for each multiple of `step` between the two for which any table has rows.

        Of more than 11,000 of them the newest are asked for. Only the last frame carries the cost.
        """
        if not step >= 0.001:
            raise SourceError(Reason.BAD_QUERY, "The step between two instants is too short.")
        last = floor(end / step)
        first = max(ceil(start / step), last - MOST_POINTS + 1)
        if first > last:
            return []
        times = {"start": f"{first * step:.3f}", "end": f"{last * step:.3f}", "step": f"{step:.3f}"}
        refresh = Refresh(self._exchange, self._skew, "query_range", times)
        answers = await self._answers(refresh, ask, ranged)
        instants = _instants(answers, ask.window)
        warnings = self._warnings(refresh, answers)
        frames = [self._frame(ask, at, instants[at], warnings) for at in sorted(instants)]
        return [*frames[:-1], *(replace(frame, cost=refresh.cost) for frame in frames[-1:])]

    async def close(self) -> None:
        """Let go of the connections; a poll under way fails with `SourceError`."""
        await self._interval.close()
        await self._exchange.close()

    async def _poll(self, ask: Ask) -> Frame:
        present = self._clock() + self._skew.seconds
        at = round(present if ask.at is None else ask.at, 3)
        refresh = Refresh(self._exchange, self._skew, "query", {"time": f"{at:.3f}"})
        told = await self._told(refresh, ask)
        rest = tuple(query for query in ask.queries if query not in told)
        answers = await self._answers(refresh, replace(ask, queries=rest), instant)
        tables = {query: _table(query, answer, ask.window) for query, answer in answers.items()}
        blank = [query for query, answer in answers.items() if _tells_nothing(query, answer)]
        series = await self._series(refresh, ask, blank)
        for query in (*told, *blank):
            tables[query] = _empty(query, ask.window, told.get(query, series.get(exists(query))))
        self._puzzling = {query for query in blank if exists(query) not in series}
        named = {query.table: table for query, table in tables.items()}
        frame = self._frame(ask, at, named, self._warnings(refresh, answers))
        return replace(frame, cost=refresh.cost)

    async def _answers(self, refresh: Refresh, ask: Ask, decode: _Decode) -> _Answers:
        """Every query's answer or failure; `SourceError` if all of them failed."""

        async def answer(query: Query) -> Answer | SourceError:
            by = (*query.by, "le") if query.kind is Kind.HISTOGRAM else query.by
            try:
                text = promql(query, ask.window)
            except ValueError as error:
                return SourceError(Reason.BAD_QUERY, str(error))
            try:
                return refresh.hear(decode(await refresh.ask(text), by, self._place))
            except SourceError as error:
                return error

        asked, spare = ask.queries[:MOST_QUERIES], ask.queries[MOST_QUERIES:]
        async with asyncio.TaskGroup() as group:
            tasks = {query: group.create_task(answer(query)) for query in asked}
            self._interval.keep_fresh()
        answers = {query: task.result() for query, task in tasks.items()}
        failed = [found for found in answers.values() if isinstance(found, SourceError)]
        if failed and len(failed) == len(answers):
            raise min(failed, key=lambda error: _TELLING.index(error.reason))
        sentence = f"More than {MOST_QUERIES} queries in one refresh: this one was left out."
        return answers | {query: SourceError(Reason.BAD_QUERY, sentence) for query in spare}

    async def _told(self, refresh: Refresh, ask: Ask) -> dict[Query, bool]:
        """Whether there are series for the queries that got nothing from the last refresh, which
        had none left to ask why: this one asks that in their place.
        """
        blank = [query for query in ask.queries if query in self._puzzling]
        series = await self._series(refresh, ask, blank)
        return {query: series[exists(query)] for query in blank if exists(query) in series}

    async def _series(
        self, refresh: Refresh, ask: Ask, queries: Iterable[Query]
    ) -> dict[str, bool]:
        """Whether the metrics of these queries have any series, by their probe: as remembered, or
        asked as far as this refresh may ask more.
        """
        now = self._clock()
        self._known = {key: value for key, value in self._known.items() if value[0] > now}
        # Without buckets something else is asked next: that is worth knowing first.
        ordered = sorted(queries, key=lambda query: query.kind is not Kind.HISTOGRAM)
        probes = list(dict.fromkeys(map(exists, ordered)))
        unknown = [text for text in probes if (text, ask.at) not in self._known]

        async def probe(text: str) -> None:
            try:
                answer = instant(await refresh.ask(text), (), self._place)
            except SourceError:
                return  # the table is empty either way, and says that nobody knows why
            self._known[text, ask.at] = (now + PROBE_HOLDS, bool(answer.samples))

        async with asyncio.TaskGroup() as group:
            for text in unknown[: min(MOST_PROBES, refresh.left)]:
                group.create_task(probe(text))
        return {x: self._known[x, ask.at][1] for x in probes if (x, ask.at) in self._known}

    def _frame(
        self, ask: Ask, at: float, tables: Mapping[str, Table[Any]], warnings: tuple[str, ...]
    ) -> Frame:
        return Frame(at, ask.window, self.name, tables, self._interval.seconds, warnings)

    def _warnings(self, refresh: Refresh, answers: _Answers) -> tuple[str, ...]:
        sentences = []
        skew = self._skew.seconds
        if abs(skew) > ODD_SKEW:
            side = "behind" if skew > 0 else "ahead of"
            sentences.append(
                f"This machine's clock is {abs(skew):.0f} s {side} the server's: "
                "times shown are the server's."
            )
        failed: dict[str, list[str]] = defaultdict(list)
        for query, answer in answers.items():
            if isinstance(answer, SourceError):
                failed[str(answer)].append(query.table)
        sentences += [f"No data for {', '.join(x)}: {reason}" for reason, x in failed.items()]
        return (*sentences, *refresh.warnings)


def _instants(answers: _Answers, window: float) -> dict[float, dict[str, Table[Any]]]:
    """The tables of a range query by their instant, of instants that have any rows."""
    instants: dict[float, dict[str, Table[Any]]] = defaultdict(dict)
    for query, answer in answers.items():
        if isinstance(answer, Answer):
            moments: dict[float, list[tuple[Key, float]]] = defaultdict(list)
            for key, at, value in answer.samples:
                moments[at].append((key, value))
            for at, samples in moments.items():
                if found := rows(samples, query.kind, query.scale):
                    instants[at][query.table] = Table(query.by, found)
    for query, answer in answers.items():
        other = (
            _table(query, answer, window)
            if isinstance(answer, SourceError)
            else _empty(query, window)
        )
        for tables in instants.values():
            tables.setdefault(query.table, other)
    return instants


def _tells_nothing(query: Query, answer: Answer | SourceError) -> bool:
    """Whether an answer is empty without saying if that is for want of series or of samples."""
    counted = query.kind in (Kind.RATE, Kind.HISTOGRAM)
    return counted and isinstance(answer, Answer) and not answer.found


def _table(query: Query, answer: Answer | SourceError, window: float) -> Table[Any]:
    if isinstance(answer, SourceError):
        return Table(query.by, {}, Presence.FAILED, str(answer))
    found = rows(((key, value) for key, _, value in answer.samples), query.kind, query.scale)
    if found:
        return Table(query.by, found)
    return _empty(query, window, True if answer.found else None)


def _empty(query: Query, window: float, series: bool | None = None) -> Table[Any]:
    """The table of a query that got no rows. `series` is whether its metric has any; `None` where
    nobody asked.

    A gauge has rows wherever it has series, and that nothing was born is an answer.
    """
    if query.kind is Kind.BORN:
        return Table(query.by, {})
    if query.kind is Kind.GAUGE or series is False:
        return Table(query.by, {}, Presence.ABSENT, f"There are no series of {query.metric}.")
    reason = f"No series of {query.metric} has two samples within {window:g} s"
    if series is None:
        reason += ", or there are none: this refresh did not ask which"
    return Table(query.by, {}, Presence.NO_RATE, f"{reason}.")
