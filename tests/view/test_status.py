"""The lines around the table: what they say in each state, and what they leave out first."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence

import pytest

from tui.model.frame import Cost, Frame
from tui.model.health import Level
from tui.model.pulse import Phase, Pulse
from tui.view import status
from tui.view.board import Look
from tui.view.filter import parse
from tui.view.services import COLUMNS
from tui.view.status import Shown
from tui.view.table import Cell

NOW = 1_700_000_000.0
SHOWN = Shown(rows=12, services=1400, window=60.0)
FRAME = Frame(NOW - 2, 60.0, "prometheus", scrape_interval=15.0, cost=Cost(7, 0.12, 48_000))
LIVE = Pulse(Phase.LIVE, NOW - 100, 5.0, 5.0, NOW + 3, None, NOW - 2)
FAILED = Pulse(
    Phase.FAILED, NOW - 47, 5.0, 5.0, NOW + 3.5, "Nobody listens at http://prometheus.", NOW - 50
)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def text(cells: Sequence[Cell]) -> str:
    return "".join(cell.text for cell in cells)


def state(pulse: Pulse, frame: Frame | None = FRAME, width: int = 200, now: float = NOW,
          shown: Shown = SHOWN) -> str:  # fmt: skip
    return text(status.fit(status.state(pulse, frame, shown, now), width))


def details(pulse: Pulse = LIVE, frame: Frame | None = FRAME, *notes: str, remark: str = "",
            width: int = 200) -> str:  # fmt: skip
    return text(status.details(pulse, frame, notes, remark, "prometheus http://p:9090", width))


def test_a_source_that_is_well_says_how_fresh_and_how_much() -> None:
    said = state(LIVE)
    assert said == "live · data 22:13:18 · 12 of 1400 services · window 1m · scrape 15s · every 5s"
    assert len(said) <= 80


def test_all_rows_are_not_counted_twice() -> None:
    assert "· 40 services ·" in state(LIVE, shown=Shown(40, 40, 60.0))
    assert "· 1 service ·" in state(LIVE, shown=Shown(1, 1, 60.0))


def test_nothing_changes_between_two_refreshes_of_a_source_that_is_well() -> None:
    assert {state(LIVE, now=NOW + second) for second in range(5)} == {state(LIVE)}


def test_what_should_have_come_long_ago_has_its_age_counted() -> None:
    assert "data 17s old" in state(LIVE, now=NOW + 15)
    assert "data 18s old" in state(LIVE, now=NOW + 16)


def test_a_past_instant_is_not_called_live() -> None:
    assert state(LIVE, shown=dataclasses.replace(SHOWN, past=True)).startswith("past · data 22:13")


def test_a_slow_source_says_how_often_in_place_of_how_often_was_wanted() -> None:
    slow = dataclasses.replace(LIVE, phase=Phase.SLOW, interval=8.0)
    assert state(slow).startswith("slow · data 22:13:18")
    assert "every 8s, not 5s" in state(slow)


def test_paused_it_says_since_when_and_nothing_that_moves() -> None:
    paused = dataclasses.replace(LIVE, phase=Phase.PAUSED, since=NOW - 1, next_at=None)
    assert state(paused).startswith("paused at 22:13:19")
    assert len({state(paused, now=NOW + second) for second in range(3600)}) == 1


def test_on_another_day_the_date_is_said() -> None:
    paused = dataclasses.replace(LIVE, phase=Phase.PAUSED, since=NOW, next_at=None)
    assert "paused at 2023-11-14 22:13:20" in state(paused, now=NOW + 86_400)


def test_a_lost_source_says_since_when_how_old_and_when_next() -> None:
    said = state(FAILED)
    assert said.startswith("failed since 22:12:33 · numbers 2s old")
    assert said.endswith("again in 3s") or "again in 3s ·" in said
    assert "trying again" in state(FAILED, now=NOW + 3)
    levels = {cell.level for cell in status.fit(status.state(FAILED, FRAME, SHOWN, NOW), 200)}
    assert Level.FAILING in levels


def test_before_the_first_frame_seconds_are_counted() -> None:
    starting = Pulse(Phase.STARTING, NOW - 3.2, 5.0, 5.0)
    assert state(starting, None) == "connecting 3s"
    assert status.waiting(starting, "demo", NOW) == "Connecting to demo… 3s"


def test_a_source_that_failed_from_the_start_has_its_sentence_and_the_next_try() -> None:
    said = status.waiting(FAILED, "prometheus", NOW)
    assert said == "Nobody listens at http://prometheus.\n\nprometheus: again in 3s."


def test_a_window_that_is_not_what_was_asked_for_is_named() -> None:
    short = dataclasses.replace(FRAME, window=20.0)
    assert "window 20s, not 1m" in state(LIVE, short)
    nearly = dataclasses.replace(FRAME, window=54.99)
    assert "window 1m ·" in state(LIVE, nearly)
    assert "window" not in state(LIVE, dataclasses.replace(FRAME, window=0.0)), "no second scrape"


def test_the_age_of_an_order_by_latency_is_said_only_if_it_is_not_of_now() -> None:
    old = dataclasses.replace(SHOWN, judged_at=NOW - 20)
    assert "latency of all 22:13:00" in state(LIVE, shown=old)
    fresh = dataclasses.replace(SHOWN, judged_at=FRAME.at)
    assert "latency" not in state(LIVE, shown=fresh)


@pytest.mark.parametrize("width", range(10, 130, 7))
@pytest.mark.parametrize("pulse", [LIVE, FAILED], ids=["live", "failed"])
def test_a_narrow_line_keeps_what_matters_most(pulse: Pulse, width: int) -> None:
    said = state(pulse, width=width)
    assert said.split(" · ")[0] in ("live", "failed since 22:12:33")
    essential = " · ".join(said.split(" · ")[:2])
    assert len(said) <= max(width, len(essential))


def test_the_cost_of_a_refresh_is_shown() -> None:
    assert details() == "prometheus http://p:9090 · 7 queries 120ms 48.0kB"


def test_one_query_is_one_query() -> None:
    one = dataclasses.replace(FRAME, cost=Cost(1, 0.5, 0))
    assert "1 query 500ms 0B" in details(LIVE, one)


def test_the_newest_warning_is_shown_and_how_many_there_are() -> None:
    warned = dataclasses.replace(FRAME, warnings=("The first.", "The second."))
    assert details(LIVE, warned).endswith("2 warnings: The second.")
    assert details(LIVE, warned, "A palette is bad.").endswith("3 warnings: A palette is bad.")


def test_a_long_warning_gives_way_to_the_source_and_says_how_to_read_it_all() -> None:
    warned = dataclasses.replace(FRAME, warnings=("word " * 60,))
    said = details(LIVE, warned, width=80)
    assert said.startswith("prometheus http://p:9090 · word")
    assert said.endswith("… (!: all)")
    assert len(said) == 80
    narrow = details(LIVE, warned, width=60)
    assert narrow.startswith("word")
    assert len(narrow) <= 60


def test_the_sentence_of_a_failure_comes_before_all_warnings() -> None:
    warned = dataclasses.replace(FRAME, warnings=("Something else.",))
    assert details(FAILED, warned) == "Nobody listens at http://prometheus."
    assert status.sentences(FAILED, warned, ["A note."]) == [
        "Something else.", "A note.", "Nobody listens at http://prometheus.",
    ]  # fmt: skip


def test_a_remark_comes_first_and_is_no_warning() -> None:
    cells = status.details(LIVE, FRAME, ["A note."], "Copied.", "p", 80)
    assert cells[-1] == Cell("Copied.")


def test_hostile_sentences_and_names_do_no_harm() -> None:
    evil = "\x1b]0;owned\x07\u202e" + "x" * 10_000
    warned = dataclasses.replace(FRAME, warnings=(evil,), source=evil)
    failed = dataclasses.replace(FAILED, error=evil)
    for said in (
        details(LIVE, warned),
        details(failed),
        text(status.details(LIVE, FRAME, (), evil, evil, 80)),
        status.waiting(failed, evil, NOW).replace("\n", ""),
        text(status.title(Look((evil,) * 9, filter=parse("a\x1bb", COLUMNS)), "1/2", 200)),
    ):
        assert said.isprintable()
        assert len(said) < 1000


def test_the_title_says_what_narrows_the_rows() -> None:
    look = Look(("a", "b", "c", "d"), filter=parse("err>1", COLUMNS), only_bad=True, at=NOW - 60)
    said = text(status.title(look, "3/12", 200))
    assert said == (
        "istiotop > services · in a, b, c and 1 more · only bad · filter err>1"
        " · as of 2023-11-14 22:12:20 · 3/12"
    )
    assert text(status.title(Look(), "", 80)) == "istiotop > services"


def test_the_hints_leave_out_the_middle_first() -> None:
    keys = [("/", "filter"), ("s", "sort"), ("x", "explain"), ("?", "help"), ("q", "quit")]
    assert text(status.hints(keys, 80)) == "/ filter  s sort  x explain  ? help  q quit"
    assert text(status.hints(keys, 40)) == "/ filter  s sort  ? help  q quit"
    assert text(status.hints(keys, 16)) == "? help  q quit"


def test_a_small_terminal_is_told_what_is_needed() -> None:
    assert status.too_small(50, 10, (60, 15)) == ("istiotop needs 60x15; this terminal is 50x10.")


@pytest.mark.parametrize(
    ("seconds", "said"), [(1, "1s"), (0.5, "0.5s"), (55.0022, "55s"), (60, "1m"), (90, "1m30s")]
)
def test_spans_read_as_they_are_set(seconds: float, said: str) -> None:
    assert status.span(seconds) == said
