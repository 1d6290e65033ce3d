"""The loop that asks: when it asks, what it says of itself, and what does not end it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from tui.model.frame import Ask, Cost, Frame
from tui.model.pulse import Phase, Pulse
from tui.poller import Poller, Recall, wait
from tui.sources.base import Reason, SourceError

START = 1_000_000.0
Answer = float | SourceError | Exception
"""Seconds that a poll takes, or how it fails."""


class Over(BaseException):
    """Ends a script: nothing in the loop may catch it."""


class Stage:
    """A source, a clock and a sleep, all scripted; time passes only by polling and sleeping."""

    name = "staged"

    def __init__(self, *answers: Answer, least: float = 0.0, warm_up: float = 0.0) -> None:
        self.answers = list(answers)
        self.least_interval = least
        self.warm_up = warm_up
        self.now = START
        self.polls: list[float] = []
        self.asks: list[Ask] = []
        self.frames: list[Frame] = []
        self.pulses: list[Pulse] = []
        self.sleeps: list[float | None] = []
        self.during_poll: Callable[[], None] = lambda: None
        self.during_sleep: list[Callable[[], None]] = []
        self.recalled: list[tuple[float, float, float]] = []
        self.past_error: Exception | None = None
        self.polling = False

    def clock(self) -> float:
        return self.now

    async def poll(self, ask: Ask) -> Frame:
        assert not self.polling, "two refreshes at once"
        if not self.answers:
            raise Over
        self.polling = True
        self.polls.append(self.now - START)
        self.asks.append(ask)
        answer = self.answers.pop(0)
        await asyncio.sleep(0)
        self.during_poll()
        self.polling = False
        if isinstance(answer, Exception):
            raise answer
        self.now += answer
        return Frame(self.now, ask.window, self.name, cost=Cost(1, answer, 1))

    async def past(self, ask: Ask, start: float, end: float, step: float) -> list[Frame]:
        assert not self.polling, "history asked during a refresh"
        if self.past_error:
            raise self.past_error
        self.recalled.append((start, end, step))
        return [Frame(start, ask.window, self.name)]

    async def close(self) -> None:
        """Nothing to let go of."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Sleeps by moving the clock, unless the script does something meanwhile."""
        await asyncio.sleep(0)
        self.sleeps.append(seconds)
        if self.during_sleep:
            self.during_sleep.pop(0)()
            if event.is_set():
                return
        if seconds is None:
            raise Over
        self.now += seconds

    def poller(self, interval: float = 5.0, ask: Callable[[], Ask] | None = None) -> Poller:
        return Poller(
            self, ask or (lambda: Ask(())), self.frames.append, self.pulses.append,
            interval=interval, clock=self.clock, wait=self.wait,
        )  # fmt: skip


async def play(stage: Stage, poller: Poller | None = None, interval: float = 5.0) -> Stage:
    with pytest.raises(Over):
        await (poller or stage.poller(interval)).run()
    return stage


def refused() -> SourceError:
    return SourceError(Reason.UNREACHABLE, "Nobody listens there.")


async def test_a_quick_source_is_asked_on_the_beat_and_not_after_it() -> None:
    stage = await play(Stage(0.2, 0.7, 0.1, 0.0))
    assert stage.polls == pytest.approx([0, 5, 10, 15])
    assert len(stage.frames) == 4
    assert [p.phase for p in stage.pulses] == [Phase.STARTING, *[Phase.LIVE] * 4]
    assert stage.pulses[-1].next_at == pytest.approx(START + 20)
    assert stage.pulses[-1].last_frame_at == START + 15


async def test_what_is_asked_is_decided_at_each_tick() -> None:
    stage = Stage(0.0, 0.0, 0.0)
    windows = iter([60.0, 120.0, 300.0, 300.0])
    await play(stage, stage.poller(ask=lambda: Ask((), next(windows))))
    assert [ask.window for ask in stage.asks] == [60, 120, 300]


async def test_the_interval_is_at_least_what_the_source_bears() -> None:
    stage = Stage(0.0, 0.0, least=5.0)
    poller = stage.poller(1.0)
    await play(stage, poller)
    assert stage.polls == [0, 5]
    poller.interval = 2.0
    assert poller.interval == 5.0


