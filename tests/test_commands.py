"""The one list of keys: no two commands want the same key, and all that reads it agrees."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from textual.binding import Binding

from tui.app import IstioTop
from tui.commands import COMMANDS, GROUPS, MENU_COMMANDS, PANEL_COMMANDS, Command, bindings, hints
from tui.commands import markdown as table
from tui.screens.help import help_text
from tui.screens.menu import Menu
from tui.screens.panel import Panel
from tui.screens.services import ServicesScreen
from tui.widgets.grid import Grid

README = Path(__file__).parent.parent / "README.md"
LISTS = {"commands": COMMANDS, "menu": MENU_COMMANDS, "panel": PANEL_COMMANDS}


@pytest.mark.parametrize("commands", LISTS.values(), ids=LISTS)
def test_no_key_and_no_action_is_there_twice(commands: tuple[Command, ...]) -> None:
    keys = Counter(key for command in commands for key in command.key.split(","))
    actions = Counter(command.action for command in commands)
    assert [key for key, count in (keys + actions).items() if count > 1] == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.action)
def test_every_action_exists_where_it_is_sent(command: Command) -> None:
    where, _, action = command.action.rpartition(".")
    owner = {"app": IstioTop, "focused": Grid, "": ServicesScreen}[where]
    assert callable(getattr(owner, f"action_{action.partition('(')[0]}"))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.action)
def test_every_command_says_what_it_does(command: Command) -> None:
    assert command.group in GROUPS
    assert command.help.endswith(".")
    assert not command.title.endswith(".")
    assert len(command.title) <= 32


def test_textual_binds_all_of_them_and_finds_each_by_its_action() -> None:
    bound = [*bindings(COMMANDS), *bindings(COMMANDS, app=True)]
    assert len(bound) == sum(len(command.keys) for command in COMMANDS)
    for binding in bound:
        assert isinstance(binding, Binding)
        assert binding.id in {command.action for command in COMMANDS}
        assert binding.tooltip


def test_the_screens_bind_nothing_else() -> None:
    assert bindings(COMMANDS) == ServicesScreen.BINDINGS
    assert bindings(COMMANDS, app=True) == IstioTop.BINDINGS
    assert bindings(MENU_COMMANDS) == Menu.BINDINGS
    assert bindings(PANEL_COMMANDS) == Panel.BINDINGS


def test_escape_never_quits() -> None:
    for commands in LISTS.values():
        assert [c.action for c in commands if "escape" in c.key] == ["back"]


def test_the_help_has_every_key() -> None:
    said = {(passage.heading.strip(), passage.text) for passage in help_text()}
    for command in COMMANDS:
        assert (" ".join(command.keys), command.help) in said


def test_the_hints_begin_with_the_filter_and_end_with_the_way_out() -> None:
    keys = [key for key, _ in hints()]
    assert keys[0] == "/"
    assert keys[-2:] == ["?", "q"]


def test_the_readmes_table_of_keys_is_this_one() -> None:
    written = README.read_text("utf-8")
    header = table().splitlines()[0]
    if header not in written:
        pytest.skip("the README has no table of keys")
    assert table() in written
