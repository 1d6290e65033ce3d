"""A table to draw: columns like the services', rows with every level, and an app that shows it.

`python -m tests.widgets.tables` writes the pictures of `tests/data/grid` anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from rich.style import Style
from textual.app import App, ComposeResult
from textual.message import Message

from tui.model.health import Level
from tui.theme import variable_defaults
from tui.view.spark import spark
from tui.view.table import Cell, Column, Row
from tui.widgets.grid import Grid
from tui.widgets.palette import TONES, Palette

ROOT: Final = Path(__file__).parents[2]
PICTURES: Final = ROOT / "tests" / "data" / "grid"
WIDTHS: Final = (60, 80, 120, 200)


def column(key: str, title: str, width: int, **more: Any) -> Column[None]:
    return Column(key, title, width, lambda _: None, lambda _: Cell(""), "", **more)


COLUMNS: Final = (
    column("service", "SERVICE", 16, align="left", flexible=True),
    column("namespace", "NAMESPACE", 10, align="left", flexible=True, drop=2),
    column("history", "REQUESTS", 10, flexible=True, drop=1, crop="start"),
    column("rps", "RPS", 6),
    column("error", "ERR", 6),
    column("unreached", "UNREACHED", 9, drop=11, wide=True),
    column("p50", "P50", 7, drop=7),
    column("p95", "P95", 7, drop=5),
    column("p99", "P99", 7),
    column("bytes", "BYTES/S", 7, drop=8),
    column("mtls", "MTLS", 5, drop=9),
    column("health", "HEALTH", 10, align="left"),
)

_LINES: Final = (
    ("reviews", "prod", Level.FAILING, "861", "12.4%"),
    ("checkout", "istio-system", Level.DEGRADED, "11", "0.31%"),
    ("payments-api-v2-canary", "prod", Level.HEALTHY, "1.2k", "0%"),
    ("日本語サービス", "prod", Level.HEALTHY, "346", "0%"),
    ("cafe\u0301", "staging", Level.HEALTHY, "8", "0%"),
    ("legacy-batch", "staging", Level.IDLE, "0", "–"),
    ("outside.example.org", "unknown", Level.UNKNOWN, "–", "–"),
)


def sample() -> list[Row]:
    """One row of each level, and names that are long, wide or combining."""
    return [
        Row(
            name,
            (
                Cell(name), Cell(namespace, dim=True),
                Cell(spark([None, *((number * step) % 7 for step in range(40))])),
                Cell(rate), Cell(errors, level if level.rank < 2 else None), Cell("0", dim=True),
                Cell("4.1ms"), Cell("12ms"), Cell("~88ms", dim=True), Cell("12.3kB"),
                Cell("100%", dim=True),
                Cell(f"{level.mark} {level.value}", level),
            ),
        )
        for number, (name, namespace, level, rate, errors) in enumerate(_LINES, 1)
    ]  # fmt: skip


def plain_rows(keys: Iterable[object], version: int = 0) -> list[Row]:
    """A row for each key, whose first number is the version."""
    return [Row(key, (Cell(f"row {key}"), Cell(str(version)), Cell("x"))) for key in keys]


FEW: Final = (
    column("name", "NAME", 10, align="left", flexible=True),
    column("version", "VERSION", 7),
    column("last", "LAST", 6),
)

PLAIN: Final = Palette(
    Style(bold=True),
    Style(bold=True, underline=True),
    {tone: Style(color=f"color({number})") for number, tone in enumerate(("", *TONES), 1)},
    {
        tone: Style(color=f"color({number})", bgcolor="color(8)")
        for number, tone in enumerate(("", *TONES), 1)
    },
    Style(underline=True),
)


class GridApp(App[None]):
    """A grid alone on the screen, in the program's stylesheet; it writes down what it is told."""

    CSS_PATH = ROOT / "tui" / "app.tcss"

    def __init__(self, ascii: bool = False) -> None:
        super().__init__()
        self.grid = Grid(ascii=ascii)
        self.told: list[Message] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults(self.current_theme)

    def compose(self) -> ComposeResult:
        yield self.grid

    def on_grid_chosen(self, message: Grid.Chosen) -> None:
        self.told.append(message)

    def on_grid_moved(self, message: Grid.Moved) -> None:
        self.told.append(message)

    def on_grid_sorted(self, message: Grid.Sorted) -> None:
        self.told.append(message)

    def on_grid_scrolled(self, message: Grid.Scrolled) -> None:
        self.told.append(message)

    def heard(self) -> list[tuple[object, ...]]:
        """What it was told since the last time: the message's name and what it says."""
        heard: list[tuple[object, ...]] = []
        for message in self.told:
            match message:
                case Grid.Chosen(key=key):
                    heard.append(("Chosen", key))
                case Grid.Moved(key=key, column=current):
                    heard.append(("Moved", key, current))
                case Grid.Sorted(column=title):
                    heard.append(("Sorted", title))
                case _:
                    heard.append((type(message).__name__,))
        self.told.clear()
        return heard


def drawn(grid: Grid) -> list[str]:
    """The lines of the grid as text."""
    return [grid.render_line(y).text for y in range(grid.size.height)]


async def picture(width: int, *, ascii: bool = False, wide: bool = False) -> str:
    """The sample at this width, a bar at the end of each line."""
    app = GridApp(ascii)
    async with app.run_test(size=(width, 9)) as pilot:
        app.grid.show(COLUMNS, sample(), order=("rps", True), wide=wide)
        await pilot.pause()
        return "".join(f"{line}|\n" for line in drawn(app.grid))


async def _write() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        (PICTURES / f"{width}.txt").write_text(await picture(width), "utf-8")
    (PICTURES / "80-ascii.txt").write_text(await picture(80, ascii=True), "utf-8")
    (PICTURES / "120-wide.txt").write_text(await picture(120, wide=True), "utf-8")


if __name__ == "__main__":
    asyncio.run(_write())
