"""`istiotop compare`: two versions once, at every refresh, or as a gate over some time."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from tui import report
from tui.complaints import Complaints
from tui.model.checks import Check, CheckError, parse
from tui.model.compare import Outcome
from tui.model.frame import Ask, Frame
from tui.model.health import Level
from tui.model.questions import ServiceKey
from tui.model.text import plain
from tui.model.versions import SHORT, Versions, version_queries, versions
from tui.once import NO_DATA
from tui.options import UsageError
from tui.poller import Poller
from tui.settings import Settings
from tui.sources.base import Source
from tui.view import compare, verdict
from tui.view.aspects import Aspect, Comparison, compared
from tui.view.table import Cell, Column

BREACHED: Final = 4
_SHORTEST: Final = 1.0
"""Seconds of the window of a comparison that begins now."""
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_HELD: Final = {
    True: (Level.HEALTHY, "holds"),
    False: (Level.FAILING, "is breached"),
    None: (Level.UNKNOWN, "is undecided"),
}


class Comparing:
    """Compares two versions of a service in the form that the settings ask for."""

    def __init__(
        self,
        settings: Settings,
        words: Sequence[str],
        write: Callable[[str], object],
        complain: Callable[[str], None],
        *,
        colour: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`words` are `NS/NAME` and the versions' names, if any. `write` gets whole lines,
        `complain` sentences without one's end. Raises `UsageError` for what cannot be compared.
        """
        self._settings = settings
        self._key = _key(words[0] if words else "", settings)
        self._names = _names(words[1:])
        self._label = _label(settings.label)
        self._checks = [_check(text) for text in settings.checks]
        self._write = write
        self._colour = colour
        self._clock = clock
        self._began: float | None = None
        self._shown = 0
        self._complaints = Complaints(complain)
        self._settled: asyncio.Future[Frame] | None = None

    async def run(self, source: Source) -> int:
        """Compare; the exit code. `SourceError` if the source cannot be seen at first or at last.

        While it watches, only some looks may fail. It ends early where a check is breached and B
        evidently worse: no later look would make that undone.
        """
        settings = self._settings
        frame = await self._poll(source)
        if source.warm_up > 0 and not settings.lasting:
            await asyncio.sleep(source.warm_up)
            frame = await self._poll(source)
        if settings.watch or settings.lasting:
            self._settled = asyncio.get_running_loop().create_future()
            self._look(frame)
            frame = await self._follow(source, self._settled) or await self._poll(source)
        return self._finish(frame)

    async def _poll(self, source: Source) -> Frame:
        return await source.poll(self._ask())

    async def _follow(self, source: Source, settled: asyncio.Future[Frame]) -> Frame | None:
        """Look at every refresh: the frame that settles it, `None` once the time is over."""
        refresh = max(self._settings.refresh, source.least_interval)
        poller = Poller(source, self._ask, self._look, self._complaints.heed, interval=refresh)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_after(refresh, poller.run))
            await asyncio.wait({settled}, timeout=self._settings.lasting or None)
            watching.cancel()
        return settled.result() if settled.done() else None

    def _ask(self) -> Ask:
        now, settings = self._clock(), self._settings
        if self._began is None:
            self._began = now - (_SHORTEST if settings.lasting else settings.window)
        window = settings.window if settings.at is not None else now - self._began
        queries = version_queries(self._key, self._label, self._names)
        return Ask(queries, max(window, _SHORTEST), settings.at)

    def _read(self, frame: Frame) -> tuple[Versions, Comparison | None]:
        found = versions(frame, self._key, self._label, self._names)
        return found, compared(found, *self._names)

    def _look(self, frame: Frame) -> None:
        """One of many looks."""
        found, comparison = self._read(frame)
        if self._settings.watch:
            self._print(frame, found, comparison)
        settled = self._settled
        if not self._settings.lasting or comparison is None or settled is None or settled.done():
            return
        worse = comparison.verdict.outcome is Outcome.WORSE
        if worse and any(held is False for _, held in self._held(comparison)):
            settled.set_result(frame)

    def _finish(self, frame: Frame) -> int:
        """The last look, and what it means for a pipeline."""
        found, comparison = self._read(frame)
        self._print(frame, found, comparison)
        if comparison is None or min(comparison.a.requests, comparison.b.requests) <= 0:
            return NO_DATA
        held = [decided for _, decided in self._held(comparison)]
        return BREACHED if False in held else NO_DATA if None in held else 0

    def _held(self, comparison: Comparison) -> list[tuple[Check, bool | None]]:
        value = compare.values(comparison)
        return [(check, check.holds(value)) for check in self._checks]

    def _print(self, frame: Frame, found: Versions, comparison: Comparison | None) -> None:
        form = self._settings.output
        held = self._held(comparison) if comparison else [(check, None) for check in self._checks]
        why = self._why(found, comparison)
        columns, items = self._table(comparison)
        if comparison or form == "json":
            text = report.render(
                form, columns, items, frame, colour=self._colour, compact=self._settings.watch,
                header=self._shown == 0 or form not in report.WITHOUT_ROWS,
                more=_summary(found, comparison, held, why),
            )  # fmt: skip
            self._write(self._framed(text, frame, comparison, held))
            self._shown += 1
        if form == "csv" and comparison:
            why = (*why, verdict.verdict(comparison), *(_said(*one) for one in held))
        self._complaints.say(*(frame.warnings if form != "json" else ()), *why)

    def _why(self, found: Versions, comparison: Comparison | None) -> tuple[str, ...]:
        if comparison is None:
            return (verdict.why_not(found),)
        unknown = verdict.unknown(found, self._names)
        return (unknown,) if unknown else ()

    def _table(
        self, comparison: Comparison | None
    ) -> tuple[Sequence[Column[Aspect]], Sequence[Aspect]]:
        if comparison is None:
            return (), ()
        return compare.columns(comparison), compare.aspects(comparison)

    def _framed(
        self,
        table: str,
        frame: Frame,
        comparison: Comparison | None,
        held: Sequence[tuple[Check, bool | None]],
    ) -> str:
        """The table with the verdict above and the checks below, where people read it."""
        form = self._settings.output
        if form in report.WITHOUT_ROWS or comparison is None:
            return table

        def paragraph(text: str, level: Level | None = None) -> str:
            return report.paragraph(form, Cell(text, level), colour=self._colour)

        level = verdict.LEVELS[comparison.verdict.outcome]
        parts = [
            paragraph(f"{level.mark} {verdict.verdict(comparison)}", level),
            paragraph(verdict.fairness(comparison)),
            table,
            *(paragraph(f"{_HELD[decided][0].mark} {_said(check, decided)}", _HELD[decided][0])
              for check, decided in held),
        ]  # fmt: skip
        if self._settings.watch:
            parts.insert(0, f"{report.instant(frame.at)}   {plain(frame.source)}\n")
        return "\n" * bool(self._shown) + "\n".join(parts)


