"""The screen of services while all is well: its look, what it asks, and what narrows it."""

from __future__ import annotations

import asyncio

import pytest
from textual.pilot import Pilot

from tests.screens.screen import (
    NOW,
    PICTURES,
    SIZES,
    Clock,
    Remembering,
    mesh,
    picture,
    rows,
    running,
    service,
    services,
    text,
    until,
)
from tui.model import questions
from tui.widgets.grid import Grid
from tui.widgets.prompt import Prompt


def grid(pilot: Pilot[None]) -> Grid:
    return services(pilot).query_one(Grid)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_screen_looks_like_its_picture(size: tuple[int, int]) -> None:
    expected = (PICTURES / f"{size[0]}x{size[1]}.txt").read_text("utf-8")
    assert await picture(size) == expected


async def test_without_colour_it_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert await picture((80, 24)) == (PICTURES / "80x24.txt").read_text("utf-8")


async def test_in_ascii_every_character_is() -> None:
    async with running(Remembering(mesh(70)), (80, 24), ascii=True) as pilot:
        assert text(pilot).isascii()
        for key in ("x", "question_mark", "enter", "exclamation_mark", "s", "n", "w", "t"):
            await pilot.press(key)
            assert text(pilot).isascii(), text(pilot)
            await pilot.press("escape")


# What is asked.


async def test_latency_is_asked_of_the_rows_near_the_screen_and_others_say_so() -> None:
    source = Remembering(mesh(200))
    async with running(source, (80, 24)) as pilot:
        await until(pilot, lambda shown: "…" not in shown.splitlines()[3])
        assert len(source.asks) == 2, "one without latency, one with it"
        assert not [q for q in source.asks[0].queries if q.table == questions.DURATION]
        (query,) = (q for q in source.asks[1].queries if q.table == questions.DURATION)
        (names,) = (m for m in query.where if m.label == "destination_service_name")
        assert names.accepts("reviews")
        assert not names.accepts("team-000")


async def test_rows_that_come_into_view_are_asked_about() -> None:
    source = Remembering(mesh(200))
    async with running(source, (80, 24)) as pilot:
        await until(pilot, lambda shown: "…" not in shown.splitlines()[3])
        source.hold = asyncio.Event()
        await pilot.press("G")
        shown = text(pilot)
        assert "team-000" in shown
        last = next(line for line in shown.splitlines() if line.startswith("team-000"))
        assert last.split()[-4:-2] == ["…", "…"], "neither a number nor a lack of data"
        source.hold.set()
        await until(pilot, lambda shown: "…" not in shown)
        assert "team-000" in text(pilot)


async def test_of_few_services_everything_is_asked() -> None:
    source = Remembering(mesh())
    async with running(source) as pilot:
        await until(pilot, lambda shown: "…" not in shown)
        (query,) = (q for q in source.asks[-1].queries if q.table == questions.DURATION)
        assert not [m for m in query.where if m.label == "destination_service_name"]


async def test_a_source_that_needs_two_scrapes_is_asked_everything_from_the_first() -> None:
    source = Remembering(mesh(70), warm_up=5.0)
    async with running(source):
        assert [q for q in source.asks[0].queries if q.table == questions.DURATION]


async def test_sorting_by_latency_asks_for_all_now_and_then_and_says_of_when_it_is() -> None:
    clock, source = Clock(), Remembering(mesh(200))
    async with running(source, (80, 24), clock=clock) as pilot:
        await until(pilot, lambda shown: "…" not in shown.splitlines()[3])
        await pilot.press("<")  # the column left of health is p99
        await until(pilot, lambda shown: rows(shown)[0] == "team-199")
        asked = len(source.asks)
        clock.now += 10
        await pilot.press("r")
        shown = await until(pilot, "latency of all 22:13:")
        assert rows(shown)[0] == "team-199"
        assert narrowed(source, asked), "soon after, only the rows on screen"
        clock.now += 30
        await pilot.press("r")
        await until(pilot, lambda shown: "latency of all" not in shown)
        assert not narrowed(source, asked + 1), "and half a minute later all again"


def narrowed(source: Remembering, ask: int) -> bool:
    (query,) = (q for q in source.asks[ask].queries if q.table == questions.DURATION)
    return any(m.label == "destination_service_name" for m in query.where)


async def test_the_past_is_asked_once_and_fills_the_sparklines() -> None:
    source = Remembering(mesh(70))
    async with running(source) as pilot:
        await until(pilot, lambda shown: "▃" in shown)
        await pilot.press("r")
        await until(pilot, "22:13:22")
        assert source.pasts == 1


