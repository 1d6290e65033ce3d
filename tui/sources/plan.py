"""Which series of which target a query is about: worked out once, extended as series are born."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import chain
from math import isnan
from typing import Final

from tui.model.frame import STAT, Histogram, Key, Kind, Match, Query
from tui.sources.page import Stem
from tui.sources.track import Track

_LE: Final = "le"


def sample_names(query: Query) -> frozenset[str]:
    """What the samples that answer a query are called on a page."""
    if query.kind is Kind.HISTOGRAM:
        return frozenset({f"{query.metric}_bucket"})
    return frozenset(query.metrics)


@dataclass(slots=True, eq=False)
class Part:
    """The slots of one target that a query is about, ascending, and the group of each."""

    slots: array[int] = field(default_factory=lambda: array("L"))
    groups: array[int] = field(default_factory=lambda: array("L"))
    members: set[int] = field(default_factory=set)
    seen: int = 0
    """Slots of the target that were looked at, wanted or not."""
    _runs: list[slice] = field(default_factory=list)

    def append(self, slot: int, group: int) -> None:
        """One more slot, behind all others."""
        if self.slots and self.slots[-1] == slot - 1:
            self._runs[-1] = slice(self._runs[-1].start, slot + 1)
        else:
            self._runs.append(slice(slot, slot + 1))
        self.slots.append(slot)
        self.groups.append(group)
        self.members.add(group)

    def pick(self, values: array[float]) -> Iterator[float]:
        """The values of the slots, in order, until there are no more."""
        return chain.from_iterable(map(values.__getitem__, self._runs))

    def __contains__(self, slot: int) -> bool:
        found = bisect_left(self.slots, slot)
        return found < len(self.slots) and self.slots[found] == slot

    def group(self, slot: int) -> int:
        """The group of one of the slots."""
        return self.groups[bisect_left(self.slots, slot)]

    def present(self, values: int, gone: Set[int]) -> set[int]:
        """The groups that have a slot among the first `values`, and not gone."""
        if values >= self.seen and not gone:
            return self.members
        pairs = zip(self.slots, self.groups, strict=True)
        return {group for slot, group in pairs if slot < values and slot not in gone}


class Plan:
    """One query, over whatever window: its groups, and the slots of each target that are in them.

    A histogram has a group for each bucket, of which `rows` makes one row again.
    """

    def __init__(self, query: Query) -> None:
        self.query = query
        self.names = sample_names(query)
        self._keys: list[Key] = []
        self._groups: dict[tuple[Key, float], int] = {}
        self._buckets: dict[Key, list[tuple[float, int]]] = {}
        self._parts: dict[Track, Part] = {}
        self._accepted: dict[tuple[Match, str], bool] = {}
        matches = chain(query.where, *query.either)
        self._needs_le = _LE in {x.label for x in matches}.union(query.by)

    def __len__(self) -> int:
        return len(self._keys)

    def part(self, track: Track) -> Part:
        """What this query is about in a target, as far as the target is known."""
        part = self._parts.get(track)
        if part is None:
            part = self._parts[track] = Part()
        if part.seen < len(track.page.stems):
            self._extend(part, track)
        return part

    def drop(self, track: Track) -> None:
        """Forget a target."""
        self._parts.pop(track, None)

    def rows(self, values: list[float], present: Collection[int]) -> dict[Key, float]:
        """The values of these groups, in the model's unit."""
        scale, keys = self.query.scale, self._keys
        return {keys[group]: values[group] * scale for group in present}

    def histograms(self, values: list[float], present: Collection[int]) -> dict[Key, Histogram]:
        """The buckets of these groups, put together."""
        every = len(present) == len(self)
        rows: dict[Key, Histogram] = {}
        for key, buckets in self._buckets.items():
            found = buckets if every else [x for x in buckets if x[1] in present]
            if found:
                bounds, groups = zip(*found, strict=True)
                rows[key] = Histogram(bounds, tuple(values[x] for x in groups))
        return rows

    def _extend(self, part: Part, track: Track) -> None:
        stems, bounds = track.page.stems, track.page.bounds
        last, key = None, None
        for slot in range(part.seen, len(stems)):
            stem = stems[slot]
            if stem is not last or self._needs_le:
                last, key = stem, self._key(stem, track.labels, bounds[slot])
            if key is not None:
                group = self._group(key, bounds[slot])
                if group >= 0:
                    part.append(slot, group)
        part.seen = len(stems)

    def _key(self, stem: Stem, extra: Mapping[str, str], bound: str) -> Key | None:
        """The group key of a series, `None` if it is not asked for."""
        if stem.name not in self.names:
            return None
        labels = {**extra, **stem.labels}
        if bound:
            labels[_LE] = bound
        if self.query.also:
            labels[STAT] = stem.name
        if not self._all(self.query.where, labels):
            return None
        if self.query.either and not any(self._all(x, labels) for x in self.query.either):
            return None
        return tuple(labels.get(x, "") for x in self.query.by)

    def _all(self, matches: tuple[Match, ...], labels: Mapping[str, str]) -> bool:
        return all(self._accepts(x, labels.get(x.label, "")) for x in matches)

    def _accepts(self, match: Match, value: str) -> bool:
        found = self._accepted.get((match, value))
        if found is None:
            found = self._accepted[match, value] = match.accepts(value)
        return found

    def _group(self, key: Key, bound: str) -> int:
        """The group of a series, -1 for a bucket whose bound is no number."""
        le = 0.0
        if self.query.kind is Kind.HISTOGRAM:
            try:
                le = float(bound) * self.query.scale
            except ValueError:
                return -1
            if isnan(le):
                return -1
        group = self._groups.get((key, le))
        if group is None:
            group = self._groups[key, le] = len(self._keys)
            self._keys.append(key)
            if self.query.kind is Kind.HISTOGRAM:
                insort(self._buckets.setdefault(key, []), (le, group))
        return group
