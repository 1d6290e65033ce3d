"""What the tests of the demo mesh share: its clock, and its pages read back."""

from __future__ import annotations

from collections.abc import Mapping

from tui.model.frame import Frame
from tui.sources.demo import DemoSource
from tui.sources.exposition import series
from tui.sources.traffic import CYCLE, Rhythm

NOW = 1_700_000_000.0
OUTSIDE = {"unknown", "PassthroughCluster", "BlackHoleCluster", "api.card-network.example"}
Key = tuple[str, str, frozenset[tuple[str, str]]]
"""Target, sample name, labels."""


class Clock:
    """Time that a test moves on."""

    def __init__(self, at: float = NOW) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def demo(seed: int = 1, number: int = 40, at: float = NOW) -> DemoSource:
    return DemoSource(seed, number, clock=Clock(at))


def told(seed: int, into: float) -> float:
    """A time at which this seed's stories are `into` seconds into their cycle."""
    return NOW + (into - Rhythm.of(seed).story - NOW) % CYCLE


def samples(pages: Mapping[str, bytes], metric: str = "") -> dict[Key, float]:
    """Every sample of the names that begin with `metric`; none of them is there twice."""
    found: dict[Key, float] = {}
    for target, page in pages.items():
        lines = [x for x in page.splitlines(True) if x.startswith(metric.encode())]
        for sample in series(b"".join(lines)):
            key = (target, sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def total(frame: Frame, table: str, *parts: str) -> float:
    """The sum of the rows whose key holds all of `parts`."""
    return sum(rate for key, rate in frame.rates(table) if set(parts) <= set(key))
