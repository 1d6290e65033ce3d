"""Small proxies on real sockets, and a source that scrapes them."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from tests.sources.server import Request, Server, answer, serving
from tui.model.frame import Ask, Query
from tui.sources.envoy import EnvoySource

REQUESTS = Query("requests", "istio_requests_total", ("svc",))
ASK = Ask((REQUESTS,), 60.0)
Respond = Callable[[Request], "bytes | AsyncIterator[bytes]"]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Proxy:
    """A proxy whose counter goes up by ten at each scrape, until it is told otherwise."""

    def __init__(self, service: str = "a") -> None:
        self.service = service
        self.count = 100
        self.respond: Respond | None = None

    def __call__(self, request: Request) -> bytes | AsyncIterator[bytes]:
        return self.respond(request) if self.respond else self.page()

    def page(self) -> bytes:
        self.count += 10
        return answer(self.body(), content_type="text/plain; charset=UTF-8")

    def body(self) -> str:
        name = "istio_requests_total"
        return f'# TYPE {name} counter\n{name}{{svc="{self.service}"}} {self.count}\n'


@asynccontextmanager
async def fleet(
    *services: Proxy, more: tuple[str, ...] = (), timeout: float = 4.0, largest: int = 2**26
) -> AsyncIterator[tuple[EnvoySource, Clock, list[Server]]]:
    """A source for these proxies, and for the targets in `more`."""
    clock = Clock()
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(x)) for x in services]
        targets = [x.url.removeprefix("http://") for x in servers]
        source = EnvoySource([*targets, *more], timeout=timeout, largest=largest, clock=clock)
        stack.push_async_callback(source.close)
        yield source, clock, servers


def closed_port() -> str:
    """An address of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
