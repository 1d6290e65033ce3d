"""Wires source, poller, themes and screens; no layout, no arithmetic."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from textual.app import App
from textual.message import Message
from textual.worker import Worker, WorkerError

from tui import looks, paths, theme
from tui.commands import COMMANDS, bindings
from tui.ending import Ending
from tui.model.frame import Ask, Frame
from tui.model.pulse import Pulse
from tui.model.text import plain
from tui.poller import Poller, Recall
from tui.screens.help import help_text
from tui.screens.menu import ONLY_ASCII, Choice, Menu
from tui.screens.palette import Commands
from tui.screens.panel import Panel
from tui.screens.services import ServicesScreen
from tui.settings import Settings
from tui.sources.base import Source
from tui.view.board import Board
from tui.view.status import span

DEFAULT_THEME: Final = "istio-dark"
SMALLEST_THEME: Final = "ansi"
"""Sends the terminal's own colours, in half the bytes of any other."""
INTERVALS: Final = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0)


class Polled(Message):
    """The source answered a question, and the board has taken it."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest frame matters."""
        return isinstance(message, Polled)


class Pulsed(Message):
    """The refreshing is in another state."""

    def __init__(self, pulse: Pulse) -> None:
        super().__init__()
        self.pulse = pulse

    def can_replace(self, message: Message) -> bool:
        """Only the newest state matters."""
        return isinstance(message, Pulsed)


class IstioTop(App[None], inherit_bindings=False):
    """The live monitor of one source. `clock` is Unix time.

    Raises `UsageError` if the settings' filter or order cannot be read.
    """

    TITLE = "istiotop"
    CSS_PATH = "app.tcss"
    BINDINGS = bindings(COMMANDS, app=True)
    COMMANDS = {Commands}  # noqa: RUF012 as Textual declares it

    def __init__(
        self, settings: Settings, source: Source, *, clock: Callable[[], float] = time.time
    ) -> None:
        board = Board(looks.look(settings), settings.refresh, at_once=source.warm_up > 0)
        super().__init__()
        self.animation_level = "none"
        self.set_class(settings.ascii, ONLY_ASCII)
        self._source = source
        self._services = ServicesScreen(board, source.name, clock, ascii=settings.ascii)
        self._services.captions.notes = self._dress(settings)
        self._asked = Ask(())
        self._poller = Poller(
            source, self._ask, self._polled, self._pulsed, interval=settings.refresh, clock=clock
        )
        self._polling: Worker[None] | None = None
        self._ending = Ending(lambda code: self.exit(return_code=code))

    def _dress(self, settings: Settings) -> tuple[str, ...]:
        """Learn the palettes and wear one; what is wrong with them."""
        themes, complaints = theme.load_all((paths.themes(), paths.user_themes()))
        for found in themes:
            self.register_theme(found)
        wanted = settings.theme or (SMALLEST_THEME if settings.low_bandwidth else DEFAULT_THEME)
        if wanted not in self.available_themes:
            complaints.append(f"There is no theme {plain(wanted, 40)}: t shows which there are.")
            wanted = DEFAULT_THEME
        self.theme = wanted
        return tuple(complaints)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """This program's own colours, for themes that lack them."""
        return theme.variable_defaults(self.current_theme)

    def get_default_screen(self) -> ServicesScreen:
        """The services."""
        return self._services

    def on_load(self) -> None:
        """End in order when told to end, before the terminal is touched."""
        if not self.is_headless:
            self._ending.heed()

    def on_mount(self) -> None:
        """Ask the source as soon as the empty screen stands: connecting takes longer than that."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._polling = self.run_worker(self._poller.run(), name="poller")

    async def on_unmount(self) -> None:
        """Let go of the source and of the signals."""
        if self._polling is not None:
            self._polling.cancel()
            with suppress(WorkerError):
                await self._polling.wait()
        await self._source.close()
        self._ending.forget()

    def _ask(self) -> Ask:
        self._asked = self._services.ask()
        return self._asked

    def _polled(self, frame: Frame) -> None:
        """Read the frame here, apart from drawing it: a key may come in between."""
        board = self._services.board
        if board.frame is None:
            self._poller.recall(Recall(*board.past(frame.at), self._services.remember))
        board.take(frame, self._asked)
        self.post_message(Polled())

    def _pulsed(self, pulse: Pulse) -> None:
        self.post_message(Pulsed(pulse))

    def on_polled(self) -> None:
        """Show it."""
        self._services.show_answer()

    def on_pulsed(self, message: Pulsed) -> None:
        """Show it."""
        self._services.beat(message.pulse)

    def on_services_screen_wanted(self) -> None:
        """Ask for what came into view."""
        if not self._poller.paused:
            self._poller.refresh_now()

    def action_pause(self) -> None:
        """Hold still, or go on."""
        if self._poller.paused:
            self._poller.resume()
        else:
            self._poller.pause()

    def action_refresh_now(self) -> None:
        """Ask at once."""
        self._poller.refresh_now()

    def action_interval(self, step: int) -> None:
        """Ask less often, or more often where `step` is negative."""
        poller = self._poller
        others = [
            x for x in INTERVALS if (x > poller.interval if step > 0 else x < poller.interval)
        ]
        if others:
            poller.interval = min(others) if step > 0 else max(others)
        self._services.say(f"Refreshing every {span(poller.interval)}.")

    def action_keys(self) -> None:
        """Show the help."""
        self.push_screen(Panel("Help", help_text()))

    def action_themes(self) -> None:
        """Choose the colours, seeing them."""
        before = self.theme
        names = sorted(self.available_themes)

        def wear(name: str) -> None:
            self.theme = name

        self.push_screen(
            Menu("Theme", [Choice(name, name) for name in names], [before], preview=wear),
            lambda taken: wear(taken[0] if taken else before),
        )
