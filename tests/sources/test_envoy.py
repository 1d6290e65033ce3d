"""A fleet of proxies on a usual day: scrapes, rates, the past, restarts."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys

from tests.sources.fleet import ASK, REQUESTS, Proxy, fleet
from tests.sources.server import answer, serving
from tui.model.frame import Ask, Kind, Presence, Query
from tui.sources.base import Source
from tui.sources.envoy import EnvoySource

BYTES = Query("bytes", "istio_request_bytes", ("instance",), kind=Kind.HISTOGRAM)


async def test_the_second_scrape_gives_rates() -> None:
    async with fleet(Proxy("a"), Proxy("a"), Proxy("b")) as (source, clock, servers):
        shown: Source = source
        first = await shown.poll(ASK)
        table = first.rates("requests")
        assert (table.presence, table.reason) == (Presence.NO_RATE, "needs a second scrape")
        assert first.window == 0
        clock.now += 5
        second = await shown.poll(ASK)
        assert second.rates("requests").rows == {("a",): 4.0, ("b",): 2.0}
        assert (second.at, second.window, second.scrape_interval) == (1005, 5, 5)
        assert second.source == source.name == "envoy 3 proxies"
        assert second.warnings == ()
        assert second.cost.queries == 3
        assert second.cost.bytes == sum(len(Proxy().body()) for _ in servers)


async def test_polls_that_come_too_early_do_not_scrape() -> None:
    async with fleet(Proxy()) as (source, clock, servers):
        for step in (0, 5, 1, 3.9):
            clock.now += step
            frame = await source.poll(ASK)
        assert len(servers[0].requests) == 3
        assert frame.at == clock.now
        clock.now += 1
        frame = await source.poll(ASK)
        assert (len(servers[0].requests), frame.at, frame.cost.queries) == (3, clock.now - 1, 0)
        assert frame.rates("requests").rows


async def test_two_polls_at_once_scrape_once() -> None:
    async with fleet(Proxy()) as (source, _, servers):
        await asyncio.gather(*(source.poll(ASK) for _ in range(5)))
        assert len(servers[0].requests) == 1


async def test_the_request_asks_for_what_is_wanted_and_no_more() -> None:
    async with fleet(Proxy()) as (source, clock, servers):
        await source.poll(ASK)
        clock.now += 5
        await source.poll(Ask((BYTES,)))
        clock.now += 5
        await source.poll(ASK)
        request = servers[0].requests
        assert {x.path for x in request} == {"/stats/prometheus"}
        assert {x.form["usedonly"] for x in request} == {""}
        assert [x.form["filter"] for x in request] == [
            "istio_requests_total",
            "istio_request_bytes|istio_requests_total",
            "istio_request_bytes|istio_requests_total",
        ]
        assert request[0].headers["accept-encoding"] == "identity"
        assert "0.0.4" in request[0].headers["accept"]


async def test_a_metric_that_is_asked_for_later_is_no_burst() -> None:
    proxy = Proxy()
    proxy.respond = lambda _: answer(
        proxy.body()
        + '# TYPE istio_request_bytes histogram\nistio_request_bytes_bucket{le="1"} 7\n'
    )
    async with fleet(proxy) as (source, clock, _):
        tables = []
        for query in (REQUESTS, BYTES, BYTES):
            tables.append((await source.poll(Ask((query,)))).tables)
            clock.now += 5
        assert tables[1]["bytes"].presence is Presence.NO_RATE
        [(key, histogram)] = tables[2]["bytes"]
        assert key == (source.name.removeprefix("envoy "),)
        assert histogram.counts == (0.0,)


async def test_the_past_is_answered_from_memory() -> None:
    proxy = Proxy()
    async with fleet(proxy) as (source, clock, servers):
        assert await source.past(ASK, 900, 1000, 5) == []
        for _ in range(10):
            await source.poll(ASK)
            clock.now += 5
        scrapes = len(servers[0].requests)
        frames = await source.past(ASK, 990, 1045, 5)
        assert [x.at for x in frames] == [1005 + 5 * i for i in range(9)]
        assert {x.rates("requests").rows[("a",)] for x in frames} == {2.0}
        back = await source.poll(Ask((REQUESTS,), 60.0, at=1021.0))
        assert (back.at, back.window) == (1021.0, 20.0)
        assert len(servers[0].requests) == scrapes


async def test_a_page_may_be_compressed() -> None:
    proxy = Proxy()
    body = gzip.compress(proxy.body().encode())
    proxy.respond = lambda _: answer(body, headers={"Content-Encoding": "gzip"})
    async with fleet(proxy) as (source, _, _):
        frame = await source.poll(ASK)
        assert frame.warnings == ()
        assert frame.cost.bytes == len(proxy.body())


async def test_headers_are_sent_and_not_shown() -> None:
    async with serving(Proxy()) as server:
        source = EnvoySource([server.url], headers={"Authorization": "Bearer hush"})
        await source.poll(ASK)
        assert server.requests[0].headers["authorization"] == "Bearer hush"
        assert "hush" not in repr(vars(source)) + repr(vars(source._scraper)["_client"])
        await source.close()
        await source.close()


async def test_a_restart_is_no_negative_rate_and_no_burst() -> None:
    proxy = Proxy()
    async with fleet(proxy) as (source, clock, _):
        for count in (100, 150, 0):
            proxy.count = count
            frame = await source.poll(ASK)
            clock.now += 5
        assert frame.rates("requests").rows == {("a",): (50 + 10) / 10}


async def test_a_proxy_comes_back() -> None:
    proxy, other = Proxy("a"), Proxy("b")
    async with fleet(proxy, other) as (source, clock, _):
        for i in range(12):
            down = 3 <= i < 8
            other.respond = (lambda _: answer("", 503)) if down else None
            frame = await source.poll(Ask((REQUESTS,), 10.0))
            assert len(frame.warnings) == down
            assert (("b",) in frame.rates("requests").rows) == (1 <= i < 5 or i >= 9)
            clock.now += 5
        assert frame.rates("requests").rows == {("a",): 2.0, ("b",): 2.0}


def test_importing_the_source_is_cheap() -> None:
    code = "import sys, tui.sources.envoy; print({'httpx', 'aiohttp', 'msgspec'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
