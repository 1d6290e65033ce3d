"""Every key, what it does and what it is called, once.

The bindings, the palette, the line of hints, the help and the README's table read this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType

MOVE: Final = "Move"
SHOW: Final = "Show"
REFRESH: Final = "Refresh"
PROGRAM: Final = "Program"
MENU: Final = "In menus and panels"
GROUPS: Final = (MOVE, SHOW, REFRESH, PROGRAM, MENU)

ABOVE_ALL: Final = frozenset({"ctrl+c", "ctrl+p"})
"""Keys that a widget must not take for itself, not even while text is typed."""

AT_ONCE: Final = frozenset({"slash"})
"""Keys that must be done with before the next one is looked at, which may come in the same read: a
pasted `/q` is a filter and does not quit.
"""

_GLYPHS: Final = {
    "slash": "/", "less_than_sign": "<", "greater_than_sign": ">", "plus": "+",
    "equals_sign": "=", "minus": "-", "question_mark": "?", "colon": ":",
    "pagedown": "pgdn", "pageup": "pgup", "escape": "esc",
    "exclamation_mark": "!",
}  # fmt: skip
"""What a person calls the keys that Textual names otherwise."""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a user can ask for.

    `key` is Textual's name of the key, or several with commas; the first is the one to tell people.
    `action` is Textual's too, `app.`, `focused.` or the screen's own. `footer` is the word in the
    line of hints, nothing for what is not there.
    """

    key: str
    action: str
    title: str
    help: str
    group: str
    footer: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """What to press, as people write it."""
        return tuple(_GLYPHS.get(key, key) for key in self.key.split(","))


COMMANDS: Final = (
    Command("j,down", "focused.cursor_down", "Down", "Go one row down.", MOVE),
    Command("k,up", "focused.cursor_up", "Up", "Go one row up.", MOVE),
    Command(
        "h,left", "focused.column_left", "Column left",
        "Go one column to the left: explain and copy take the cell.", MOVE,
    ),
    Command(
        "l,right", "focused.column_right", "Column right", "Go one column to the right.", MOVE
    ),
    Command("g,home", "focused.top", "First row", "Go to the first row.", MOVE),
    Command("G,end", "focused.bottom", "Last row", "Go to the last row.", MOVE),
    Command("ctrl+d", "focused.half_page_down", "Half a page down", "Go half a page down.", MOVE),
    Command("ctrl+u", "focused.half_page_up", "Half a page up", "Go half a page up.", MOVE),
    Command("ctrl+f,pagedown", "focused.page_down", "Page down", "Go one page down.", MOVE),
    Command("ctrl+b,pageup", "focused.page_up", "Page up", "Go one page up.", MOVE),
    Command(
        "enter", "focused.choose", "Whole row",
        "Show every number of the row, also those that the terminal has no room for.", MOVE,
    ),
    Command(
        "escape", "back", "Back", "Close what is open, else clear the filter. It never quits.",
        MOVE,
    ),
    Command(
        "slash", "filter", "Filter", "Narrow the rows as you type: err>1 p99>500 ns:prod !canary.",
        SHOW, "filter",
    ),
    Command("s", "sort", "Sort by…", "Choose the column to sort by.", SHOW, "sort"),
    Command(
        "less_than_sign", "sort_beside(-1)", "Sort by the column to the left",
        "Sort by the column to the left of the one that is sorted by.", SHOW,
    ),
    Command(
        "greater_than_sign", "sort_beside(1)", "Sort by the column to the right",
        "Sort by the column to the right of the one that is sorted by.", SHOW,
    ),
    Command("S", "reverse", "Reverse the order", "Turn the order round.", SHOW),
    Command(
        "n", "namespaces", "Namespaces…", "Choose the namespaces to show.", SHOW, "namespaces"
    ),
    Command("0", "all_namespaces", "All namespaces", "Show every namespace.", SHOW),
    Command(
        "b", "only_bad", "Only bad rows", "Show only what is failing or degraded, or all again.",
        SHOW, "bad",
    ),
    Command(
        "ctrl+w", "wide", "More columns", "Show the wide columns too, or no longer.", SHOW
    ),
    Command(
        "w", "window", "Window…", "Choose the time that rates are averaged over.", SHOW, "window"
    ),
    Command(
        "x", "explain", "Explain this cell",
        "Say what the cell means, its exact value, and the PromQL behind it.", SHOW, "explain",
    ),
    Command("y", "copy", "Copy this cell", "Copy the cell to the clipboard (OSC 52).", SHOW),
    Command(
        "exclamation_mark", "warnings", "Warnings in full",
        "Show every warning, and the source's failure, in full.", SHOW,
    ),
    Command(
        "p,space", "app.pause", "Pause or go on", "Hold the screen still and ask nothing.",
        REFRESH, "pause",
    ),
    Command(
        "r,ctrl+r", "app.refresh_now", "Refresh now", "Ask at once, also when paused.", REFRESH
    ),
    Command(
        "plus,equals_sign", "app.interval(1)", "Refresh less often",
        "Lengthen the time between refreshes: 1 2 5 10 15 30 60 s.", REFRESH,
    ),
    Command(
        "minus", "app.interval(-1)", "Refresh more often",
        "Shorten the time between refreshes.", REFRESH,
    ),
    Command("question_mark,f1", "app.keys", "Help", "Show this help.", PROGRAM, "help"),
    Command(
        "colon,ctrl+p", "app.command_palette", "Commands…",
        "Find any command by its name.", PROGRAM,
    ),
    Command("t", "app.themes", "Theme…", "Choose the colours.", PROGRAM),
    Command(
        "ctrl+z", "app.suspend_process", "Suspend",
        "Go back to the shell; fg returns.", PROGRAM,
    ),
    Command("q,ctrl+c", "app.quit", "Quit", "End istiotop.", PROGRAM, "quit"),
)  # fmt: skip