async def test_a_slow_source_stretches_the_interval_and_it_is_said() -> None:
    stage = await play(Stage(4.0, 4.0, 0.5, 0.5))
    assert stage.polls == pytest.approx([0, 8, 16, 21])
    slow = stage.pulses[1]
    assert (slow.phase, slow.interval, slow.wanted) == (Phase.SLOW, 8.0, 5.0)
    assert stage.pulses[3].phase is Phase.LIVE
    assert stage.pulses[3].interval == 5.0


async def test_a_laptop_that_slept_during_a_refresh_is_not_taken_for_a_slow_source() -> None:
    stage = await play(Stage(8 * 3600.0, 0.0))
    assert stage.polls[1] - 8 * 3600 <= 60


async def test_time_that_passed_unseen_is_not_made_up_for() -> None:
    stage = Stage(0.0, 0.0, 0.0)

    def suspended() -> None:
        stage.now += 3600

    stage.during_sleep = [suspended]
    await play(stage)
    assert stage.polls == [0, 3605, 3610]


async def test_a_clock_that_was_set_back_does_not_stop_the_refreshing() -> None:
    stage = Stage(0.0, 0.0, 0.0)

    def set_back() -> None:
        stage.now -= 86_400

    stage.during_poll = lambda: set_back() if len(stage.polls) == 2 else None
    await play(stage)
    assert stage.sleeps == [5, 5, 5]


async def test_a_refused_connection_is_tried_again_within_one_interval() -> None:
    stage = await play(Stage(0.0, *[refused() for _ in range(6)], 0.0))
    gaps = [after - before for before, after in zip(stage.polls, stage.polls[1:], strict=False)]
    assert gaps == [5, 1, 2, 4, 5, 5, 5]
    lost = [p for p in stage.pulses if p.phase is Phase.FAILED]
    assert {p.since for p in lost} == {START + 5}, "since the first failure"
    assert {p.error for p in lost} == {"Nobody listens there."}
    assert {p.last_frame_at for p in lost} == {START}
    assert (stage.pulses[-1].phase, stage.pulses[-1].error) == (Phase.LIVE, None)


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.SERVER, Reason.RATE_LIMITED])
async def test_failures_that_cost_the_server_are_spaced_out_up_to_a_minute(reason: Reason) -> None:
    stage = await play(Stage(*[SourceError(reason, "Too much.") for _ in range(7)]))
    gaps = [after - before for before, after in zip(stage.polls, stage.polls[1:], strict=False)]
    assert gaps == [5, 10, 20, 40, 60, 60]


async def test_an_interval_of_more_than_a_minute_is_not_shortened_by_failing() -> None:
    stage = await play(Stage(*[SourceError(Reason.SERVER, "No.") for _ in range(3)]), interval=90.0)
    assert stage.polls == [0, 90, 180]


async def test_a_refusal_by_the_rules_is_tried_at_the_usual_interval() -> None:
    stage = await play(Stage(*[SourceError(Reason.FORBIDDEN, "Not you.") for _ in range(4)]))
    assert stage.polls == [0, 5, 10, 15]


@pytest.mark.parametrize(
    ("asked", "waited"),
    [(42.0, 42.0), (1.0, 5.0), (1e12, 3600.0), (float("inf"), 3600.0), (float("nan"), 5.0)],
)
async def test_retry_after_is_honoured_within_reason(asked: float, waited: float) -> None:
    stage = await play(Stage(SourceError(Reason.RATE_LIMITED, "Later.", asked), 0.0))
    assert stage.polls == [0, waited]


async def test_a_bug_in_a_source_is_a_state_and_its_message_stays_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        stage = await play(Stage(ValueError("https://admin:hunter2@prometheus"), 0.0))
    failed = stage.pulses[1]
    assert failed.phase is Phase.FAILED
    assert failed.error is not None
    assert "ValueError" in failed.error
    assert "hunter2" not in failed.error + caplog.text
    assert "test_poller.py" in caplog.text, "the log tells where"
    assert stage.pulses[-1].phase is Phase.LIVE


async def test_a_question_that_cannot_be_put_does_not_end_the_loop() -> None:
    stage = Stage(0.0)
    asks = iter([Ask(())])
    poller = stage.poller(ask=lambda: next(asks))
    task = asyncio.create_task(poller.run())
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert Phase.FAILED in {p.phase for p in stage.pulses}


