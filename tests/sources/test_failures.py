"""Everything that can go wrong between us and a server has its reason and its next step."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.prometheus import free_port
from tests.sources.certificates import Certificates, context, made, needs_openssl
from tests.sources.server import Request, answer, serving, vector
from tui.model.frame import Ask, Query
from tui.sources.base import Reason, SourceError
from tui.sources.failures import unreachable
from tui.sources.prometheus import Endpoint, PrometheusSource

ASK = Ask((Query("requests", "istio_requests_total", ("a",)),), at=1000.0)
DATE = "Wed, 25 Nov 2026 01:00:00 GMT"


async def failure(endpoint: Endpoint) -> SourceError:
    """How a refresh from this endpoint fails: in one printable sentence."""
    source = PrometheusSource(endpoint)
    try:
        with pytest.raises(SourceError) as caught:
            await source.poll(ASK)
    finally:
        await source.close()
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith((".", "?"))
    return caught.value


def error(kind: str, text: str) -> str:
    return f'{{"status": "error", "errorType": "{kind}", "error": "{text}"}}'


@pytest.mark.parametrize(
    ("status", "body", "reason", "words"),
    [
        (400, error("bad_data", "parse error"), Reason.BAD_QUERY, "400; “parse error”.: choose"),
        (422, error("execution", "too many samples"), Reason.BAD_QUERY, "too many samples"),
        (400, "Client sent an HTTP request to an HTTPS server.\n", Reason.TLS, "write https://"),
        (401, "Unauthorized", Reason.UNAUTHORIZED, "wants a credential .* --token-file"),
        (401, '{"error": "no org id"}', Reason.UNAUTHORIZED, "X-Scope-OrgID"),
        (403, "denied", Reason.FORBIDDEN, r"forbids this \(403; “denied”\)"),
        (404, "404 page not found", Reason.NOT_FOUND, "check the path"),
        (407, "", Reason.UNAUTHORIZED, "proxy wants a password"),
        (408, "", Reason.TIMEOUT, "gave up"),
        (414, "", Reason.BAD_QUERY, "too long"),
        (418, "teapot", Reason.NOT_PROMETHEUS, "answered 418"),
        (429, "", Reason.RATE_LIMITED, "--refresh"),
        (500, error("internal", "no disk"), Reason.SERVER, "no disk"),
        (502, "<html>bad gateway</html>", Reason.SERVER, "502"),
        (503, error("timeout", "query timed out"), Reason.TIMEOUT, "query timed out"),
        (503, "Service Unavailable", Reason.SERVER, "503"),
        (504, "", Reason.TIMEOUT, "504"),
        (302, "", Reason.NOT_PROMETHEUS, "answered 302"),
        (200, error("execution", "odd proxy"), Reason.BAD_QUERY, "odd proxy"),
        (200, "<!DOCTYPE html><title>Log in</title>", Reason.NOT_PROMETHEUS, "web page"),
        (200, "", Reason.NOT_PROMETHEUS, "something else"),
        (200, "ok", Reason.NOT_PROMETHEUS, "something else"),
        (200, vector(({"a": "x"}, "1"))[:-9], Reason.NOT_PROMETHEUS, "cut off"),
        (200, '{"hello": 1}', Reason.NOT_PROMETHEUS, "not of Prometheus"),
        (200, "[" * 100_000, Reason.NOT_PROMETHEUS, "something else"),
        (200, '{"a":' * 100_000, Reason.NOT_PROMETHEUS, "cut off"),
        (200, vector(({"a": "x"}, "one")), Reason.NOT_PROMETHEUS, "no number"),
        (
            200, '{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}',
            Reason.NOT_PROMETHEUS, "answered a scalar where a vector",
        ),
        (
            200, '{"status":"success","data":{"resultType":"matrix","result":[]}}',
            Reason.NOT_PROMETHEUS, "answered a matrix where a vector",
        ),
    ],
)  # fmt: skip
async def test_each_answer_that_is_none_has_its_sentence(
    status: int, body: str, reason: Reason, words: str
) -> None:
    async with serving(lambda _: answer(body, status, "text/plain")) as server:
        found = await failure(Endpoint(server.url))
    assert found.reason is reason
    assert found.retry_after is None
    with pytest.raises(SourceError, match=words):
        raise found


async def test_invalid_utf_8_and_broken_packing_are_no_prometheus() -> None:
    responses = [
        answer(b'{"status": "\xff\xfe"}'),
        answer(b"not gzip", headers={"Content-Encoding": "gzip"}),
    ]
    while responses:
        async with serving(lambda _: responses[-1]) as server:
            assert (await failure(Endpoint(server.url))).reason is Reason.NOT_PROMETHEUS
        responses.pop()


async def test_a_body_that_ends_too_early_is_a_closed_connection() -> None:
    async def short(_: Request) -> AsyncIterator[bytes]:
        yield answer(b"{", headers={"Content-Length": "99"})

    async with serving(short) as server:
        found = await failure(Endpoint(server.url))
    assert found.reason is Reason.UNREACHABLE
    assert "closed the connection" in str(found)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        ("Wed, 25 Nov 2026 01:02:00 GMT", 120.0),
        ("Wed, 25 Nov 2026 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("9" * 400, None),
    ],
)
async def test_how_long_a_server_asks_to_wait(
    status: int, value: str, seconds: float | None
) -> None:
    response = answer("", status, headers={"Retry-After": value, "Date": DATE})
    async with serving(lambda _: response) as server:
        found = await failure(Endpoint(server.url))
    assert found.retry_after == seconds


async def test_a_refused_credential_is_told_from_a_missing_one() -> None:
    async with serving(lambda _: answer("", 401)) as server:
        found = await failure(Endpoint(server.url.replace("//", "//me:pw@")))
    assert "refuses the credential (401)" in str(found)


async def test_hostile_words_of_a_server_do_no_harm() -> None:
    body = error("bad_data", "\\u001b[31m\\u202e" + "x" * 10_000 + "\\n")
    async with serving(lambda _: answer(body, 400)) as server:
        found = await failure(Endpoint(server.url))
    assert len(str(found)) < 400


async def test_a_port_where_nobody_listens() -> None:
    found = await failure(Endpoint(f"http://127.0.0.1:{free_port()}"))
    assert found.reason is Reason.UNREACHABLE
    assert "refuses connections" in str(found)


async def test_a_host_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = await failure(Endpoint("http://prometheus.example:9090"))
    assert found.reason is Reason.UNREACHABLE
    assert "has no address" in str(found)


def caused(cause: Exception, kind: type[httpx.HTTPError] = httpx.ConnectError) -> SourceError:
    outer = kind("x")
    outer.__cause__ = ExceptionGroup("several addresses", [cause])
    return unreachable(outer, "https://h", 10.0)


def test_what_cannot_be_staged_is_told_from_the_exception() -> None:
    assert "no route" in str(caused(OSError(errno.EHOSTUNREACH, "x")))
    expired = ssl.SSLCertVerificationError(1, "x")
    expired.verify_code = 10
    assert "out of date" in str(caused(expired))
    assert caused(OSError(), httpx.ConnectTimeout).reason is Reason.TIMEOUT
    assert "took no connection" in str(caused(OSError(), httpx.ConnectTimeout))
    assert "proxy" in str(caused(OSError(), httpx.ProxyError))


async def test_what_tls_says_after_the_handshake_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def send(*_: object, **__: object) -> None:
        alert = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert")
        alert.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
        raise alert

    monkeypatch.setattr(httpx.AsyncClient, "send", send)
    found = await failure(Endpoint("https://127.0.0.1:1"))
    assert found.reason is Reason.TLS
    assert "--cert" in str(found)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return made(tmp_path_factory.mktemp("certificates"))


@needs_openssl
async def test_tls_is_trusted_by_its_ca_alone(certificates: Certificates) -> None:
    body = answer(vector(({"a": "x"}, "1")))
    async with serving(lambda _: body, context(certificates.server)) as server:
        found = await failure(Endpoint(server.url))
        assert found.reason is Reason.TLS
        assert "--ca" in str(found)
        for endpoint in (
            Endpoint(server.url, ca=certificates.ca),
            Endpoint(server.url, insecure_skip_tls_verify=True),
        ):
            source = PrometheusSource(endpoint)
            assert len((await source.poll(ASK)).rates("requests")) == 1
            await source.close()
        plain = await failure(Endpoint(server.url.replace("https", "http")))
        assert plain.reason in (Reason.TLS, Reason.UNREACHABLE)
        assert "https" in str(plain)


@needs_openssl
async def test_a_certificate_for_another_host_is_refused(certificates: Certificates) -> None:
    async with serving(lambda _: answer(), context(certificates.stranger)) as server:
        found = await failure(Endpoint(server.url, ca=certificates.ca))
        assert (found.reason, len(server.requests)) == (Reason.TLS, 0)
    assert "another host" in str(found)


async def test_https_where_http_is_spoken() -> None:
    async with serving(lambda _: answer()) as server:
        found = await failure(Endpoint(server.url.replace("http", "https")))
    assert found.reason is Reason.TLS
    assert f"write {server.url}" in str(found)


@needs_openssl
async def test_a_server_may_demand_a_certificate(certificates: Certificates) -> None:
    body = answer(vector(({"a": "x"}, "1")))
    demanding = context(certificates.server, client_ca=certificates.ca)
    client = certificates.client
    async with serving(lambda _: body, demanding) as server:
        found = await failure(Endpoint(server.url, ca=certificates.ca))
        # The alert that says so is lost where the connection is reset right behind it.
        assert found.reason in (Reason.TLS, Reason.UNREACHABLE)
        assert "--cert" in str(found)
        known = Endpoint(server.url, ca=certificates.ca, cert=client.cert, key=client.key)
        source = PrometheusSource(known)
        assert len((await source.poll(ASK)).rates("requests")) == 1
        await source.close()


@needs_openssl
async def test_a_locked_key_is_told_and_not_asked_about(certificates: Certificates) -> None:
    found = await failure(
        Endpoint("https://127.0.0.1:1", cert=certificates.client.cert, key=certificates.locked)
    )
    assert found.reason is Reason.BAD_SETTING
    assert "without a passphrase" in str(found)
