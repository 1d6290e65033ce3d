"""What a proxy in trouble costs: its own numbers, whatever it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.sources.fleet import ASK, Proxy, Respond, closed_port, fleet
from tests.sources.server import Request, answer, serving
from tui.sources.base import Reason, SourceError


async def hang(_: Request) -> AsyncIterator[bytes]:
    await asyncio.sleep(60)
    yield b""


async def drip(_: Request) -> AsyncIterator[bytes]:
    """A page that never ends, a byte at a time."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    while True:
        yield b"#"
        await asyncio.sleep(0.05)


async def flood(_: Request) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    while True:
        yield b"# a comment that goes on\n" * 1000


def status(code: int, body: str = "") -> Respond:
    return lambda _: answer(body, code, "text/html")


@pytest.mark.parametrize(
    ("respond", "says", "reason"),
    [
        (status(404), "has no statistics there (404)", Reason.NOT_FOUND),
        (status(403, "RBAC: access denied"), "refuses access (403)", Reason.FORBIDDEN),
        (status(503, "no healthy upstream"), "answers 503", Reason.SERVER),
        (status(429), "is asked too often (429)", Reason.RATE_LIMITED),
        (status(200, "<html>\x1b[2J"), "sends no page of Prometheus metrics", Reason.SERVER),
        (lambda _: b"SSH-2.0-OpenSSH_9\r\n\r\n", "answered no HTTP", Reason.UNREACHABLE),
        (lambda _: b"", "broke off", Reason.UNREACHABLE),
        (lambda _: answer(b"x", headers={"Content-Length": "9"}), "did not", Reason.TIMEOUT),
        (lambda _: answer(b"xxx", headers={"Content-Encoding": "gzip"}), "no", Reason.UNREACHABLE),
        (lambda _: answer(b"\xff\x00" * 999), "sends no page", Reason.SERVER),
        (hang, "did not answer within 0.3 s", Reason.TIMEOUT),
        (drip, "did not answer within 0.3 s", Reason.TIMEOUT),
        (flood, "sends more than 1 MiB", Reason.SERVER),
    ],
)
async def test_a_bad_proxy_is_named_and_the_others_go_on(
    respond: Respond, says: str, reason: Reason
) -> None:
    bad = Proxy("bad")
    bad.respond = respond
    async with fleet(Proxy(), bad, timeout=0.3, largest=2**20) as (source, clock, servers):
        for _ in range(2):
            frame = await source.poll(ASK)
            clock.now += 5
        assert frame.rates("requests").rows == {("a",): 2.0}
        name = servers[1].url.removeprefix("http://")
        [warning] = frame.warnings
        assert warning.startswith(f"{name} ")
        assert says in warning
        assert warning.isprintable()
        assert frame.source == "envoy 1 of 2 proxies"
        assert next(iter(source.states.values())) == "up"
    async with fleet(bad, timeout=0.3, largest=2**20) as (source, clock, _):
        with pytest.raises(SourceError, match=r"[.?]$") as caught:
            await source.poll(ASK)
        assert caught.value.reason is reason
        assert str(caught.value).isprintable()


async def test_a_refused_connection_is_named() -> None:
    nobody = closed_port()
    async with fleet(Proxy(), more=(nobody, "no-such-host.invalid:1")) as (source, _, _):
        frame = await source.poll(ASK)
        assert frame.warnings == (
            f"{nobody} refuses connections",
            "no-such-host.invalid:1 has no address",
        )


async def test_a_redirect_is_not_followed() -> None:
    async with serving(Proxy()) as elsewhere:
        proxy = Proxy()
        proxy.respond = lambda _: answer("", 302, headers={"Location": elsewhere.url})
        async with fleet(proxy) as (source, _, _):
            with pytest.raises(SourceError, match="redirects"):
                await source.poll(ASK)
        assert not elsewhere.requests


@pytest.mark.parametrize("code", [400, 404])
async def test_a_server_that_takes_no_query_is_asked_without(code: int) -> None:
    proxy = Proxy()
    proxy.respond = lambda x: answer("no query!", code) if "filter" in x.form else proxy.page()
    async with fleet(proxy) as (source, clock, servers):
        for _ in range(3):
            frame = await source.poll(ASK)
            clock.now += 5
        assert frame.rates("requests").rows == {("a",): 2.0}
        assert ["filter" in x.form for x in servers[0].requests] == [True, False, False, False]


async def test_many_in_trouble_are_counted() -> None:
    more = tuple(closed_port() for _ in range(9))
    async with fleet(Proxy(), more=more) as (source, _, _):
        frame = await source.poll(ASK)
        assert len(frame.warnings) == 4
        assert frame.warnings[-1] == f"and {len(set(more)) - 3} more proxies cannot be read"


async def test_all_in_trouble_is_an_error_with_what_most_of_them_have() -> None:
    late = Proxy()
    late.respond = status(503)
    async with fleet(late, more=(closed_port(), closed_port())) as (source, clock, _):
        for _ in range(2):
            with pytest.raises(SourceError) as caught:
                await source.poll(ASK)
        assert caught.value.reason is Reason.UNREACHABLE
        assert str(caught.value).startswith("None of 3 Envoys can be read: 127.0.0.1:")
        late.respond = None
        clock.now += 5
        assert len((await source.poll(ASK)).warnings) == 2


async def test_nobody_waits_twice_for_a_proxy_that_hangs() -> None:
    bad, good = Proxy(), Proxy()
    bad.respond = hang
    async with fleet(good, bad, timeout=0.3) as (source, clock, servers):
        await source.poll(ASK)
        source._scraper._timeout = source._patience = 3600
        async with asyncio.timeout(60):
            for _ in range(4):
                clock.now += 5
                frame = await source.poll(ASK)
        assert frame.rates("requests").rows == {("a",): 2.0}
        assert len(servers[1].requests) == 2  # never a second scrape while one is under way


async def test_a_proxy_that_hung_is_taken_back() -> None:
    bad, good = Proxy("b"), Proxy()
    async with fleet(good, bad, timeout=0.2) as (source, clock, _):
        bad.respond = hang
        await source.poll(ASK)
        bad.respond = None
        for _ in range(100):
            clock.now += 5
            frame = await source.poll(ASK)
            if ("b",) in frame.rates("requests").rows:
                break
            await asyncio.sleep(0.01)
        assert frame.rates("requests").rows[("b",)] == 2.0
        assert frame.warnings == ()


async def test_a_fleet_that_hangs_altogether_ends_in_time() -> None:
    bad = [Proxy() for _ in range(6)]
    for proxy in bad:
        proxy.respond = hang
    async with fleet(*bad, timeout=0.2) as (source, clock, _):
        for _ in range(2):
            with pytest.raises(SourceError) as caught:
                await source.poll(ASK)
            assert caught.value.reason is Reason.TIMEOUT
            clock.now += 5


async def test_closing_in_the_middle_of_a_scrape_leaves_nothing_behind() -> None:
    bad = Proxy()
    bad.respond = hang
    async with fleet(bad, timeout=30) as (source, _, servers):
        poll = asyncio.create_task(source.poll(ASK))
        while not servers[0].requests:  # noqa: ASYNC110  the server has no event for it
            await asyncio.sleep(0.01)
        poll.cancel()
        await source.close()
        with pytest.raises(asyncio.CancelledError):
            await poll
        assert all(member.task is None for member in source._fleet)
