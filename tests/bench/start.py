"""Start-up: the words that need no screen, and the time until something stands on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from tests import terminal
from tests.bench.figures import Figure, timed

RUNS = 5


def _words() -> Iterator[Figure]:
    def seconds(*arguments: str) -> float:
        def run() -> None:
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)

        return timed(run, RUNS)

    bare = seconds("-c", "pass")
    for flag in ("--help", "--version"):
        took = seconds("-m", "tui", flag)
        yield Figure(f"istiotop {flag}", took * 1e3, "ms", 100, took / bare, "a bare interpreter")


def _label() -> float:
    """Seconds until Textual shows a single label: the least that any screen of its can take."""
    code = (
        "from textual.app import App; from textual.widgets import Label\n"
        "class One(App):\n"
        "    def compose(self): yield Label('here')\n"
        "One().run()"
    )
    with terminal.running(["-c", code], module=False) as screen:
        return screen.until("here")


def _paint() -> Iterator[Figure]:
    label = median(_label() for _ in range(RUNS))
    paints, rows, sizes = [], [], []
    for _ in range(RUNS):
        with terminal.running(["demo"], (120, 40)) as screen:
            paints.append(screen.until(lambda text: bool(text.strip())))
            rows.append(screen.until("productpage"))
            sizes.append(len(screen.written))
    paint = median(paints)
    against = "an app of one Label"
    yield Figure("first paint, demo, 120x40", paint * 1e3, "ms", 350, paint / label, against)
    first = median(rows)
    yield Figure("first rows, demo, 120x40", first * 1e3, "ms", 0, first / label, against)
    yield Figure("bytes until the first full screen", median(sizes) / 1e3, "kB", 100)


def figures() -> Iterator[Figure]:
    """All of them."""
    yield from _words()
    yield from _paint()