async def _after(seconds: float, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.sleep(seconds)
    await run()


def _said(check: Check, decided: bool | None) -> str:
    return f"{plain(check.text)} {_HELD[decided][1]}."


def _summary(
    found: Versions,
    comparison: Comparison | None,
    held: Sequence[tuple[Check, bool | None]],
    why: Sequence[str],
) -> dict[str, Any]:
    """What JSON says beside the rows."""
    said = comparison.verdict if comparison else None
    words = [verdict.verdict(comparison), verdict.fairness(comparison)] if comparison else []
    return {
        "service": found.key.name,
        "namespace": found.key.namespace,
        "label": found.label or None,
        "versions": [version.name for version in found.all],
        "a": comparison.a.name if comparison else None,
        "b": comparison.b.name if comparison else None,
        "verdict": said.outcome.value if said else None,
        "errors": said.errors.value if said else None,
        "latency": said.latency.value if said else None,
        compare.LOW: said.error_difference.low if said else None,
        compare.HIGH: said.error_difference.high if said else None,
        "detectable_error_ratio": said.detectable if said else None,
        "callers_apart_ratio": said.unlike if said else None,
        "words": [*words, *why],
        "checks": [{"check": check.text, "holds": decided} for check, decided in held],
    }


def _key(text: str, settings: Settings) -> ServiceKey:
    namespace, slash, name = text.partition("/")
    if not slash:
        namespace, name = (settings.scope[0] if len(settings.scope) == 1 else ""), text
    if not name or not namespace or "/" in name:
        shown = plain(text, 60)
        problem = f"{shown} is no service" if shown else "a service is missing"
        raise UsageError(f"{problem}: write istiotop compare NAMESPACE/NAME [A B].")
    return ServiceKey("service", namespace, name)


def _names(words: Sequence[str]) -> tuple[str, ...]:
    if len(set(words)) < len(words):
        raise UsageError(f"{plain(words[0], 60)} is compared with itself: name two versions.")
    return tuple(words)


def _label(text: str) -> str | None:
    if text and not _LABEL.fullmatch(text):
        raise UsageError(
            f"--label: {plain(text, 60)} is no label: write {', '.join(SHORT)} or a label's name."
        )
    return text or None


def _check(text: str) -> Check:
    try:
        return parse(text, compare.kind, compare.names())
    except CheckError as error:
        raise UsageError(f"--check: {error}") from None
