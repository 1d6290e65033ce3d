"""The meter against a brute-force oracle: counters are born, grow, restart, vanish, come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.test_meter import BORN, LOAD, REQUESTS, meter_for, page
from tui.model.frame import Ask, Key


@dataclass(frozen=True)
class Scrape:
    at: float
    page: Mapping[str, float]


Target = list[Scrape]
LABELS = ['svc="a",code="200"', 'svc="a",code="500"', 'svc="b",code="200"', 'code="200"']


@st.composite
def targets(draw: st.DrawFn) -> list[Target]:
    """Up to three targets whose counters are born, grow, restart, vanish and come back."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        at, values, scrapes = 1000.0, dict[str, float](), list[Scrape]()
        for _ in range(draw(st.integers(1, 12))):
            at += draw(st.sampled_from([4, 5, 5, 5, 6, 11, 60]))
            for labels in LABELS:
                what = draw(st.sampled_from(["grow", "grow", "grow", "stay", "restart", "die"]))
                if what == "grow":
                    values[labels] = values.get(labels, 0) + draw(st.integers(0, 9))
                elif what == "restart" and labels in values:
                    values[labels] = draw(st.integers(0, 3))
                elif what == "die":
                    values.pop(labels, None)
            scrapes.append(Scrape(at, dict(values)))
        found.append(scrapes)
    return found


def ends(target: Target, window: float, at: float, limit: float) -> tuple[int, int] | None:
    """The two scrapes that a rate is made of."""
    last = max((i for i, x in enumerate(target) if x.at <= at), default=-1)
    if last < 0 or target[last].at < at - limit:
        return None
    reach = target[last].at - window - limit
    before = [i for i in range(last) if target[i].at >= reach]
    if not before:
        return None
    return min(before, key=lambda i: (abs(target[i].at - (at - window)), i)), last


def increase(target: Target, labels: str, first: int, last: int) -> float:
    """Step by step, from the beginning of time."""
    before = target[0].page.get(labels, 0.0)
    total = 0.0
    for i, scrape in enumerate(target[1 : last + 1], start=1):
        value = scrape.page.get(labels)
        if value is not None:
            if i > first:
                total += value - before if value >= before else value
            before = value
    return total


def service(labels: str) -> Key:
    return ("a",) if 'svc="a"' in labels else ("b",) if 'svc="b"' in labels else ("",)


def expected_rates(found: list[Target], window: float, at: float, limit: float) -> dict[Key, float]:
    rows: dict[Key, float] = {}
    for target in found:
        pair = ends(target, window, at, limit)
        if pair is None:
            continue
        first, last = pair
        for labels in LABELS:
            grown = increase(target, labels, first, last)
            if grown or labels in target[first].page or labels in target[last].page:
                rate = grown / (target[last].at - target[first].at)
                rows[service(labels)] = rows.get(service(labels), 0.0) + rate
    return rows


def expected_births(
    found: list[Target], window: float, at: float, limit: float
) -> dict[Key, float]:
    rows: dict[Key, float] = {}
    for target in found:
        first, last = ends(target, window, at, limit) or (0, 0)
        for labels in target[last].page.keys() - target[first].page.keys():
            rows[service(labels)] = rows.get(service(labels), 0.0) + target[last].page[labels]
    return rows


def expected_gauges(found: list[Target], at: float, limit: float) -> dict[Key, float]:
    rows: dict[Key, float] = {}
    for target in found:
        last = [x for x in target if x.at <= at][-1:]
        if last and last[0].at >= at - limit:
            for labels, value in last[0].page.items():
                rows[service(labels)] = rows.get(service(labels), 0.0) + value
    return rows


@given(targets(), st.sampled_from([10.0, 30.0, 60.0, 200.0]), st.floats(-300, 20))
def test_the_answer_is_the_brute_force_one(
    found: list[Target], window: float, before_end: float
) -> None:
    meter = meter_for(REQUESTS, BORN, LOAD)
    feeds = [(scrape, str(i)) for i, target in enumerate(found) for scrape in target]
    for scrape, name in sorted(feeds, key=lambda x: x[0].at):
        meter.feed(name, page(scrape.page, scrape.page), scrape.at)
    at = feeds[-1][0].at + before_end
    limit = 2.5 * (meter.interval or 900.0)
    tables = meter.answer(Ask((REQUESTS, BORN, LOAD), window), at)
    assert tables["requests"].rows == pytest.approx(expected_rates(found, window, at, limit))
    assert tables["born"].rows == pytest.approx(expected_births(found, window, at, limit))
    assert tables["load"].rows == pytest.approx(expected_gauges(found, at, limit))
