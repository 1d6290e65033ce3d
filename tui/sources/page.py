"""The pages of one target, scrape after scrape: a stable slot for each series, and its values.

A page that is laid out like the one before is compared in place (`tui.sources.layout`), which takes
a hundredth of the time that prometheus_client takes. Any other (a series more, one less, another
order) is learnt, which takes a twentieth, and every series keeps its slot.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Final, NamedTuple

from tui.sources.exposition import (
    ExpositionError,
    head,
    labels,
    number,
    recognised,
    refusal,
    sample,
)
from tui.sources.layout import SECTION, Layout, Section, wanted

_BOUND: Final = b',le="'
_LAST_LABEL: Final = re.compile(rb'[^"\\]*+"\} ')
_CLOSE: Final = b"} "
_SUFFIXES: Final = ("_bucket", "_sum", "_count", "_total")


def families(names: frozenset[str]) -> frozenset[str]:
    """What the `# TYPE` lines above these samples may say."""
    cut = {x.removesuffix(suffix) for x in names for suffix in _SUFFIXES}
    return names | cut


@dataclass(frozen=True, slots=True, eq=False)
class Stem:
    """Name and labels, less `le`: all buckets of one histogram have the same. `gauge`: whether
    `# TYPE` says so.
    """

    name: str
    labels: Mapping[str, str]
    gauge: bool


class _Known(NamedTuple):
    """A line's text up to the end of its labels, less `le`, that was seen before; the slot for each
    ending. Without a stem nobody wants it.
    """

    opening: bytes
    block: bytes
    stem: Stem | None
    slots: dict[bytes, int]


@dataclass(slots=True, eq=False)
class _Lesson:
    """One page while it is learnt."""

    layout: Layout = field(default_factory=Layout)
    found: list[float] = field(default_factory=list)
    dropped: int = 0
    _seen: set[int] = field(default_factory=set)
    _labels: dict[bytes, tuple[dict[str, str], str] | None] = field(default_factory=dict)

    def add(self, slot: int, value: float) -> None:
        """The next number, unless its slot has one already."""
        if slot in self._seen:
            self.dropped += 1
            slot = -1
        elif slot >= 0:
            self._seen.add(slot)
        self.layout.slots.append(slot)
        self.found.append(value)

    def labels(self, block: bytes) -> tuple[dict[str, str], str] | None:
        """The labels of a block less `le`, and its `le`; one object for all metrics with it."""
        if block not in self._labels:
            found = labels(block)
            self._labels[block] = None if found is None else (found, found.pop("le", ""))
        return self._labels[block]


def _parts(text: bytes, at: int) -> tuple[int, int]:
    """Where the labels of a line begin, and where they end, less a last `le`; `at` is where its
    number begins. A line without labels, or of another form, is all before them.
    """
    brace = text.find(b"{", 0, at) + 1
    if not brace or not text.endswith(_CLOSE, 0, at):
        return at, at
    bound = text.rfind(_BOUND, brace, at)
    if bound < 0 or not _LAST_LABEL.fullmatch(text, bound + len(_BOUND), at):
        bound = at - len(_CLOSE)
    return brace, bound


class Page:
    """The pages of one target, of which only the samples called `names` are kept.

    Each series has a slot, its number for as long as this object lives: `stems[slot]` and
    `bounds[slot]`, the text of its `le`, "" where it has none. Families are found by their `# TYPE`
    lines. Bad lines are dropped and counted; of a series that is there twice the first is taken.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self.stems: list[Stem] = []
        self.bounds: list[str] = []
        self.absent: frozenset[int] = frozenset()
        """Slots that the last page did not have."""
        self.dropped = 0
        """Lines of the last page that were bad, or there twice."""
        self._known: dict[tuple[bytes, bytes], _Known] = {}
        self._slots: dict[int, tuple[Stem, dict[bytes, int]]] = {}
        self._texts: dict[bytes, bytes] = {}
        self._layout = Layout(plain=False)
        self.names = names

    @property
    def names(self) -> frozenset[str]:
        """The sample names that are kept. Others may be set: every slot stays."""
        return self._names

    @names.setter
    def names(self, names: frozenset[str]) -> None:
        self._names = names
        self._families = frozenset(x.encode() for x in families(names))
        self._known = {text: x for text, x in self._known.items() if x.stem is not None}
        self._layout = Layout(plain=False)

    def read(self, body: bytes) -> array[float]:
        """The value of each slot, NaN where the page has none; `ExpositionError` if it is none."""
        found = self._layout.read(body, self._families)
        if found is None:
            found = self._learn(body)
        return self._layout.placed(found, len(self.stems))

    def _learn(self, body: bytes) -> list[float]:
        lesson = _Lesson()
        at = wanted(body, 0, self._families)
        while at >= 0:
            end = body.find(SECTION, at)
            stop = len(body) if end < 0 else end
            lesson.layout.sections.append(self._section(body, at, stop, lesson))
            at = wanted(body, stop, self._families)
        if not lesson.found and (lesson.dropped or not recognised(body)):
            raise ExpositionError(refusal(body))
        self.dropped = lesson.dropped
        self.absent = frozenset(range(len(self.stems))).difference(lesson.layout.slots)
        lesson.layout.close()
        self._layout = lesson.layout
        return lesson.found

    def _section(self, body: bytes, at: int, stop: int, lesson: _Lesson) -> Section:
        """Learn one family, from its `# TYPE` line at `at` to `stop`. `mark` is behind the last
        number: comments and bad lines are a part of the text before the next one.
        """
        mark = body.find(b"\n", at, stop)
        mark = end = stop if mark < 0 else mark
        section = Section(body[at:mark])
        gauge = section.head.split()[-1] == b"gauge"
        while end < stop:
            start, end = end + 1, body.find(b"\n", end + 1, stop)
            end = stop if end < 0 else end
            if body.startswith(b"#", start) or not body[start:end].strip():
                continue
            if self._line(body[mark:end], gauge, section, lesson):
                mark = end
                lesson.layout.plain = lesson.layout.plain and end < len(body)
            else:
                self._irregular(body[start:end], gauge, lesson)
        section.open = stop < len(body)
        section.tail = body[mark:stop] + (SECTION if section.open else b"")
        return section

    def _line(self, text: bytes, gauge: bool, section: Section, lesson: _Lesson) -> bool:
        """Learn `TEXT NUMBER`; false if the line is not of that form."""
        at = text.rfind(b" ") + 1
        value = number(text[at:])
        if value is None:
            return False
        brace, end = _parts(text, at)
        opening, block, ending = text[:brace], text[brace:end], text[end:at]
        known = self._known.get((opening, block)) or self._meet(
            opening, block, ending, gauge, lesson
        )
        if known is None:
            return False
        ending = self._texts.setdefault(ending, ending)
        slot = known.slots.get(ending, -1)
        if slot < 0 and known.stem is not None:
            slot = self._append(known.stem, known.slots, ending)
        section.openings.append(known.opening)
        section.blocks.append(known.block)
        section.endings.append(ending)
        lesson.add(slot, value)
        return True

    def _irregular(self, line: bytes, gauge: bool, lesson: _Lesson) -> None:
        """A line with a timestamp, an exemplar or odd blanks; or one that is bad."""
        found = sample(line)
        if found is None:
            lesson.dropped += 1
        elif found.name in self._names:
            bound = found.labels.pop("le", "")
            slot = self._slot(found.name, found.labels, bound, gauge)
            lesson.layout.plain = False
            lesson.add(slot, found.value)

    def _meet(
        self, opening: bytes, block: bytes, ending: bytes, gauge: bool, lesson: _Lesson
    ) -> _Known | None:
        """Learn a text that ends in a number; `None` if it is not that of a sample."""
        cut = ending.startswith(_BOUND)
        whole = opening + block + (_CLOSE if cut else ending)
        text = whole[whole.rfind(b"\n") + 1 :]
        parts = head(text)
        if parts is None or parts[2] != len(text):
            return None
        name, inside, _ = parts
        known = _Known(opening, block, None, {})
        if name in self._names:
            found = lesson.labels(inside)
            if found is None:
                return None
            rest, bound = found
            stem, slots = self._stem(name, rest, gauge)
            if not cut and (bound or ending != _CLOSE):
                slots = {ending: self._slot(name, rest, bound, gauge)}
            known = known._replace(stem=stem, slots=slots)
        if whole.rfind(b"\n") <= 0:  # else there is a comment in it, or a bad line: for once only
            share = self._texts.setdefault
            known = known._replace(opening=share(opening, opening), block=share(block, block))
            self._known[known.opening, known.block] = known
        return known

    def _slot(self, name: str, labels: Mapping[str, str], bound: str, gauge: bool) -> int:
        stem, slots = self._stem(name, labels, gauge)
        ending = _BOUND + bound.encode() + b'"' + _CLOSE if bound else _CLOSE
        slot = slots.get(ending, -1)
        return slot if slot >= 0 else self._append(stem, slots, ending)

    def _append(self, stem: Stem, slots: dict[bytes, int], ending: bytes) -> int:
        slots[ending] = slot = len(self.stems)
        self.stems.append(stem)
        self.bounds.append(intern(ending[len(_BOUND) : -3].decode(errors="replace")))
        return slot

    def _stem(
        self, name: str, labels: Mapping[str, str], gauge: bool
    ) -> tuple[Stem, dict[bytes, int]]:
        """The one stem of these labels, in whatever order they are written."""
        key = hash((name, frozenset(labels.items())))
        while key in self._slots:
            stem, slots = self._slots[key]
            if stem.name == name and stem.labels == labels:
                return stem, slots
            key += 1
        self._slots[key] = Stem(name, labels, gauge), {}
        return self._slots[key]
