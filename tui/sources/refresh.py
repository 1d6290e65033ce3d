"""One refresh under way: the queries it may still ask, what they cost, and what they brought."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import floor
from typing import Final

from tui.model.frame import Cost
from tui.sources import failures
from tui.sources.answer import Answer
from tui.sources.exchange import Exchange, Question, Reply
from tui.sources.skew import Skew

MOST_QUERIES: Final = 12
"""Queries of one refresh, whatever the size of the mesh."""
AT_ONCE: Final = 6
"""Queries under way at a time: Prometheus runs 20 for everybody."""
MOST_WARNINGS: Final = 5
"""Warnings of the server that one frame repeats."""


class Refresh:
    """Queries about one instant, or one range of instants, that share a deadline."""

    def __init__(self, exchange: Exchange, skew: Skew, path: str, times: Mapping[str, str]) -> None:
        """`path` is below `/api/v1/`; `times` are its parameters beside the query."""
        self._exchange = exchange
        self._skew = skew
        self._path = path
        self._times = times
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._warnings: dict[str, None] = {}
        self._queries = 0
        self._bytes = 0

    async def ask(self, text: str) -> Reply:
        """The answer to one query; `SourceError` if it is none, or too late."""
        async with self._gate:
            deadline = self._started + self._exchange.timeout
            # Prometheus stops working on it a little before we stop waiting.
            patience = max(1, floor((deadline - self._loop.time()) * 900))
            form = {"query": text, **self._times, "timeout": f"{patience}ms"}
            self._queries += 1
            reply = await self._exchange.ask(Question(self._path, form), deadline)
        self._bytes += len(reply.body)
        date = failures.http_date(reply.headers.get("date", ""))
        if date is not None:
            self._skew.learn(date, reply.sent, reply.received)
        return reply

    def hear(self, answer: Answer) -> Answer:
        """Keep what an answer warns of."""
        self._warnings.update(dict.fromkeys(f"Prometheus warns: {x}" for x in answer.warnings))
        return answer

    @property
    def warnings(self) -> list[str]:
        """What the server warned of, each thing once."""
        return list(self._warnings)[:MOST_WARNINGS]

    @property
    def left(self) -> int:
        """Queries that may still be asked."""
        return max(0, MOST_QUERIES - self._queries)

    @property
    def cost(self) -> Cost:
        """What it took until this moment."""
        return Cost(self._queries, self._loop.time() - self._started, self._bytes)
