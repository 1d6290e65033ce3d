"""The help: every key, what the marks mean, and how a filter is written."""

from __future__ import annotations

from itertools import groupby

from tui.commands import COMMANDS, GROUPS, MENU_COMMANDS, Command
from tui.model.health import Level
from tui.view.explain import Passage

_FILTERS = (
    ("reviews", "rows whose service or namespace has this text"),
    ("!canary", "rows that do not have it"),
    ("err>1 p99>500", "more than 1 % errors and a p99 above 500 ms; all terms must hold"),
    ("ns:prod,stage", "one of two namespaces; * and ? stand for any text, any character"),
    ("health:failing", "by the word in a column; \"two words\" go in quotes"),
)  # fmt: skip
_MARKS = (
    ("–", "no data"),
    ("0", "data, and it is zero"),
    ("…", "not asked yet: latency is asked for the rows near the screen"),
    ("≥", "in the histogram's last bucket: at least this"),
    ("~", "of too few requests to trust it"),
    ("μ", "a mean, because the source has no buckets"),
    ("3 new", "errors so young that no rate shows them"),
)


def help_text() -> list[Passage]:
    """Everything that the help panel says."""
    passages: list[Passage] = []
    for group, commands in groupby((*COMMANDS, *_others()), key=lambda command: command.group):
        passages += (Passage(group, ""), *map(_key, commands), Passage("", ""))
    passages.append(Passage("Filters", ""))
    passages += (Passage(f"  {text}", meaning) for text, meaning in _FILTERS)
    passages += (Passage("", ""), Passage("Marks", ""))
    passages += (Passage(f"  {level.mark}", level.value) for level in Level)
    passages += (Passage(f"  {mark}", meaning) for mark, meaning in _MARKS)
    return passages


def _others() -> list[Command]:
    """The keys of menus and panels that do something else than move."""
    return [c for c in MENU_COMMANDS if c.group == GROUPS[-1] and not c.action.startswith("focus")]


def _key(command: Command) -> Passage:
    return Passage(f"  {' '.join(command.keys)}", command.help)
