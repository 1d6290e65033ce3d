"""The nouns of the command line: what each asks a source, and how its frames become rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final, Protocol, TypeVar

from tui.model import mesh
from tui.model.frame import Ask, Frame, Presence
from tui.model.questions import CALLED, DURATION, SERVED, ServiceKey, service_queries
from tui.settings import Settings
from tui.view import services
from tui.view.order import Order
from tui.view.table import Column

T = TypeVar("T")


class Noun(Protocol[T]):
    """A table that is printed from frames, and asks for the next one by what it has learnt."""

    plural: ClassVar[str]
    """What its rows are called in a sentence."""
    columns: ClassVar[Sequence[Column[Any]]]
    order: ClassVar[Order | None]
    """How its rows are sorted unless somebody says otherwise; `None`: as they come."""

    def ask(self) -> Ask:
        """What is to be asked next."""

    def learn(self, frame: Frame) -> bool:
        """Take note of a frame; whether the next question is worth asking at once."""

    def ask_why_empty(self) -> Ask:
        """What to ask when there is no row, so that the frame can tell why."""

    def items(self, frame: Frame) -> list[T]:
        """Its rows."""

    def key(self, item: T) -> Hashable:
        """Whose row it is."""

    def why_empty(self, frame: Frame) -> str:
        """Why a frame has no row: one sentence."""


class Services:
    """Every service and gateway. It asks more sparingly once a frame has shown the mesh."""

    plural: ClassVar[str] = "services"
    columns: ClassVar[Sequence[Column[Any]]] = services.COLUMNS
    order: ClassVar[Order | None] = services.DEFAULT_ORDER

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._unserved: frozenset[ServiceKey] | None = None
        self._means = False

    def ask(self) -> Ask:
        """Everything, latency included."""
        settings = self._settings
        queries = service_queries(settings.scope, None, self._unserved, self._means)
        return Ask(queries, settings.window, settings.at)

    def learn(self, frame: Frame) -> bool:
        """Whether there is more to ask: of clients, about services that no server reports for; why
        there are no buckets; or for means in their place.
        """
        before = (self._unserved or frozenset(), self._means)
        self._unserved = mesh.unserved(mesh.services(frame))
        self._means = self._means or services.lacks_buckets(frame)
        served, buckets = frame.rates(SERVED), frame.histograms(DURATION)
        puzzling = served.presence is Presence.PRESENT and buckets.presence is Presence.NO_RATE
        return puzzling or (self._unserved, self._means) != before

    def ask_why_empty(self) -> Ask:
        """The same about nothing but requests: a source that has all its queries taken cannot find
        out why there is nothing.
        """
        ask = self.ask()
        return replace(ask, queries=tuple(q for q in ask.queries if q.table in (SERVED, CALLED)))

    def items(self, frame: Frame) -> list[services.Line]:
        """A line for each."""
        return list(map(services.Line, mesh.services(frame)))

    def key(self, item: services.Line) -> ServiceKey:
        """The service."""
        return item.service.key

    def why_empty(self, frame: Frame) -> str:
        """As on the screen."""
        return services.why_empty(frame, self._settings.scope)


def _control_plane(settings: Settings) -> Noun[Any]:
    from tui.control_plane import ControlPlane

    return ControlPlane(settings)


def _codes(settings: Settings) -> Noun[Any]:
    from tui.codes import CodeTable

    return CodeTable(settings)


MAKERS: Final[dict[str, Callable[[Settings], Noun[Any]]]] = {
    "services": Services,
    "codes": _codes,
    "control-plane": _control_plane,
}
"""How each is made, by its word."""
