"""Series of the last while, of a fixed length and with gaps, for sparklines."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Mapping
from itertools import pairwise
from math import inf, isfinite, nan
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

LATE: Final = 1.75
"""Intervals after which the next sample is overdue. Later than that one of them is missing (2.0),
which is a gap; anything earlier is jitter."""


class Histories(Generic[K]):
    """The last `capacity` samples of many series that were all sampled at the same times.

    `interval` is the seconds between samples as planned, and may be set whenever the plan changes:
    samples that lie much further apart have a gap between them. 1,000 series of 720 samples take
    6 MB. A series that none of the last `capacity` samples named is forgotten.
    """

    def __init__(self, capacity: int, interval: float) -> None:
        self.interval = interval
        self._capacity = capacity
        self._times = array("d")
        self._overdue = array("d")
        """For each sample, when the one after it is overdue."""
        self._series: dict[K, array[float]] = {}
        self._absent: dict[K, int] = {}
        """The series that the last sample did not name, and how many samples running did not."""

    def __len__(self) -> int:
        return len(self._series)

    def add(self, at: float, values: Mapping[K, float | None]) -> None:
        """One sample of every series, taken at `at` (Unix seconds). A series that is not in
        `values`, or `None` or NaN there, has a gap.

        Another sample for the same time replaces the first. One that is older than others, after a
        step back or a changed clock, takes its place among them; when all is full, the sample
        furthest away in time makes room.
        """
        if not isfinite(at):
            return
        place = bisect_left(self._times, at)
        if place < len(self._times) and self._times[place] == at:
            self._drop(place)
        self._times.insert(place, at)
        self._overdue.insert(place, at + LATE * self.interval)
        for key in values.keys() - self._series.keys():
            self._series[key] = array("d", [nan]) * (len(self._times) - 1)
        for key, series in self._series.items():
            value = values.get(key)
            series.insert(place, nan if value is None else value)
        self._forget(values)
        if len(self._times) > self._capacity:
            self._drop(0 if at - self._times[0] >= self._times[-1] - at else -1)

    def seed(self, points: Iterable[tuple[float, Mapping[K, float | None]]]) -> None:
        """Put samples from before in front, from a range query: those that are older than the
        oldest here, the latest of them as far as there is room.
        """
        oldest = self._times[0] if self._times else inf
        found = {at: values for at, values in points if isfinite(at) and at < oldest}
        older = [(at, found[at]) for at in sorted(found)]
        older = older[max(0, len(older) + len(self._times) - self._capacity) :]
        times = [at for at, _ in older]
        step = min((b - a for a, b in pairwise(times)), default=self.interval)
        rows = [values for _, values in older]
        for key in {key for values in rows for key in values} - self._series.keys():
            self._series[key] = array("d", [nan]) * len(self._times)
        for key, series in self._series.items():
            column = [values.get(key) for values in rows]
            series[:0] = array("d", [nan if value is None else value for value in column])
        self._times[:0] = array("d", times)
        self._overdue[:0] = array("d", [at + LATE * step for at in times])

    def cells(self, key: K, width: int, end: float, step: float) -> list[float | None]:
        """The last `width` buckets of `step` seconds that end at `end`, oldest first: the mean of
        the samples in each, `None` where there is a gap.

        A bucket begins after its first moment and includes its last. One that no sample fell into
        has the value before it, if the next sample came in time or is not overdue yet. Where `end`
        is a multiple of `step`, bars keep their height from one refresh to the next.
        """
        series = self._series.get(key)
        if series is None:
            return [None] * width
        edges = [end - step * left for left in range(width, -1, -1)]
        places = [bisect_right(self._times, edge) for edge in edges]
        return [
            _mean(series[first:past]) if first < past else self._held(series, first, start)
            for start, (first, past) in zip(edges, pairwise(places), strict=False)
        ]

    def _held(self, series: array[float], place: int, start: float) -> float | None:
        """The value before `place` in a bucket with no sample that begins at `start`."""
        if place == 0:
            return None
        following = self._times[place] if place < len(self._times) else start
        return _mean(series[place - 1 : place]) if following <= self._overdue[place - 1] else None

    def _forget(self, values: Mapping[K, float | None]) -> None:
        """Let go of the series that nobody has named for too long."""
        absent = self._series.keys() - values.keys()
        self._absent = {key: self._absent.get(key, 0) + 1 for key in absent}
        for key, running in self._absent.items():
            if running >= self._capacity:
                del self._series[key]

    def _drop(self, place: int) -> None:
        del self._times[place], self._overdue[place]
        for series in self._series.values():
            del series[place]


class History:
    """One such series alone."""

    def __init__(self, capacity: int, interval: float) -> None:
        self._only: Histories[None] = Histories(capacity, interval)

    @property
    def interval(self) -> float:
        """Seconds between samples as planned. See `Histories`."""
        return self._only.interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._only.interval = seconds

    def add(self, at: float, value: float | None) -> None:
        """One sample; `None` or NaN is a gap. See `Histories.add`."""
        self._only.add(at, {None: value})

    def cells(self, width: int, end: float, step: float) -> list[float | None]:
        """See `Histories.cells`."""
        return self._only.cells(None, width, end, step)


def _mean(values: array[float]) -> float | None:
    total = sum(values)
    if not isfinite(total):
        known = [value for value in values if isfinite(value)]
        return sum(known) / len(known) if known else None
    return total / len(values)
