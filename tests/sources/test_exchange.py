"""How one server is talked to: methods, redirects, credentials, limits, and the end."""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sources.server import Request, answer, serving, vector
from tui.model.frame import Ask, Query
from tui.sources.base import Reason, SourceError
from tui.sources.exchange import Exchange, Question
from tui.sources.prometheus import Endpoint, PrometheusSource

ASK = Ask((Query("requests", "istio_requests_total", ("a",)),), at=1000.0)
ONE = vector(({"a": "x"}, "2"))
SECRET = "s3cret-p4ss"


def exchange(endpoint: Endpoint | str) -> Exchange:
    settings = endpoint if isinstance(endpoint, Endpoint) else Endpoint(endpoint)
    return Exchange(settings, clock=time.time)


async def ask(to: Exchange, *, largest: int = 10_000_000) -> bytes:
    question = Question("query", {"query": "up"}, largest=largest)
    return (await to.ask(question, asyncio.get_running_loop().time() + to.timeout)).body


async def refusal(endpoint: Endpoint | str) -> SourceError:
    """How a question to this endpoint fails."""
    to = exchange(endpoint)
    try:
        with pytest.raises(SourceError) as caught:
            await ask(to)
    finally:
        await to.close()
    return caught.value


async def test_a_question_is_a_form_with_everything_that_was_set(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("tok-1")
    async with serving(lambda _: answer(ONE)) as server:
        endpoint = Endpoint(
            f"{server.url}/prom/?tenant=a&dedup=true",
            headers=(("X-Scope-OrgID", "team"), ("X-Scope-OrgID", "other")),
            token_file=token,
        )
        source = PrometheusSource(endpoint)
        frame = await source.poll(ASK)
        token.write_text("tok-2")
        await source.poll(ASK)
        await source.close()
    first, second = server.asked()
    assert frame.rates("requests").rows == {("x",): 2.0}
    assert (first.method, first.path) == ("POST", "/prom/api/v1/query")
    assert first.target.endswith("?tenant=a&dedup=true")
    assert first.headers["authorization"] == "Bearer tok-1"
    assert second.headers["authorization"] == "Bearer tok-2"
    assert first.headers["x-scope-orgid"] == "other", "the last of two, as the server reads them"
    assert first.headers["accept-encoding"] == "gzip"
    assert first.form["query"] == "sum by (a) (rate(istio_requests_total[60s]))"
    assert first.form["time"] == "1000.000"
    assert 5000 < int(first.form["timeout"].removesuffix("ms")) <= 9000


async def test_basic_credentials_come_from_the_url_and_never_from_netrc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login evil password evil\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_bytes(netrc.read_bytes())
    async with serving(lambda _: answer(ONE)) as server:
        for url in (server.url, server.url.replace("//", "//me:pw@")):
            to = exchange(url)
            await ask(to)
            await to.close()
    assert [request.headers.get("authorization") for request in server.requests] == [
        None, "Basic bWU6cHc=",
    ]  # fmt: skip


@pytest.mark.parametrize("status", [403, 404, 405, 501])
async def test_a_server_that_wants_get_is_asked_by_get_from_then_on(status: int) -> None:
    def handler(request: Request) -> bytes:
        return answer(ONE) if request.method == "GET" else answer("no", status)

    async with serving(handler) as server:
        to = exchange(f"{server.url}?tenant=a&tenant=b")
        for _ in range(3):
            assert await ask(to) == ONE.encode()
        await to.close()
    assert [request.method for request in server.requests] == ["POST", "GET", "GET", "GET"]
    assert "tenant=a&tenant=b&query=up" in server.requests[-1].target


async def test_a_server_that_took_post_is_not_asked_by_get() -> None:
    codes = iter([200, 403])
    async with serving(lambda _: answer(ONE, next(codes))) as server:
        to = exchange(server.url)
        await ask(to)
        with pytest.raises(SourceError) as caught:
            await ask(to)
        await to.close()
    assert caught.value.reason is Reason.FORBIDDEN
    assert [request.method for request in server.requests] == ["POST", "POST"]


async def test_forbidden_both_ways_is_forbidden() -> None:
    async with serving(lambda _: answer('{"message": "services is forbidden"}', 403)) as server:
        error = await refusal(server.url)
    assert error.reason is Reason.FORBIDDEN
    assert "services is forbidden" in str(error)
    assert [request.method for request in server.requests] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("status", "methods"),
    [(307, ["POST", "POST"]), (308, ["POST", "POST"]), (302, ["POST", "GET"])],
)
async def test_a_redirect_within_the_server_is_followed(status: int, methods: list[str]) -> None:
    def handler(request: Request) -> bytes:
        if request.path.startswith("/new"):
            return answer(ONE)
        return answer("", status, headers={"Location": "/new/api/v1/query?session=1"})

    async with serving(handler) as server:
        to = exchange(server.url)
        assert await ask(to) == ONE.encode()
        await to.close()
    assert [request.method for request in server.requests] == methods
    assert server.requests[-1].form == {"session": "1", "query": "up"}


