"""The lines around the table, and the sentence in its place where there is none."""

from __future__ import annotations

from textual.geometry import Size
from textual.widgets import Static

from tui.commands import hints
from tui.model.pulse import Pulse
from tui.view import status
from tui.view.ascii import ASCII
from tui.view.board import Board
from tui.widgets.status import StatusLine

LEAST = (60, 15)
"""Columns and lines of the smallest terminal that the table is of use in."""
SAID_FOR = 4.0
"""Seconds that a passing remark stays."""


class Captions:
    """Everything on the screen that is text and no table, brought up to date in one go.

    `source` is the name to show. Each widget is drawn again only if it says something else.
    """

    def __init__(self, source: str, *, ascii: bool = False) -> None:
        self.notes: tuple[str, ...] = ()
        """Sentences of the program itself that stay, shown with the source's warnings."""
        self.title, self.state, self.details, self.hints = (
            StatusLine(ascii=ascii, id=name) for name in ("title", "state", "details", "hints")
        )
        self.cover = Static(id="cover", markup=False)
        self._source = source
        self._ascii = ascii
        self._covered = ""
        self._remark = ("", 0.0)

    def say(self, sentence: str, now: float) -> None:
        """Show a remark with the next update, and for a while."""
        self._remark = (sentence, now + SAID_FOR)

    def tell(self, board: Board, pulse: Pulse, rows: int, position: str, now: float) -> None:
        """Say how things are. `rows` are shown; `position` is the cursor's among them."""
        frame, look, size = board.frame, board.look, self.title.screen.size
        shown = status.Shown(
            rows, len(board.services), look.window,
            board.judged_at if look.by_latency else None, look.at is not None,
        )  # fmt: skip
        width = size.width
        self.title.show(status.title(look, position, width))
        self.state.show(status.fit(status.state(pulse, frame, shown, now), width))
        self.details.show(
            status.details(pulse, frame, self.notes, self._said(now), self._source, width)
        )
        self.hints.show(status.hints(hints(), width))
        self._cover(self._in_its_place(board, pulse, rows, size, now), small=too_small(size))

    def sentences(self, board: Board, pulse: Pulse) -> list[str]:
        """Every warning, and the source's failure."""
        return status.sentences(pulse, board.frame, self.notes)

    def _said(self, now: float) -> str:
        sentence, until = self._remark
        return sentence if now < until else ""

    def _in_its_place(self, board: Board, pulse: Pulse, rows: int, size: Size, now: float) -> str:
        """What stands in place of the table; nothing, if there is a table."""
        if too_small(size):
            return status.too_small(*size, LEAST)
        if board.frame is None:
            return status.waiting(pulse, self._source, now)
        return "" if rows else board.why_nothing(board.frame)

    def _cover(self, sentence: str, *, small: bool) -> None:
        self.cover.display = bool(sentence)
        self.cover.set_class(small, "small")
        if sentence != self._covered:
            self._covered = sentence
            self.cover.update(sentence.translate(ASCII) if self._ascii else sentence)


def too_small(size: Size) -> bool:
    """Whether a terminal has no room for the table."""
    return size.width < LEAST[0] or size.height < LEAST[1]
