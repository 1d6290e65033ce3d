"""The PromQL behind the measures of the control plane, ready to paste."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model import istiod
from tui.model.control import ControlPlane, Detail, IstiodKey
from tui.model.frame import Kind, Match, Query
from tui.model.promql import promql


def _whose(plane: ControlPlane, key: IstiodKey | None = None) -> tuple[Match, ...]:
    """The series of one istiod, or of all of them."""
    if key is None:
        return plane.where
    return tuple(
        Match(label, "=", value) for label, value in zip(istiod.WHOSE, key, strict=True) if value
    )


def _or_zero(text: str) -> str:
    """A sum that is 0 while what it counts has never happened."""
    return f"({text} or vector(0))"


def alive(plane: ControlPlane) -> str:
    """How many istiods there are."""
    metric = istiod.UPTIME if istiod.UPTIME in plane.states else istiod.PROXIES
    query = Query("", metric, istiod.WHOSE, plane.where, Kind.GAUGE)
    return f"count({_text(plane, query)})"


def gauge(plane: ControlPlane, metric: str, key: IstiodKey | None = None) -> str:
    """A gauge of one istiod, or the sum of all."""
    return _text(plane, Query("", metric, (), _whose(plane, key), Kind.GAUGE))


def trouble(plane: ControlPlane, metrics: Sequence[str]) -> str:
    """The sum of gauges that may not be there."""
    query = Query("", metrics[0], (), plane.where, Kind.GAUGE, also=tuple(metrics[1:]))
    return _or_zero(_text(plane, query))


def cpu(plane: ControlPlane, key: IstiodKey) -> str:
    """Cores that one istiod takes."""
    return _text(plane, Query("", istiod.CPU, (), _whose(plane, key)))


def pushes(plane: ControlPlane, key: IstiodKey | None = None, kind: str | None = None) -> str:
    """Pushes per second that were sent: all, of one istiod, or of one type."""
    of = istiod.SENT if kind is None else Match(istiod.TYPE, "=", kind)
    return _text(plane, Query("", istiod.PUSHED, (), (*_whose(plane, key), of)))


def send_errors(plane: ControlPlane, kind: str | None = None) -> str:
    """Pushes per second that could not be sent."""
    failed = istiod.FAILED_SENDS
    if kind is not None:
        failed = Match(istiod.TYPE, "=", f"{kind}{istiod.SEND_ERROR}")
    return _or_zero(_text(plane, Query("", istiod.PUSHED, (), (*plane.where, failed))))


def quantile(plane: ControlPlane, metric: str, q: float) -> str:
    """Seconds that the share `q` of pushes stayed under."""
    query = Query("", metric, (), plane.where, Kind.HISTOGRAM)
    return f"histogram_quantile({q},\n  {_text(plane, query)}\n)"


def counted(plane: ControlPlane, metrics: Sequence[str], detail: Detail | None = None) -> str:
    """Events per second of counters that may not be there."""
    about = () if detail is None else _about(detail)
    query = Query("", metrics[0], (), (*plane.where, *about), also=tuple(metrics[1:]))
    return _or_zero(_text(plane, query))


def expiry(plane: ControlPlane, metric: str) -> str:
    """Seconds until the first of these times."""
    query = Query("", metric, istiod.WHOSE, plane.where, Kind.GAUGE)
    return f"min({_text(plane, query)}) - time()"


def version(component: str, tag: str) -> str:
    """How many of a component run a version."""
    where = (Match(istiod.COMPONENT, "=", component), Match(istiod.TAG, "=", tag))
    return promql(Query("", istiod.BUILD, (), where, Kind.GAUGE), 1.0)


def _about(detail: Detail) -> tuple[Match, ...]:
    parts = zip((istiod.TYPE, istiod.EVENT, istiod.REASON), detail, strict=True)
    return tuple(Match(label, "=", value) for label, value in parts)


def _text(plane: ControlPlane, query: Query) -> str:
    # A first scrape has no window yet, and gauges need none.
    return promql(query, plane.window or 60.0)
