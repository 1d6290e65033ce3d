"""The services printed again and again, by a source that comes and goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from tests.pretended import Pretended
from tui.nouns import Services
from tui.once import Printer
from tui.settings import Settings
from tui.sources.base import Reason, SourceError

LIMIT = 20.0
"""Seconds that anything may take: a bound on a hang."""


class Page:
    """What a printer wrote, and an end to its watching when there is enough of it."""

    def __init__(self, output: str, **settings: object) -> None:
        self.texts: list[str] = []
        self.complaints: list[str] = []
        chosen = Settings(output=output, watch=True, refresh=0.01, **settings)  # type: ignore[arg-type]
        self.printer = Printer(Services(chosen), chosen, self.texts.append, self.complaints.append)

    async def until(self, source: Pretended, enough: Callable[[], bool]) -> None:
        """Watch the source until that holds."""
        watching = asyncio.create_task(self.printer.watch(source))
        async with asyncio.timeout(LIMIT):
            while not enough():
                await asyncio.wait({watching}, timeout=0.005)
                assert not watching.done() or watching.result()
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching


async def test_json_is_an_object_a_line() -> None:
    page = Page("json")
    await page.until(Pretended(), lambda: len(page.texts) >= 3)
    assert all(text.count("\n") == 1 for text in page.texts)
    answers = [json.loads(text) for text in page.texts]
    assert [answer["rows"][0]["service"] for answer in answers[:3]] == ["reviews"] * 3
    assert answers[0]["at"] < answers[1]["at"] < answers[2]["at"]


async def test_csv_names_its_columns_once() -> None:
    page = Page("csv")
    await page.until(Pretended(), lambda: len(page.texts) >= 3)
    assert [text.count("requests_per_second") for text in page.texts[:3]] == [1, 0, 0]
    assert [text.count("reviews") for text in page.texts[:3]] == [1, 1, 1]


@pytest.mark.parametrize("output", ["table", "wide", "md"])
async def test_tables_come_below_each_other_with_their_time(output: str) -> None:
    page = Page(output)
    await page.until(Pretended(), lambda: len(page.texts) >= 2)
    first, second = page.texts[:2]
    assert first.startswith("2023-11-14T22:13:2")
    assert second.startswith("\n2023-11-14T22:13:2")
    assert "reviews" in first
    assert "reviews" in second


async def test_a_source_that_is_lost_is_told_once_and_comes_back() -> None:
    page = Page("json")
    lost = SourceError(Reason.UNREACHABLE, "It is away.")
    source = Pretended(failures=[None, None, lost, lost, lost, None])
    await page.until(source, lambda: len(page.texts) >= 3)
    assert page.complaints == ["It is away."]
    assert len(source.asks) >= 6


async def test_a_source_that_was_never_there_ends_it() -> None:
    page = Page("json")
    source = Pretended(failures=[SourceError(Reason.UNREACHABLE, "It is away.")])
    with pytest.raises(SourceError, match="It is away"):
        await page.printer.watch(source)
    assert page.texts == []


async def test_nothing_to_show_is_told_once_while_it_lasts() -> None:
    page = Page("table")
    source = Pretended(series=())
    await page.until(source, lambda: len(source.asks) >= 4)
    assert page.texts == []
    assert len(page.complaints) == 1


async def test_later_questions_ask_less_of_clients() -> None:
    page = Page("json")
    source = Pretended()
    await page.until(source, lambda: len(page.texts) >= 3)
    first, later = source.asks[0], source.asks[-1]
    assert first.queries != later.queries
    assert any(query.either for query in later.queries if query.table == "called")
    assert not any(query.either for query in first.queries if query.table == "called")
