"""Two versions, thing by thing: what each did, how sure that is, and whether it differs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from tui.model import labels
from tui.model.compare import ALPHA, FEWEST, Outcome, Verdict, Version, evident, verdict
from tui.model.confidence import Interval, Share, interval
from tui.model.health import Level
from tui.model.latencies import quantile_interval
from tui.model.quantile import at_least
from tui.model.service import QUANTILES, latency
from tui.model.versions import State, Versions
from tui.view import format
from tui.view.compare_promql import Side

Text = Callable[[float | None], str]
Promql = Callable[[Side], str]


class Comparison(NamedTuple):
    """Two versions of a service and what may be said of the second beside the first. `seen` is what
    is evidence of the two.
    """

    versions: Versions
    a: Version
    b: Version
    verdict: Verdict
    seen: tuple[Version, Version]


def compared(versions: Versions, a: str = "", b: str = "") -> Comparison | None:
    """The two versions of these names, or the busiest; `None` where there are no two, or nothing
    was asked of any.
    """
    pair = versions.pair(a, b) if versions.state in (State.READY, State.SINGLE) else None
    if pair is None:
        return None
    first, second = pair
    seen = first.part(versions.sampled), second.part(versions.sampled)
    return Comparison(versions, first, second, verdict(*seen), seen)


@dataclass(frozen=True, slots=True, eq=False)
class Aspect:
    """One row. `key` names it in JSON and in checks, with its unit; `None` is no data.

    `around_a`, `around_b` and `apart` hold the true values, and the true difference, at every look
    with 95 %. `sure`: whether enough requests lie behind each side to decide anything by it. `seen`
    is `None` for what is not judged.
    """

    key: str
    title: str
    a: float | None
    b: float | None
    show: Text
    help: str
    promql: Promql
    around_a: Interval | None = None
    around_b: Interval | None = None
    apart: Interval | None = None
    marks: tuple[str, str] = ("", "")
    sure: tuple[bool, bool] = (True, True)
    seen: Outcome | None = None
    words: tuple[str, str] = ("worse", "better")
    grave: bool = True
    """Whether it is part of the verdict; what is not is marked less."""
    fine: bool = False
    """Whether more of it is no harm, as of answers with code 200."""

    @property
    def level(self) -> Level | None:
        """How bad it is that B differs; `None` where it does not, or it does not matter."""
        if self.fine or self.seen not in (Outcome.WORSE, Outcome.BETTER):
            return None
        if self.seen is Outcome.BETTER:
            return Level.HEALTHY
        return Level.FAILING if self.grave else Level.DEGRADED

    @property
    def difference(self) -> float | None:
        """B less A."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def ratio(self) -> float | None:
        """How many times A's value B's is."""
        return None if self.a is None or self.b is None or self.a <= 0 else self.b / self.a


def looked_at(row: Aspect, found: Comparison, alpha: float) -> Aspect:
    """A share with its interval, and, where the verdict leaves it out, whether it differs."""
    seen_a, seen_b = (version.requests for version in found.seen)
    a, b = Share((row.a or 0.0) * seen_a, seen_a), Share((row.b or 0.0) * seen_b, seen_b)
    around = [interval(side, ALPHA) if side.trials > 0 else None for side in (a, b)]
    enough = _enough(found)
    seen = row.seen if row.grave or not all(enough) else evident(a, b, alpha)
    return replace(row, around_a=around[0], around_b=around[1], sure=enough, seen=seen)


def _both(
    read: Callable[[Version], float | None], found: Comparison
) -> tuple[float | None, float | None]:
    return read(found.a), read(found.b)


def of_requests(count: float, version: Version) -> float | None:
    """A number of requests as a share of all; `None` of none."""
    return count / version.requests if version.requests > 0 else None


def loads(found: Comparison) -> Iterator[Aspect]:
    """How much each version got."""
    window = found.versions.window
    yield Aspect(
        "share_ratio", "share", *_both(found.versions.share, found), format.ratio,
        "Part of all requests to the service that this version got.", Side.share,
    )  # fmt: skip
    yield Aspect(
        "requests_per_second", "requests/s", *_both(lambda v: v.requests / window, found),
        format.rate, "Requests per second, the mean of the window.", Side.rate,
    )  # fmt: skip
    yield Aspect(
        "requests", "requests", *_both(lambda v: v.requests, found), format.count,
        "Requests in the window: all that is said rests on them.", Side.requests,
    )  # fmt: skip


