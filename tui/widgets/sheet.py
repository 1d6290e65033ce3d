"""What a grid shows, apart from the screen it is on: rows, cursor, columns, and their lines."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from textual.strip import Strip

from tui.view.table import Column, Row
from tui.widgets.lines import Place, header_line, places, row_line
from tui.widgets.palette import Palette


def follow(rows: Sequence[Row], at: int, where: Mapping[Hashable, int]) -> int:
    """Where the cursor on row `at` goes when the rows with the keys of `where` take their place:
    to its own row, or to the nearest neighbour left, the one below before the one above.
    """
    for distance in range(len(rows)):
        for index in (at + distance, at - distance):
            if 0 <= index < len(rows) and (found := where.get(rows[index].key)) is not None:
                return found
    return max(0, min(at, len(where) - 1))


class Sheet:
    """Rows as lines: each is drawn when it is asked for, and once until it looks different.

    `cursor` is the number of a row, `column` the key of a column. Until the cursor is `placed`
    it is nobody's choice, and stays on the first row.
    """

    def __init__(self, ascii: bool = False) -> None:
        self.rows: tuple[Row, ...] = ()
        self.order: tuple[str, bool] | None = None
        self.cursor = 0
        self.column = ""
        self.placed = False
        self.width = 0
        self._ascii = ascii
        self._wide = False
        self._columns: tuple[Column[Any], ...] = ()
        self._where: dict[Hashable, int] = {}
        self._places: tuple[Place, ...] = ()
        self._lines: dict[int, Strip] = {}

    def take(
        self,
        columns: Sequence[Column[Any]],
        rows: Sequence[Row],
        order: tuple[str, bool] | None,
        wide: bool,
        view: range,
    ) -> dict[int, int] | None:
        """Take other rows. Which of those in view look different, and how many cells of their
        lines it takes to say so; `None`: all of them do, everywhere.
        """
        old_rows, old_cursor = self.rows, self.cursor
        self._columns, self.rows, self.order, self._wide = tuple(columns), tuple(rows), order, wide
        self._where = {row.key: index for index, row in enumerate(self.rows)}
        self.cursor = follow(old_rows, old_cursor, self._where) if self.placed else 0
        if self._arrange(self.width):
            return None
        drawn, self._lines = self._lines, {}
        changed: dict[int, int] = {}
        for index in view:
            if end := self._changed_to(index, old_rows, old_cursor):
                changed[index] = end
            elif index in drawn:
                self._lines[index] = drawn[index]
        return changed

    def _changed_to(self, index: int, old_rows: Sequence[Row], old_cursor: int) -> int:
        """Where on this line the last cell that looks different ends; 0 where none does."""
        old = old_rows[index].cells if index < len(old_rows) else None
        cells = self.rows[index].cells if index < len(self.rows) else None
        moved = (index == old_cursor) is not (index == self.cursor)
        if old == cells and not moved:
            return 0
        if moved or old is None or cells is None or len(old) != len(cells):
            return self.width
        for place in reversed(self._places):
            if place.number < len(cells) and old[place.number] != cells[place.number]:
                return place.start + place.width
        return 0

    def resize(self, width: int) -> None:
        """Make the lines so wide."""
        if width != self.width:
            self._arrange(width)

    def _arrange(self, width: int) -> bool:
        """Give each column its place on lines of this width; whether anything moved."""
        keep = (self.order[0],) if self.order else ()
        found = places(self._columns, width, self._wide, keep)
        if found == self._places and width == self.width:
            return False
        self._places, self.width = found, width
        self._lines.clear()
        return True

    def forget(self, *indices: int) -> None:
        """Draw these rows anew when they are next asked for; without any, all of them."""
        for index in indices:
            self._lines.pop(index, None)
        if not indices:
            self._lines.clear()

    def header(self, palette: Palette) -> Strip:
        """The titles as a line."""
        return header_line(self._places, self.order, self.width, palette, self._ascii)

    def line(self, index: int, palette: Palette) -> Strip:
        """A row as a line; a blank one past the last row."""
        if index >= len(self.rows):
            return Strip.blank(self.width, palette.tones[""])
        line = self._lines.get(index)
        if line is None:
            current = self.current if index == self.cursor else None
            line = self._lines[index] = row_line(
                self._places,
                self.rows[index].cells,
                self.width,
                palette,
                cursor=index == self.cursor,
                current=current,
                ascii=self._ascii,
            )
        return line

    @property
    def key(self) -> Hashable:
        """Of the cursor's row; `None` where there are no rows."""
        return self.rows[self.cursor].key if self.rows else None

    @property
    def current(self) -> str | None:
        """The column of the cursor: the first one, where that which was chosen has no room."""
        keys = [place.key for place in self._places]
        return self.column if self.column in keys else keys[0] if keys else None

    def beside(self, step: int) -> str | None:
        """The column so many to the right of the current one, or the last on that side."""
        keys = [place.key for place in self._places]
        if not keys:
            return None
        return keys[max(0, min(keys.index(self.current or keys[0]) + step, len(keys) - 1))]

    def column_at(self, x: int) -> str | None:
        """The column that a cell of a line belongs to; the gap before a column is its own."""
        return next((p.key for p in self._places if x < p.start + p.width), None)

    def row_of(self, key: Hashable) -> int | None:
        """The number of the row with this key."""
        return self._where.get(key)

    def put(self, row: int, column: str | None = None) -> dict[int, int]:
        """Place the cursor on this row, or the last; what looks different for it, as of `take`."""
        if not self.rows:
            return {}
        before = (self.cursor, self.current)
        self.placed = True
        self.cursor = max(0, min(row, len(self.rows) - 1))
        self.column = column or self.column
        if before == (self.cursor, self.current):
            return {}
        changed = dict.fromkeys((before[0], self.cursor), self.width)
        self.forget(*changed)
        return changed
