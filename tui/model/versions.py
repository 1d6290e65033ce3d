"""The versions of one service: which label tells them apart, and what each did over a window.

Numbers are the servers' own, by the labels of the server. What only a client's proxy saw is counted
for the version that it was meant for, where the client knew it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Final

from tui.model import labels, questions
from tui.model.codes import Outcome as Ending
from tui.model.compare import Caller, Version
from tui.model.frame import STAT, Frame, Histogram, Key, Kind, Match, Presence, Query, Table
from tui.model.quantile import merge
from tui.model.questions import ServiceKey
from tui.model.service import Tally

SERVED: Final = "version_requests"
BORN: Final = "version_born"
LOST: Final = "version_lost"
DURATION: Final = "version_duration"
SUMS: Final = "version_sums"

SHORT: Final[Mapping[str, str]] = {
    "version": labels.VERSIONS[0],
    "revision": labels.VERSIONS[1],
    "workload": labels.VERSIONS[2],
    "service": labels.SERVICE,
}
"""Words for the labels that usually tell versions apart."""

_SOURCE: Final = (labels.SOURCE_WORKLOAD, labels.SOURCE_NAMESPACE)
_NAMELESS: Final = ("", labels.UNKNOWN)
_REQUEST_SUM: Final = labels.REQUEST_BYTES + "_sum"
_RESPONSE_SUM: Final = labels.RESPONSE_BYTES + "_sum"
_DURATION_SUM: Final = labels.DURATION + "_sum"
_DURATION_COUNT: Final = labels.DURATION + "_count"


def version_queries(
    key: ServiceKey, label: str | None = None, names: Collection[str] = ()
) -> tuple[Query, ...]:
    """The five queries behind a comparison. The window of their `Ask` is that of the comparison: it
    begins at one instant and grows.

    `label` tells the versions apart (any, or a word of `SHORT`); `None` asks for all that may. If
    it is that of the service, the versions are services of the key's namespace: `names`, or all.
    """
    label = SHORT.get(label or "", label)
    by = (label,) if label else labels.VERSIONS
    where = whose(key, label, names)
    outcome = (*by, *questions.OUTCOME, *_SOURCE)
    served = (questions.FROM_SERVERS, *where)
    sums = (_RESPONSE_SUM, _DURATION_SUM, _DURATION_COUNT)
    return (
        Query(SERVED, labels.REQUESTS, outcome, served),
        Query(BORN, labels.REQUESTS, outcome, served, Kind.BORN),
        Query(
            LOST, labels.REQUESTS, outcome, (questions.FROM_CLIENTS, *where),
            either=questions.NEVER_ARRIVED,
        ),
        Query(
            DURATION, labels.DURATION, by, served, Kind.HISTOGRAM,
            scale=labels.SECONDS_PER_MILLISECOND,
        ),
        Query(SUMS, _REQUEST_SUM, (*by, STAT), served, also=sums),
    )  # fmt: skip


def whose(
    key: ServiceKey, label: str | None = None, names: Collection[str] = ()
) -> tuple[Match, ...]:
    """The series of a service, or of the services that `label` makes versions of one another."""
    label = SHORT.get(label or "", label)
    by_service = label in (labels.SERVICE, labels.HOST)
    if label and by_service and names:
        return (Match.any_of(label, names), questions.within(key.namespace))
    return (questions.within(key.namespace),) if by_service else questions.destination(key)


class State(Enum):
    """Whether there is anything to compare."""

    READY = "two versions or more"
    SINGLE = "only one version"
    NAMELESS = "no label tells versions apart"
    IDLE = "no requests"


@dataclass(frozen=True, slots=True, eq=False)
class Versions:
    """The versions of a service over a window of seconds that ends at `at` (Unix time).

    `label` is what tells them apart, nothing if no label does. `all`: the busiest first. `nameless`
    requests have no version in this label, and `lost` ones were seen by a client alone, which did
    not know whom they were for. `sampled` is the part of the window that lies between samples:
    Prometheus extrapolates the rest, about one scrape interval, which is no evidence. `presence`
    and `reason` are those of the table of requests.
    """

    key: ServiceKey
    label: str
    state: State
    all: tuple[Version, ...]
    nameless: float
    lost: float
    at: float
    window: float
    presence: Presence
    reason: str = ""
    sampled: float = 1.0

    def pair(self, a: str = "", b: str = "") -> tuple[Version, Version] | None:
        """The two to compare: those named, and for a name that is not given the busiest other one.

        A named version without a trace has no requests; `None` where nobody is left to compare.
        """
        others = [v for v in self.all if v.name not in (a, b)]
        first = self._called(a) if a else others.pop(0) if others else None
        second = self._called(b) if b else others.pop(0) if others else None
        return (first, second) if first and second else None

    def share(self, version: Version) -> float | None:
        """Its part of the requests to the service; `None` of no requests."""
        total = self.nameless + sum(v.requests for v in self.all)
        return version.requests / total if total > 0 else None

    def _called(self, name: str) -> Version:
        nobody = Version(name, 0.0, 0.0, 0.0, None, {}, {})
        return next((v for v in self.all if v.name == name), nobody)


def versions(
    frame: Frame, key: ServiceKey, label: str | None = None, names: Sequence[str] = ()
) -> Versions:
    """What a frame that answers `version_queries` says of the versions of a service.

    Without a `label`, the first of `labels.VERSIONS` that has all the `names`, or else two values.
    """
    label = SHORT.get(label or "", label)
    served, lost = frame.rates(SERVED), frame.rates(LOST)
    counts = _counts(frame)
    chosen = label or _telling(served.by, counts, names)
    found = _Counted(frame, chosen)
    found.add_requests(served.by, counts)
    if lost.by:
        found.add_lost({key: rate * frame.window for key, rate in lost}, lost.by)
    all_of_them = tuple(sorted(found.versions(), key=lambda v: (-v.requests, v.name)))
    return Versions(
        key, chosen, _state(all_of_them, found.nameless), all_of_them, found.nameless, found.lost,
        frame.at, frame.window, served.presence, served.reason, _sampled(frame),
    )  # fmt: skip


def _state(found: Sequence[Version], nameless: float) -> State:
    if nameless + sum(version.requests for version in found) <= 0:
        return State.IDLE
    if len(found) > 1:
        return State.READY
    return State.SINGLE if found else State.NAMELESS


def _sampled(frame: Frame) -> float:
    if not frame.scrape_interval or frame.window <= 0:
        return 1.0
    return max(0.0, 1.0 - frame.scrape_interval / frame.window)


def _counts(frame: Frame) -> dict[Key, float]:
    """Requests of the window by what `SERVED` is grouped by.

    A rate lacks the first step of a series that began inside the window, and of a series with a
    single sample, as a first error has it, everything. What such a series has counted by now is all
    of it. Where every series is that young, the source itself has just begun to look, and what they
    count is older than the window.
    """
    served, born = frame.rates(SERVED), frame.rates(BORN)
    counts = {key: rate * frame.window for key, rate in served if isfinite(rate)}
    if served.by == born.by and counts.keys() - born.rows.keys():
        for key, value in born:
            counts[key] = max(counts.get(key, 0.0), value)
    return counts


def _telling(by: Sequence[str], counts: Mapping[Key, float], names: Collection[str]) -> str:
    """The best label that has these names, else two values with requests, else any value."""
    values: dict[str, set[str]] = {}
    for label in (x for x in labels.VERSIONS if x in by):
        place = by.index(label)
        values[label] = {key[place] for key, count in counts.items() if count > 0}
        values[label] -= set(_NAMELESS)
    named = [label for label, found in values.items() if names and found.issuperset(names)]
    several = [label for label, found in values.items() if len(found) > 1]
    some = [label for label, found in values.items() if found]
    return next(iter((*named, *several, *some)), "")


class _Counted:
    """Sums by version, as one label tells them apart."""

    def __init__(self, frame: Frame, label: str) -> None:
        self._label = label
        self._window = frame.window
        self._tallies: dict[str, Tally] = defaultdict(Tally)
        self._callers: dict[str, dict[Caller, float]] = defaultdict(lambda: defaultdict(float))
        self._codes: dict[str, dict[Ending, float]] = defaultdict(lambda: defaultdict(float))
        self._sums = dict(self._by_version(frame.rates(SUMS)))
        self._latency = dict(self._merged(frame.histograms(DURATION)))
        self.nameless = self.lost = 0.0

    def add_requests(self, by: tuple[str, ...], counts: Mapping[Key, float]) -> None:
        """Count what servers report."""
        if self._label not in by:
            self.nameless += sum(counts.values())
            return
        at = by.index(self._label)
        places = [by.index(x) for x in (*questions.OUTCOME, *_SOURCE)]
        for key, count in counts.items():
            if (name := key[at]) in _NAMELESS:
                self.nameless += count
                continue
            code, flags, grpc, workload, namespace = (key[place] for place in places)
            self._tallies[name].add(code, grpc, count)
            self._callers[name][namespace, workload] += count
            self._codes[name][Ending(code, flags, grpc)] += count

    def add_lost(self, counts: Mapping[Key, float], by: tuple[str, ...]) -> None:
        """Count what clients report that no server saw. Only a label of the destination says there
        whom it was meant for: any other is the client's own.
        """
        at = by.index(self._label) if self._label in by else -1
        places = [by.index(x) for x in questions.OUTCOME]
        known = at >= 0 and self._label.startswith("destination_")
        for key, count in counts.items():
            name = key[at] if known else ""
            if name in _NAMELESS:
                self.lost += count
            else:
                self._tallies[name].unreached += count
                self._codes[name][Ending(*(key[place] for place in places))] += count

    def versions(self) -> Iterator[Version]:
        """Each version that has a name."""
        for name, tally in self._tallies.items():
            latency = self._latency.get(name)
            yield Version(
                name=name,
                requests=tally.requests + tally.unreached,
                errors=tally.errors + tally.unreached,
                client_errors=tally.client_errors,
                latency=latency,
                callers=dict(self._callers[name]),
                codes=dict(self._codes[name]),
                request_bytes=self._mean(name, _REQUEST_SUM),
                response_bytes=self._mean(name, _RESPONSE_SUM),
                mean=self._mean(name, _DURATION_SUM, labels.SECONDS_PER_MILLISECOND),
                unreached=tally.unreached,
            )

    def _mean(self, name: str, stat: str, scale: float = 1.0) -> float | None:
        """By the histograms' own count: they miss the same first steps."""
        count = self._sums.get((name, _DURATION_COUNT)) or self._tallies[name].requests
        total = self._sums.get((name, stat))
        return None if total is None or count <= 0 else total * scale / count

    def _by_version(self, table: Table[float]) -> dict[tuple[str, str], float]:
        if self._label not in table.by or STAT not in table.by:
            return {}
        at, stat_at = table.columns(self._label, STAT)
        sums: dict[tuple[str, str], float] = defaultdict(float)
        for key, rate in table:
            sums[key[at], key[stat_at]] += rate * self._window
        return sums

    def _merged(self, table: Table[Histogram]) -> Iterator[tuple[str, Histogram]]:
        if self._label not in table.by:
            return
        at = table.by.index(self._label)
        parts: dict[str, list[Histogram]] = defaultdict(list)
        for key, histogram in table:
            parts[key[at]].append(histogram)
        for name, found in parts.items():
            bounds, counts = merge(found)
            yield name, Histogram(bounds, tuple(count * self._window for count in counts))
