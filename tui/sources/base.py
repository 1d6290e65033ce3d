"""What every source of frames is, and how it fails."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from tui.model.frame import Ask, Frame


class Reason(Enum):
    """Why a source could not answer, told apart because each has another next step."""

    UNREACHABLE = "unreachable"
    TLS = "tls"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    BAD_QUERY = "bad query"
    RATE_LIMITED = "rate limited"
    SERVER = "server error"
    NOT_PROMETHEUS = "not prometheus"
    TIMEOUT = "timeout"
    BAD_SETTING = "bad setting"


class SourceError(Exception):
    """A source could not answer: one sentence that says what is wrong and what to do.

    `str()` of it is that sentence: no markup, no secrets, no control characters. `retry_after` is
    what the server asked for, in seconds.
    """

    def __init__(self, reason: Reason, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.retry_after = retry_after


class Source(Protocol):
    """Somewhere frames come from."""

    name: str
    """What the status bar calls it: kind and place, never a credential."""
    least_interval: float
    """Seconds below which polling again cannot show anything new."""
    warm_up: float
    """Seconds from the first poll until a second one can give rates; 0 where the first one does."""

    async def poll(self, ask: Ask) -> Frame:
        """The mesh at one instant; `SourceError` if it cannot be seen.

        Part of it failing is no error: that table is `FAILED`, with its reason, and a warning says
        so.
        """

    async def past(self, ask: Ask, start: float, end: float, step: float) -> list[Frame]:
        """The same questions at past instants, oldest first; what the source does not remember is
        simply not there. Seconds; `start` and `end` are Unix time.
        """

    async def close(self) -> None:
        """Let go of every connection. Safe to call twice."""
