"""The screen of services: the table, what narrows it, and what the user is looking at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import cast

from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen

from tui.commands import COMMANDS, bindings
from tui.model.frame import Ask, Frame
from tui.model.pulse import Phase, Pulse
from tui.model.questions import ServiceKey
from tui.model.text import plain
from tui.screens import choices
from tui.screens.captions import Captions
from tui.screens.menu import Menu, choose
from tui.screens.panel import Panel
from tui.view import explain
from tui.view.board import Board, Look
from tui.view.filter import FilterError, parse
from tui.view.layout import fit
from tui.view.services import COLUMNS, Line
from tui.view.status import span
from tui.view.table import Column
from tui.widgets.grid import Grid
from tui.widgets.prompt import Prompt

_COLUMN = {column.key: column for column in COLUMNS}


class ServicesScreen(Screen[None], inherit_bindings=False):
    """Every service with its golden signals. It asks for nothing itself: `ask` says what it needs.

    `source` is the name to show, `clock` is Unix time.
    """

    BINDINGS = bindings(COMMANDS)
    AUTO_FOCUS = "Grid"

    class Wanted(Message):
        """The screen shows something that the source was not asked for yet."""

    def __init__(
        self, board: Board, source: str, clock: Callable[[], float], *, ascii: bool = False
    ) -> None:
        super().__init__()
        self.board = board
        self.captions = Captions(source, ascii=ascii)
        self._clock = clock
        self._pulse = Pulse(Phase.STARTING, clock(), board.interval, board.interval)
        self._answered = False
        self._lines: dict[ServiceKey, Line] = {}
        self._grid = Grid(ascii=ascii)
        self._prompt = Prompt(self._narrow)

    def compose(self) -> ComposeResult:
        """The table between the lines that say what it is."""
        captions = self.captions
        yield captions.title
        yield self._grid
        yield captions.state
        yield captions.details
        yield self._prompt
        yield captions.hints
        yield captions.cover

    def on_mount(self) -> None:
        """Say what there is before there is data, and keep the time up to date."""
        self._tell()
        self.set_interval(1.0, self._tell)

    # What the app brings.
    def ask(self) -> Ask:
        """What the source is to be asked for what is on the screen."""
        return self.board.ask(self._keys(pages=1), self._clock())

    def show_answer(self) -> None:
        """Show what the board has taken; of the first rows the latency is still to be asked."""
        self._draw()
        if not self._answered:
            self._answered = True
            self._want_if_missing()

    def beat(self, pulse: Pulse) -> None:
        """Show how the refreshing is doing."""
        was_stale, self._pulse = self._stale, pulse
        self.board.interval = pulse.interval
        if self._stale is not was_stale:
            self._draw()
        self._tell()

    def remember(self, frames: Sequence[Frame]) -> None:
        """Show what the source remembers from before the first frame."""
        self.board.remember(frames)
        self._draw()

    def say(self, sentence: str) -> None:
        """Show a remark for a moment."""
        self.captions.say(sentence, self._clock())
        self._tell()

    # Drawing.
    @property
    def _stale(self) -> bool:
        return self._pulse.phase is Phase.FAILED or self.board.failed

    def _keys(self, pages: float) -> Collection[ServiceKey]:
        """The rows on the screen, and so many pages above and below."""
        return cast("Collection[ServiceKey]", self._grid.visible_keys(pages))

    def _draw(self) -> None:
        """Show the rows; those that only come near the screen by it get their sparklines too."""
        board, order = self.board, self.board.look.order
        lines = board.lines()
        self._lines = {line.service.key: line for line in lines}
        near: set[ServiceKey] = set()
        while not near.issuperset(seen := self._keys(pages=1)) or not near:
            near.update(seen)
            self._grid.show(
                COLUMNS, board.rows(lines, near), stale=self._stale,
                order=(order.column, order.descending), wide=board.look.wide,
            )  # fmt: skip
            if not self._keys(pages=1):
                break  # no rows, or no room for a single one
        self._tell()

    def _tell(self) -> None:
        rows, position = len(self._lines), self._grid.position
        self.captions.tell(self.board, self._pulse, rows, position, self._clock())

    def on_resize(self) -> None:
        """Other words have room, or the table has none at all."""
        self._draw()

    def on_grid_scrolled(self) -> None:
        """Rows that came into view may lack what nobody asked for."""
        self._draw()
        self._want_if_missing()

    def on_grid_moved(self) -> None:
        """Say which row it is."""
        self._tell()

    def _want_if_missing(self) -> None:
        if self.board.frame is not None and not all(map(self.board.asked, self._keys(pages=0))):
            self.post_message(self.Wanted())

    def _look(self, look: Look) -> None:
        """Look another way, and ask for what that takes."""
        before = self.board.look
        self.board.look_at(look)
        self._draw()
        if (look.scope, look.window) != (before.scope, before.window) or (
            look.by_latency and not before.by_latency
        ):
            self.post_message(self.Wanted())
        else:
            self._want_if_missing()

    # What the user asks for.
    def action_back(self) -> None:
        """Give up the filter: the one being typed, or the one in force."""
        self._leave_prompt()
        if self.board.look.filter.text:
            self._look(replace(self.board.look, filter=parse("", COLUMNS)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Whether a key may do this: while a filter is typed, `/` is a letter of it."""
        return action != "filter" or not self._prompt.typing

    def action_filter(self) -> None:
        """Type a filter."""
        self.captions.hints.display = False
        self._prompt.ask(self.board.look.filter.text)

    def _leave_prompt(self) -> None:
        self._prompt.leave()
        self.captions.hints.display = True
        self._grid.focus()

    def _narrow(self, text: str) -> str:
        """Filter by this text; or else what is wrong with it, and the last good one stays."""
        try:
            found = parse(text, COLUMNS)
        except FilterError as error:
            return str(error)
        self._look(replace(self.board.look, filter=found))
        return ""

    def on_prompt_left(self) -> None:
        """Go back to the table."""
        self._leave_prompt()

    def action_sort(self) -> None:
        """Choose the column to sort by."""
        menu = Menu("Sort by", choices.columns(), [self.board.look.order.column])
        choose(self.app, menu, self._sort_by)

    def _sort_by(self, taken: tuple[str, ...]) -> None:
        if taken[0] != self.board.look.order.column:
            self._look(self.board.look.sorted_by(taken[0]))

    def on_grid_sorted(self, event: Grid.Sorted) -> None:
        """Sort by the title that was clicked; by the same one, the other way round."""
        self._look(self.board.look.sorted_by(event.column))

    def action_sort_beside(self, step: int) -> None:
        """Sort by the column so many to the right."""
        look = self.board.look
        shown = [c.key for c, _ in fit(COLUMNS, self._grid.size.width, look.wide)]
        self._look(look.sorted_beside(step, shown))

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._look(self.board.look.reversed())

    def action_namespaces(self) -> None:
        """Choose the namespaces to show."""
        look = self.board.look
        entries = choices.namespaces(self.board.namespaces, look)
        chosen = look.scope or [choices.ALL]
        menu = Menu("Namespaces", entries, chosen, many=True, alone=choices.ALL)
        choose(self.app, menu, self._show_namespaces)

    def _show_namespaces(self, taken: tuple[str, ...]) -> None:
        scope = () if choices.ALL in taken else taken
        self._look(replace(self.board.look, scope=scope))

    def action_all_namespaces(self) -> None:
        """Show every namespace."""
        self._show_namespaces((choices.ALL,))

    def action_only_bad(self) -> None:
        """Show only what is failing or degraded, or all again."""
        self._look(replace(self.board.look, only_bad=not self.board.look.only_bad))

    def action_wide(self) -> None:
        """Show the wide columns too, or no longer."""
        self._look(replace(self.board.look, wide=not self.board.look.wide))

    def action_window(self) -> None:
        """Choose the time that rates are averaged over."""
        window = self.board.look.window
        entries = choices.windows(window, self._scrape_interval)
        choose(self.app, Menu("Window", entries, [str(window)]), self._average_over)

    def _average_over(self, taken: tuple[str, ...]) -> None:
        window = float(taken[0])
        if warning := choices.too_short(window, self._scrape_interval):
            self.say(f"The window of {span(window)} has {warning}.")
        self._look(replace(self.board.look, window=window))

    @property
    def _scrape_interval(self) -> float | None:
        return self.board.frame.scrape_interval if self.board.frame else None

    def _cell(self) -> tuple[Column[Line], Line] | None:
        """The column and the row that the cursor is in."""
        line = self._lines.get(cast("ServiceKey", self._grid.cursor_key))
        column = _COLUMN.get(self._grid.cursor_column or "")
        if column is None or line is None:
            return None
        return column, Line(line.service, self.board.history(line.service.key))

    def action_explain(self) -> None:
        """Say what the cell means and where it comes from."""
        if (found := self._cell()) and self.board.frame:
            column, line = found
            asked = self.board.asked(line.service.key)
            passages = explain.cell(column, line, asked, self.board.frame)
            query = explain.promql(column, line)
            title = f"{column.title} of {explain.name(line)}"
            self.app.push_screen(Panel(title, passages, copies=query))

    def on_grid_chosen(self) -> None:
        """Show everything about the row."""
        if found := self._cell():
            line = found[1]
            passages = explain.row(COLUMNS, line, self.board.asked(line.service.key))
            self.app.push_screen(Panel(explain.name(line), passages))

    def action_warnings(self) -> None:
        """Show every warning in full."""
        sentences = self.captions.sentences(self.board, self._pulse) or ["There are none."]
        passages = [explain.Passage("", sentence) for sentence in sentences]
        self.app.push_screen(Panel("Warnings", passages))

    def action_copy(self) -> None:
        """Copy what the cell shows."""
        if found := self._cell():
            column, line = found
            text = column.cell(line).text
            self.app.copy_to_clipboard(text)
            self.say(f"Copied {plain(text, 40)}.")
