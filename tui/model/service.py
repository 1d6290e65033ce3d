"""One service or gateway over a window: its counts, its latency, and how well it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tui.model import labels
from tui.model.frame import Histogram
from tui.model.health import Level
from tui.model.quantile import at_least, observations, quantiles
from tui.model.questions import ServiceKey

QUANTILES: Final = (0.50, 0.95, 0.99)
BEHIND: Final = 1.0
"""Observations that must lie beyond a quantile for it to be no guess: 100 in all for p99."""


@dataclass(slots=True)
class Tally:
    """Requests per second by outcome, as one side reports them."""

    requests: float = 0.0
    errors: float = 0.0
    """5xx, gRPC status other than 0, and no response."""
    client_errors: float = 0.0
    no_response: float = 0.0
    unreached: float = 0.0
    """Reported by a client, seen by no server."""
    secured: float = 0.0
    judged: float = 0.0
    """Requests of which it is known whether they came by mutual TLS."""
    protocols: set[str] = field(default_factory=set)

    def add(self, code: str, grpc_status: str, rate: float) -> None:
        """Count `rate` requests per second that ended so."""
        self.requests += rate
        group = labels.code_class(code)
        if group == labels.NO_RESPONSE:
            self.no_response += rate
        if group in ("5xx", labels.NO_RESPONSE) or labels.grpc_failed(grpc_status):
            self.errors += rate
        elif group == "4xx":
            self.client_errors += rate


@dataclass(frozen=True, slots=True, eq=False)
class Latency:
    """Quantiles of one histogram, in seconds; NaN where nothing was observed.

    `capped`: the quantile is its bucket's far end or beyond, so "at least". `thin`: too few
    observations lie behind it.
    """

    values: tuple[float, ...]
    capped: tuple[bool, ...]
    thin: tuple[bool, ...]
    observations: float


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """One service or gateway over the frame's window. Rates are per second; `None` is no data."""

    key: ServiceKey
    window: float
    requests: float | None
    errors: float
    client_errors: float
    no_response: float
    unreached: float
    new_errors: float
    """Failed requests of series that began inside the window, whose first step no rate shows."""
    mutual_tls: float | None
    """Share of requests that came by mutual TLS; only servers know."""
    request_bytes: float | None
    response_bytes: float | None
    tcp_request_bytes: float | None
    tcp_response_bytes: float | None
    latency: Latency | None
    """`None` where it was not asked for, or the source has no buckets."""
    mean: float | None
    """Mean latency in seconds, where it was asked for in place of quantiles."""
    protocols: tuple[str, ...]
    served: bool
    """Whether its servers report; else these are its clients' numbers."""
    level: Level

    @property
    def handled(self) -> float:
        """Requests per second that were tried, whether or not a server saw them."""
        return (self.requests or 0.0) + self.unreached

    @property
    def error_ratio(self) -> float | None:
        """Share of the requests tried that failed: 5xx, gRPC errors, no response, unreached."""
        if self.requests is None:
            return None
        return (self.errors + self.unreached) / self.handled if self.handled else 0.0

    @property
    def client_error_ratio(self) -> float | None:
        """Share of the requests tried that were answered 4xx."""
        if self.requests is None:
            return None
        return self.client_errors / self.handled if self.handled else 0.0

    @property
    def all_bytes(self) -> float | None:
        """Bytes per second in both directions, HTTP and TCP."""
        parts = (
            self.request_bytes, self.response_bytes, self.tcp_request_bytes,
            self.tcp_response_bytes,
        )  # fmt: skip
        known = [part for part in parts if part is not None]
        return sum(known) if known else None


def latency(histogram: Histogram, window: float) -> Latency:
    """The quantiles of `QUANTILES` and how far to trust each."""
    values = quantiles(QUANTILES, histogram)
    seen = observations(histogram)
    return Latency(
        values,
        tuple(at_least(value, histogram) for value in values),
        tuple(seen * window * (1.0 - q) < BEHIND for q in QUANTILES),
        seen,
    )
