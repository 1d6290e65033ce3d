"""One query answered for one instant, target by target."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from operator import sub
from typing import Any, Final

from tui.model.frame import Kind, Presence, Table
from tui.sources.plan import Part, Plan
from tui.sources.track import Scrape, Track

NEEDS_SECOND: Final = "needs a second scrape"
NEEDS_FRESH: Final = "no fresh scrape"


@dataclass(slots=True, eq=False)
class Span:
    """What one target has for an instant and a window: its last scrape and the one it is compared
    with. `start`: Unix seconds where the window begins. `limit`: seconds that it may reach back.
    `failed`: whether a page is missing since the last scrape.
    """

    track: Track
    last: int
    start: float
    limit: float
    failed: bool
    _totals: dict[int, array[float]] = field(default_factory=dict)
    _firsts: dict[float, int] = field(default_factory=dict)

    @property
    def end(self) -> Scrape:
        """The last scrape."""
        return self.track.scrapes[self.last]

    @property
    def elapsed(self) -> float:
        """Seconds between the scrapes that are compared; 0 where there is only one."""
        first = self.first(float("-inf"))
        return self.end.at - self.track.scrapes[first].at if first >= 0 else 0.0

    def first(self, since: float) -> int:
        """Which scrape to compare with, for series that were looked for since then; -1 if none."""
        found = self._firsts.get(since)
        if found is None:
            found = self.track.first(self.last, self.start, since, self.limit)
            self._firsts[since] = found
        return found

    def totals(self, scrape: int) -> array[float]:
        """The totals of a scrape, 0 for slots that were not there yet."""
        found = self._totals.get(scrape)
        if found is None:
            found = self.track.scrapes[scrape].opened()
            if scrape != self.last:
                short = len(self.totals(self.last)) - len(found)
                found = found + array("d", bytes(8 * short)) if short else found
            self._totals[scrape] = found
        return found


class Tally:
    """One query's sums so far."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._values = [0.0] * len(plan)
        self._present: set[int] = set()
        self._asked = self._matched = self._rated = False

    def add(self, span: Span) -> None:
        """Count one target in."""
        kept = [span.track.since.get(name) for name in self._plan.names]
        known = [since for since in kept if since is not None]
        since = max(known, default=inf)
        if len(known) < len(kept) or since > span.end.at:
            return
        self._asked = True
        part = self._plan.part(span.track)
        if not part.slots:
            return
        self._matched = True
        self._values += [0.0] * (len(self._plan) - len(self._values))
        if self._plan.query.kind is Kind.GAUGE:
            if not span.failed:
                self._gauges(part, span)
            return
        first = span.first(since)
        if first >= 0:
            self._rated = True
            if self._plan.query.kind is Kind.BORN:
                self._births(part, span, first)
            else:
                self._rates(part, span, first)

    def table(self) -> Table[Any]:
        """The answer."""
        query = self._plan.query
        if not self._asked:
            return Table(query.by, {}, Presence.NO_RATE, NEEDS_FRESH)
        if self._matched and not self._rated and query.kind is not Kind.GAUGE:
            return Table(query.by, {}, Presence.NO_RATE, NEEDS_SECOND)
        if not self._present and (query.kind is not Kind.BORN or not self._matched):
            return Table(query.by, {}, Presence.ABSENT)
        if query.kind is Kind.HISTOGRAM:
            return Table(query.by, self._plan.histograms(self._values, self._present))
        return Table(query.by, self._plan.rows(self._values, self._present))

    def _rates(self, part: Part, span: Span, first: int) -> None:
        start, end, values = span.track.scrapes[first], span.end, self._values
        after, before = span.totals(span.last), span.totals(first)
        elapsed = end.at - start.at
        grown = map(sub, part.pick(after), part.pick(before))
        for group, increase in zip(part.groups, grown, strict=False):
            if increase > 0:
                values[group] += increase / elapsed
        if end.gone:
            gone = {
                slot
                for slot in end.gone
                if (slot >= start.slots or slot in start.gone) and after[slot] == before[slot]
            }
            self._present |= part.present(end.slots, gone)
        else:
            self._present |= part.present(end.slots, end.gone)

    def _births(self, part: Part, span: Span, first: int) -> None:
        """What the scrape at the start of the window did not have, as it is at the window's end."""
        start, end = span.track.scrapes[first], span.end
        totals = span.totals(span.last)
        born = part.slots[bisect_left(part.slots, start.slots) :]
        back = sorted(x for x in start.gone - end.gone if x in part) if start.gone else ()
        for slot in chain(back, born):
            if slot < end.slots and slot not in end.gone:
                group = part.group(slot)
                self._values[group] += totals[slot] - end.offsets[slot]
                self._present.add(group)

    def _gauges(self, part: Part, span: Span) -> None:
        end, values = span.end, self._values
        totals = span.totals(span.last)
        self._present |= part.present(end.slots, end.gone)
        self._rated = True
        current = map(sub, part.pick(totals), part.pick(end.offsets))
        for slot, group, value in zip(part.slots, part.groups, current, strict=False):
            if slot not in end.gone:
                values[group] += value
