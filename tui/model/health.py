"""How well a service is, by Kiali's default tolerances with what Kiali lacks: a minimum of traffic.

Kiali (`AddHealthDefault`): HTTP 5xx, gRPC errors and no response: degraded above 0, failing from
10 %; HTTP 4xx: degraded from 10 %, failing from 20 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isnan


class Level(Enum):
    """How well something is, worst first, and the mark that says so without colour."""

    FAILING = "failing"
    DEGRADED = "degraded"
    HEALTHY = "healthy"
    IDLE = "idle"
    UNKNOWN = "unknown"

    @property
    def mark(self) -> str:
        """One character, also where there is no colour."""
        return _MARKS[self]

    @property
    def rank(self) -> int:
        """0 is worst."""
        return _RANKS[self]


_MARKS = {
    Level.FAILING: "■",
    Level.DEGRADED: "▲",
    Level.HEALTHY: "✓",
    Level.IDLE: "·",
    Level.UNKNOWN: "?",
}
_RANKS = {level: rank for rank, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Tolerances:
    """Shares of requests (0 to 1), seconds, and the least traffic that can fail a service.

    With fewer requests in the window than `enough`, errors degrade a service but never fail it:
    one bad call of two is no outage. `slow_p99` is seconds; `None` judges no latency.
    """

    error_degraded: float = 0.0
    error_failing: float = 0.10
    client_error_degraded: float = 0.10
    client_error_failing: float = 0.20
    enough: float = 10.0
    slow_p99: float | None = None


DEFAULT = Tolerances()


def judge(
    requests: float,
    error_ratio: float | None,
    client_error_ratio: float | None,
    p99: float | None = None,
    tolerances: Tolerances = DEFAULT,
) -> Level:
    """The level of `requests` requests in the window, of which these shares failed.

    `None` or NaN is no data. A share degrades or fails a service from its bound on, and never if it
    is 0; failing also takes enough requests to say so. `p99` is seconds.
    """
    if error_ratio is None or client_error_ratio is None:
        return Level.UNKNOWN
    if isnan(requests + error_ratio + client_error_ratio):
        return Level.UNKNOWN
    if requests <= 0:
        return Level.IDLE
    if requests >= tolerances.enough and (
        0 < error_ratio >= tolerances.error_failing
        or 0 < client_error_ratio >= tolerances.client_error_failing
    ):
        return Level.FAILING
    slow = tolerances.slow_p99
    if (
        0 < error_ratio >= tolerances.error_degraded
        or 0 < client_error_ratio >= tolerances.client_error_degraded
        or (slow is not None and p99 is not None and p99 > slow)
    ):
        return Level.DEGRADED
    return Level.HEALTHY
