"""One line of text with levels, which is sent to the terminal only when it says something else."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from tui.view.ascii import ASCII
from tui.view.table import Cell


class StatusLine(Static):
    """A line of cells, in the colours of their levels. `ascii` draws without special characters."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    StatusLine { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(
        self, *, ascii: bool = False, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self._ascii = ascii
        self._cells: tuple[Cell, ...] = ()

    def show(self, cells: Sequence[Cell]) -> None:
        """Draw these cells, unless they are there already."""
        if tuple(cells) != self._cells:
            self._cells = tuple(cells)
            self.update(self._content(), layout=False)

    def _content(self) -> Content:
        return Content.assemble(*((self._text(cell), _style(cell)) for cell in self._cells))

    def _text(self, cell: Cell) -> str:
        return cell.text.translate(ASCII) if self._ascii else cell.text

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(map(self._text, self._cells))


def _style(cell: Cell) -> str:
    if cell.level is not None:
        return f"$level-{cell.level.value}"
    return "$dim" if cell.dim else ""