MENU_COMMANDS: Final = (
    Command("j,down", "focused.cursor_down", "Down", "Go down.", MENU),
    Command("k,up", "focused.cursor_up", "Up", "Go up.", MENU),
    Command("g,home", "focused.first", "First", "Go to the first entry.", MENU),
    Command("G,end", "focused.last", "Last", "Go to the last entry.", MENU),
    Command("ctrl+f,pagedown", "focused.page_down", "Page down", "Go one page down.", MENU),
    Command("ctrl+b,pageup", "focused.page_up", "Page up", "Go one page up.", MENU),
    Command("space", "tick", "Tick", "Tick the entry, where several may be chosen.", MENU),
    Command("enter", "focused.select", "Take", "Take what is ticked, or this entry.", MENU),
    Command("escape", "back", "Back", "Close it and change nothing.", MENU),
)

PANEL_COMMANDS: Final = (
    Command("j,down", "focused.scroll_down", "Down", "Scroll down.", MENU),
    Command("k,up", "focused.scroll_up", "Up", "Scroll up.", MENU),
    Command("g,home", "focused.scroll_home", "Top", "Scroll to the top.", MENU),
    Command("G,end", "focused.scroll_end", "Bottom", "Scroll to the bottom.", MENU),
    Command("ctrl+f,pagedown", "focused.page_down", "Page down", "Scroll one page down.", MENU),
    Command("ctrl+b,pageup", "focused.page_up", "Page up", "Scroll one page up.", MENU),
    Command("y", "copy", "Copy", "Copy the PromQL of an explained cell.", MENU),
    Command(
        "escape,enter,x,question_mark,q", "back", "Back", "Close the panel.", MENU
    ),
)  # fmt: skip


def bindings(commands: Iterable[Command], *, app: bool = False) -> list[BindingType]:
    """The commands of the app, or of a screen, as Textual binds them.

    A user's keymap finds each by its action.
    """
    return [
        Binding(
            key, command.action.removeprefix("app.") if app else command.action, command.title,
            show=False, key_display=_GLYPHS.get(key, key), priority=key in ABOVE_ALL | AT_ONCE,
            tooltip=command.help, id=command.action,
        )
        for command in commands
        if command.action.startswith("app.") is app
        for key in command.key.split(",")
    ]  # fmt: skip


def hints() -> tuple[tuple[str, str], ...]:
    """The keys that the screen itself names, and a word for each."""
    return tuple((command.keys[0], command.footer) for command in COMMANDS if command.footer)


def markdown() -> str:
    """The table of keys for the README."""
    lines = ["| Key | What it does |", "|---|---|"]
    for command in COMMANDS:
        keys = " ".join(f"`{key}`" for key in command.keys)
        lines.append(f"| {keys} | {command.title.rstrip('…')}: {command.help} |")
    return "\n".join(lines) + "\n"
