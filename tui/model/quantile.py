"""Histogram buckets to quantiles, exactly as PromQL's `histogram_quantile` makes them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import inf, isfinite, isnan, nan

from tui.model.frame import Histogram


def quantile(q: float, histogram: Histogram) -> float:
    """The value, in the unit of the bounds, that the share `q` of the observations do not exceed.

    The bits are those of Prometheus' `bucketQuantile` (2.42, classic buckets, amd64). Linear inside
    a bucket, from 0 in the first one; in the +Inf bucket, the highest finite bound. NaN without
    observations, without a +Inf bucket or with no other; -Inf below q = 0, +Inf above q = 1.
    """
    return quantiles((q,), histogram)[0]


def quantiles(qs: Iterable[float], histogram: Histogram) -> tuple[float, ...]:
    """Several quantiles of one histogram; see `quantile`."""
    counts = _monotonic(histogram.counts)
    return tuple([_interpolated(q, histogram.bounds, counts) for q in qs])


def _monotonic(counts: Sequence[float]) -> Sequence[float]:
    """Counts that never fall: buckets are scraped and summed apart, so a few may be behind."""
    if isfinite(sum(counts)) and sorted(counts) == list(counts):
        return counts
    forced = list(counts)
    highest = forced[0]
    for place, count in enumerate(forced):
        if count > highest:
            highest = count
        elif count < highest:
            forced[place] = highest
    return forced


def _interpolated(q: float, bounds: Sequence[float], counts: Sequence[float]) -> float:
    if isnan(q):
        return nan
    if not 0 <= q <= 1:
        return -inf if q < 0 else inf
    last = len(bounds) - 1
    if last < 1 or bounds[last] != inf or counts[last] == 0:
        return nan
    rank = q * counts[last]
    # Asks "is the count >= rank" as Go's sort.Search does: with a NaN among the counts, "<" would
    # lead elsewhere.
    found = bisect_left(counts, True, 0, last, key=lambda count: count >= rank)
    if found == last:
        return bounds[last - 1]
    start, end, count = 0.0, bounds[found], counts[found]
    if found > 0:
        start = bounds[found - 1]
        count -= counts[found - 1]
        rank -= counts[found - 1]
    elif end <= 0:
        return end
    # Only q = 0 with an empty first bucket divides by zero, which is NaN in Go.
    return start + (end - start) * (rank / count) if count else nan


def at_least(value: float, histogram: Histogram) -> bool:
    """Whether a quantile lies in the last finite bucket or beyond, where the true value may be
    anything above: it is shown with `≥`.
    """
    if isnan(value) or len(histogram.bounds) < 2:
        return False
    return len(histogram.bounds) == 2 or value > histogram.bounds[-3]


def observations(histogram: Histogram) -> float:
    """Observations per second, in all buckets together."""
    return histogram.counts[-1] if histogram.counts else 0.0


def merge(histograms: Iterable[Histogram]) -> Histogram:
    """All observations of several histograms in one.

    Where the bounds differ, only those that all of them have survive: cumulative counts are right
    at each common bound, and nowhere else.
    """
    parts = [histogram for histogram in histograms if histogram.bounds]
    if not parts:
        return Histogram((), ())
    bounds = parts[0].bounds
    if all(part.bounds == bounds for part in parts):
        return Histogram(
            bounds, tuple(map(sum, zip(*(part.counts for part in parts), strict=True)))
        )
    common = tuple(sorted(set(bounds).intersection(*(part.bounds for part in parts))))
    tables = [dict(zip(part.bounds, part.counts, strict=True)) for part in parts]
    return Histogram(common, tuple(sum(table[bound] for table in tables) for bound in common))
