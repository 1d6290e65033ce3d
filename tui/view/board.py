"""What the screen of services knows: the frames so far, and how the user wants to look at them."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tui.model import labels, mesh, questions
from tui.model.frame import Ask, Frame, Presence
from tui.model.health import Level
from tui.model.history import Histories
from tui.model.questions import ServiceKey, history_queries, service_queries
from tui.model.service import Latency, Service
from tui.model.text import plain
from tui.view.filter import Filter, FilterError, named, parse
from tui.view.order import Arranger, Order
from tui.view.services import COLUMNS, DEFAULT_ORDER, Line, lacks_buckets, why_empty
from tui.view.table import Cell, Row

QUANTILES: Final = frozenset({"p50_seconds", "p95_seconds", "p99_seconds"})
FEW: Final = 60
"""Services whose buckets are all asked for at every refresh: no more than two screens of them."""
JUDGE_EVERY: Final = 30.0
"""Seconds between two questions about everybody's latency, while rows are judged by it."""
BAR: Final = 15.0
"""Seconds that one bar of a sparkline stands for, where frames do not come less often."""
BARS: Final = 60
SAMPLES: Final = 720
"""Frames that the sparklines remember: an hour at one every 5 s."""
NOT_ASKED: Final = Cell("…", dim=True)
"""Stands where the source was not asked yet: neither a number nor a lack of data."""

_NAMED: Final = re.compile(r"(?:^|\s)!?([\w.]+)(?:[<>!]=?|[:=])")
_BAD: Final = (Level.FAILING, Level.DEGRADED)


@dataclass(frozen=True, slots=True)
class Look:
    """What the user wants to see. `window` is seconds, `at` Unix seconds or `None` for now."""

    scope: tuple[str, ...] = ()
    window: float = 60.0
    at: float | None = None
    order: Order = DEFAULT_ORDER
    filter: Filter[Line] = field(default_factory=lambda: parse("", COLUMNS))
    only_bad: bool = False
    wide: bool = False

    @property
    def by_latency(self) -> bool:
        """Whether rows are sorted or chosen by a quantile, which must then be known of all."""
        return self.order.column in QUANTILES or not QUANTILES.isdisjoint(_columns(self.filter))

    def sorted_by(self, column: str) -> Look:
        """The same by another column, its own way round first; by the same one, the other way."""
        if column == self.order.column:
            return self.reversed()
        descending = next((c.descending for c in COLUMNS if c.key == column), True)
        return dataclasses.replace(self, order=Order(column, descending))

    def sorted_beside(self, step: int, shown: Sequence[str]) -> Look:
        """The same by the column so many to the right of those shown, as far as there are any."""
        here = shown.index(self.order.column) if self.order.column in shown else -step
        place = min(max(here + step, 0), len(shown) - 1)
        return self if shown[place] == self.order.column else self.sorted_by(shown[place])

    def reversed(self) -> Look:
        """The same in the opposite order."""
        order = Order(self.order.column, not self.order.descending)
        return dataclasses.replace(self, order=order)


def _columns(filter: Filter[Line]) -> Iterable[str]:
    """The keys of the columns that a filter compares."""
    for name in _NAMED.findall(filter.text):
        try:
            yield named(name, COLUMNS).key
        except FilterError:
            continue  # quoted text that only looks like a comparison


