"""How the refreshing itself is doing: what the status bar says about the loop, not the mesh."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """What the refresh loop is doing, and the word that says so."""

    STARTING = "connecting"
    LIVE = "live"
    SLOW = "slow"
    """Frames come, but each takes so long that the interval was stretched."""
    PAUSED = "paused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Pulse:
    """The refresh loop at one moment. Times are Unix seconds.

    `since`: when this phase began; for a failure, when the first of its polls failed. `next_at`:
    when the next poll is due, `None` while paused. `interval`: seconds from poll to poll, which is
    more than `wanted` while the source is slow. `error`: the sentence of the last failure.
    `last_frame_at`: when the last frame came, `None` before the first.
    """

    phase: Phase
    since: float
    interval: float
    wanted: float
    next_at: float | None = None
    error: str | None = None
    last_frame_at: float | None = None
