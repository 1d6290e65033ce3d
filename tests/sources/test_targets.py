from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.sources.server import Request, Server, answer, serving, vector
from tui.model.frame import Ask, Query
from tui.sources.exchange import Exchange
from tui.sources.prometheus import Endpoint, PrometheusSource
from tui.sources.skew import Skew
from tui.sources.targets import LARGEST, ScrapeInterval, duration

ASK = Ask((Query("requests", "istio_requests_total", ("a",)),))


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def targets(*found: tuple[str, str, str]) -> bytes:
    """The answer about targets with this URL, pool and interval."""
    active = [
        {
            "scrapeUrl": url, "scrapePool": pool, "scrapeInterval": interval, "health": "up",
            "discoveredLabels": {"__address__": "x"}, "labels": {"app": "reviews"},
        }
        for url, pool, interval in found
    ]  # fmt: skip
    return answer(json.dumps({"status": "success", "data": {"activeTargets": active}}))


NODE = ("http://10.0.0.1:9100/metrics", "node", "1m")


@asynccontextmanager
async def interval(
    handler: Callable[[Request], bytes], clock: Clock | None = None
) -> AsyncIterator[tuple[ScrapeInterval, Server]]:
    async with serving(handler) as server:
        exchange = Exchange(Endpoint(server.url), clock=time.time)
        kept = ScrapeInterval(exchange, clock=clock or Clock())
        try:
            yield kept, server
        finally:
            await kept.close()
            await exchange.close()


async def settled(kept: ScrapeInterval) -> float | None:
    """The interval when the reading that is due has ended."""
    kept.keep_fresh()
    await asyncio.wait_for(asyncio.gather(*(t for t in _others() if not t.done())), 20)
    return kept.seconds


def _others() -> list[asyncio.Task[object]]:
    """The tasks that read intervals."""
    return [task for task in asyncio.all_tasks() if "ScrapeInterval" in repr(task.get_coro())]


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        ([NODE, NODE, ("http://10.0.0.2:15020/stats/prometheus", "kubernetes-pods", "15s")], 15.0),
        ([NODE, ("http://10.0.0.2:15090/x", "p", "5s"), ("http://h/m", "istio-mesh", "5s")], 5.0),
        ([NODE, ("http://10.0.0.2/metrics", "ns/envoy-stats-monitor/0", "500ms")], 0.5),
        ([NODE, NODE, ("http://10.0.0.2:8080/metrics", "apps", "10s")], 60.0),
        ([("http://10.0.0.2:15020/stats/prometheus", "p", "rubbish"), NODE], 60.0),
    ],
)
async def test_the_interval_is_the_meshs_own_where_it_can_be_told(
    found: list[tuple[str, str, str]], seconds: float
) -> None:
    async with interval(lambda _: targets(*found)) as (kept, server):
        assert await settled(kept) == seconds
    request = server.requests[0]
    assert (request.method, request.target) == ("GET", "/api/v1/targets?state=active")


NO_TARGETS = {
    "forbidden": answer("", 403),
    "unknown path": answer("", 404),
    "web page": answer("<html>"),
    "none": targets(),
    "too many": answer(b" " * (LARGEST + 1)),
}


@pytest.mark.parametrize("refusal", NO_TARGETS)
async def test_without_targets_the_samples_of_up_are_counted(refusal: str) -> None:
    assert await estimated("20", NO_TARGETS[refusal]) == 15.0


@pytest.mark.parametrize(
    ("samples", "seconds"), [("10.5", 29.0), ("600", 1.0), ("1", None), ("NaN", None)]
)
async def test_few_samples_of_up_tell_nothing(samples: str, seconds: float | None) -> None:
    assert await estimated(samples, NO_TARGETS["forbidden"]) == seconds


async def estimated(samples: str, refusal: bytes) -> float | None:
    def handler(request: Request) -> bytes:
        return answer(vector(({}, samples))) if "up[300s]" in request.query else refusal

    async with interval(handler) as (kept, _):
        return await settled(kept)


async def test_it_is_read_again_after_minutes_and_kept_while_the_server_is_away() -> None:
    clock, response = Clock(), targets(("http://h:15090/x", "p", "5s"))
    async with interval(lambda _: response, clock) as (kept, server):
        assert await settled(kept) == 5.0
        clock.now += 299
        await settled(kept)
        assert len(server.requests) == 1
        clock.now += 2
        response = answer("", 503)
        assert await settled(kept) == 5.0
        clock.now += 31
        response = targets(("http://h:15090/x", "p", "30s"))
        assert await settled(kept) == 30.0
        assert len(server.requests) == 3


async def test_it_never_delays_a_frame() -> None:
    async def handler(request: Request) -> AsyncIterator[bytes]:
        if request.path.endswith("/targets"):
            await asyncio.sleep(3600)
        yield answer(vector(({"a": "x"}, "1")))

    async with serving(handler) as server:
        source = PrometheusSource(Endpoint(server.url, timeout=60.0))
        frame = await asyncio.wait_for(source.poll(ASK), 20)
        assert frame.scrape_interval is None
        assert len(frame.rates("requests")) == 1
        await source.close()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15s", 15.0), ("1m30s", 90.0), ("500ms", 0.5), ("1h", 3600.0), ("", None), ("s", None),
     ("15", None), ("-1s", None), ("15s ", None)],
)  # fmt: skip
def test_durations_are_seconds(text: str, seconds: float | None) -> None:
    assert duration(text) == seconds


def test_a_skew_is_learnt_when_an_answer_contradicts_it() -> None:
    skew = Skew()
    for date, sent, received, seconds in [
        (100, 100.2, 100.3, 0.0),
        (100, 101.4, 101.5, 0.0),
        (100, 95.0, 108.0, 0.0),
        (110, 100.0, 100.1, 10.45),
        (111, 100.5, 100.6, 10.45),
        (111, 100.9, 101.0, 10.45),
        (115, 101.0, 101.0, 14.5),
        (102, 101.5, 101.6, 0.0),
    ]:
        skew.learn(date, sent, received)
        assert skew.seconds == pytest.approx(seconds)
