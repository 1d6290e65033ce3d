"""The nouns of the command line: what each asks next, and what it prints."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from tests.control import Watch, watched
from tui.cli import WORDS
from tui.model.frame import Ask, Frame
from tui.nouns import MAKERS
from tui.once import NO_DATA, Printer
from tui.settings import Settings
from tui.sources.demo import DemoSource


@dataclass(slots=True)
class Scraped:
    """A source that answers from istiods scraped by hand."""

    watch: Watch
    name: str = "by hand"
    least_interval: float = 1.0
    warm_up: float = 0.0
    asked: list[int] = field(default_factory=list)

    async def poll(self, ask: Ask) -> Frame:
        """What the meter knows."""
        self.asked.append(len(ask.queries))
        self.watch.meter.want(ask.queries)
        self.watch.scrape(5)
        at = self.watch.now - 15
        tables = self.watch.meter.answer(ask, at)
        return Frame(at, ask.window, self.name, tables)

    async def past(self, ask: Ask, start: float, end: float, step: float) -> list[Frame]:
        """Nothing."""
        return []

    async def close(self) -> None:
        """Nothing is open."""


def test_every_noun_is_a_word_of_the_command_line() -> None:
    assert MAKERS.keys() <= WORDS.keys()


@pytest.mark.parametrize("word", MAKERS)
def test_a_noun_asks_within_the_budget_and_names_every_column_once(word: str) -> None:
    noun = MAKERS[word](Settings())
    assert len(noun.ask().queries) <= 12
    keys = [column.key for column in noun.columns]
    assert len(set(keys)) == len(keys)


async def test_the_control_plane_is_printed_once_its_instances_are_known() -> None:
    settings = Settings(output="json")
    texts: list[str] = []
    source = Scraped(watched("istiod-a:15014"))
    printer = Printer(MAKERS["control-plane"](settings), settings, texts.append, texts.append)
    assert await printer.once(source) == 0
    rows = json.loads("".join(texts))["rows"]
    found = {(row["measure"], row["of"]): row["value"] for row in rows}
    assert found["connected_proxies", ""] > 0
    assert [of for measure, of in found if measure == "cpu_cores"] == ["istiod-a:15014"]
    assert source.asked[1] > source.asked[0], "their processes are asked for once they are known"


async def test_codes_are_printed_by_service() -> None:
    settings = Settings(output="json", demo=True)
    texts: list[str] = []
    source = DemoSource(clock=lambda: 1_700_000_430.0)
    printer = Printer(MAKERS["codes"](settings), settings, texts.append, texts.append)
    assert await printer.once(source) == 0
    rows = {row["service"]: row for row in json.loads("".join(texts))["rows"]}
    shares = [v for k, v in rows["inventory"].items() if k.endswith("_ratio") and v is not None]
    assert sum(shares) == pytest.approx(1.0)
    assert rows["inventory"]["5xx_ratio"] > 0.05


async def test_without_an_istiod_it_says_so() -> None:
    settings = Settings()
    texts: list[str] = []
    said: list[str] = []
    printer = Printer(MAKERS["control-plane"](settings), settings, texts.append, said.append)
    assert await printer.once(Scraped(Watch())) == NO_DATA
    assert texts == []
    assert "istiod" in said[-1]
