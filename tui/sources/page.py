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
    """A beginning of lines that was seen before: the slot for each rest of the line. Without a stem
    nobody wants it.
    """

    prefix: bytes
    stem: Stem | None
    slots: dict[bytes, int]


@dataclass(slots=True, eq=False)
class _Lesson:
    """One page while it is learnt."""

    layout: Layout = field(default_factory=Layout)
    found: list[float] = field(default_factory=list)
    dropped: int = 0
    _seen: set[int] = field(default_factory=set)
    _blocks: dict[bytes, dict[str, str] | None] = field(default_factory=dict)

    def add(self, slot: int, value: float) -> None:
        """The next number, unless its slot has one already."""
        if slot in self._seen:
            self.dropped += 1
            slot = -1
        elif slot >= 0:
            self._seen.add(slot)
        self.layout.slots.append(slot)
        self.found.append(value)

    def labels(self, block: bytes) -> dict[str, str] | None:
        """The labels of a block, which several metrics share."""
        if block not in self._blocks:
            self._blocks[block] = labels(block)
        return self._blocks[block]


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
        self._known: dict[bytes, _Known] = {}
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
        bound = text.rfind(_BOUND, 0, at) + len(_BOUND)
        if bound < len(_BOUND) or not _LAST_LABEL.fullmatch(text, bound, at):
            bound = at
        prefix, suffix = text[:bound], text[bound:at]
        known = None if value is None else self._known.get(prefix)
        if known is None and value is not None:
            known = self._meet(prefix, bool(suffix), gauge, lesson)
        if known is None or value is None:
            return False
        slot = known.slots.get(suffix, -1)
        if slot < 0 and known.stem is not None:
            suffix = self._texts.setdefault(suffix, suffix)
            slot = self._append(known.stem, known.slots, suffix)
        section.prefixes.append(known.prefix)
        section.suffixes.append(self._texts.get(suffix, suffix))
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

    def _meet(self, prefix: bytes, cut: bool, gauge: bool, lesson: _Lesson) -> _Known | None:
        """Learn how lines begin, up to the value of `le` (`cut`) or to the number."""
        text = prefix[prefix.rfind(b"\n") + 1 :]
        if cut:
            text = text[: -len(_BOUND)] + b"} "
        parts = head(text)
        if parts is None or parts[2] != len(text):
            return None
        name, block, _ = parts
        if name not in self._names:
            return self._keep(_Known(prefix, None, {}))
        found = lesson.labels(block)
        if found is None:
            return None
        if cut:
            return self._keep(_Known(prefix, *self._stem(name, found, gauge)))
        bound = found.get("le", "")
        rest = {key: value for key, value in found.items() if key != "le"} if bound else found
        slot = self._slot(name, rest, bound, gauge)
        return self._keep(_Known(prefix, self.stems[slot], {b"": slot}))

    def _keep(self, known: _Known) -> _Known:
        """Remember it, unless a comment or a bad line stands in it, which may never come again."""
        if known.prefix.rfind(b"\n") <= 0:
            self._known[known.prefix] = known
        return known

    def _slot(self, name: str, labels: Mapping[str, str], bound: str, gauge: bool) -> int:
        stem, slots = self._stem(name, labels, gauge)
        suffix = f'{bound}"}} '.encode() if bound else b""
        slot = slots.get(suffix, -1)
        return slot if slot >= 0 else self._append(stem, slots, suffix)

    def _append(self, stem: Stem, slots: dict[bytes, int], suffix: bytes) -> int:
        slots[suffix] = slot = len(self.stems)
        self.stems.append(stem)
        self.bounds.append(intern(suffix[:-3].decode(errors="replace")))
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
