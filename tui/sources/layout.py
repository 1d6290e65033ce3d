"""What is learnt of a page of metrics, so that the next one need only be compared.

The text between two numbers hardly ever changes from one scrape to the next. A page is learnt as a
chain of such texts, each in three parts: up to `{`, the labels, the rest. So a block of labels is
kept once, however many buckets and metrics have it: 67 lines of 700 bytes cost 700 bytes. The next
page is as it was if each part stands where it is expected, which `bytes.startswith` says without a
copy.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import nan
from typing import Final

TYPE: Final = b"# TYPE "
SECTION: Final = b"\n" + TYPE
"""What ends the section of a family, if the page does not."""


def wanted(body: bytes, at: int, families: frozenset[bytes]) -> int:
    """Where the first `# TYPE` line of one of these families begins; -1 if there is none.

    `at` is where to look from: 0, or the end of a line.
    """
    for start in _starts(body, at):
        name = start + len(TYPE)
        if body[name : body.find(b" ", name)] in families:
            return start
    return -1


def _starts(body: bytes, at: int) -> Iterator[int]:
    if at == 0 and body.startswith(TYPE):
        yield 0
    at = body.find(SECTION, at)
    while at >= 0:
        yield at + 1
        at = body.find(SECTION, at + 1)


@dataclass(slots=True, eq=False)
class Section:
    """One family: its `# TYPE` line, the three parts of the text before each number, and what
    follows the last number, which reaches into the next family if there is one (`open`).
    """

    head: bytes
    openings: list[bytes] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)
    endings: list[bytes] = field(default_factory=list)
    tail: bytes = b""
    open: bool = False

    def read(self, body: bytes, at: int, found: list[float]) -> int:
        """Append the numbers of this family, which begins at `at`; where it ends, or -1 if it is
        not as it was.

        `ValueError` for what is no number. (`float` takes `1_000` here, which learning refuses.)
        """
        starts, find, append, newline = body.startswith, body.find, found.append, b"\n"
        if not starts(self.head, at):
            return -1
        at += len(self.head)
        for opening, block, ending in zip(self.openings, self.blocks, self.endings, strict=True):
            if not starts(opening, at):
                return -1
            at += len(opening)
            if not starts(block, at):
                return -1
            at += len(block)
            if not starts(ending, at):
                return -1
            at += len(ending)
            end = find(newline, at)
            append(float(body[at:end]))
            at = end
        if at < 0 or not starts(self.tail, at):
            return -1
        at += len(self.tail)
        if self.open:
            return at - len(SECTION)
        return at if at == len(body) else -1


@dataclass(slots=True, eq=False)
class Layout:
    """A learnt page. `slots` has the slot of each number, or -1. `plain` is false where a line can
    only be read the long way.
    """

    sections: list[Section] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    plain: bool = True
    runs: list[tuple[int, int, int]] = field(default_factory=list)
    """(first number, behind the last number, slot of the first): `slots` in fewer words."""

    def close(self) -> None:
        """Learning is over: `slots` becomes `runs`."""
        before = -1
        for i, slot in enumerate(self.slots):
            if slot >= 0:
                if before >= 0 and slot == before + 1:
                    start, _, first = self.runs[-1]
                    self.runs[-1] = start, i + 1, first
                else:
                    self.runs.append((i, i + 1, slot))
            before = slot
        self.slots = []

    def read(self, body: bytes, families: frozenset[bytes]) -> list[float] | None:
        """The numbers of a page that is as it was; `None` if it is not."""
        if not self.plain:
            return None
        found: list[float] = []
        at = wanted(body, 0, families)
        try:
            for section in self.sections:
                end = -1 if at < 0 else section.read(body, at, found)
                if end < 0:
                    return None
                at = wanted(body, end, families)
        except ValueError:
            return None
        return found if at < 0 else None

    def placed(self, found: list[float], slots: int) -> array[float]:
        """The numbers in the order of their slots, NaN where a slot has none."""
        if self.runs == [(0, len(found), 0)] and len(found) == slots:
            return array("d", found)
        flat, values = array("d", found), array("d", (nan,)) * slots
        for start, stop, slot in self.runs:
            values[slot : slot + stop - start] = flat[start:stop]
        return values
