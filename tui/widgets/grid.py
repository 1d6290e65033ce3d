"""A scrolling table that sends a terminal only the lines that changed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.view.table import Column, Row
from tui.widgets.palette import COMPONENTS, Palette, palette
from tui.widgets.sheet import Sheet

MARGIN: Final = 2
"""Rows that stay in view above and below the cursor while it moves."""


class Grid(ScrollView, can_focus=True, inherit_bindings=False):
    """A table with a fixed header, a cursor that follows its row's key, and a current column.

    It binds no keys: a screen binds them to its actions, as `focused.cursor_down` for instance.
    It has no scrollbar, which would be sent along with every changed line; `position` says where
    the cursor is. It must have neither padding nor border. `ascii` draws without the characters
    that old terminals lack.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    DEFAULT_CSS = "Grid { overflow: hidden hidden; height: 1fr; }"

    @dataclass
    class Chosen(Message):
        """A row was entered: by `action_choose`, a double click, or a click on the cursor."""

        grid: Grid
        key: Hashable

        @property
        def control(self) -> Grid:
            """The grid it happened in."""
            return self.grid

    @dataclass
    class Moved(Message):
        """The cursor is on another row or another column."""

        grid: Grid
        key: Hashable
        column: str | None

        @property
        def control(self) -> Grid:
            """The grid it happened in."""
            return self.grid

        def can_replace(self, message: Message) -> bool:
            """Only where the cursor is in the end matters."""
            return isinstance(message, Grid.Moved) and message.grid is self.grid

    @dataclass
    class Sorted(Message):
        """A column's title was clicked."""

        grid: Grid
        column: str

        @property
        def control(self) -> Grid:
            """The grid it happened in."""
            return self.grid

    @dataclass
    class Scrolled(Message):
        """Other lines of the table are in view: it was scrolled, or has another size."""

        grid: Grid

        @property
        def control(self) -> Grid:
            """The grid it happened in."""
            return self.grid

        def can_replace(self, message: Message) -> bool:
            """Once is enough."""
            return isinstance(message, Grid.Scrolled) and message.grid is self.grid

    def __init__(
        self, *, ascii: bool = False, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._sheet = Sheet(ascii)
        self._stale = False
        self._palette: Palette | None = None
        self._chosen_by_click = False

    def show(
        self,
        columns: Sequence[Column[Any]],
        rows: Sequence[Row],
        *,
        stale: bool = False,
        order: tuple[str, bool] | None = None,
        wide: bool = False,
    ) -> None:
        """Take these rows; only lines in view that look different are drawn again.

        `order` is the key of the column that the rows are sorted by, and whether it descends;
        `stale` greys everything; `wide` asks for the wide columns too. The lines in view stay
        put unless they would leave the cursor behind, once somebody has moved it.
        """
        sheet, view = self._sheet, self._in_view()
        key, titles = sheet.key, sheet.order
        led = sheet.placed and sheet.cursor in view
        changed = sheet.take(columns, rows, order, wide, view)
        if stale is not self._stale or changed is None:
            self._stale = stale
            self.notify_style_update()
            self.refresh()
        else:
            self._redraw(changed, header=order != titles)
        if len(rows) + 1 != self.virtual_size.height:
            # Its watchers would lay out and send the whole grid, 12 kB, when one row comes or goes.
            self.set_reactive(Grid.virtual_size, Size(self.size.width, len(rows) + 1))
            self._scroll(view.start)
        if led:
            self._reveal()
        if sheet.key != key:
            self.post_message(self.Moved(self, sheet.key, sheet.current))

    def _redraw(self, rows: Mapping[int, int], header: bool = False) -> None:
        """Draw these rows, so many cells of each: a line is always sent from its first cell on."""
        view = self._in_view()
        regions = [Region(0, 0, self.size.width, 1)] if header else []
        regions += [Region(0, 1 + y - view.start, x, 1) for y, x in rows.items() if y in view]
        if regions:
            self.refresh(*regions)

    def _in_view(self) -> range:
        """The rows, or places for rows, that the lines on the screen stand for."""
        top = self.scroll_offset.y
        return range(top, top + max(0, self.size.height - 1))

    def notify_style_update(self) -> None:
        """Forget every line that was drawn in other styles."""
        super().notify_style_update()
        self._palette = None
        self._sheet.forget()

    def render_line(self, y: int) -> Strip:
        """One line of the widget: the header, a row, or nothing under the last one."""
        if self._palette is None:
            self._palette = palette(self, self._stale)
        self._sheet.resize(self.size.width)
        if y == 0:
            return self._sheet.header(self._palette)
        return self._sheet.line(y - 1 + self.scroll_offset.y, self._palette)

    @property
    def cursor_key(self) -> Hashable:
        """The key of the row that the cursor is on; `None` where there are no rows."""
        return self._sheet.key

    @property
    def cursor_column(self) -> str | None:
        """The key of the current column; `None` where there are no columns."""
        return self._sheet.current

    @property
    def position(self) -> str:
        """Which row of how many the cursor is on, as `12/40`; nothing where there are none."""
        rows = len(self._sheet.rows)
        return f"{self._sheet.cursor + 1}/{rows}" if rows else ""

    def visible_keys(self, pages: float = 1.0) -> tuple[Hashable, ...]:
        """The keys of the rows on screen, and of those up to so many pages above and below."""
        view = self._in_view()
        more = round(len(view) * pages)
        rows = self._sheet.rows[max(0, view.start - more) : view.stop + more]
        return tuple(row.key for row in rows)

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on the row with this key and bring it into view, if there is one."""
        row = self._sheet.row_of(key)
        if row is not None:
            self._move(row)
        return row is not None

    def _move(self, row: int, column: str | None = None) -> None:
        if changed := self._sheet.put(row, column):
            self._redraw(changed)
            self.post_message(self.Moved(self, self.cursor_key, self.cursor_column))
        self._reveal()

    def _reveal(self) -> None:
        """Scroll no further than it takes to see the cursor and the margin around it."""
        view, cursor = self._in_view(), self._sheet.cursor
        margin = max(0, min(MARGIN, (len(view) - 1) // 2))
        lowest = max(0, cursor + margin + 1 - len(view))
        self._scroll(max(lowest, min(view.start, cursor - margin)))

    def _scroll(self, top: int) -> None:
        view = self._in_view()
        top = max(0, min(top, len(self._sheet.rows) - len(view)))
        if view and top != view.start:
            self.scroll_to(y=top, animate=False, force=True)

    @property
    def allow_vertical_scroll(self) -> bool:
        """Whether there is more than is in view: Textual would ask the scrollbar."""
        return self.max_scroll_y > 0

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw the other lines, and say so."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Scrolled(self))

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        if self._sheet.placed:
            self._reveal()
        self.post_message(self.Scrolled(self))

    def on_click(self, event: events.Click) -> None:
        """Sort by the title, go to the row, or enter the row that the cursor is on already."""
        sheet, line = self._sheet, self._in_view().start + event.y - 1
        column = sheet.column_at(event.x)
        if event.button != 1:
            return
        event.stop()
        if event.y == 0:
            if column is not None:
                self.post_message(self.Sorted(self, column))
        elif line < len(sheet.rows):
            there = sheet.placed and line == sheet.cursor and column in (None, sheet.current)
            again = event.chain > 1 and self._chosen_by_click
            self._move(line, column)
            self._chosen_by_click = there and not again
            if self._chosen_by_click:
                self.action_choose()

    def action_choose(self) -> None:
        """Enter the row that the cursor is on."""
        if self._sheet.rows:
            self._sheet.placed = True
            self.post_message(self.Chosen(self, self.cursor_key))

    def action_cursor_up(self) -> None:
        """Go one row up."""
        self._move(self._sheet.cursor - 1)

    def action_cursor_down(self) -> None:
        """Go one row down."""
        self._move(self._sheet.cursor + 1)

    def action_top(self) -> None:
        """Go to the first row."""
        self._move(0)

    def action_bottom(self) -> None:
        """Go to the last row."""
        self._move(len(self._sheet.rows) - 1)

    def action_page_up(self) -> None:
        """Go one page up."""
        self._turn(-1.0)

    def action_page_down(self) -> None:
        """Go one page down."""
        self._turn(1.0)

    def action_half_page_up(self) -> None:
        """Go half a page up."""
        self._turn(-0.5)

    def action_half_page_down(self) -> None:
        """Go half a page down."""
        self._turn(0.5)

    def _turn(self, pages: float) -> None:
        """Scroll so far and take the cursor along, so that it keeps its line on the screen."""
        rows = round(len(self._in_view()) * pages)
        self._scroll(self._in_view().start + rows)
        self._move(self._sheet.cursor + rows)

    def action_column_left(self) -> None:
        """Make the column to the left the current one."""
        self._move(self._sheet.cursor, self._sheet.beside(-1))

    def action_column_right(self) -> None:
        """Make the column to the right the current one."""
        self._move(self._sheet.cursor, self._sheet.beside(1))
