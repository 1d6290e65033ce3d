"""A frame's tables read as a control plane: istiods, what they push, sign, check and inject.

istiod creates most error counters at their first event, so one that is not there is zero, but only
while istiod itself is seen: otherwise nothing is known. What is idle (no configuration changed,
so nothing converged) is no zero either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any, Final, NamedTuple

from tui.model import istiod
from tui.model.frame import NOT_ASKED, Frame, Histogram, Key, Match, Presence, Table
from tui.model.health import Level
from tui.model.quantile import merge
from tui.model.service import Latency, latency

_DAY: Final = 86_400.0


class IstiodKey(NamedTuple):
    """One istiod, as its scraper labels it; each label may be missing."""

    job: str
    instance: str
    pod: str

    @property
    def name(self) -> str:
        """What a person knows it by."""
        return self.pod or self.instance or "istiod"


class Count(NamedTuple):
    """What happened: events per second over the window, and the events of series that began in it,
    whose first step no rate shows.
    """

    per_second: float = 0.0
    new: float = 0.0

    @property
    def happened(self) -> bool:
        """Whether there was any."""
        return self.per_second > 0 or self.new > 0

    def plus(self, other: Count) -> Count:
        """Both together."""
        return Count(self.per_second + other.per_second, self.new + other.new)


class Detail(NamedTuple):
    """What an event was about; each label may be missing."""

    type: str = ""
    event: str = ""
    reason: str = ""

    @property
    def words(self) -> str:
        """All of it, as it came."""
        return " ".join(filter(None, self))


class Version(NamedTuple):
    """How many of a component (`pilot`, `proxy`, `ztunnel`) run a version."""

    component: str
    tag: str
    running: float


@dataclass(frozen=True, slots=True, eq=False)
class Istiod:
    """One istiod that is alive at the frame's instant. `None` is no data.

    `proxies`: connected ones. `pushes` per second. `cpu`: cores. `memory`: resident bytes.
    `uptime`: seconds.
    """

    key: IstiodKey
    proxies: float | None
    pushes: float | None
    cpu: float | None
    memory: float | None
    goroutines: float | None
    uptime: float | None


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is degraded or failing: seconds of a p99, seconds until an end."""

    slow_degraded: float = 5.0
    slow_failing: float = 30.0
    expiry_degraded: float = 30 * _DAY
    expiry_failing: float = 7 * _DAY

    def slow(self, p99: float) -> Level:
        """How well it goes where 99 % take at most this long; NaN is idle."""
        if isnan(p99):
            return Level.IDLE
        # The highest finite bound is 30 s: a quantile can reach it and not exceed it.
        if p99 >= self.slow_failing:
            return Level.FAILING
        return Level.DEGRADED if p99 > self.slow_degraded else Level.HEALTHY

    def expiry(self, seconds: float | None) -> Level:
        """How soon a certificate ends."""
        if seconds is None or isnan(seconds):
            return Level.UNKNOWN
        if seconds < self.expiry_failing:
            return Level.FAILING
        return Level.DEGRADED if seconds < self.expiry_degraded else Level.HEALTHY


DEFAULT: Final = Limits()


@dataclass(frozen=True, slots=True, eq=False)
class ControlPlane:
    """All istiods together, at `at` (Unix seconds) over `window` seconds.

    `pushes`: per second by type, `None` without data. `failed_sends` by type. `counts` by metric
    and detail. `states`: gauges by metric, summed. Expiries are seconds
    from `at`, of whichever istiod's certificate ends first. `quiet`: a counter that is not there
    has counted nothing; otherwise nobody knows. `sends_known`: the same of pushes. `where` selects
    the same series where two scrape jobs report the same istiods.
    """

    at: float
    window: float
    istiods: tuple[Istiod, ...]
    pushes: Mapping[str, float] | None
    failed_sends: Mapping[str, Count]
    convergence: Latency | None
    queue: Latency | None
    counts: Mapping[tuple[str, Detail], Count]
    states: Mapping[str, float]
    root_expiry: float | None
    chain_expiry: float | None
    versions: tuple[Version, ...]
    quiet: bool
    sends_known: bool
    where: tuple[Match, ...] = ()

    @property
    def instances(self) -> frozenset[str]:
        """For the next `control_queries`; none where the label was removed."""
        return frozenset(x.key.instance for x in self.istiods if x.key.instance)

    def count(self, *metrics: str) -> Count | None:
        """What these counters counted together; `None` where nobody knows."""
        found = [count for (metric, _), count in self.counts.items() if metric in metrics]
        if not found and not self.quiet:
            return None
        return _total(found)

    def details(self, metric: str) -> dict[Detail, Count]:
        """The same by what it was about."""
        return {detail: count for (name, detail), count in self.counts.items() if name == metric}

    def state(self, metric: str) -> float | None:
        """A gauge of trouble: 0 where a living istiod has none, `None` where none is alive."""
        return self.states.get(metric, 0.0 if self.istiods else None)

    @property
    def send_errors(self) -> Count | None:
        """Pushes that istiod could not write to a proxy; `None` where nobody knows."""
        if not self.failed_sends and not self.sends_known:
            return None
        return _total(self.failed_sends.values())