# What the user narrows.


async def test_the_filter_narrows_as_it_is_typed_and_a_wrong_one_leaves_the_last_good_one() -> None:
    async with running(Remembering(mesh()), (80, 24)) as pilot:
        await pilot.press("slash", *"ns:shop")
        assert rows(text(pilot)) == ["checkout", "search"]
        await pilot.press("space", *"err>x")
        shown = text(pilot)
        assert "x is not a number: write as in err>10." in shown.splitlines()[-1]
        assert services(pilot).board.look.filter.text == "ns:shop err"
        await pilot.press("enter")
        assert services(pilot).query_one(Prompt).display, "there is something to correct"
        await pilot.press("backspace", "1", "enter")
        assert rows(text(pilot)) == ["checkout"]
        assert "filter ns:shop err>1" in text(pilot).splitlines()[0]
        assert "/ filter" in text(pilot), "the hints are back"
        await pilot.press("escape")
        assert len(rows(text(pilot))) == 4


async def test_escape_gives_up_a_filter_while_it_is_typed() -> None:
    async with running(Remembering(mesh())) as pilot:
        await pilot.press("slash", *"nothing")
        assert "No service of 4 matches nothing: esc clears the filter." in text(pilot)
        await pilot.press("escape")
        assert len(rows(text(pilot))) == 4
        await pilot.press("j")
        assert grid(pilot).position == "2/4", "the table has the keys again"


async def test_several_namespaces_can_be_ticked_and_all_of_them_goes_with_no_other() -> None:
    source = Remembering(mesh(7))
    async with running(source, namespaces=("shop",)) as pilot:
        assert rows(text(pilot)) == ["checkout", "search"]
        await pilot.press("n")
        assert "[x] shop" in text(pilot)
        await pilot.press("k", "space")
        assert "[x] all namespaces" in text(pilot)
        assert "[ ] shop" in text(pilot)
        await pilot.press("enter")
        await until(pilot, "ratings")
        await pilot.press("n", "j", "space", "j", "space", "enter")
        assert services(pilot).board.look.scope == ("default", "ns-0")
        assert rows(text(pilot)) == ["reviews", "ratings", "team-000"]
        assert "in default, ns-0" in text(pilot)
        await until(pilot, lambda _: source.asks[-1].queries != source.asks[0].queries)
        assert any(m.accepts("ns-0") and not m.accepts("shop")
                   for m in source.asks[-1].queries[0].where)  # fmt: skip


async def test_a_window_under_four_scrapes_is_warned_of_and_taken_all_the_same() -> None:
    source = Remembering(mesh(), scrape_interval=15.0)
    async with running(source) as pilot:
        await pilot.press("w")
        assert "fewer than 4 scrapes (one every 15s)" in text(pilot)
        await pilot.press("g", "enter")
        shown = await until(pilot, "window 30s")
        assert "The window of 30s has fewer than 4 scrapes (one every 15s)" in shown
        assert source.asks[-1].window == 30


async def test_sorting_by_a_title_that_is_clicked_and_again_the_other_way() -> None:
    async with running(Remembering(mesh())) as pilot:
        header = next(line for line in text(pilot).splitlines() if "RPS" in line)
        for descending in (True, False):
            await pilot.click(Grid, offset=(header.index("RPS") + 1, 0))
            order = services(pilot).board.look.order
            assert (order.column, order.descending) == ("requests_per_second", descending)
        assert rows(text(pilot))[0] == "search"


async def test_the_cursor_follows_its_service() -> None:
    source = Remembering(mesh())
    async with running(source) as pilot:
        await pilot.press("j", "j")
        assert grid(pilot).cursor_key == questions.ServiceKey("service", "shop", "search")
        source.series = (*mesh()[:-9], *service("search", "shop", 500.0, bad=0.9))
        await pilot.press("r")
        await until(pilot, lambda shown: rows(shown)[0] == "search")
        assert grid(pilot).position.startswith("1/")


async def test_the_settings_decide_how_it_opens() -> None:
    async with running(
        Remembering(mesh()), filter="ns:shop", sort="rps:asc", window=300.0
    ) as pilot:
        assert rows(text(pilot)) == ["search", "checkout"]
        assert "window 5m" in text(pilot)


async def test_a_past_instant_is_named_and_asked_for() -> None:
    source = Remembering(mesh())
    async with running(source, at=NOW - 900, first="past") as pilot:
        assert "as of 2023-11-14 21:58:20" in text(pilot)
        assert source.asks[-1].at == NOW - 900