class Board:
    """Frames in; what to ask, and which rows to show, out.

    `at_once`: ask for everybody's latency from the first question on, for a source that needs
    another scrape before it can answer a question that it has not heard before. `interval`:
    seconds between frames, which the sparklines must know.
    """

    def __init__(self, look: Look, interval: float, *, at_once: bool = False) -> None:
        self.look = look
        self.frame: Frame | None = None
        self.services: list[Service] = []
        self.namespaces: dict[str, int] = {}
        """Services by namespace, as far as any frame has shown them."""
        self.judged_at: float | None = None
        """When everybody's latency was last known."""
        self.failed = False
        """Whether the last frame had no requests in it, so that these rows are an earlier one's."""
        self._at_once = at_once
        self._histories: Histories[ServiceKey] = Histories(SAMPLES, interval)
        self._arranger: Arranger[Line] = Arranger()
        self._held: dict[ServiceKey, Latency | None] = {}
        self._unserved: frozenset[ServiceKey] | None = None
        self._means = False
        self._ask: Ask | None = None

    @property
    def interval(self) -> float:
        """Seconds between frames as planned."""
        return self._histories.interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._histories.interval = seconds

    @property
    def bar(self) -> float:
        """Seconds that one bar of a sparkline stands for."""
        return max(BAR, self.interval)

    def look_at(self, look: Look) -> None:
        """Look another way. What another scope's mesh is like has to be found out again."""
        if look.scope != self.look.scope:
            self._unserved = None
        self.look = look

    def ask(self, visible: Collection[ServiceKey], now: float) -> Ask:
        """What to ask next, if these rows are on the screen or near it."""
        wanted: Collection[ServiceKey] | None = visible
        if self.frame is None:
            wanted = None if self._at_once else ()
        elif self._at_once or len(self.services) <= FEW or self._due(now):
            wanted = None
        look = self.look
        queries = service_queries(look.scope, wanted, self._unserved, self._means)
        return Ask(queries, look.window, look.at)

    def _due(self, now: float) -> bool:
        if not self.look.by_latency:
            return False
        return self.judged_at is None or not 0 <= now - self.judged_at < JUDGE_EVERY

    def past(self, end: float) -> tuple[Ask, float, float, float]:
        """What to ask about the past to fill the sparklines, and of when: start, end, step."""
        ask = Ask(history_queries(self.look.scope), self.look.window)
        return ask, end - self.bar * BARS, end, self.bar

    def take(self, frame: Frame, ask: Ask) -> None:
        """The answer to a question."""
        self.failed = frame.rates(questions.SERVED).presence is Presence.FAILED
        if self.failed and self.services:
            return
        found = mesh.services(frame)
        self.frame, self.services, self._ask = frame, found, ask
        self._unserved = mesh.unserved(found)
        self._histories.add(frame.at, {s.key: s.requests for s in found})
        self._count(found, ask)
        asked = [s for s in found if self.asked(s.key)]
        if any(s.requests for s in asked) and lacks_buckets(frame):
            self._means = True
        if found and len(asked) == len(found):
            self.judged_at = frame.at
            self._held = {s.key: s.latency for s in found}

    def _count(self, found: Iterable[Service], ask: Ask) -> None:
        counted = Counter(s.key.namespace for s in found)
        if any(m.label == labels.NAMESPACE for query in ask.queries for m in query.where):
            # The namespaces out of scope are not gone: nobody asked about them.
            self.namespaces |= dict.fromkeys(self.look.scope, 0) | counted
        else:
            self.namespaces = dict(counted)

    def remember(self, frames: Iterable[Frame]) -> None:
        """Frames from before the first, for the sparklines."""
        self._histories.seed(
            (frame.at, {s.key: s.requests for s in mesh.services(frame)}) for frame in frames
        )

    def asked(self, key: ServiceKey) -> bool:
        """Whether the last frame was asked about this row's latency."""
        gateway = key.kind == "gateway"
        table = questions.ENTERED_DURATION if gateway else questions.DURATION
        name = labels.SOURCE_WORKLOAD if gateway else labels.SERVICE
        for query in self._ask.queries if self._ask else ():
            if query.table == questions.DURATION_SUM:
                return True
            if query.table == table:
                return all(m.accepts(key.name) for m in query.where if m.label == name)
        return False

    def lines(self) -> list[Line]:
        """The rows to show, in order. Latency that was not asked for is as it was when it was."""
        look = self.look
        scope = frozenset(look.scope)
        lines = [
            Line(self._judged(service))
            for service in self.services
            if (not scope or service.key.namespace in scope)
            and (not look.only_bad or service.level in _BAD)
        ]
        accepted = list(filter(look.filter.accepts, lines))
        return self._arranger.arrange(accepted, look.order, COLUMNS, lambda x: x.service.key)

    def _judged(self, service: Service) -> Service:
        held = self._held.get(service.key)
        if held is None or service.latency is not None or self.asked(service.key):
            return service
        return dataclasses.replace(service, latency=held)

    def rows(self, lines: Sequence[Line], near: Collection[Hashable]) -> list[Row]:
        """The lines as cells; those whose key is not `near` the screen have none.

        The text of 1,000 rows takes 40 ms, which keys would have to wait for.
        """
        return [
            self._row(line) if line.service.key in near else Row(line.service.key, ())
            for line in lines
        ]

    def _row(self, line: Line) -> Row:
        key = line.service.key
        line = Line(line.service, self.history(key))
        pending = bool(line.service.requests) and not self.asked(key)
        return Row(
            key,
            tuple(
                NOT_ASKED if pending and column.key in QUANTILES else column.cell(line)
                for column in COLUMNS
            ),
        )

    def history(self, key: ServiceKey) -> tuple[float | None, ...]:
        """Requests per second of late, a value for each bar."""
        if self.frame is None:
            return ()
        end = math.ceil(self.frame.at / self.bar) * self.bar
        return tuple(self._histories.cells(key, BARS, end, self.bar))

    def why_nothing(self, frame: Frame) -> str:
        """Why this frame has no row to show, and what to do about it."""
        look, known = self.look, len(self.services)
        if not known:
            return why_empty(frame, look.scope)
        where = f" in {', '.join(map(plain, look.scope[:3]))}" if look.scope else ""
        if look.scope and not any(s.key.namespace in look.scope for s in self.services):
            return f"No service{where} has traffic: n chooses other namespaces, 0 all of them."
        if look.filter.text:
            text = plain(look.filter.text, 40)
            return f"No service of {known} matches {text}: esc clears the filter."
        return f"No service of {known}{where} is failing or degraded: b shows them all."