@pytest.mark.parametrize("location", ["{other}/login?back=1", "//{host}/x", "https://{own}/x"])
async def test_a_redirect_elsewhere_carries_nothing_there(location: str) -> None:
    async with serving(lambda _: answer("<html>")) as other:
        target = ""
        async with serving(lambda _: answer("", 302, headers={"Location": target})) as server:
            target = location.format(
                other=other.url, host=other.url.removeprefix("http://"),
                own=server.url.removeprefix("http://"),
            )  # fmt: skip
            error = await refusal(server.url.replace("//", f"//me:{SECRET}@"))
    assert not other.requests
    assert error.reason in (Reason.NOT_PROMETHEUS, Reason.TLS)
    assert "sends to" in str(error)
    assert "back=1" not in str(error)


async def test_a_circle_of_redirects_ends() -> None:
    async with serving(lambda _: answer("", 307, headers={"Location": "/api/v1/query"})) as server:
        error = await refusal(server.url)
    assert (error.reason, len(server.requests)) == (Reason.NOT_PROMETHEUS, 4)


async def test_a_broken_connection_is_tried_once_more() -> None:
    bodies = iter([b"", answer(ONE), b"", b"", answer(ONE)])
    async with serving(lambda _: next(bodies)) as server:
        to = exchange(server.url)
        assert await ask(to) == ONE.encode()
        with pytest.raises(SourceError, match="closed the connection") as caught:
            await ask(to)
        assert await ask(to) == ONE.encode()
        await to.close()
    assert caught.value.reason is Reason.UNREACHABLE


async def test_an_answer_has_a_largest_size_also_when_it_is_packed() -> None:
    packed = answer(gzip.compress(b" " * 3_000_000), headers={"Content-Encoding": "gzip"})
    async with serving(lambda _: packed) as server:
        to = exchange(server.url)
        assert len(await ask(to, largest=3_000_000)) == 3_000_000
        with pytest.raises(SourceError, match="more than 2 MB: choose fewer"):
            await ask(to, largest=2_000_000)
        await to.close()


async def drip(_: Request) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    while True:
        yield b" "
        await asyncio.sleep(0.02)


async def hang(_: Request) -> AsyncIterator[bytes]:
    await asyncio.sleep(3600)
    yield b""


@pytest.mark.parametrize("handler", [drip, hang])
async def test_a_server_without_an_end_is_left_in_time(handler: object) -> None:
    async with serving(handler) as server:  # type: ignore[arg-type]
        error = await refusal(Endpoint(server.url, timeout=0.4))
        assert error.reason is Reason.TIMEOUT


@pytest.mark.parametrize("handler", [drip, hang])
async def test_closing_ends_what_is_under_way(handler: object) -> None:
    async with serving(handler) as server:  # type: ignore[arg-type]
        source = PrometheusSource(Endpoint(server.url))
        poll = asyncio.create_task(source.poll(ASK))
        while not server.asked():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.gather(source.close(), source.close())
        with pytest.raises(SourceError, match="was closed here"):
            await poll
        await source.close()
        with pytest.raises(SourceError, match="was closed here"):
            await source.poll(ASK)


async def test_closing_before_anything_was_asked_is_fine() -> None:
    source = PrometheusSource(Endpoint("http://127.0.0.1:1"))
    await source.close()
    await source.close()
    with pytest.raises(SourceError):
        await source.poll(ASK)


async def test_proxies_of_the_environment_are_used_but_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with serving(lambda _: answer(ONE)) as server, serving(lambda _: answer(ONE)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//you:pw@"))
        for url in (server.url, "http://prometheus.example:9090"):
            to = exchange(url)
            await ask(to)
            await to.close()
        monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", f"//you:{SECRET}@"))
        monkeypatch.setenv("NO_PROXY", "*")
    assert [request.target for request in proxy.requests] == [
        "http://prometheus.example:9090/api/v1/query"
    ]
    assert "authorization" not in proxy.requests[0].headers
    assert len(server.requests) == 1


async def echo(request: Request) -> AsyncIterator[bytes]:
    yield answer(f"you sent {dict(request.headers)} to {request.target}", 400, "text/plain")


@pytest.mark.parametrize("kind", ["echo", "401", "html", "refused", "redirect", "hang up"])
async def test_no_credential_reaches_a_sentence_a_log_or_a_traceback(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = tmp_path / "token"
    token.write_text(SECRET)

    def handler(request: Request) -> bytes | AsyncIterator[bytes]:
        match kind:
            case "echo":
                return echo(request)
            case "401":
                return answer(f'{{"error": "bad token {SECRET}"}}', 401)
            case "html":
                return answer(f"<html>{SECRET}</html>", 200, "text/html")
            case "redirect":
                there = {"Location": f"http://me:{SECRET}@elsewhere.example/?q={SECRET}"}
                return answer("", 302, headers=there)
        return b""

    async with serving(handler) as server:
        there = "http://127.0.0.1:1" if kind == "refused" else server.url
        query = f"?api_key={SECRET}"
        for endpoint in (
            Endpoint(f"{there}/x{query}", headers=(("X-Api-Key", SECRET),), token_file=token),
            Endpoint(f"{there}/x{query}".replace("//", f"//me:{SECRET}@")),
        ):
            source = PrometheusSource(endpoint)
            with pytest.raises(SourceError) as caught:
                await source.poll(ASK)
            await source.close()
            shown = "".join(traceback.format_exception(caught.value))
            shown += f"{caught.value!r} {source.name} {endpoint!r} {caplog.text}"
            assert SECRET not in shown
            assert "bWU6czNjcmV0" not in shown, "user and password in base64"
