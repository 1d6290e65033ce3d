"""The lines around the table: what is shown, how fresh it is, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from tui.model.frame import Cost, Frame
from tui.model.health import Level
from tui.model.pulse import Phase, Pulse
from tui.model.text import plain
from tui.view import format
from tui.view.board import Look
from tui.view.table import Cell

SEPARATOR: Final = " · "
LATE: Final = 1.5
"""Intervals after which data of a source that is well is late, and its age is counted."""
SENTENCE: Final = 400
"""Characters kept of a sentence about an error."""

_READABLE: Final = 40
"""Characters of a sentence that are worth the name of the source beside them."""
_MORE: Final = " (!: all)"


class Part(NamedTuple):
    """A piece of a line.

    The one with the highest `drop` goes first where there is no room; 0 stays.
    """

    text: str
    drop: int = 0
    level: Level | None = None
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What the screen shows of a frame: how many rows of how many, and which window was wanted."""

    rows: int
    services: int
    window: float
    judged_at: float | None = None
    """When the latency that rows are sorted or chosen by was known of all; `None`: they are not."""
    past: bool = False
    """Whether a past instant was asked for, which never moves on."""


def fit(parts: Iterable[Part], width: int, separator: str = SEPARATOR) -> list[Cell]:
    """The parts that `width` cells hold, with the separator between them as cells of its own."""
    kept = [part for part in parts if part.text]
    while kept and _length(kept, separator) > width:
        can_go = [(part.drop, place) for place, part in enumerate(kept) if part.drop]
        if not can_go:
            break
        del kept[max(can_go)[1]]
    cells: list[Cell] = []
    for part in kept:
        if cells:
            cells.append(Cell(separator, dim=True))
        cells.append(Cell(part.text, part.level, part.dim))
    return cells


def _length(parts: Sequence[Part], separator: str) -> int:
    return sum(len(part.text) for part in parts) + len(separator) * (len(parts) - 1)


def moment(at: float, now: float | None = None) -> str:
    """Unix seconds as local time, without the date where that is `now`'s."""
    when = datetime.fromtimestamp(at)
    same_day = now is not None and datetime.fromtimestamp(now).date() == when.date()
    return when.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")


def title(look: Look, position: str, width: int) -> list[Cell]:
    """The line at the top: where one is, and what narrows the rows."""
    scope = ", ".join(plain(name, 30) for name in look.scope[:3])
    more = f" and {len(look.scope) - 3} more" if len(look.scope) > 3 else ""
    parts = [Part("istiotop > services", 3), Part(f"in {scope}{more}" if scope else "", 2)]
    if look.only_bad:
        parts.append(Part("only bad", level=Level.DEGRADED))
    if look.filter.text:
        parts.append(Part(f"filter {plain(look.filter.text, 40)}", level=Level.DEGRADED))
    if look.at is not None:
        parts.append(Part(f"as of {moment(look.at)}", level=Level.DEGRADED))
    return fit([*parts, Part(position, 1, dim=True)], width)


def hints(keys: Iterable[tuple[str, str]], width: int) -> list[Cell]:
    """Keys and what they do, as many as there is room for; the last two, help and the way out,
    stay longest.
    """
    known = list(keys)
    parts = [
        Part(f"{key} {word}", 1 if place >= len(known) - 2 else 2 + place)
        for place, (key, word) in enumerate(known)
    ]
    cells: list[Cell] = []
    for cell in fit(parts, width, "  "):
        key, _, word = cell.text.partition(" ")
        cells += (Cell(key), Cell(f" {word}", dim=True))
    return cells


def state(pulse: Pulse, frame: Frame | None, shown: Shown, now: float) -> list[Part]:
    """The first line: how fresh the numbers are, of how many services, over which window."""
    parts = [*_phase(pulse, frame, shown, now)]
    if frame is not None:
        of = f"{shown.rows} of " if shown.rows != shown.services else ""
        many = "service" if shown.services == 1 else "services"
        parts.append(Part(f"{of}{format.count(shown.services)} {many}", 2))
        parts.append(Part(_window(frame, shown.window), 3))
        if shown.judged_at is not None and shown.judged_at < frame.at:
            parts.append(Part(f"latency of all {moment(shown.judged_at, now)}", 1, dim=True))
        if frame.scrape_interval is not None:
            parts.append(Part(f"scrape {span(frame.scrape_interval)}", 5))
    if pulse.phase in (Phase.LIVE, Phase.PAUSED):
        parts.append(Part(f"every {span(pulse.wanted)}", 4))
    return parts


def _window(frame: Frame, wanted: float) -> str:
    """The window as it was set; also the real one, where that is more than a scrape away.

    A source that needs a second scrape has no window yet.
    """
    if frame.window <= 0:
        return ""
    if abs(frame.window - wanted) <= max(wanted / 5, 1.5 * (frame.scrape_interval or 0.0)):
        return f"window {span(wanted)}"
    return f"window {span(frame.window)}, not {span(wanted)}"