def control_plane(frame: Frame) -> ControlPlane:
    """What the frame knows of the control plane; without any istiod where it shows none."""
    tables = _Tables(frame)
    state = tables.rows(istiod.STATE)
    alive = sorted({IstiodKey(*key[:3]) for key in state} - tables.twice)
    counts = frame.rates(istiod.COUNTS)
    # A table that was asked for and has rates, or has no series at all, misses nothing.
    answered = (Presence.PRESENT, Presence.ABSENT)
    pushes = frame.rates(istiod.PUSHES)
    by_type = _summed(tables.rows(istiod.PUSHES), 3)
    return ControlPlane(
        at=frame.at,
        window=frame.window,
        istiods=tuple(tables.istiod(key) for key in alive),
        pushes=None if not by_type and (not alive or pushes.presence not in answered) else
        {k: v for k, v in by_type.items() if not k.endswith(istiod.SEND_ERROR)},
        failed_sends=_failed_sends(by_type, _summed(tables.rows(istiod.NEW_SEND_ERRORS), 3)),
        convergence=tables.latency(istiod.CONVERGENCE),
        queue=tables.latency(istiod.QUEUE),
        counts=_counts(tables.rows(istiod.COUNTS), tables.rows(istiod.NEW_ERRORS)),
        states=_summed(state, 3),
        root_expiry=tables.soonest(istiod.ROOT_EXPIRY),
        chain_expiry=tables.soonest(istiod.CHAIN_EXPIRY),
        versions=tuple(
            Version(key[0], key[1], x) for key, x in sorted(frame.rates(istiod.BUILDS).rows.items())
        ),
        quiet=bool(alive) and counts.presence in answered,
        sends_known=bool(alive) and pushes.presence in answered,
        where=(Match.any_of(istiod.JOB, (x.job for x in alive)),) if tables.twice else (),
    )  # fmt: skip


class _Tables:
    """A frame's tables without what two scrape jobs both report of one istiod."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.twice = _twice(frame.rates(istiod.STATE))
        self._states = dict(self.rows(istiod.STATE))
        self._process = dict(self.rows(istiod.PROCESS))
        self._cpu = dict(self.rows(istiod.PROCESS_CPU))
        self._pushes: dict[Key, float] = defaultdict(float)
        for key, rate in self.rows(istiod.PUSHES).items():
            if not key[3].endswith(istiod.SEND_ERROR):
                self._pushes[key[:3]] += rate

    def rows(self, table: str) -> dict[Key, Any]:
        """The rows of a table, by job, instance, pod and more."""
        found = self._frame.tables.get(table, NOT_ASKED)
        return {key: value for key, value in found if IstiodKey(*key[:3]) not in self.twice}

    def latency(self, table: str) -> Latency | None:
        """The quantiles of all istiods together; `None` without any histogram."""
        parts: list[Histogram] = list(self.rows(table).values())
        return latency(merge(parts), self._frame.window) if parts else None

    def soonest(self, metric: str) -> float | None:
        """Seconds from the frame's instant until the first of these times."""
        times = [x for key, x in self._states.items() if key[3] == metric and not isnan(x)]
        return min(times) - self._frame.at if times else None

    def istiod(self, key: IstiodKey) -> Istiod:
        """One that is alive."""
        return Istiod(
            key=key,
            proxies=self._states.get((*key, istiod.PROXIES)),
            pushes=self._pushes.get(key),
            cpu=self._cpu.get(key),
            memory=self._process.get((*key, istiod.MEMORY)),
            goroutines=self._process.get((*key, istiod.GOROUTINES)),
            uptime=self._states.get((*key, istiod.UPTIME)),
        )


def _twice(state: Table[float]) -> frozenset[IstiodKey]:
    """Whom another scrape job reports too: the first job by name stays."""
    found: dict[str, set[IstiodKey]] = defaultdict(set)
    for key, _ in state:
        if key[1]:
            found[key[1]].add(IstiodKey(*key[:3]))
    return frozenset(x for keys in found.values() for x in keys if x.job != min(keys).job)


def _summed(rows: Mapping[Key, float], at: int) -> dict[str, float]:
    """The values by the part of the key that stands at this place."""
    sums: dict[str, float] = defaultdict(float)
    for key, value in rows.items():
        sums[key[at]] += value
    return dict(sorted(sums.items()))


def _failed_sends(rates: Mapping[str, float], new: Mapping[str, float]) -> dict[str, Count]:
    kinds = sorted(k for k in {*rates, *new} if k.endswith(istiod.SEND_ERROR))
    return {
        kind.removesuffix(istiod.SEND_ERROR): Count(rates.get(kind, 0.0), new.get(kind, 0.0))
        for kind in kinds
    }


def _counts(
    rates: Mapping[Key, float], new: Mapping[Key, float]
) -> dict[tuple[str, Detail], Count]:
    found: dict[tuple[str, Detail], Count] = defaultdict(Count)

    def detailed(rows: Mapping[Key, float]) -> Iterator[tuple[tuple[str, Detail], float]]:
        for (*_, metric, kind, event, reason), value in rows.items():
            yield (metric, Detail(kind, event, reason)), value

    for place, rate in detailed(rates):
        found[place] = found[place].plus(Count(rate))
    for place, value in detailed(new):
        found[place] = found[place].plus(Count(0.0, value))
    return dict(sorted(found.items()))


def _total(counts: Iterable[Count]) -> Count:
    total = Count()
    for count in counts:
        total = total.plus(count)
    return total
