"""What the live screen costs: bytes and CPU per refresh, keys, pauses, memory; in a real pty."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from tests import terminal
from tests.bench.figures import Figure, percentile

SIZE = (120, 40)


def _steady(screen: terminal.Terminal, seconds: float) -> tuple[float, float]:
    """Bytes and CPU seconds per second, while nobody touches anything."""
    cpu, began = screen.cpu, time.monotonic()
    written = screen.read(seconds)
    spent = time.monotonic() - began
    return written / spent, (screen.cpu - cpu) / spent


def refreshing(url: str) -> Iterator[Figure]:
    """At 200 services and 5 s, every number changing; then the same screen paused."""
    with terminal.running(["--prometheus", url, "--refresh", "5s"], SIZE) as screen:
        screen.until("team-")
        screen.read(12)
        written, cpu = _steady(screen, 25)
        yield Figure("bytes per refresh, every number changing", written * 5 / 1e3, "kB", 16)
        yield Figure("CPU at 5 s, 200 services, 120x40", cpu * 100, "% of a core", 3)
        screen.press("p")
        screen.until("paused")
        screen.read(2)
        written, cpu = _steady(screen, 10)
        yield Figure("paused: bytes", written, "B/s", 0.01)
        yield Figure("paused: CPU", cpu * 100, "% of a core", 0.5)
        screen.press("q")
        screen.end()


def quiet(url: str) -> Iterator[Figure]:
    """Refreshes between two scrapes, when hardly a number has changed."""
    with terminal.running(["--prometheus", url, "--refresh", "1s"], SIZE) as screen:
        screen.until("team-")
        screen.read(6)
        sizes = [screen.read(1.0) for _ in range(10)]
        yield Figure(
            "bytes per refresh, no scrape between (median of 10)", median(sizes) / 1e3, "kB", 3
        )
        screen.press("q")
        screen.end()


def busy(url: str) -> Iterator[Figure]:
    """With 1,000 services: first data, keys while refreshes are in flight, memory."""
    with terminal.running(["--prometheus", url, "--refresh", "1s"], SIZE) as screen:
        yield Figure("first real data, 1,000 services", screen.until("team-") * 1e3, "ms", 1200)
        screen.read(5)
        taken = []
        for number in range(60):
            screen.read(0.13)
            began = time.monotonic()
            size = len(screen.written)
            screen.press("j" if number % 40 < 30 else "k")
            while len(screen.written) == size:
                screen.read(0.001)
            taken.append(time.monotonic() - began)
        worst = percentile(taken, 0.95)
        yield Figure("key to paint, p95, refreshes in flight", worst * 1e3, "ms", 50)
        screen.press("q")
        screen.end()
    with terminal.running(["--prometheus", url, "--refresh", "5s"], SIZE) as screen:
        screen.until("team-")
        screen.read(30)
        yield Figure("memory, 1,000 services, history seeded", screen.memory / 1e6, "MB", 100)
        screen.press("q")
        screen.end()
