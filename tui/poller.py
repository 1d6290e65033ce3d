"""The one loop that asks the source: never two refreshes at once, and politely when it hurts."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from tui.model.frame import Ask, Frame
from tui.model.pulse import Phase, Pulse
from tui.sources.base import Reason, Source, SourceError

A = TypeVar("A")

log = logging.getLogger(__name__)

LONGEST_BACKOFF: Final = 60.0
LONGEST_RETRY_AFTER: Final = 3600.0
"""A server that asks for more than an hour is asked again after one: it may have been mistaken."""
FIRST_RETRY: Final = 1.0
SHARE: Final = 0.5
"""The most of an interval that a refresh may take before the interval is stretched."""

_COSTLY: Final = frozenset({Reason.RATE_LIMITED, Reason.TIMEOUT, Reason.SERVER})
"""Failures that cost the server something, so that asking again as often makes it worse."""

_STUMBLED: Final = (
    "istiotop could not make sense of what the source answered ({}); this is a bug: "
    "the log (--log-file) has its place."
)

Wait = Callable[[asyncio.Event, float | None], Awaitable[None]]


async def wait(event: asyncio.Event, seconds: float | None) -> None:
    """Until the event is set or the seconds are over; `None` waits for the event alone."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def _guarded(
    question: Callable[[], Awaitable[A]],
) -> tuple[A, None] | tuple[None, SourceError]:
    """The answer, or why there is none. Whatever goes wrong in a source must not end the screen."""
    try:
        return await question(), None
    except SourceError as error:
        return None, error
    except Exception as error:
        name = type(error).__name__
        # The message may hold an address with a password in it: the places are enough.
        places = "".join(traceback.format_tb(error.__traceback__))
        log.error("the source failed: %s\n%s", name, places)
        return None, SourceError(Reason.SERVER, _STUMBLED.format(name))


@dataclass(frozen=True, slots=True)
class Recall:
    """A question about the past, asked once between two refreshes. Unix seconds."""

    ask: Ask
    start: float
    end: float
    step: float
    deliver: Callable[[list[Frame]], None]


