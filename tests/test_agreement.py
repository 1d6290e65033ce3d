"""The Envoys asked directly and a Prometheus that scrapes the same Envoys say the same.

With counters that stand still at both ends of both windows, nothing is left to sampling:

    Prometheus' rate of a series x seconds between its first and its last sample in the window
  = our rate x seconds between our two scrapes
  = what the Envoy's counter grew by.

`rate()` divides the growth by the time between the samples, not by the window, as long as a sample
lies within 1.1 scrape intervals of each end of the window, and the series had counted enough before
(at its pace it must have begun before the window). The test picks a window that is so for every
proxy, and sends thrice as many requests before it as in it. All proxies having as many seconds
between their samples, shares are equal too. A bucket may have been empty before: quantiles are
compared with those of the buckets' plain growth, which Prometheus gives without `rate()`.

Under a steady load the windows differ at their ends. Ours is w seconds long; Prometheus' samples,
one scrape interval apart, span s of them, w - 2 < s <= w at 1 s. Of requests that arrive as a
Poisson process of rate r, n fall into the span and m into the rest of our window, so the two rates
n / s and (n + m) / w differ by

    n (1 / s - 1 / w) - m / w,  of the variance  r s (1 / s - 1 / w)^2 + r (w - s) / w^2
                                                 = r (1 / s - 1 / w),

which is 0 for windows that are the same. For r = 60/s, w = 5 s and s = 4 s the standard deviation
is 1.7/s. Four of them are allowed (one in 16,000 comparisons would exceed it by chance), and two
requests for those that a proxy counted between its page and our clock at either end. The load
comes evenly, and so keeps well below. A share p of errors, of s r requests taken out of w r, has
the standard deviation sqrt(p (1 - p) (1 / (s r) - 1 / (w r))). Envoy's histograms move every 5 s:
in a window of 5 s that is one step or two, so bytes and quantiles are held by the first test alone.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Final

import pytest

from tests import headless
from tests.mesh.pods import GATEWAY
from tests.mesh.reading import halt, page, requests
from tests.mesh.running import Mesh, eventually
from tests.oracle import SHARES, Json, Oracle, equal
from tui.model import labels
from tui.model.frame import Ask
from tui.model.mesh import services, unserved
from tui.model.questions import service_queries
from tui.sources.envoy import EnvoySource
from tui.view.services import COLUMNS, Line

pytestmark = pytest.mark.real

INTERVAL: Final = 1.0
"""Seconds between two scrapes of the mesh's Prometheus."""
NEAR: Final = 1.05 * INTERVAL
"""Seconds from an end of the window within which a sample has to be."""
APART: Final = 10.0
"""Seconds between the two scrapes of ours, by a clock of the test's."""
SIGMAS: Final = 4.0
QUANTILES: Final = {"p50_seconds": 0.5, "p95_seconds": 0.95, "p99_seconds": 0.99}
GROWN: Final = Template("""histogram_quantile($q, sum by (le) (
    istio_request_duration_milliseconds_bucket{$own}
  - istio_request_duration_milliseconds_bucket{$own} offset $since)) / 1000""")
"""A quantile of what the buckets grew by, which `rate()` would extrapolate."""
RATES: Final = (
    "requests_per_second", "unreached_per_second", "no_response_per_second",
    "request_bytes_per_second", "response_bytes_per_second",
)  # fmt: skip
_OBSERVED = re.compile(rf"^{labels.DURATION}_count{{[^}}]*}} (\d+)$", re.MULTILINE)

Name = tuple[str, str]
Series = tuple[str, frozenset[tuple[str, str]]]


def by_name(rows: list[Json]) -> dict[Name, Json]:
    return {(row["namespace"], row["service"]): row for row in rows}


def counted(mesh: Mesh) -> Counter[Series]:
    """Every series of requests as its Envoy shows it, in whole requests."""
    return Counter({
        (envoy, frozenset(found.items())): int(value)
        for envoy in mesh.envoys
        for found, value in requests(mesh, [envoy])
    })  # fmt: skip


def flushed(mesh: Mesh) -> bool:
    """Whether the histograms of every Envoy have all the requests that its counters have."""
    pages = (page(mesh, envoy, f"?filter={labels.DURATION}") for envoy in mesh.envoys)
    observed = sum(int(count) for text in pages for count in _OBSERVED.findall(text))
    return observed == counted(mesh).total()


def stand_still(mesh: Mesh) -> float:
    """End the load, until no counter moves any more; when that was."""
    halt(mesh)
    eventually(lambda: flushed(mesh), "histograms have what counters have")
    return time.time()


def whose(series: Series) -> Name | None:
    """The row that a series of requests is counted in."""
    found = dict(series[1])
    if found[labels.REPORTER] in labels.SERVER:
        return found[labels.NAMESPACE], found[labels.SERVICE]
    if found[labels.SOURCE_WORKLOAD] == GATEWAY.workload:
        return GATEWAY.namespace, GATEWAY.workload
    return None


def growth(before: Counter[Series], after: Counter[Series]) -> Counter[Name]:
    """Requests by row that came between two looks at the Envoys."""
    assert before.keys() == after.keys(), "a series that began in between has no first step"
    grown: Counter[Name] = Counter()
    for series, count in after.items():
        if (name := whose(series)) is not None:
            grown[name] += count - before[series]
    return grown


