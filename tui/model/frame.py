"""Ask and Frame: what a view needs, and the one instant that answers it.

A `Query` is a small, source-neutral piece of PromQL: one metric, grouped by some labels, narrowed
by some matchers. `tui.model.promql` renders it as PromQL; `tui.sources.meter` answers it from
counters that it scraped itself. Views never write PromQL, and sources never know a view.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

V = TypeVar("V")
Key = tuple[str, ...]

STAT: Final = "stat"
"""The label that tells the metrics of a query about several of them apart."""


_NOTHING = "$x"
"""Matches no text, not even the empty one, which an absent label has: nothing follows the end."""


_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.DOTALL)


def _literal(text: str) -> str:
    """A regular expression of RE2 and Python for this text alone. `re.escape` takes in dashes too,
    which every other name in a cluster has.
    """
    return _SPECIAL.sub(r"\\\g<0>", text)


@dataclass(frozen=True, slots=True)
class Match:
    """One label matcher, with Prometheus' meaning: an absent label is the empty string.

    `value` of `=~` and `!~` is a regular expression of the subset that RE2 and Python share, and
    is anchored at both ends.
    """

    label: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str

    def accepts(self, value: str) -> bool:
        """Whether a series whose label has this value is selected."""
        match self.op:
            case "=":
                return value == self.value
            case "!=":
                return value != self.value
            case "=~":
                return _pattern(self.value).fullmatch(value) is not None
            case "!~":
                return _pattern(self.value).fullmatch(value) is None

    @classmethod
    def any_of(cls, label: str, values: Iterable[str]) -> Match:
        """A matcher for exactly these values, each taken literally; without any, for nothing."""
        names = sorted(set(values))
        if len(names) == 1:
            return cls(label, "=", names[0])
        return cls(label, "=~", "|".join(map(_literal, names)) if names else _NOTHING)


class Kind(Enum):
    """How the samples of a metric become the number in a table."""

    RATE = "rate"
    """Per-second increase of a counter over the window, summed."""
    GAUGE = "gauge"
    """Value of a gauge now, summed."""
    BORN = "born"
    """Value now of the counters that did not exist one window ago, summed: the first step of a
    series, which `rate()` cannot see."""
    HISTOGRAM = "histogram"
    """Per-second increases of a classic histogram's cumulative buckets: a `Histogram` a group."""


@dataclass(frozen=True, slots=True)
class Query:
    """One grouped question, answered by one table of a frame.

    `where` must all hold; of `either`, when there are any, one group must hold. `metric` of a
    histogram has no `_bucket`. `scale` turns the metric's unit into the model's (seconds, bytes):
    it multiplies values, or the bucket bounds of a histogram.

    `also` are further metrics of the same kind and labels, which cost no further query: each series
    then has its metric's name as its label `STAT`, for `by` to group by. A histogram has none.
    """

    table: str
    metric: str
    by: tuple[str, ...]
    where: tuple[Match, ...] = ()
    kind: Kind = Kind.RATE
    either: tuple[tuple[Match, ...], ...] = ()
    scale: float = 1.0
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.also and self.kind is Kind.HISTOGRAM:
            raise ValueError(f"A query about {self.metric} buckets is about no other metric.")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that it is about."""
        return (self.metric, *self.also)

    def narrowed(self, *where: Match) -> Query:
        """The same question about fewer series."""
        return Query(
            self.table, self.metric, self.by, (*self.where, *where), self.kind, self.either,
            self.scale, self.also,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """What the visible screen needs: questions, all about one window (seconds) and one instant.

    `at` is Unix seconds; `None` is now.
    """

    queries: tuple[Query, ...]
    window: float = 60.0
    at: float | None = None


class Histogram(NamedTuple):
    """Cumulative bucket rates. `bounds` ascend, in seconds or bytes; the last is +Inf if the
    source has that bucket. `counts` are observations per second at or below each bound.
    """

    bounds: tuple[float, ...]
    counts: tuple[float, ...]


class Presence(Enum):
    """Why a table holds what it holds."""

    PRESENT = "present"
    NO_RATE = "no rate"
    """The metric has series, but none with two samples in the window."""
    ABSENT = "absent"
    """The source has no series of this metric in the asked scope."""
    FAILED = "failed"
    """The source did not answer this question; `Table.reason` says why."""
    NOT_ASKED = "not asked"


@dataclass(frozen=True, eq=False, slots=True)
class Table(Generic[V]):
    """One answered query: group key (values of `by`, in order, `""` where absent) to value."""

    by: tuple[str, ...]
    rows: Mapping[Key, V]
    presence: Presence = Presence.PRESENT
    reason: str = ""

    def __iter__(self) -> Iterator[tuple[Key, V]]:
        return iter(self.rows.items())

    def __len__(self) -> int:
        return len(self.rows)

    def columns(self, *labels: str) -> tuple[int, ...]:
        """Where each label stands in a key; -1 for one that was not asked for."""
        return tuple(self.by.index(x) if x in self.by else -1 for x in labels)


NOT_ASKED: Table[Any] = Table((), MappingProxyType({}), Presence.NOT_ASKED)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one refresh took: queries or scrapes, wall seconds, bytes received (decoded)."""

    queries: int = 0
    seconds: float = 0.0
    bytes: int = 0
    unit: Literal["query", "scrape"] = "query"


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """The mesh at one instant. Everything on a screen reads one of these.

    `at`: Unix seconds that every value holds for. `window`: seconds that the rates really cover,
    which may be less than was asked. `scrape_interval`: seconds, `None` where unknown.
    `warnings`: sentences for the status bar, with no markup and no secrets.
    """

    at: float
    window: float
    source: str
    tables: Mapping[str, Table[Any]] = field(default_factory=dict)
    scrape_interval: float | None = None
    warnings: tuple[str, ...] = ()
    cost: Cost = Cost()

    def rates(self, table: str) -> Table[float]:
        """A table of numbers; an empty one, `NOT_ASKED`, where nobody asked."""
        return self.tables.get(table, NOT_ASKED)

    def histograms(self, table: str) -> Table[Histogram]:
        """A table of histograms; an empty one, `NOT_ASKED`, where nobody asked."""
        return self.tables.get(table, NOT_ASKED)
