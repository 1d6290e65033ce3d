"""Every key of the list, pressed: it does what the list says."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from tests.screens.screen import Remembering, mesh, rows, running, services, text, until
from tui.commands import COMMANDS
from tui.screens.menu import Menu
from tui.screens.panel import Panel
from tui.view.board import Look
from tui.view.order import Order
from tui.widgets.grid import Grid

Check = Callable[[Pilot[None], str], Awaitable[None]]
ALL_KEYS = [(c.action, key) for c in COMMANDS for key in c.key.split(",")]


def grid(pilot: Pilot[None]) -> Grid:
    return services(pilot).query_one(Grid)


def look(pilot: Pilot[None]) -> Look:
    return services(pilot).board.look


def source(pilot: Pilot[None]) -> Remembering:
    found = pilot.app._source  # type: ignore[attr-defined]
    assert isinstance(found, Remembering)
    return found


def top(pilot: Pilot[None]) -> Screen[Any]:
    return pilot.app.screen


def at(row: int) -> Callable[[Pilot[None]], bool]:
    return lambda pilot: grid(pilot).position.startswith(f"{row}/")


def moves(start: tuple[str, ...], to: int) -> Check:
    async def check(pilot: Pilot[None], key: str) -> None:
        await pilot.press(*start, key)
        assert at(to)(pilot), grid(pilot).position

    return check


def turns(start: tuple[str, ...], back: bool) -> Check:
    async def check(pilot: Pilot[None], key: str) -> None:
        await pilot.press(*start)
        before = int(grid(pilot).position.split("/")[0])
        await pilot.press(key)
        after = int(grid(pilot).position.split("/")[0])
        assert after < before - 5 if back else after > before + 5

    return check


def column(start: tuple[str, ...], to: str) -> Check:
    async def check(pilot: Pilot[None], key: str) -> None:
        await pilot.press(*start, key)
        assert grid(pilot).cursor_column == to

    return check


def opens(kind: type[Screen[Any]], *words: str) -> Check:
    async def check(pilot: Pilot[None], key: str) -> None:
        await pilot.press(key)
        assert isinstance(top(pilot), kind)
        shown = text(pilot)
        for word in words:
            assert word in shown
        await pilot.press("escape")
        assert top(pilot) is services(pilot), "escape goes back"

    return check


async def back(pilot: Pilot[None], key: str) -> None:
    await pilot.press("slash", *"team-01", "enter")
    assert look(pilot).filter.text == "team-01"
    await pilot.press(key)
    assert look(pilot).filter.text == ""
    await pilot.press(key, key)
    assert pilot.app.is_running
    assert pilot.app.return_code is None, "escape never quits"


async def filters(pilot: Pilot[None], key: str) -> None:
    await pilot.press(key, *"err>1")
    assert rows(text(pilot)) == ["reviews", "checkout"]


async def reverses(pilot: Pilot[None], key: str) -> None:
    assert rows(text(pilot))[0] == "reviews"
    await pilot.press(key)
    assert look(pilot).order == Order("health", descending=False)
    assert rows(text(pilot))[0] == "team-000"
    await pilot.press(key)
    assert rows(text(pilot))[0] == "reviews"


def sorts(*start: str, to: Order) -> Check:
    async def check(pilot: Pilot[None], key: str) -> None:
        await pilot.press(*start, key)
        assert look(pilot).order == to

    return check


async def shows_all_namespaces(pilot: Pilot[None], key: str) -> None:
    await pilot.press("n", "j", "enter")
    assert look(pilot).scope == ("default",)
    assert rows(text(pilot)) == ["reviews", "ratings"]
    await pilot.press(key)
    assert look(pilot).scope == ()
    await until(pilot, "team-040")


async def shows_only_bad(pilot: Pilot[None], key: str) -> None:
    await pilot.press(key)
    assert rows(text(pilot)) == ["reviews", "checkout", "search"]
    assert "only bad" in text(pilot)
    await pilot.press(key)
    assert len(rows(text(pilot))) > 3


async def widens(pilot: Pilot[None], key: str) -> None:
    assert "UNREACHED" not in text(pilot)
    await pilot.press(key)
    assert "UNREACHED" in text(pilot)
    await pilot.press(key)
    assert "UNREACHED" not in text(pilot)


async def copies(pilot: Pilot[None], key: str) -> None:
    await pilot.press("g", key)
    assert pilot.app.clipboard == "reviews"
    assert "Copied reviews." in text(pilot)


async def pauses(pilot: Pilot[None], key: str) -> None:
    await pilot.press(key)
    await until(pilot, "paused at 22:13:20")
    asked = len(source(pilot).asks)
    await pilot.press(key)
    await until(pilot, "live")
    assert len(source(pilot).asks) > asked, "it goes on at once"


async def refreshes(pilot: Pilot[None], key: str) -> None:
    asked = len(source(pilot).asks)
    await pilot.press(key)
    await until(pilot, f"data 22:13:{19 + asked + 1}")
    assert len(source(pilot).asks) == asked + 1


def interval(shown: str) -> Check:
    async def check(pilot: Pilot[None], key: str) -> None:
        await pilot.press("minus", "minus")  # from 1 h to 60 s, then 30 s
        await until(pilot, "every 30s")
        await pilot.press(key)
        await until(pilot, f"every {shown}")

    return check


async def quits(pilot: Pilot[None], key: str) -> None:
    await pilot.press(key)
    assert pilot.app.return_code == 0


async def opens_palette(pilot: Pilot[None], key: str) -> None:
    await pilot.press(key)
    await until(pilot, "Search for commands")
    await pilot.press(*"only bad")
    await until(pilot, "Only bad rows (b)")
    await pilot.press("enter")
    await until(pilot, lambda shown: "only bad" in shown.splitlines()[0])
    assert look(pilot).only_bad


async def changes_theme(pilot: Pilot[None], key: str) -> None:
    before = pilot.app.theme
    await pilot.press(key, "j")
    await pilot.pause()
    assert pilot.app.theme != before, "it is seen before it is taken"
    await pilot.press("escape")
    assert pilot.app.theme == before
    await pilot.press(key, "j", "enter")
    assert pilot.app.theme != before


async def suspends(pilot: Pilot[None], key: str) -> None:
    await pilot.press(key)  # headless there is nothing to suspend: it must not fail
    assert pilot.app.is_running


DOES: dict[str, Check] = {
    "focused.cursor_down": moves((), 2),
    "focused.cursor_up": moves(("j", "j"), 2),
    "focused.column_left": column(("l", "l"), "namespace"),
    "focused.column_right": column((), "namespace"),
    "focused.top": moves(("G",), 1),
    "focused.bottom": moves((), 74),
    "focused.half_page_down": turns((), back=False),
    "focused.half_page_up": turns(("G",), back=True),
    "focused.page_down": turns((), back=False),
    "focused.page_up": turns(("G",), back=True),
    "focused.choose": opens(Panel, "reviews in default", "OUT/S", "UNREACHED"),
    "back": back,
    "filter": filters,
    "sort": opens(Menu, "Sort by", "> HEALTH", "4XX"),
    "sort_beside(-1)": sorts(to=Order("mtls_ratio", descending=True)),
    "sort_beside(1)": sorts("<", "<", to=Order("mtls_ratio", descending=True)),
    "reverse": reverses,
    "namespaces": opens(Menu, "Namespaces", "[x] all namespaces", "[ ] shop", "2 services"),
    "all_namespaces": shows_all_namespaces,
    "only_bad": shows_only_bad,
    "wide": widens,
    "window": opens(Menu, "Window", "> 1m", "  1h"),
    "explain": opens(Panel, "SERVICE of reviews in default"),
    "warnings": opens(Panel, "Warnings", "There are none."),
    "copy": copies,
    "app.pause": pauses,
    "app.refresh_now": refreshes,
    "app.interval(1)": interval("1m"),
    "app.interval(-1)": interval("15s"),
    "app.keys": opens(Panel, "Help", "Go one row down."),
    "app.command_palette": opens_palette,
    "app.themes": changes_theme,
    "app.suspend_process": suspends,
    "app.quit": quits,
}


def test_every_command_is_tried() -> None:
    assert {command.action for command in COMMANDS} == set(DOES)


@pytest.mark.parametrize(("action", "key"), ALL_KEYS, ids=[key for _, key in ALL_KEYS])
async def test_a_key_does_its_thing(action: str, key: str) -> None:
    async with running(Remembering(mesh(70))) as pilot:
        await until(pilot, lambda shown: "▃" in shown)
        await DOES[action](pilot, key)


async def test_the_palette_finds_a_command_by_its_key() -> None:
    async with running(Remembering(mesh())) as pilot:
        await pilot.press("colon")
        await until(pilot, "Search for commands")
        await pilot.press("q")
        await until(pilot, "Quit (q)")
        await pilot.press("enter")
        for _ in range(100):
            await pilot.pause()
            if pilot.app.return_code is not None:
                break
        assert pilot.app.return_code == 0


async def test_ctrl_c_quits_also_while_a_filter_is_typed_and_q_is_typed() -> None:
    async with running(Remembering(mesh())) as pilot:
        await pilot.press("slash", "q")
        assert pilot.app.return_code is None
        assert look(pilot).filter.text == "q"
        await pilot.press("ctrl+c")
        assert pilot.app.return_code == 0


async def test_copying_sends_osc_52_and_explain_copies_the_promql() -> None:
    async with running(Remembering(mesh())) as pilot:
        sent: list[str] = []
        driver = pilot.app._driver
        assert driver is not None
        driver.write = sent.append  # type: ignore[method-assign, assignment]
        await pilot.press("g", *"lll", "x")
        await pilot.press("y")
        assert pilot.app.clipboard.startswith("sum(rate(istio_requests_total")
        encoded = base64.b64encode(pilot.app.clipboard.encode()).decode()
        assert f"\x1b]52;c;{encoded}\a" in sent
        assert top(pilot) is services(pilot)