def spans(mesh: Mesh, at: float, window: int) -> list[tuple[float, float, float]]:
    """Of each proxy, the seconds from the start of the window to its first sample, to its last one,
    and from there to the end, as Prometheus has them.
    """
    form = {"query": f"up[{window}s]", "time": f"{at:.3f}"}
    answer = mesh.http.get(f"{mesh.prometheus}/api/v1/query", params=form).json()
    times = [[at for at, _ in series["values"]] for series in answer["data"]["result"]]
    assert len(times) == len(mesh.envoys)
    return [(x[0] - at + window, x[-1] - x[0], at - x[-1]) for x in times]


def fair_window(mesh: Mesh, still: float, moved: float, again: float) -> tuple[float, int, float]:
    """An instant and a window that have all that moved, from `moved` on and not after `again`, and
    the seconds between first and last sample that it has of every proxy.
    """
    for tenth in range(10):
        at = round(time.time() - (0.5 + tenth / 10) * INTERVAL, 3)
        window = math.ceil(at - moved + INTERVAL)
        assert still < at - window
        assert again < at - NEAR
        found = spans(mesh, at, window)
        between = {round(sampled, 3) for _, sampled, _ in found}
        if len(between) == 1 and all(max(first, last) < NEAR for first, _, last in found):
            return at, window, between.pop()
    raise AssertionError("Prometheus has missed a scrape at every window's end")


class Clock:
    """A clock that the test moves."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def rows(source: EnvoySource, window: float) -> list[Json]:
    """What the table has of a source, by the columns' keys, from one scrape."""
    first = await source.poll(Ask(service_queries(), window))
    asked = service_queries(unserved=unserved(services(first)))
    frame = await source.poll(Ask(asked, window))
    assert frame.at == first.at
    assert frame.warnings == ()
    return [
        {column.key: column.value(Line(found)) for column in COLUMNS}
        for found in services(frame)
    ]  # fmt: skip


def ask_prometheus(mesh: Mesh, at: float, window: int) -> list[Json]:
    where = ("--prometheus", mesh.prometheus, "--at", f"{at:.3f}", "-w", f"{window}s")
    found: list[Json] = headless.services(*where, environment=headless.alone(Path("/nowhere")))[
        "rows"
    ]
    return found


async def test_counters_that_stand_still_at_both_ends_of_the_window_give_the_same(
    mesh: Mesh,
) -> None:
    mesh.set_errors("reviews-v3", 0.5)
    mesh.set_errors("ratings", 0.2)
    mesh.set_rate(120)
    seen = counted(mesh).total()
    eventually(lambda: counted(mesh).total() > seen + 2500, "each kind of request has come")
    clock = Clock()
    source = EnvoySource(mesh.envoys, clock=clock)
    try:
        still = stand_still(mesh)
        before = counted(mesh)
        await rows(source, APART)
        await asyncio.sleep(2.1 * INTERVAL)
        moved = time.time()
        mesh.set_rate(60)
        eventually(lambda: counted(mesh).total() > before.total() + 800, "requests")
        again = stand_still(mesh)
        clock.now += APART
        ours = by_name(await rows(source, APART))
    finally:
        await source.close()
    await asyncio.sleep(2.6 * INTERVAL)
    at, window, sampled = fair_window(mesh, still, moved, again)
    for name, requested in growth(before, counted(mesh)).items():
        assert equal(ours[name]["requests_per_second"] * APART, float(requested))
    theirs = by_name(ask_prometheus(mesh, at, window))
    assert ours.keys() == theirs.keys()
    for name, row in ours.items():
        for key, value in theirs[name].items():
            if key not in QUANTILES:
                here, there = (APART, sampled) if key in RATES and value is not None else (1, 1)
                assert equal(row[key] and row[key] * here, value and value * there), (name, key)
    oracle = Oracle(mesh.http, mesh.prometheus, at, window)
    for whose in oracle.everyone():
        for key, share in QUANTILES.items():
            # The sample at an instant may be a scrape older than that.
            since = f"{window - round(INTERVAL)}s"
            counted_up = GROWN.substitute(q=share, own=whose.own, since=since)
            mine = ours[whose.namespace, whose.name][key]
            assert equal(mine, oracle.number(counted_up)), (whose, key)
    assert ours["default", "reviews"]["error_ratio"] > 0


def close(one: float, other: float, variance: float, slack: float = 0.0) -> bool:
    return abs(one - other) <= SIGMAS * math.sqrt(variance) + slack


def test_a_steady_load_is_the_same_within_the_sampling_error(mesh: Mesh) -> None:
    mesh.set_errors("reviews-v3", 0.5)
    mesh.set_rate(60)
    time.sleep(3 * INTERVAL)
    envoys = [argument for envoy in mesh.envoys for argument in ("--envoy", envoy)]
    answer = headless.services(*envoys, environment=headless.alone(Path("/nowhere")))
    own, at = answer["window_seconds"], datetime.fromisoformat(answer["at"]).timestamp()
    window = math.floor(own)
    eventually(lambda: min(mesh.query("timestamp(up)").values()) > at, "a later scrape")
    sampled = min(between for _, between, _ in spans(mesh, at, window))
    assert window - 2 * INTERVAL < sampled <= own
    ours, theirs = by_name(answer["rows"]), by_name(ask_prometheus(mesh, at, window))
    assert ours.keys() == theirs.keys()
    apart = 1 / sampled - 1 / own
    for name, row in ours.items():
        rate, other = row["requests_per_second"], theirs[name]["requests_per_second"]
        assert close(rate, other, rate * apart, 2 / sampled), f"{name}: {rate}, {other}"
        for key in SHARES if rate else ():
            share = (row[key] + theirs[name][key]) / 2
            variance = share * (1 - share) * apart / rate
            assert close(row[key], theirs[name][key], variance, 2 / (sampled * rate)), name
