"""Questions to one HTTP server, and its answers: bounded, repeatable, and safe with credentials."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from tui.model.text import plain
from tui.sources import failures
from tui.sources.base import Reason, SourceError
from tui.sources.http import Endpoint, address, authorization, check, client, secrets

if TYPE_CHECKING:
    import httpx

LARGEST: Final = 100_000_000
"""Bytes of one decoded answer: 40,000 series with every label are 41 MB."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD: Final = frozenset({307, 308})
_MOST_REDIRECTS: Final = 3
_NO_POST: Final = frozenset({403, 404, 405, 501})
"""What POST may get where GET is let through: 405 and 501 by the book; 403 from the API server's
service proxy and OpenShift's kube-rbac-proxy, where POST needs the verb `create`; 404 from gateways
that route by method."""
_ALIVE: Final = frozenset({200, 400, 422})
"""Statuses that only something which read the query gives."""


class Reply(NamedTuple):
    """A successful answer, and when by our clock it was asked for and was there."""

    body: bytes
    headers: Mapping[str, str]
    sent: float
    received: float


@dataclass(frozen=True, slots=True)
class Question:
    """A form for one path of `/api/v1/`.

    `readable` paths (`targets`) are only read, by GET; the others take a query of any length, by
    POST. `largest` is the bytes that an answer may have.
    """

    path: str
    form: Mapping[str, str]
    readable: bool = False
    largest: int = LARGEST


class _Sent(NamedTuple):
    """A question as it is sent."""

    posted: bool
    url: httpx.URL
    form: Mapping[str, str]
    largest: int


class _Answer(NamedTuple):
    status: int
    reply: Reply
    posted: bool
    known: bool
    """Whether a credential was sent."""


