from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

import pyte
import pytest
from rich.cells import cell_len
from textual import constants
from textual.drivers.headless_driver import HeadlessDriver

from tests.widgets.tables import COLUMNS, GridApp, sample
from tui.model.health import Level
from tui.view.table import Cell, Row
from tui.widgets.grid import Grid

WIDTH, HEIGHT = 110, 12


class Terminal:
    """A terminal in memory that a headless app writes to."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.Stream(self.screen)
        self.bytes = 0

    def write(self, _driver: HeadlessDriver, data: str) -> None:
        self.bytes += len(data.encode())
        self._stream.feed(data)

    def shows(self, y: int) -> list[tuple[str, str, bool]]:
        """The characters of a line, each with its colour and whether it is underlined."""
        line = self.screen.buffer[y]
        cells = (line[x] for x in range(WIDTH))
        return [(c.data, c.fg, c.underscore) for c in cells if c.data]


def wanted(grid: Grid, y: int) -> list[tuple[str, str, bool]]:
    """What `Terminal.shows` should say of a line of the grid."""
    found: list[tuple[str, str, bool]] = []
    for text, style, _ in grid.render_line(y):
        assert style
        assert style.color
        colour = style.color.get_truecolor().hex[1:]
        composed = unicodedata.normalize("NFC", text)  # as pyte does with combining characters
        found += [(character, colour, bool(style.underline)) for character in composed]
    return found


def assert_the_same(terminal: Terminal, grid: Grid) -> None:
    for y in range(HEIGHT):
        shown, due = terminal.shows(y), wanted(grid, y)
        assert "".join(c for c, _, _ in shown) == "".join(c for c, _, _ in due)
        for seen, want in zip(shown, due, strict=True):
            if not want[0].isspace() or want[2]:
                assert seen == want, y


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(HeadlessDriver, "is_headless", property(lambda _: False))
    monkeypatch.setattr(HeadlessDriver, "write", lambda d, data: terminal.write(d, data))
    monkeypatch.setattr(constants, "COLOR_SYSTEM", "truecolor")
    return terminal


def varied(rng: random.Random, rows: list[Row], share: float) -> list[Row]:
    """The rows with some cells changed, some rows gone, new or elsewhere."""
    found: list[Row] = []
    for row in rows:
        cells = list(row.cells)
        for number in range(len(cells)):
            if rng.random() < share:
                text = rng.choice(("", "–", "日本", f"{rng.random():.2f}", "a" * 30))
                cells[number] = Cell(text, rng.choice((None, *Level)), rng.random() < 0.3)
        found.append(Row(row.key, tuple(cells)))
    if rng.random() < 0.3:
        rng.shuffle(found)
    if rng.random() < 0.3:
        del found[rng.randrange(len(found)) :]
    return found or rows


@pytest.mark.parametrize("seed", range(6))
async def test_after_any_changes_the_terminal_shows_the_table(
    terminal: Terminal, seed: int
) -> None:
    rng = random.Random(seed)
    app = GridApp()
    start = [Row((n, row.key), row.cells) for n in range(4) for row in sample()]
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        grid, rows = app.grid, start
        grid.show(COLUMNS, rows)
        await pilot.pause()
        moves: tuple[Callable[[], object], ...] = (
            grid.action_cursor_down, grid.action_cursor_up, grid.action_page_down,
            grid.action_column_right, grid.action_column_left, grid.action_top,
            grid.action_bottom, lambda: grid.scroll_to(y=rng.randrange(20), animate=False),
        )  # fmt: skip
        for _ in range(30):
            if rng.random() < 0.5:
                rng.choice(moves)()
            if rng.random() < 0.8:
                rows = varied(rng, rows if len(rows) > 5 else start, rng.choice((0.02, 0.1, 0.5)))
                order = rng.choice((None, ("rps", True), ("service", False)))
                grid.show(COLUMNS, rows, order=order, stale=rng.random() < 0.1)
            await pilot.pause()
            assert_the_same(terminal, grid)


async def test_nothing_is_written_when_nothing_looks_different(terminal: Terminal) -> None:
    app = GridApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.grid.show(COLUMNS, sample(), order=("rps", True))
        await pilot.pause()
        assert_the_same(terminal, app.grid)
        before = terminal.bytes
        assert before > cell_len(terminal.screen.display[1])
        app.grid.show(COLUMNS, sample(), order=("rps", True))
        await pilot.pause()
        assert terminal.bytes == before
