"""The PromQL behind a version's numbers, ready to paste."""

from __future__ import annotations

import re

from tui.model import labels, questions
from tui.model.frame import Kind, Match, Query
from tui.model.promql import promql
from tui.model.versions import Versions, whose


class Side:
    """Texts about one version over the window of the comparison. Prometheus misses the first step
    of a series that is younger than the window; the table counts it.
    """

    def __init__(self, versions: Versions, name: str, unreached: bool = False) -> None:
        """`unreached`: whether there are requests that only clients saw."""
        self._window = versions.window
        self._service = whose(versions.key, versions.label, (name,))
        self._own = (*self._service, Match(versions.label, "=", name)) if versions.label else ()
        self._lost = unreached

    def requests(self) -> str:
        """Requests in the window."""
        return f"{self._tried()} * {self._window:g}"

    def rate(self) -> str:
        """Requests per second."""
        return self._tried()

    def share(self) -> str:
        """Part of the service's requests."""
        everybody = self._sum(labels.REQUESTS, (questions.FROM_SERVERS, *self._service))
        return f"{self._tried()}\n/\n{everybody}"

    def errors(self) -> str:
        """Share of the requests that failed."""
        failed = _or_zero(self._requests(either=questions.FAILED))
        if self._lost:
            failed = f"(\n  {failed}\n+ {self._unreached()}\n)"
        return f"{failed}\n/\n{self._tried()}"

    def unreached(self) -> str:
        """Share of the requests that no server saw."""
        return f"{self._unreached()}\n/\n{self._tried()}"

    def refused(self) -> str:
        """Share of the requests that were answered 4xx."""
        answered = Match(labels.CODE, "=~", "4.."), Match(labels.GRPC_STATUS, "=~", "0|")
        return self._part(*answered)

    def code(self, code: str) -> str:
        """Share of the requests with this response code, gRPC's failures left out."""
        return self._part(Match(labels.CODE, "=", code), Match(labels.GRPC_STATUS, "=~", "0|"))

    def grpc(self, status: str) -> str:
        """Share of the requests with this gRPC status."""
        return self._part(Match(labels.GRPC_STATUS, "=", status))

    def flag(self, flag: str) -> str:
        """Share of the requests with this response flag."""
        return self._part(Match(labels.FLAGS, "=~", f"(?:.*,)?{re.escape(flag)}(?:,.*)?"))

    def quantile(self, q: float) -> str:
        """Seconds that the share `q` of requests stayed under."""
        query = Query("", labels.DURATION, (), self._served(), Kind.HISTOGRAM)
        return f"histogram_quantile({q},\n  {promql(query, self._window)}\n) / 1000"

    def mean(self, metric: str, per: str = "") -> str:
        """The mean of a histogram; `per` is what turns its unit into the table's."""
        total, count = (self._sum(metric + end, self._served()) for end in ("_sum", "_count"))
        return f"{total}\n/\n{count}{per}"

    def _served(self) -> tuple[Match, ...]:
        return (questions.FROM_SERVERS, *self._own)

    def _sum(self, metric: str, where: tuple[Match, ...]) -> str:
        return promql(Query("", metric, (), where), self._window)

    def _requests(self, *where: Match, either: tuple[tuple[Match, ...], ...] = ()) -> str:
        query = Query("", labels.REQUESTS, (), (*self._served(), *where), either=either)
        return promql(query, self._window)

    def _unreached(self) -> str:
        where = (questions.FROM_CLIENTS, *self._own)
        query = Query("", labels.REQUESTS, (), where, either=questions.NEVER_ARRIVED)
        return _or_zero(promql(query, self._window))

    def _tried(self) -> str:
        served = self._requests()
        return f"(\n  {served}\n+ {self._unreached()}\n)" if self._lost else served

    def _part(self, *where: Match) -> str:
        return f"{_or_zero(self._requests(*where))}\n/\n{self._tried()}"


def _or_zero(text: str) -> str:
    """A sum that is 0 where there is nothing to sum."""
    return f"({text} or vector(0))"