class Poller:
    """Asks a source at an interval; frames go to `on_frame`, its own state to `on_pulse`.

    `ask` is evaluated at each tick: what is visible decides. `interval` is seconds and can be set
    at any time. `wait` is how it sleeps, which a test replaces.
    """

    def __init__(
        self,
        source: Source,
        ask: Callable[[], Ask],
        on_frame: Callable[[Frame], None],
        on_pulse: Callable[[Pulse], None],
        *,
        interval: float,
        clock: Callable[[], float] = time.time,
        wait: Wait = wait,
    ) -> None:
        self._source = source
        self._ask = ask
        self._on_frame = on_frame
        self._on_pulse = on_pulse
        self._clock = clock
        self._wait = wait
        self._woken = asyncio.Event()
        self._wanted = max(interval, source.least_interval)
        self._asked_now = False
        self._paused = False
        self._recall: Recall | None = None
        self._took = 0.0
        self._failures = 0
        self._error: SourceError | None = None
        self._last_frame_at: float | None = None
        self._last_end = clock()
        self._next_at: float | None = clock()
        self._phase = Phase.STARTING
        self._since = clock()

    @property
    def interval(self) -> float:
        """Seconds from poll to poll as wanted, at least what the source can bear."""
        return self._wanted

    @interval.setter
    def interval(self, seconds: float) -> None:
        wanted = max(seconds, self._source.least_interval)
        if wanted == self._wanted:
            return
        last_start = self._last_end - self._took
        self._wanted = wanted
        if self._next_at is not None and not self._failures:
            self._next_at = last_start + self._stretched
        self._publish()
        self._woken.set()

    @property
    def paused(self) -> bool:
        """Whether frames are held back until `resume`."""
        return self._paused

    def pause(self) -> None:
        """Ask nothing more; the answer to a question under way is dropped."""
        self._paused = True
        self._woken.set()
        self._publish()

    def resume(self) -> None:
        """Go on, at once."""
        if self._paused:
            self._paused = False
            self.refresh_now()
            self._publish()

    def refresh_now(self) -> None:
        """Ask as soon as may be, once, also while paused.

        At once if the source is quick; it still gets as long to rest as the last refresh took.
        """
        self._asked_now = True
        self._woken.set()

    def recall(self, what: Recall) -> None:
        """Ask about the past after the next frame. A source that cannot tell delivers nothing."""
        self._recall = what
        self._woken.set()

    async def run(self) -> None:
        """Poll for ever. Only cancelling ends it."""
        self._publish()
        while True:
            await self._poll()
            await self._remember()
            while (seconds := self._due()) is None or seconds > 0:
                self._woken.clear()
                await self._wait(self._woken, seconds)
                if not self._woken.is_set():
                    break
                await self._remember()

    def _due(self) -> float | None:
        """Seconds until the next poll; `None`: not before somebody says so.

        Never more than a whole delay, so that a clock set back does not stop the refreshing.
        """
        now = self._clock()
        if self._asked_now:
            return min(self._last_end + self._took - now, self._took)
        if self._paused or self._next_at is None:
            return None
        return min(self._next_at - now, self._delay())

    async def _poll(self) -> None:
        self._asked_now = False
        was_paused = self._paused
        started = self._clock()
        frame, error = await _guarded(lambda: self._source.poll(self._ask()))
        self._last_end = self._clock()
        self._took = min(max(0.0, self._last_end - started), LONGEST_BACKOFF * SHARE)
        if self._paused and not was_paused and self._last_frame_at is not None:
            return
        self._failures = self._failures + 1 if error else 0
        self._error = error
        first = self._last_frame_at is None
        if frame is not None:
            self._last_frame_at = self._last_end
            self._on_frame(frame)
        if frame is not None and first and self._source.warm_up > 0:
            self._next_at = started + min(self._source.warm_up, self._stretched)
        else:
            self._next_at = (self._last_end if error else started) + self._delay()
        self._publish()

    async def _remember(self) -> None:
        """Answers a `Recall`, if there is one and the source is well."""
        what = self._recall
        if what is None or self._paused or self._failures or self._last_frame_at is None:
            return
        self._recall = None
        frames, error = await _guarded(
            lambda: self._source.past(what.ask, what.start, what.end, what.step)
        )
        if frames is None:
            log.info("no history: %s", error)
        else:
            what.deliver(frames)

    @property
    def _stretched(self) -> float:
        return max(self._wanted, self._took / SHARE)

    def _delay(self) -> float:
        """Seconds from one poll to the next, by how the last one went.

        A refused connection is cheap: it is tried at least as often as when all is well, so that a
        source is seen within one interval of its return.
        """
        if self._error is None:
            return self._stretched
        doubled = 2.0 ** min(self._failures - 1, 16)
        if self._error.reason is Reason.UNREACHABLE:
            return min(self._wanted, FIRST_RETRY * doubled)
        if self._error.reason not in _COSTLY:
            return self._wanted
        backoff = max(self._stretched, min(LONGEST_BACKOFF, self._wanted * doubled))
        return max(backoff, min(self._error.retry_after or 0.0, LONGEST_RETRY_AFTER))

    def _publish(self) -> None:
        phase = self._now_in()
        if phase is not self._phase:
            self._phase, self._since = phase, self._clock()
        self._on_pulse(
            Pulse(
                phase=phase,
                since=self._since,
                interval=self._stretched if phase is Phase.SLOW else self._wanted,
                wanted=self._wanted,
                next_at=None if self._paused else self._next_at,
                error=str(self._error) if self._error else None,
                last_frame_at=self._last_frame_at,
            )
        )

    def _now_in(self) -> Phase:
        if self._paused:
            return Phase.PAUSED
        if self._failures:
            return Phase.FAILED
        if self._last_frame_at is None:
            return Phase.STARTING
        return Phase.SLOW if self._stretched > self._wanted else Phase.LIVE