class Exchange:
    """One client for one server, made at the first question and kept."""

    def __init__(self, endpoint: Endpoint, *, clock: Callable[[], float]) -> None:
        """`SourceError` (bad setting) for a URL or settings that cannot be used."""
        self._address = address(endpoint.url)
        check(endpoint, self._address)
        self.place = plain(self._address.base)
        """What sentences call the server."""
        self.timeout = endpoint.timeout
        self._endpoint = endpoint
        self._clock = clock
        self._client: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()
        self._closed = False
        self._under_way: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._posts = True
        self._settled = False

    async def ask(self, question: Question, deadline: float) -> Reply:
        """The answer to a question, by the deadline (time of the event loop).

        `SourceError` for everything that is no 2xx, too late or too large.
        """
        limit = asyncio.timeout_at(deadline)
        try:
            async with limit:
                self._under_way.add(limit)
                return await self._settled_on(await self._ready(), question)
        except TimeoutError:
            if self._closed:
                raise self._gone() from None
            raise failures.late(self.place, self.timeout) from None
        finally:
            self._under_way.discard(limit)
            if not self._under_way:
                self._idle.set()

    async def close(self) -> None:
        """Let go of every connection; questions under way fail with `SourceError`."""
        self._closed = True
        for limit in self._under_way:
            if not limit.expired():
                limit.reschedule(0.0)
        if self._under_way:
            # A client that is closed before its answers are leaves their sockets open.
            self._idle.clear()
            await self._idle.wait()
        kept, self._client = self._client, None
        if kept is not None:
            await kept.aclose()

    async def _ready(self) -> httpx.AsyncClient:
        async with self._making:
            if self._client is None and not self._closed:
                # In a thread, because it reads certificates while the screen is being drawn.
                self._client = await asyncio.to_thread(client, self._endpoint, self._address)
            if self._client is None:
                raise self._gone()
            return self._client

    def _gone(self) -> SourceError:
        return SourceError(Reason.UNREACHABLE, f"The connection to {self.place} was closed here.")

    async def _settled_on(self, http: httpx.AsyncClient, question: Question) -> Reply:
        """POST until a server turns out to want GET, and the one that it wants from then on."""
        import httpx  # the client has loaded it

        try:
            url = httpx.URL(f"{self._address.base}/api/v1/{question.path}{self._address.query}")
        except httpx.InvalidURL:
            sentence = f"The URL {self.place} has no usable host."
            raise SourceError(Reason.BAD_SETTING, sentence) from None
        posts = self._posts and not question.readable
        sent = _Sent(posts, url, question.form, question.largest)
        answer = await self._followed(http, sent)
        if answer.status in _NO_POST and answer.posted and not self._settled:
            answer = await self._followed(http, sent._replace(posted=False))
        if answer.status in _ALIVE and not question.readable:
            self._posts, self._settled = answer.posted, True
        if not 200 <= answer.status < 300:
            reply = answer.reply
            raise failures.refused(
                answer.status, reply.headers, reply.body, self.place, known=answer.known
            )
        return answer.reply

    async def _followed(self, http: httpx.AsyncClient, sent: _Sent) -> _Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await self._again(http, sent)
            target = answer.reply.headers.get("location")
            if answer.status not in _REDIRECTS or not target:
                return answer
            url = self._inside(sent.url, target, answer.status)
            sent = sent._replace(url=url, posted=sent.posted and answer.status in _KEEPS_METHOD)
        raise SourceError(Reason.NOT_PROMETHEUS, f"{self.place} redirects in a circle.")

    def _inside(self, url: httpx.URL, target: str, status: int) -> httpx.URL:
        """Where a redirect leads, if that is the same origin: credentials go nowhere else."""
        import httpx  # the client has loaded it

        try:
            other = url.join(target)
        except httpx.InvalidURL:
            raise failures.redirected(status, "a URL that is none", self.place) from None
        if (url.scheme, url.host, _port(url)) == (other.scheme, other.host, _port(other)):
            return other.copy_with(userinfo=b"", fragment=None)
        origin = plain(f"{other.scheme}://{other.netloc.decode('ascii', 'replace')}")
        raise failures.redirected(status, origin, self.place)

    async def _again(self, http: httpx.AsyncClient, sent: _Sent) -> _Answer:
        """Asks a second time if a connection breaks: a kept one may have been closed at the other
        end just as it was used. Every question is read-only.
        """
        import httpx  # the client has loaded it

        for last in (False, True):
            try:
                return await self._once(http, sent)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                if last:
                    raise failures.unreachable(error, self.place, self.timeout) from None
            except (httpx.HTTPError, OSError) as error:
                # httpx lets what TLS says after the handshake through as it is: ssl.SSLError.
                raise failures.unreachable(error, self.place, self.timeout) from None
        raise AssertionError("the second attempt returns or raises")

    async def _once(self, http: httpx.AsyncClient, sent: _Sent) -> _Answer:
        # A read of a few bytes: cheap beside a request, and never an old token.
        opener = authorization(self._endpoint, self._address)
        if sent.posted:
            request = http.build_request("POST", sent.url, data=dict(sent.form), headers=opener)
        else:
            url = sent.url.copy_merge_params(dict(sent.form))
            request = http.build_request("GET", url, headers=opener)
        started = self._clock()
        response = await http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > sent.largest:
                    most = f"{self.place} answers more than {sent.largest / 1e6:g} MB"
                    raise SourceError(Reason.BAD_QUERY, f"{most}: choose fewer namespaces.")
        finally:
            await response.aclose()
        reply = Reply(bytes(body), response.headers, started, self._clock())
        if response.status_code >= 300:
            reply = reply._replace(body=self._without_secrets(reply.body, opener))
        known = "authorization" in request.headers
        return _Answer(response.status_code, reply, sent.posted, known)

    def _without_secrets(self, body: bytes, opener: Mapping[str, str]) -> bytes:
        """The words of a refusal, which a sentence quotes, less what we sent in confidence."""
        for secret in secrets(self._endpoint, self._address, opener):
            body = body.replace(secret.encode(), b"***")
        return body


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
