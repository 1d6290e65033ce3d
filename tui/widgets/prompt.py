"""The line at the bottom where a filter is typed, with what is wrong about it beside it."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class Prompt(Horizontal):
    """Asks for a text and hands it over as it is typed. It is hidden until `ask`."""

    DEFAULT_CSS = """
    Prompt {
        height: 1;
        display: none;
        & > .prompt--sign { width: 2; }
        & > Input { width: 1fr; min-width: 20; }
        & > .prompt--complaint { width: auto; max-width: 60%; text-wrap: nowrap;
            text-overflow: ellipsis; padding: 0 0 0 1; }
    }
    """

    class Left(Message):
        """Enter was pressed, and nothing is wrong with the text."""

    def __init__(self, take: Callable[[str], str], id: str | None = None) -> None:
        """`take` gets every text as it is typed, and says what is wrong with it, if anything."""
        super().__init__(id=id)
        self._take = take
        self._input = Input(compact=True, select_on_focus=False)
        self._input.cursor_blink = False
        self._complaint = Static(classes="prompt--complaint", markup=False)

    def compose(self) -> ComposeResult:
        """A sign, the text, and room for a complaint."""
        yield Static("/", classes="prompt--sign", markup=False)
        yield self._input
        yield self._complaint

    def ask(self, text: str) -> None:
        """Show up with this text and take the keys."""
        self.display = True
        with self.prevent(Input.Changed):
            self._input.value = text
        self._input.cursor_position = len(text)
        self._complaint.update("")
        # Not `Input.focus`, which waits until other messages are done with.
        self.screen.set_focus(self._input)

    @property
    def typing(self) -> bool:
        """Whether it has the keys."""
        return self._input.has_focus

    def leave(self) -> None:
        """Go out of sight; the screen gives the keys to something else."""
        self.display = False

    def on_input_changed(self, event: Input.Changed) -> None:
        """Hand the text over, and say what is wrong with it."""
        event.stop()
        if self.display:
            self._complaint.update(self._take(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Be done with it, unless there is something to correct."""
        event.stop()
        complaint = self._take(event.value)
        self._complaint.update(complaint)
        if not complaint:
            self.post_message(self.Left())
