"""Text over the screen that explains something: a cell, a row, the warnings, the keys."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.commands import PANEL_COMMANDS, bindings
from tui.screens.menu import ONLY_ASCII
from tui.view.ascii import ASCII
from tui.view.explain import Passage

WIDEST: Final = 100
"""Cells of the longest line that is still easily read."""
SHARE: Final = 0.9
"""Of the screen's width that a panel may take, as in the stylesheet."""
FRAME: Final = 5
"""Cells that border, padding and scrollbar take of that."""


class Panel(ModalScreen[None], inherit_bindings=False):
    """Passages under a title, with what `y` copies from it."""

    BINDINGS = bindings(PANEL_COMMANDS)
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, title: str, passages: Sequence[Passage], *, copies: str = "") -> None:
        super().__init__()
        self._heading = title
        self._passages = passages
        self._copies = copies

    def compose(self) -> ComposeResult:
        """A title, the text, and a line that says how to leave."""
        leave = "y copies the PromQL, esc closes" if self._copies else "esc closes"
        with VerticalScroll() as scroll:
            scroll.border_title = Content(self._drawn(self._heading))
            scroll.border_subtitle = Content(self._drawn(leave))
            yield Static(self._text(), markup=False)

    def _drawn(self, text: str) -> str:
        return text.translate(ASCII) if self.app.has_class(ONLY_ASCII) else text

    def on_resize(self) -> None:
        """Fill the lines that there are."""
        self.query_one(Static).update(self._text())

    def _text(self) -> Content:
        """Headings in a column, the text beside them, its further lines below its first."""
        aside = max((len(passage.heading) for passage in self._passages), default=0) + 2
        room = max(20, min(WIDEST, int(self.app.size.width * SHARE) - FRAME) - aside)
        lines: list[Content] = []
        for heading, text in self._passages:
            start = self._drawn(f"{heading:<{aside}}")
            for line in self._drawn(text).split("\n"):
                for part in wrap(line, room, drop_whitespace=False) or [""]:
                    lines.append(Content.assemble((start, "bold"), part))
                    start = " " * aside
        return Content("\n").join(lines)

    def action_copy(self) -> None:
        """Copy what there is to copy."""
        if self._copies:
            self.app.copy_to_clipboard(self._copies)
            self.dismiss()

    def action_back(self) -> None:
        """Close it."""
        self.dismiss()
