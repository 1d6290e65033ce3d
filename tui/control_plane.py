"""`istiotop control-plane`: istiod's health as a table of measures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from tui.model import control, istiod
from tui.model.frame import Ask, Frame
from tui.settings import Settings
from tui.view import control as view
from tui.view.measures import Measure, measures
from tui.view.order import Order
from tui.view.table import Column


class ControlPlane:
    """The measures of all istiods, in the order of a push. What their processes take is asked once
    a frame has shown which instances they are.
    """

    plural: ClassVar[str] = "measures"
    columns: ClassVar[Sequence[Column[Any]]] = view.COLUMNS
    order: ClassVar[Order | None] = None

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: Collection[str] = frozenset()

    def ask(self) -> Ask:
        """Everything about the istiods that are known."""
        queries = istiod.control_queries(self._known)
        return Ask(queries, self._settings.window, self._settings.at)

    def learn(self, frame: Frame) -> bool:
        """Which instances are istiod's."""
        before, self._known = self._known, control.control_plane(frame).instances
        return set(self._known) != set(before)

    def ask_why_empty(self) -> Ask:
        """The same."""
        return self.ask()

    def items(self, frame: Frame) -> list[Measure]:
        """A row for each measure; none where no istiod is seen."""
        plane = control.control_plane(frame)
        return measures(plane) if plane.istiods else []

    def key(self, item: Measure) -> tuple[str, str]:
        """What is measured, and of what."""
        return item.key, item.of

    def why_empty(self, frame: Frame) -> str:
        """As the view says it."""
        return view.why_empty(frame)
