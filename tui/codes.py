"""`istiotop codes`: how the requests of every service ended, by class and by exact code."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, ClassVar

from tui.model import codes as model
from tui.model.frame import Ask, Frame
from tui.settings import Settings
from tui.view import codes as view
from tui.view.order import Order
from tui.view.table import Column


class CodeTable:
    """A row for each service and gateway."""

    plural: ClassVar[str] = "services"
    columns: ClassVar[Sequence[Column[Any]]] = view.COLUMNS
    order: ClassVar[Order | None] = view.DEFAULT_ORDER

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def ask(self) -> Ask:
        """Requests by outcome."""
        settings = self._settings
        return Ask(model.code_queries(settings.scope), settings.window, settings.at)

    def learn(self, frame: Frame) -> bool:
        """One question is enough."""
        return False

    def ask_why_empty(self) -> Ask:
        """The same."""
        return self.ask()

    def items(self, frame: Frame) -> list[model.Codes]:
        """A row for each."""
        return model.codes(frame)

    def key(self, item: model.Codes) -> Hashable:
        """The service or gateway."""
        return item.key

    def why_empty(self, frame: Frame) -> str:
        """As the view says it."""
        return view.why_empty(frame, self._settings.scope)
