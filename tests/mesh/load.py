"""The people outside: a steady stream of requests to the ingress gateway."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

import aiohttp

from tests.mesh.apps import GIVE_UP
from tests.mesh.pods import INGRESS_HOST

PAGE: Final = "/productpage"
MISSING: Final = "/api/v1/products/404"
"""Routed to productpage, which answers 404."""
NOWHERE: Final = "/nowhere"
"""Matches no route: the gateway answers 404 with the flag NR."""
_ROUND: Final = (*(PAGE,) * 12, MISSING, *(PAGE,) * 12, NOWHERE)
"""4 % each of both kinds of 404."""
MOST_IN_FLIGHT: Final = 200
_IDLE: Final = 0.05
"""Seconds between two looks at the rate while it is 0."""


@dataclass(slots=True)
class Load:
    """Requests at an even `rate` per second, whether or not earlier ones were answered, until
    `MOST_IN_FLIGHT` wait. `answers` counts by path and status; status 0 is no answer.
    """

    gateway: str
    rate: float
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    waiting: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Send until cancelled."""
        paths = cycle(_ROUND)
        try:
            async with aiohttp.ClientSession(
                timeout=GIVE_UP, cookie_jar=aiohttp.DummyCookieJar()
            ) as session:
                await self._send(session, paths)
        finally:
            for task in self.waiting:
                task.cancel()

    async def _send(self, session: aiohttp.ClientSession, paths: Iterator[str]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if self.rate <= 0 or len(self.waiting) >= MOST_IN_FLIGHT:
                await asyncio.sleep(_IDLE)
                due = loop.time()
                continue
            due += 1 / self.rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self.rate <= 0:
                continue
            task = loop.create_task(self._get(session, next(paths)))
            self.waiting.add(task)
            task.add_done_callback(self.waiting.discard)

    async def _get(self, session: aiohttp.ClientSession, path: str) -> None:
        status = 0
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(self.gateway + path, headers={"Host": INGRESS_HOST}) as answer:
                await answer.read()
                status = answer.status
        self.answers[path, status] += 1
