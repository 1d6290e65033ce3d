"""A list to choose from, one entry or several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple

from textual.app import App, ComposeResult
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.commands import MENU_COMMANDS, bindings
from tui.model.text import plain
from tui.view.ascii import ASCII

ONLY_ASCII: Final = "-ascii"
"""Class of an app that draws without special characters."""


class Choice(NamedTuple):
    """An entry: what it stands for, what it is called, and what is said beside it."""

    value: str
    title: str
    note: str = ""


class Menu(ModalScreen[tuple[str, ...] | None], inherit_bindings=False):
    """Ends with the values that were taken, or `None` if none was.

    `chosen` are in force as it opens. With `many`, space ticks entries; else, or as long as nothing
    was ticked, enter takes the entry that it is on; `alone` is the value that goes with no other.
    `preview` is told of each entry gone to.
    """

    BINDINGS = bindings(MENU_COMMANDS)
    AUTO_FOCUS = "OptionList"

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        chosen: Collection[str] = (),
        *,
        many: bool = False,
        alone: str | None = None,
        preview: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self._heading = title
        self._choices = choices
        self._ticked = set(chosen)
        self._touched = False
        self._many = many
        self._alone = alone
        self._preview = preview

    def compose(self) -> ComposeResult:
        """The list, with its title in its border."""
        entries = OptionList(*(Option(self._prompt(choice)) for choice in self._choices))
        entries.border_title = Content(self._heading)
        hint = "space ticks, enter takes, esc leaves" if self._many else "enter takes, esc leaves"
        entries.border_subtitle = Content(hint)
        places = (i for i, c in enumerate(self._choices) if c.value in self._ticked)
        entries.highlighted = next(places, 0) if self._choices else None
        yield entries

    def _prompt(self, choice: Choice) -> Content:
        width = max(len(plain(c.title, 60)) for c in self._choices)
        if self._many:
            mark = "[x] " if choice.value in self._ticked else "[ ] "
        else:
            mark = "> " if choice.value in self._ticked else "  "
        title = plain(choice.title, 60)
        note = plain(choice.note)
        if self.app.has_class(ONLY_ASCII):
            title, note = title.translate(ASCII), note.translate(ASCII)
        return Content.assemble(f"{mark}{title:<{width}}  ", (note, "$dim"))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show what it would be like."""
        if self._preview is not None:
            self._preview(self._choices[event.option_index].value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it, or what was ticked."""
        if self._many and self._touched:
            self.dismiss(tuple(c.value for c in self._choices if c.value in self._ticked))
        else:
            self.dismiss((self._choices[event.option_index].value,))

    def action_tick(self) -> None:
        """Tick the entry, or no longer."""
        entries = self.query_one(OptionList)
        place = entries.highlighted
        if not self._many or place is None:
            return
        self._touched = True
        value = self._choices[place].value
        self._ticked ^= {value}
        if value in self._ticked:
            self._ticked &= {value} if value == self._alone else self._ticked - {self._alone}
        for index, choice in enumerate(self._choices):
            entries.replace_option_prompt_at_index(index, self._prompt(choice))

    def action_back(self) -> None:
        """Take nothing."""
        self.dismiss(None)


def choose(app: App[Any], menu: Menu, take: Callable[[tuple[str, ...]], None]) -> None:
    """Open the menu; `take` gets what was taken, if anything was."""
    app.push_screen(menu, lambda taken: take(taken) if taken else None)
