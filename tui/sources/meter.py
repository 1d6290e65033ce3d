"""Counters of many targets over a window: answers an `Ask` locally, with PromQL's meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tui.model.frame import Ask, Query, Table


class Meter:
    """What many targets counted, remembered for `keep` seconds.

    Feed it every page of every target, then ask. Nothing here does I/O or reads a clock: each
    method is told the time, in Unix seconds. Only the metrics that somebody wants are kept.
    """

    def __init__(self, keep: float = 900.0, *, stale: float = 2.5) -> None:
        """`keep`: seconds of history. `stale`: scrape intervals without a page after which a target
        contributes nothing."""
        raise NotImplementedError

    @property
    def names(self) -> frozenset[str]:
        """Sample names wanted so far: `istio_requests_total`, `istio_request_bytes_sum`, a
        histogram's `…_bucket`. Only grows, so that a metric once asked for keeps its history."""
        raise NotImplementedError

    @property
    def interval(self) -> float | None:
        """Median seconds between the scrapes of one target; `None` before there are two."""
        raise NotImplementedError

    def want(self, queries: Iterable[Query]) -> None:
        """Keep what answers these, from the next page on. Call it before `feed`."""
        raise NotImplementedError

    def feed(
        self,
        target: str,
        body: bytes,
        at: float,
        *,
        labels: Mapping[str, str] | None = None,
        names: frozenset[str] | None = None,
    ) -> None:
        """One page (Prometheus' text format) of one target, rendered at `at`.

        `labels` (instance, pod) act as labels of all its series; a label that a series has itself
        wins. `names` is what the page was asked for, if that was before `self.names` grew.
        Raises `ExpositionError`, and has changed nothing, if the body is no page.
        """
        raise NotImplementedError

    def failed(self, target: str, at: float) -> None:
        """The target gave no page at `at`: its gauges are gone, its counters have a gap."""
        raise NotImplementedError

    def forget(self, target: str) -> None:
        """Drop all that is known of a target; unknown ones are fine."""
        raise NotImplementedError

    def answer(self, ask: Ask, at: float) -> dict[str, Table[Any]]:
        """A table for each query of the ask, as of `at` (now, or any instant still remembered)."""
        raise NotImplementedError

    def covered(self, window: float, at: float) -> float:
        """Seconds that rates over `window` up to `at` really cover; 0 where there are none."""
        raise NotImplementedError
