"""The screen of services when there is nothing to show, and when something happens to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from tests.model.frames import Series, requests
from tests.model.hostile import NAMES
from tests.screens.screen import (
    Clock,
    Remembering,
    mesh,
    rows,
    running,
    service,
    services,
    text,
    until,
)
from tui.model import questions
from tui.model.frame import Frame, Presence, Table
from tui.sources.base import Reason, SourceError
from tui.widgets.grid import Grid


def lost() -> SourceError:
    return SourceError(Reason.UNREACHABLE, "Nobody listens at http://prometheus: is it up?")


def grid(pilot: Pilot[None]) -> Grid:
    return services(pilot).query_one(Grid)


def stale(pilot: Pilot[None]) -> bool:
    return grid(pilot)._stale


# What there is when there is nothing.


async def test_while_it_connects_it_says_to_what_and_for_how_long() -> None:
    clock, source = Clock(), Remembering(mesh())
    source.hold = asyncio.Event()
    async with running(source, clock=clock, first="Connecting to pretended… 0s") as pilot:
        clock.now += 3
        services(pilot)._tell()
        await until(pilot, "Connecting to pretended… 3s")
        source.hold.set()
        await until(pilot, "reviews")
        assert "Connecting" not in text(pilot)


async def test_a_source_that_fails_from_the_start_says_why_and_recovers() -> None:
    source = Remembering(mesh(), failures=[lost()])
    async with running(source, first="Nobody listens") as pilot:
        assert "Nobody listens at http://prometheus: is it up?" in text(pilot)
        assert "pretended: again in" in text(pilot) or "trying again" in text(pilot)
        await pilot.press("r")
        await until(pilot, "reviews")
        assert "Nobody listens" not in text(pilot)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("slash", *"zzz", "enter"), "No service of 4 matches zzz: esc clears the filter."),
        (
            ("slash", *"ratings", "enter", "b"),
            "No service of 4 matches ratings: esc clears the filter.",
        ),
    ],
)
async def test_why_no_row_is_left(keys: tuple[str, ...], said: str) -> None:
    async with running(Remembering(mesh())) as pilot:
        await pilot.press(*keys)
        assert said in text(pilot)
        assert "0 of 4 services" in text(pilot)


async def test_when_all_are_well_only_bad_rows_are_none() -> None:
    async with running(Remembering(service("ratings"))) as pilot:
        await pilot.press("b")
        assert "No service of 1 is failing or degraded: b shows them all." in text(pilot)


async def test_a_source_without_istio_says_so() -> None:
    async with running(Remembering([]), first="istio_requests_total") as pilot:
        assert "is this the Prometheus that scrapes the mesh" in text(pilot)


async def test_one_failed_table_keeps_the_last_rows_and_greys_them() -> None:
    class Partial(Remembering):
        broken = False

        async def poll(self, ask: object) -> Frame:
            found = await super().poll(ask)  # type: ignore[arg-type]
            if not self.broken:
                return found
            failed: Table[float] = Table((), {}, Presence.FAILED, "timed out")
            tables = {**found.tables, questions.SERVED: failed}
            return replace(found, tables=tables, warnings=("Requests timed out.",))

    source = Partial(mesh())
    async with running(source) as pilot:
        source.broken = True
        await pilot.press("r")
        await until(pilot, lambda _: stale(pilot))
        assert rows(text(pilot))[0] == "reviews"
        source.broken = False
        await pilot.press("r")
        await until(pilot, lambda _: not stale(pilot))


# What happens to it.


async def test_a_lost_source_leaves_the_last_numbers_grey_and_comes_back_by_itself() -> None:
    clock, source = Clock(), Remembering(mesh())
    async with running(source, clock=clock, refresh=1.0) as pilot:
        source.failures = [lost() for _ in range(1000)]
        clock.now += 47
        shown = await until(pilot, "failed since 22:14:07")
        assert stale(pilot)
        assert rows(shown)[0] == "reviews", "the last numbers stay"
        assert "old" in shown
        assert "Nobody listens at http://prometheus: is it up?" in shown
        await pilot.press("exclamation_mark")
        assert "Nobody listens" in text(pilot)
        await pilot.press("escape")
        source.failures = []
        await until(pilot, "live")
        assert not stale(pilot)
        assert "Nobody listens" not in text(pilot)


async def test_a_small_terminal_only_says_what_is_needed_and_grows_again() -> None:
    async with running(Remembering(mesh())) as pilot:
        await pilot.resize_terminal(50, 10)
        await until(pilot, "istiotop needs 60x15; this terminal is 50x10.")
        assert text(pilot).strip() == "istiotop needs 60x15; this terminal is 50x10."
        await pilot.resize_terminal(60, 15)
        shown = await until(pilot, "reviews")
        assert "needs" not in shown
        assert "live" in shown
        assert "q quit" in shown
        await pilot.resize_terminal(200, 60)
        await until(pilot, "UNREACHED")


async def test_hostile_names_are_shown_harmlessly_everywhere() -> None:
    series: list[Series] = []
    for name in NAMES:
        series += service(name, "default") if len(name) % 2 else service("x", name)
    async with running(Remembering(series), (80, 60)) as pilot:
        await until(pilot, "red")
        keys = ("x", "escape", "enter", "escape", "n", "escape", "y")
        for down in range(12):
            for key in keys:
                await pilot.press(key)
                shown = text(pilot).replace("\n", "")
                assert shown.isprintable(), ascii(shown)
            assert pilot.app.clipboard.isprintable(), down
            await pilot.press("j")


async def test_warnings_are_counted_and_read_in_full() -> None:
    long = "The source said something that no status line has room for. " * 3
    source = Remembering(mesh(), warnings=("One thing.", long))
    async with running(source, (80, 24)) as pilot:
        assert "2 warnings: The source said" in text(pilot)
        await pilot.press("exclamation_mark")
        shown = " ".join(text(pilot).replace("│", "").split())
        assert "One thing." in shown


async def test_a_theme_that_is_not_there_is_a_warning() -> None:
    async with running(Remembering(mesh()), theme="nosuch") as pilot:
        assert "There is no theme nosuch: t shows which there are." in text(pilot)
        assert pilot.app.theme == "istio-dark"


async def test_a_thin_line_gets_the_smallest_theme() -> None:
    async with running(Remembering(mesh()), low_bandwidth=True) as pilot:
        assert pilot.app.theme == "ansi"


@pytest.mark.parametrize("theme", ["textual-dark", "ansi-light", "high-contrast", "nord"])
async def test_every_kind_of_theme_can_be_worn(theme: str) -> None:
    async with running(Remembering(mesh()), theme=theme) as pilot:
        assert pilot.app.theme == theme
        await pilot.press("x", "escape", "slash", "a", "escape", "t", "j", "escape")
        assert rows(text(pilot))[0] == "reviews"


async def test_the_source_is_let_go_of_when_it_ends() -> None:
    source = Remembering(mesh())
    async with running(source):
        assert source.closed == 0
    assert source.closed == 1


async def test_it_ends_also_while_the_source_hangs() -> None:
    source = Remembering(mesh())
    source.hold = asyncio.Event()
    async with running(source, first="Connecting"):
        pass
    assert source.closed == 1


async def test_requests_without_buckets_have_means() -> None:
    source = Remembering([requests(10.0)])
    async with running(source, first="reviews") as pilot:
        await pilot.press("r")
        await until(pilot, lambda _: source.asks[-1].queries[-1].table == questions.DURATION_COUNT)
