"""A table printed once, or again at every refresh, without a screen."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from tui import report
from tui.complaints import Complaints
from tui.looks import row_filter, row_order
from tui.model.frame import Frame
from tui.model.text import plain
from tui.nouns import Noun
from tui.poller import Poller
from tui.settings import Settings
from tui.sources.base import Source
from tui.view.order import Arranger

NO_DATA = 5
_SECOND_LOOKS = 3
"""Of services: whom only clients report for, whether there are buckets, and means take one each."""


class Printer:
    """Writes frames to standard output in the form that the settings ask for."""

    def __init__(
        self,
        noun: Noun[Any],
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
        self._noun = noun
        self._filter = row_filter(settings.filter, noun.columns)
        self._order = row_order(settings.sort, noun.columns) or noun.order
        self._arranger: Arranger[Any] = Arranger()
        self._frames = 0
        self._rows = 0
        self._complaints = Complaints(complain)

    async def run(self, source: Source) -> int:
        """Print once or at every refresh, as the settings say; the exit code."""
        if self._settings.watch:
            await self.watch(source)
        return await self.once(source)

    async def once(self, source: Source) -> int:
        """Print one frame; the exit code. `SourceError` if there is none."""
        frame = await source.poll(self._noun.ask())
        if source.warm_up > 0:
            if sys.stderr.isatty():
                self._complain(f"waiting {source.warm_up:g} s for a second scrape")
            await asyncio.sleep(source.warm_up)
            frame = await source.poll(self._noun.ask())
        for _ in range(_SECOND_LOOKS):
            if not self._noun.learn(frame):
                break
            frame = await source.poll(self._noun.ask())
        if not self._noun.items(frame):
            frame = await source.poll(self._noun.ask_why_empty())
        self._show(frame)
        return 0 if self._rows else NO_DATA

    async def watch(self, source: Source) -> None:
        """Print a frame at every refresh, for ever; `SourceError` only if the first one fails."""
        await self.once(source)
        await asyncio.sleep(max(self._settings.refresh, source.least_interval))
        await Poller(
            source,
            self._noun.ask,
            self._show,
            self._complaints.heed,
            interval=self._settings.refresh,
        ).run()

    def _show(self, frame: Frame) -> None:
        noun = self._noun
        noun.learn(frame)
        items = noun.items(frame)
        shown = list(filter(self._filter.accepts, items))
        if self._order is not None:
            shown = self._arranger.arrange(shown, self._order, noun.columns, noun.key)
        self._print(frame, shown)
        sentences = frame.warnings if self._settings.output != "json" else ()
        if not shown:
            sentences = (*sentences, self._why_none(frame, len(items)))
        self._complaints.say(*sentences)
        self._rows = len(shown)

    def _print(self, frame: Frame, shown: list[Any]) -> None:
        form, watch = self._settings.output, self._settings.watch
        for_programs = form in report.WITHOUT_ROWS
        if not shown and not for_programs:
            return
        text = report.render(
            form, self._noun.columns, shown, frame,
            colour=self._colour, compact=watch, header=self._frames == 0 or not for_programs,
        )  # fmt: skip
        if watch and not for_programs:
            gap = "\n" if self._frames else ""
            text = f"{gap}{report.instant(frame.at)}   {plain(frame.source)}\n\n{text}"
        self._frames += 1
        self._write(text)

    def _why_none(self, frame: Frame, unfiltered: int) -> str:
        if not unfiltered:
            return self._noun.why_empty(frame)
        what = f"{unfiltered} {self._noun.plural}"
        return f"None of {what} passes the filter {plain(self._filter.text)}."
