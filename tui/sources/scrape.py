"""One page of one proxy: bounded in time and in bytes, and what is wrong where there is none."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from tui.sources.base import Reason
from tui.sources.proxies import Proxy

if TYPE_CHECKING:
    import httpx

_SUFFIXES: Final = ("_bucket", "_sum", "_count")
_MEGABYTE: Final = 1024 * 1024
_NO_QUERY: Final = frozenset({400, 404, 405, 414})
"""What a server may say that does not take our query: Envoy of a regular expression that it cannot
read (400), or a small server that takes the query for a part of the path."""
_NO_ROUTE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})


class Trouble(NamedTuple):
    """Why a proxy gave no page: what it does, and what to do about it."""

    reason: Reason
    says: str
    advice: str


class Fetched(NamedTuple):
    """A page as it was sent, decompressed; `at`: Unix seconds when it was rendered. `bare`: the
    server did not take the query.
    """

    body: bytes
    at: float
    bare: bool


def pattern(names: frozenset[str]) -> str:
    """The regular expression for Envoy's `filter` that keeps these samples.

    Envoy (RE2) looks for it anywhere in a statistic's own name, with the tags still in it:
    `wasmcustom.istio_requests_total.reporter.source…`, `cluster.outbound|80||x;.upstream_cx_active`
    for `envoy_cluster_upstream_cx_active`. It may keep more than is wanted, never less.
    """
    found = set()
    for name in names:
        for suffix in _SUFFIXES:
            name = name.removesuffix(suffix)
        own = name.removeprefix("envoy_")
        found.add(name if own == name else own.replace("_", ".*"))
    return "|".join(sorted(found)) or "^$"


class Scraper:
    """The one client for a fleet of proxies, made at its first use."""

    def __init__(
        self,
        *,
        timeout: float,
        largest: int,
        headers: Mapping[str, str],
        clock: Callable[[], float],
    ) -> None:
        """`timeout`: seconds for a page from the first byte sent to the last one received.
        `largest`: bytes of a page, decompressed.
        """
        self._timeout = timeout
        self._largest = largest
        self._headers = headers
        self._clock = clock
        self._client: httpx.AsyncClient | None = None
        self._errors: tuple[type[Exception], ...] = ()

    async def fetch(self, proxy: Proxy, names: frozenset[str], bare: bool) -> Fetched | Trouble:
        """The page with these samples and perhaps others, from a server that is known to take no
        query if `bare`.
        """
        client = self._client or self._connect()
        query = "" if bare else f"?usedonly&filter={quote(pattern(names))}"
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._read(client, proxy, query)
                if isinstance(found, int) and query and found in _NO_QUERY:
                    query = ""
                    found = await self._read(client, proxy, query)
        except TimeoutError:
            return self.late
        except self._errors as error:
            return _broken(error)
        if isinstance(found, int):
            return _refused(found)
        if isinstance(found, Trouble):
            return found
        return Fetched(*found, bare=not query)

    @property
    def late(self) -> Trouble:
        """A proxy that takes too long."""
        says = f"did not answer within {self._timeout:g} s"
        return Trouble(Reason.TIMEOUT, says, "is it overloaded, or behind a firewall?")

    async def close(self) -> None:
        """Let go of every connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _read(
        self, client: httpx.AsyncClient, proxy: Proxy, query: str
    ) -> tuple[bytes, float] | int | Trouble:
        """A body and when it was begun; or the status of another answer."""
        headers = {"Accept-Encoding": "identity" if proxy.local else "gzip", **self._headers}
        async with client.stream("GET", proxy.url + query, headers=headers) as response:
            at = self._clock()
            if response.status_code != 200:
                return response.status_code
            chunks, size = [], 0
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > self._largest:
                    return _too_large(self._largest)
        return b"".join(chunks), at

    def _connect(self) -> httpx.AsyncClient:
        import httpx  # takes 60 ms, and its transport 100: not while the program starts
        from httpx_aiohttp import AiohttpTransport
        from httpx_aiohttp.transport import AIOHTTP_EXC_MAP

        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request
        # The transport lets some of aiohttp's errors through (a status line that is none). All of
        # them have this base.
        others = {
            x for kind in AIOHTTP_EXC_MAP for x in kind.__mro__ if x.__name__ == "ClientError"
        }
        self._errors = (httpx.HTTPError, httpx.InvalidURL, *others)
        transport = AiohttpTransport(
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # trusts nobody: only http is spoken
            # 0 is no limit to aiohttp. A connection outlives the longest usual interval.
            limits=httpx.Limits(max_connections=0, keepalive_expiry=90.0),
        )
        self._client = httpx.AsyncClient(
            transport=transport,
            headers={"User-Agent": "istiotop", "Accept": "text/plain;version=0.0.4"},
            timeout=None,  # noqa: S113  bounded as a whole, by `fetch`
            trust_env=False,
            follow_redirects=False,
        )
        return self._client


def _refused(status: int) -> Trouble:
    if status == 404:
        advice = "is the port that of Envoy's statistics (15090, or 15020)?"
        return Trouble(Reason.NOT_FOUND, "has no statistics there (404)", advice)
    if status in (401, 403):
        return Trouble(Reason.FORBIDDEN, f"refuses access ({status})", "who may scrape it?")
    if 300 <= status < 400:
        return Trouble(
            Reason.SERVER, f"redirects ({status})", "give the address that it redirects to."
        )
    if status == 429:
        return Trouble(Reason.RATE_LIMITED, "is asked too often (429)", "refresh less often.")
    return Trouble(Reason.SERVER, f"answers {status}", "is the proxy healthy?")


def _too_large(largest: int) -> Trouble:
    says = f"sends more than {largest / _MEGABYTE:g} MiB"
    return Trouble(Reason.SERVER, says, "is it an Envoy, and does it take a filter?")


def _broken(error: Exception) -> Trouble:
    """An error of the connection, told by what the operating system said."""
    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return Trouble(Reason.UNREACHABLE, "has no address", "is its name right?")
        number = cause.errno if isinstance(cause, OSError) else None
        if number == errno.ECONNREFUSED:
            says, advice = "refuses connections", "is it up, and is the port right?"
            return Trouble(Reason.UNREACHABLE, says, advice)
        if number in _NO_ROUTE:
            return Trouble(Reason.UNREACHABLE, "has no route to it", "is there a VPN or a tunnel?")
        cause = cause.__cause__
    says = "broke off, or answered no HTTP"
    return Trouble(Reason.UNREACHABLE, says, "is it restarting, or is it another server?")
