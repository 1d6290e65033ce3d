"""A source without a server: it has the series that a test gives it, and fails when told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.model.frames import Series, buckets, frame, requests
from tui.model.frame import Ask, Frame
from tui.sources.base import SourceError

MESH = (
    requests(90.0), requests(10.0, response_code="503"),
    *buckets({"5": 50.0, "10": 100.0, "+Inf": 100.0}),
    requests(5.0, destination_service_name="ratings", destination_service_namespace="stage"),
)  # fmt: skip


@dataclass
class Pretended:
    """A source that has these series, or fails with what its list says, poll by poll."""

    series: Sequence[Series] = MESH
    warm_up: float = 0.0
    failures: list[SourceError | None] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    closed: int = 0
    name: str = "pretended"
    least_interval: float = 0.0
    warnings: tuple[str, ...] = ()
    at: float = 1_700_000_000.0

    async def poll(self, ask: Ask) -> Frame:
        """The series as of one second after the last poll."""
        self.asks.append(ask)
        self.at += 1
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        answered = frame(*self.series, queries=ask.queries, window=ask.window)
        return replace(answered, warnings=self.warnings, at=self.at)

    async def past(self, ask: Ask, start: float, end: float, step: float) -> list[Frame]:
        return []

    async def close(self) -> None:
        self.closed += 1