def errors(found: Comparison) -> Iterator[Aspect]:
    """What went wrong, for `looked_at`."""
    said = found.verdict
    yield Aspect(
        "error_ratio", "errors", *_both(lambda v: of_requests(v.errors, v), found), format.ratio,
        "Share of the requests that failed: HTTP 5xx, gRPC status other than OK, no response, and "
        "those meant for this version that no server saw.",
        Side.errors, apart=said.error_difference, seen=said.errors,
    )  # fmt: skip
    yield Aspect(
        "client_error_ratio", "4xx", *_both(lambda v: of_requests(v.client_errors, v), found),
        format.ratio, "Share of the requests that were answered 4xx. No part of the verdict.",
        Side.refused, words=("more", "fewer"), grave=False,
    )  # fmt: skip
    if not found.a.unreached and not found.b.unreached:
        return
    yield Aspect(
        "unreached_ratio", "unreached", *_both(lambda v: of_requests(v.unreached, v), found),
        format.ratio, "Share of the requests that a client's proxy meant for this version and no "
        "server saw; part of the errors.",
        Side.unreached, words=("more", "fewer"), grave=False,
    )  # fmt: skip


class _Quantiles(NamedTuple):
    """One version's latency: quantiles in seconds, their intervals, and how far to trust each."""

    values: tuple[float | None, ...]
    around: tuple[Interval | None, ...]
    marks: tuple[str, ...]
    sure: tuple[bool, ...]


def _quantiles(version: Version) -> _Quantiles:
    counts = version.latency
    if counts is None or not counts.counts or counts.counts[-1] <= 0:
        nothing = (None,) * len(QUANTILES)
        return _Quantiles(nothing, nothing, ("",) * len(nothing), (False,) * len(nothing))
    found = latency(counts, 1.0)
    marks = [
        ("≥" if at_least(value, counts) else "") or ("~" if thin else "")
        for value, thin in zip(found.values, found.thin, strict=True)
    ]
    enough = counts.counts[-1] >= FEWEST
    return _Quantiles(
        tuple(None if math.isnan(value) else value for value in found.values),
        tuple(quantile_interval(q, counts, ALPHA) for q in QUANTILES),
        tuple(marks),
        tuple(enough and not thin for thin in found.thin),
    )


def latencies(found: Comparison) -> Iterator[Aspect]:
    """How long requests took."""
    a, b = (_quantiles(version) for version in found.seen)
    for at, q in enumerate(QUANTILES):
        name = f"p{q * 100:.0f}"
        yield Aspect(
            f"{name}_seconds", name, a.values[at], b.values[at], format.duration,
            f"The time that {q * 100:.0f} % of the requests stayed under, from the buckets as "
            "histogram_quantile makes it. ≥: in the last bucket, so at least this. ~: too few "
            "requests to trust it. The interval ends at bounds of buckets.",
            partial(Side.quantile, q=q), a.around[at], b.around[at],
            marks=(a.marks[at], b.marks[at]), sure=(a.sure[at], b.sure[at]),
            seen=_moved(a.around[at], b.around[at], found.verdict),
        )  # fmt: skip
    yield Aspect(
        "mean_seconds", "mean", found.a.mean, found.b.mean, format.duration,
        "Mean latency of the requests in the window.",
        partial(Side.mean, metric=labels.DURATION, per=" / 1000"), sure=_enough(found),
    )  # fmt: skip


def _moved(a: Interval | None, b: Interval | None, said: Verdict) -> Outcome | None:
    """A quantile differs where the distributions do, and its intervals have nothing in common."""
    if a is None or b is None or said.shifts is None:
        return None
    if said.shifts.slower and b.low >= a.high:
        return Outcome.WORSE
    if said.shifts.faster and b.high <= a.low:
        return Outcome.BETTER
    return Outcome.NO_DIFFERENCE


def _enough(found: Comparison) -> tuple[bool, bool]:
    return found.a.requests >= FEWEST, found.b.requests >= FEWEST


def sizes(found: Comparison) -> Iterator[Aspect]:
    """How large messages were."""
    for key, title, metric, both in (
        (
            "request_bytes",
            "request size",
            labels.REQUEST_BYTES,
            (found.a.request_bytes, found.b.request_bytes),
        ),
        (
            "response_bytes",
            "response size",
            labels.RESPONSE_BYTES,
            (found.a.response_bytes, found.b.response_bytes),
        ),
    ):
        yield Aspect(
            key, title, *both, format.size, "Mean bytes of one message.",
            partial(Side.mean, metric=metric), sure=_enough(found),
        )  # fmt: skip