async def test_cancelling_ends_it_also_during_a_poll() -> None:
    stage = Stage(0.0)
    entered, never = asyncio.Event(), asyncio.Event()

    async def hang(ask: Ask) -> Frame:
        entered.set()
        await never.wait()
        raise AssertionError

    stage.poll = hang  # type: ignore[method-assign]
    task = asyncio.create_task(stage.poller().run())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_paused_it_asks_nothing_and_goes_on_at_once() -> None:
    stage = Stage(0.0, 0.0, 0.0)
    poller = stage.poller()

    def much_later() -> None:
        stage.now += 1000
        poller.resume()

    stage.during_sleep = [poller.pause, much_later]
    await play(stage, poller)
    assert stage.polls == [0, 1000, 1005]
    assert stage.sleeps[1] is None, "nothing wakes a paused loop but the user"
    paused = next(p for p in stage.pulses if p.phase is Phase.PAUSED)
    assert (paused.since, paused.next_at) == (START, None)
    assert stage.pulses[-1].phase is Phase.LIVE


async def test_a_frame_that_comes_after_the_pause_is_not_shown() -> None:
    stage = Stage(0.0, 0.0)
    poller = stage.poller()
    stage.during_poll = lambda: poller.pause() if len(stage.polls) == 2 else None
    await play(stage, poller)
    assert len(stage.frames) == 1
    assert stage.pulses[-1].phase is Phase.PAUSED


async def test_the_first_frame_is_shown_even_if_paused_meanwhile() -> None:
    stage = Stage(0.0)
    poller = stage.poller()
    stage.during_poll = poller.pause
    await play(stage, poller)
    assert len(stage.frames) == 1


async def test_a_refresh_on_demand_works_while_paused_and_stays_paused() -> None:
    stage = Stage(0.0, 0.0)
    poller = stage.poller()
    stage.during_sleep = [poller.pause, poller.refresh_now]
    await play(stage, poller)
    assert len(stage.frames) == 2
    assert stage.pulses[-1].phase is Phase.PAUSED


async def test_a_refresh_on_demand_leaves_the_source_as_long_to_rest_as_it_worked() -> None:
    stage = Stage(2.0, 2.0, 0.0)
    poller = stage.poller(10.0)
    stage.during_poll = poller.refresh_now
    await play(stage, poller)
    assert stage.polls[:3] == pytest.approx([0, 4, 8])


async def test_the_interval_can_be_changed_while_it_sleeps() -> None:
    stage = Stage(0.0, 0.0, 0.0)
    poller = stage.poller(60.0)

    def faster() -> None:
        stage.now += 1
        poller.interval = 5.0

    stage.during_sleep = [faster]
    await play(stage, poller)
    assert stage.polls == [0, 5, 10]
    assert stage.pulses[-1].wanted == 5.0


async def test_a_source_that_needs_two_scrapes_is_soon_asked_again() -> None:
    stage = await play(Stage(0.0, 0.0, 0.0, warm_up=6.0), interval=30.0)
    assert stage.polls == [0, 6, 36]


async def test_the_past_is_asked_once_and_between_refreshes() -> None:
    stage = Stage(0.0, 0.0)
    poller = stage.poller()
    told: list[Frame] = []
    poller.recall(Recall(Ask(()), 1.0, 2.0, 0.5, told.extend))
    await play(stage, poller)
    assert stage.recalled == [(1.0, 2.0, 0.5)]
    assert [frame.at for frame in told] == [1.0]


async def test_the_past_waits_until_there_is_a_present() -> None:
    stage = Stage(refused(), 0.0)
    poller = stage.poller()
    told: list[Frame] = []
    poller.recall(Recall(Ask(()), 1.0, 2.0, 0.5, told.extend))
    stage.during_sleep = [lambda: told.append(Frame(0.0, 0.0, "still failing"))]
    await play(stage, poller)
    assert [frame.source for frame in told] == ["still failing", "staged"]


@pytest.mark.parametrize("error", [refused(), KeyError("a bug")])
async def test_a_source_without_a_past_costs_nothing_else(error: Exception) -> None:
    stage = Stage(0.0, 0.0)
    stage.past_error = error
    poller = stage.poller()
    told: list[Frame] = []
    poller.recall(Recall(Ask(()), 1.0, 2.0, 0.5, told.extend))
    await play(stage, poller)
    assert told == []
    assert {p.phase for p in stage.pulses} == {Phase.STARTING, Phase.LIVE}


async def test_waiting_ends_by_the_event_or_by_time() -> None:
    event = asyncio.Event()
    await wait(event, 0.001)
    asyncio.get_running_loop().call_soon(event.set)
    await wait(event, None)
    assert event.is_set()
