"""The live screen on a pretended source, and what it shows as text.

`python -m tests.screens.screen` writes the pictures of `tests/data/screens` anew.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from textual.pilot import Pilot

from tests.model.frames import Series, buckets, frame, metric, requests
from tests.pretended import Pretended
from tui.app import IstioTop
from tui.model.frame import Ask, Frame
from tui.screens.services import ServicesScreen
from tui.settings import Settings
from tui.sources.base import SourceError

PICTURES: Final = Path(__file__).parents[1] / "data" / "screens"
SIZES: Final = ((80, 24), (120, 40), (200, 60))
NOW: Final = 1_700_000_000.0
"""14 November 2023, 22:13:20 UTC."""
RARELY: Final = 3600.0
"""An interval at which nothing happens but what a test asks for."""


def service(name: str, namespace: str = "default", rate: float = 10.0, bad: float = 0.0,
            slow: float = 1.0, code: str = "503") -> list[Series]:  # fmt: skip
    """A service with some requests per second, a share of which failed; `slow` scales latency."""
    labels = {"destination_service_name": name, "destination_service_namespace": namespace}
    spread = {str(10 * slow): rate / 2, str(100 * slow): rate, "+Inf": rate}
    return [
        requests(rate * (1 - bad), **labels),
        *([requests(rate * bad, **labels, response_code=code)] if bad else []),
        *buckets(spread, **labels),
        metric("istio_response_bytes_sum", rate * 1000, **labels),
    ]


def mesh(count: int = 0) -> list[Series]:
    """Four services of different health, and so many more that are well."""
    found = [
        *service("reviews", "default", 100.0, bad=0.2),
        *service("checkout", "shop", 50.0, bad=0.02),
        *service("ratings", "default", 25.0),
        *service("search", "shop", 5.0, bad=0.15, code="404"),
    ]
    for number in range(count):
        found += service(f"team-{number:03}", f"ns-{number % 7}", 1.0 + number, slow=1 + number)
    return found


class Remembering(Pretended):
    """A pretended source that also knows what was before, and is slow to say what a test holds."""

    def __init__(
        self,
        series: Iterable[Series],
        *,
        failures: Sequence[SourceError] = (),
        warnings: tuple[str, ...] = (),
        warm_up: float = 0.0,
        scrape_interval: float | None = None,
    ) -> None:
        super().__init__(tuple(series), warm_up, list(failures), warnings=warnings, at=NOW - 1)
        self.hold: asyncio.Event | None = None
        self.pasts = 0
        self.scrape_interval: float | None = scrape_interval

    async def poll(self, ask: Ask) -> Frame:
        """Wait as long as the test says."""
        if self.hold is not None:
            await self.hold.wait()
        return replace(await super().poll(ask), scrape_interval=self.scrape_interval)

    async def past(self, ask: Ask, start: float, end: float, step: float) -> list[Frame]:
        """Traffic that rose to what it is, again and again."""
        self.pasts += 1
        frames = []
        for number in range(round((end - start) / step)):
            share = (1 + number % 5) / 5
            series = [(labels, value * share) for labels, value in self.series]
            found = frame(*series, queries=ask.queries, window=ask.window)
            frames.append(replace(found, at=start + step * number))
        return frames


class Clock:
    """A time that moves when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def text(pilot: Pilot[None]) -> str:
    """What the terminal shows, line by line, without trailing blanks."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def services(pilot: Pilot[None]) -> ServicesScreen:
    """The screen of services, also while something is open above it."""
    (found,) = (s for s in pilot.app.screen_stack if isinstance(s, ServicesScreen))
    return found


async def until(pilot: Pilot[None], shown: str | Callable[[str], bool]) -> str:
    """The text of the screen once it is as wanted; a failure if it never is."""
    wanted = (lambda found: shown in found) if isinstance(shown, str) else shown
    for _ in range(500):
        await pilot.pause()
        if wanted(found := text(pilot)):
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"not shown: {shown}\n{text(pilot)}")


@asynccontextmanager
async def running(
    source: Pretended,
    size: tuple[int, int] = (120, 40),
    first: str | None = "data ",
    clock: Callable[[], float] = lambda: NOW,
    **settings: object,
) -> AsyncIterator[Pilot[None]]:
    """The program, headless, as soon as it shows `first`."""
    wanted = Settings(**{"refresh": RARELY, **settings})  # type: ignore[arg-type]
    app = IstioTop(wanted, source, clock=clock)
    async with app.run_test(size=size) as pilot:
        if first is not None:
            await until(pilot, first)
        yield pilot


def rows(shown: str) -> list[str]:
    """The first word of each row of the table."""
    lines = shown.splitlines()[2:-3]
    return [line.split()[0] for line in lines if line.strip() and not line.startswith(" ")]


def _complete(shown: str) -> bool:
    """Whether latency and history have come."""
    return "…" not in shown.splitlines()[3] and "▃" in shown


async def picture(size: tuple[int, int]) -> str:
    """The screen of a mesh with more services than fit."""
    async with running(Remembering(mesh(70)), size, first="ns-6") as pilot:
        await until(pilot, _complete)
        return text(pilot)


async def _draw() -> None:
    for width, height in SIZES:
        shown = await picture((width, height))
        (PICTURES / f"{width}x{height}.txt").write_text(shown, "utf-8")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.run(_draw())
