"""A table printed once, or again at every refresh, without a screen."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tui import report
from tui.looks import look
from tui.model import mesh
from tui.model.frame import Ask, Frame, Presence
from tui.model.pulse import Phase, Pulse
from tui.model.questions import CALLED, DURATION, SERVED, ServiceKey, service_queries
from tui.model.service import Service
from tui.model.text import plain
from tui.poller import Poller
from tui.settings import Settings
from tui.sources.base import Source
from tui.view.order import Arranger
from tui.view.services import COLUMNS, Line, lacks_buckets, why_empty

NO_DATA = 5
_SECOND_LOOKS = 3
"""Whom only clients report for, whether there are buckets, and means may take a frame each."""


@dataclass(slots=True)
class _Question:
    """What the table of services asks: more sparingly once a frame has shown the mesh."""

    settings: Settings
    unserved: frozenset[ServiceKey] | None = None
    means: bool = False

    def ask(self) -> Ask:
        queries = service_queries(self.settings.scope, None, self.unserved, self.means)
        return Ask(queries, self.settings.window, self.settings.at)

    def learn(self, frame: Frame, services: Iterable[Service]) -> bool:
        """Whether this frame shows that there is more to ask: of clients, about services that no
        server reports for; why there are no buckets; or for means in their place.
        """
        before = (self.unserved or frozenset(), self.means)
        self.unserved = mesh.unserved(services)
        self.means = self.means or lacks_buckets(frame)
        served, buckets = frame.rates(SERVED), frame.histograms(DURATION)
        puzzling = served.presence is Presence.PRESENT and buckets.presence is Presence.NO_RATE
        return puzzling or (self.unserved, self.means) != before

    def about_requests(self) -> Ask:
        """The same about nothing but requests."""
        ask = self.ask()
        return replace(ask, queries=tuple(q for q in ask.queries if q.table in (SERVED, CALLED)))


class Printer:
    """Writes frames to standard output in the form that the settings ask for."""

    def __init__(
        self,
        settings: Settings,
        write: Callable[[str], object],
        complain: Callable[[str], None],
        *,
        colour: bool = False,
    ) -> None:
        """`write` gets whole lines, `complain` sentences without one's end.

        Raises `UsageError` if filter or order cannot be read.
        """
        self._settings = settings
        self._write = write
        self._complain = complain
        self._colour = colour
        self._question = _Question(settings)
        self._look = look(settings)
        self._arranger: Arranger[Line] = Arranger()
        self._frames = 0
        self._rows = 0
        self._said: tuple[str, ...] = ()

    async def once(self, source: Source) -> int:
        """Print one frame; the exit code. `SourceError` if there is none."""
        frame = await source.poll(self._question.ask())
        if source.warm_up > 0:
            if sys.stderr.isatty():
                self._complain(f"waiting {source.warm_up:g} s for a second scrape")
            await asyncio.sleep(source.warm_up)
            frame = await source.poll(self._question.ask())
        for _ in range(_SECOND_LOOKS):
            if not self._question.learn(frame, mesh.services(frame)):
                break
            frame = await source.poll(self._question.ask())
        if not mesh.services(frame):
            # A source that has all its queries taken cannot find out why there is nothing.
            frame = await source.poll(self._question.about_requests())
        self._show(frame)
        return 0 if self._rows else NO_DATA

    async def watch(self, source: Source) -> None:
        """Print a frame at every refresh, for ever; `SourceError` only if the first one fails."""
        await self.once(source)
        await asyncio.sleep(max(self._settings.refresh, source.least_interval))
        await Poller(
            source, self._question.ask, self._show, self._heed, interval=self._settings.refresh
        ).run()

    def _show(self, frame: Frame) -> None:
        services = mesh.services(frame)
        self._question.learn(frame, services)
        lines = list(map(Line, services))
        shown = self._arranger.arrange(
            list(filter(self._look.filter.accepts, lines)), self._look.order, COLUMNS, _key
        )
        self._print(frame, shown)
        sentences = frame.warnings if self._settings.output != "json" else ()
        if not shown:
            sentences = (*sentences, self._why_none(frame, len(lines)))
        self._say(*sentences)
        self._rows = len(shown)

    def _print(self, frame: Frame, shown: list[Line]) -> None:
        form, watch = self._settings.output, self._settings.watch
        for_programs = form in report.WITHOUT_ROWS
        if not shown and not for_programs:
            return
        text = report.render(
            form, COLUMNS, shown, frame,
            colour=self._colour, compact=watch, header=self._frames == 0 or not for_programs,
        )  # fmt: skip
        if watch and not for_programs:
            gap = "\n" if self._frames else ""
            text = f"{gap}{report.instant(frame.at)}   {plain(frame.source)}\n\n{text}"
        self._frames += 1
        self._write(text)

    def _why_none(self, frame: Frame, unfiltered: int) -> str:
        if not unfiltered:
            return why_empty(frame, self._settings.scope)
        return f"None of {unfiltered} services passes the filter {plain(self._look.filter.text)}."

    def _heed(self, pulse: Pulse) -> None:
        if pulse.phase is Phase.FAILED and pulse.error:
            self._say(pulse.error)

    def _say(self, *sentences: str) -> None:
        """Complain, but not twice in a row of the same."""
        if sentences != self._said:
            for sentence in sentences:
                self._complain(sentence)
        self._said = sentences


def _key(line: Line) -> ServiceKey:
    return line.service.key