def _phase(pulse: Pulse, frame: Frame | None, shown: Shown, now: float) -> Iterable[Part]:
    at = frame.at if frame is not None else None
    match pulse.phase:
        case Phase.STARTING:
            yield Part(f"connecting {_count_up(now - pulse.since)}")
        case Phase.PAUSED:
            yield Part(f"paused at {moment(pulse.since, now)}", level=Level.DEGRADED)
            if at is not None:
                yield Part(f"data {moment(at, now)}", 6)
        case Phase.FAILED:
            yield Part(f"failed since {moment(pulse.since, now)}", level=Level.FAILING)
            if at is not None:
                yield Part(f"numbers {_count_up(now - at)} old", level=Level.FAILING)
            yield Part(_again(pulse, now), 6)
        case Phase.SLOW:
            yield from _live("slow", pulse, at, now)
            often = f"every {span(pulse.interval)}, not {span(pulse.wanted)}"
            yield Part(often, 1, Level.DEGRADED)
        case Phase.LIVE:
            yield from _live("past" if shown.past else "live", pulse, at, now)


def _live(word: str, pulse: Pulse, at: float | None, now: float) -> Iterable[Part]:
    """The time of the data: it changes with the data and not each second, so that nothing is
    written between two refreshes. Only what is late has its age counted.
    """
    yield Part(word, level=Level.DEGRADED if word == "slow" else Level.HEALTHY)
    if at is None:
        return
    if now - (pulse.last_frame_at or at) > LATE * pulse.interval + 1:
        yield Part(f"data {_count_up(now - at)} old", level=Level.DEGRADED)
    else:
        yield Part(f"data {moment(at, now)}")


def span(seconds: float) -> str:
    """A length of time as a person sets it: `5s`, `1m`, `1m30s`."""
    return f"{seconds:.3g}s" if seconds < 59.95 else format.duration(seconds)


def _count_up(seconds: float) -> str:
    return format.age(float(int(max(0.0, seconds))))


def _again(pulse: Pulse, now: float) -> str:
    if pulse.next_at is None or pulse.next_at - now < 1:
        return "trying again"
    return f"again in {_count_up(pulse.next_at - now)}"


def details(
    pulse: Pulse,
    frame: Frame | None,
    notes: Sequence[str],
    remark: str,
    source: str,
    width: int,
) -> list[Cell]:
    """The second line, `width` cells at most: the source, and its failure, warnings or cost.

    `notes` are sentences of the program itself, newest last; they count as warnings do. `remark` is
    about what the user just did, and comes before all of them.
    """
    known = [Part(plain(source, 60), dim=True)]
    if frame is not None and frame.cost.queries:
        known.append(Part(_cost(frame.cost), dim=True))
    last = _last(pulse, sentences(pulse, frame, notes), remark)
    if last is None:
        return fit([known[0]._replace(drop=1), *known[1:]], width)
    if last.level is Level.FAILING:
        known = []  # the sentence says which source it is about
    room = width
    while known:
        room = width - _length([*known, Part("")], SEPARATOR)
        if room >= min(len(last.text), _READABLE):
            break
        known.pop()
        room = width
    return fit([*known, last._replace(text=_cut(last.text, room))], width)


def _last(pulse: Pulse, said: Sequence[str], remark: str) -> Part | None:
    """The one sentence to show, and how bad it is."""
    if remark:
        return Part(plain(remark, SENTENCE))
    if not said:
        return None
    if pulse.phase is Phase.FAILED and pulse.error is not None:
        return Part(plain(said[-1], SENTENCE), level=Level.FAILING)
    count = f"{len(said)} warnings: " if len(said) > 1 else ""
    return Part(plain(count + said[-1], SENTENCE), level=Level.DEGRADED)


def _cost(cost: Cost) -> str:
    many = "queries" if cost.unit == "query" else "scrapes"
    queries = f"{cost.queries} {cost.unit if cost.queries == 1 else many}"
    return f"{queries} {format.duration(cost.seconds)} {format.size(float(cost.bytes))}"


def _cut(sentence: str, room: int) -> str:
    """As much as there is room for, and which key shows the rest."""
    return sentence if len(sentence) <= room else plain(sentence, room - len(_MORE)) + _MORE


def sentences(pulse: Pulse, frame: Frame | None, notes: Sequence[str]) -> list[str]:
    """Everything that a person should be told, newest last; the error of a failure is the last."""
    warnings = [*(frame.warnings if frame is not None else ()), *notes]
    return [*warnings, *([pulse.error] if pulse.error is not None else [])]


def waiting(pulse: Pulse, source: str, now: float) -> str:
    """What to say while there is no frame yet."""
    name = plain(source, 80)
    if pulse.phase is Phase.FAILED and pulse.error:
        return f"{plain(pulse.error, SENTENCE)}\n\n{name}: {_again(pulse, now)}."
    if pulse.phase is Phase.PAUSED:
        return f"Paused before {name} answered: p goes on."
    return f"Connecting to {name}… {_count_up(now - pulse.since)}"


def too_small(width: int, height: int, least: tuple[int, int]) -> str:
    """What a terminal that is too small for the table is told."""
    return f"istiotop needs {least[0]}x{least[1]}; this terminal is {width}x{height}."
