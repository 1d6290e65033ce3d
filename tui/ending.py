"""Signals that tell the screen to end: SIGTERM, and SIGHUP where the terminal is gone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from threading import Timer
from types import FrameType
from typing import Final

GRACE: Final = 3.0
"""Seconds that an orderly end may take: a terminal that nobody reads any more would block it."""
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)


class Ending:
    """Calls `end` with the exit code, 128 and the signal's number, when a signal comes.

    The signal is not asyncio's to handle: writing to a terminal that is not read blocks its loop.
    """

    def __init__(self, end: Callable[[int], None]) -> None:
        self._end = end
        self._loop: asyncio.AbstractEventLoop | None = None

    def heed(self) -> None:
        """Catch the signals from now on, in the main thread and for the running loop."""
        self._loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            signal.signal(number, self._signalled)

    def forget(self) -> None:
        """Leave the signals alone again: a second one ends the process at once."""
        if self._loop is not None:
            self._loop = None
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)

    def _signalled(self, number: int, _: FrameType | None) -> None:
        loop, code = self._loop, 128 + number
        self.forget()
        last_resort = Timer(GRACE, os._exit, (code,))
        last_resort.daemon = True
        last_resort.start()
        if loop is not None:
            loop.call_soon_threadsafe(self._end, code)
