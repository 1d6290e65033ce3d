"""The applications behind the sidecars: bookinfo in one process, with faults on request."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web

from tests.mesh.pods import (
    APP_PORT,
    BOOKINFO,
    DETAILS,
    OUTBOUND_PORT,
    PRODUCTPAGE,
    RATINGS,
    REVIEWS,
    SERVICE_PORT,
    Pod,
    Service,
    service_of,
)

GIVE_UP: Final = aiohttp.ClientTimeout(total=30)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an application does for one request. `work` is its usual time in seconds."""

    path: str
    calls: tuple[Service, ...]
    work: float
    body: int


RECIPES: Final = {
    PRODUCTPAGE: Recipe("/productpage", (DETAILS, REVIEWS), 0.004, 5179),
    DETAILS: Recipe("/details/0", (), 0.002, 178),
    REVIEWS: Recipe("/reviews/0", (RATINGS,), 0.006, 358),
    RATINGS: Recipe("/ratings/0", (), 0.001, 48),
}


@dataclass(slots=True)
class App:
    """One application. `errors` is the share of requests that it answers with 500, spread evenly
    and not by chance; `latency` is added to each answer, in seconds.
    """

    pod: Pod
    address: str
    errors: float = 0.0
    latency: float = 0.0
    _owed: float = 0.0
    _runner: web.AppRunner | None = None
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.pod.workload)

    async def start(self) -> None:
        """Listen behind the sidecar, unless it does."""
        if self._runner is not None:
            return
        application = web.Application()
        application.router.add_get("/{path:.*}", self._handle)
        application.cleanup_ctx.append(_session)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.address, APP_PORT).start()

    async def stop(self) -> None:
        """Stop listening: the sidecar stays, and cannot connect. Harmless when it is stopped."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.Response:
        recipe = RECIPES[service_of(self.pod)]
        await asyncio.sleep(self.latency + recipe.work * self._random.lognormvariate(0, 0.5))
        if request.path != recipe.path:
            return web.Response(status=404, text="not here")
        if self._fails():
            return web.Response(status=500, text="injected")
        await asyncio.gather(*(self._call(request.app[_SESSION], to) for to in recipe.calls))
        return web.Response(text="x" * recipe.body)

    def _fails(self) -> bool:
        self._owed += self.errors
        if self._owed < 1.0:
            return False
        self._owed -= 1.0
        return True

    async def _call(self, session: aiohttp.ClientSession, service: Service) -> int:
        """The status that a call through the own sidecar got, 0 for none. As in bookinfo, whoever
        calls makes do without what failed: a fault stays where it was injected.
        """
        url = f"http://{self.address}:{OUTBOUND_PORT}{RECIPES[service].path}"
        host = f"{service.name}:{SERVICE_PORT}"
        try:
            async with session.get(url, headers={"Host": host}) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0


_SESSION: Final = web.AppKey("session", aiohttp.ClientSession)


async def _session(application: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(
        timeout=GIVE_UP, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        application[_SESSION] = session
        yield


def apps(block: int) -> dict[str, App]:
    """Every application of bookinfo, by workload, none of them started."""
    return {pod.workload: App(pod, pod.address(block)) for pod in BOOKINFO}
