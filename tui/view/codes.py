"""How requests end, as tables: services by class of code, every exact ending, and response flags.

A share is drawn as a bar of one cell beside its number, so that the table reads as a map of heat
where there is no colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tui.model import labels, mesh, questions
from tui.model.codes import CLASSES, FAILED, GRPC, Codes
from tui.model.flags import explained
from tui.model.frame import Frame, Match, Query
from tui.model.health import DEFAULT, Level
from tui.model.promql import promql
from tui.model.text import plain
from tui.view import format, services
from tui.view.order import Order
from tui.view.spark import spark
from tui.view.table import Cell, Column

_CLASS_HELP: Final = {
    "1xx": "informational", "2xx": "answered with success", "3xx": "answered with a redirect",
    "4xx": "refused as the client's fault; with NR or UH beside it nobody was reached",
    "5xx": "failed at a server or a proxy",
    labels.NO_RESPONSE: "ended without any response, code 0: the client or the connection left",
    GRPC: "gRPC calls with a status other than OK, whatever their HTTP code",
    "?": "with a code that is none",
}  # fmt: skip
_CLASS_TITLE: Final = {labels.NO_RESPONSE: "CODE 0", GRPC: "GRPC", "?": "OTHER"}
_CLASS_KEY: Final = {labels.NO_RESPONSE: "no_response", GRPC: "grpc_error", "?": "other"}
MOST_EXACT: Final = 6
"""Codes or flags that one cell names; the rest is counted."""


def service(codes: Codes) -> str:
    """What the row is called."""
    return "no route" if codes.key == mesh.NOWHERE else plain(codes.key.name)


def heat(share: float | None, level: Level | None) -> Cell:
    """A share as a bar and a number."""
    if not share:
        return Cell(format.ratio(share), dim=True)
    return Cell(f"{spark((share,), top=1.0)} {format.ratio(share)}", level)


def _level(group: str, share: float | None) -> Level | None:
    if not share:
        return None
    if group in FAILED:
        return Level.FAILING if share >= DEFAULT.error_failing else Level.DEGRADED
    if group == "4xx":
        if share >= DEFAULT.client_error_failing:
            return Level.FAILING
        return Level.DEGRADED if share >= DEFAULT.client_error_degraded else None
    return None


def _in_class(group: str) -> tuple[Match, ...]:
    if group == GRPC:
        return (Match(labels.GRPC_STATUS, "!~", "0|"),)
    answered = Match(labels.GRPC_STATUS, "=~", "0|")
    if group == labels.NO_RESPONSE:
        return (Match(labels.CODE, "=", group), answered)
    if group == "?":
        return (Match(labels.CODE, "!~", "[1-5][0-9][0-9]|0"), answered)
    return (Match(labels.CODE, "=~", f"{group[0]}[0-9][0-9]"), answered)


def counted(codes: Codes, *where: Match) -> str:
    """Requests per second of a row: servers' reports, and what only its clients saw."""
    side = questions.FROM_SERVERS if codes.served else questions.FROM_CLIENTS
    own = Query("", labels.REQUESTS, (), (side, *codes.matches, *where))
    text = f"({promql(own, codes.window)} or vector(0))"
    if not codes.served:
        return text
    lost = Query(
        "", labels.REQUESTS, (), (questions.FROM_CLIENTS, *codes.matches, *where),
        either=questions.NEVER_ARRIVED,
    )  # fmt: skip
    return f"(\n  {text}\n+ ({promql(lost, codes.window)} or vector(0))\n)"


def _ratio(group: str) -> Callable[[Codes], str]:
    def text(codes: Codes) -> str:
        return f"{counted(codes, *_in_class(group))}\n/\n{counted(codes)}"

    return text


def _class_column(group: str) -> Column[Codes]:
    name = _CLASS_KEY.get(group, group)
    quiet = group in ("1xx", "3xx", "?")

    def cell(codes: Codes) -> Cell:
        share = codes.share(group)
        return heat(share, _level(group, share))

    return Column(
        f"{name}_ratio", _CLASS_TITLE.get(group, group.upper()), 8,
        lambda codes: codes.share(group), cell,
        f"Share of the requests: {_CLASS_HELP[group]}.",
        _ratio(group), drop=8 if quiet else 4 if group in ("2xx", GRPC) else 0, wide=quiet,
        words=(group if group != "?" else "other",), factor=0.01,
    )  # fmt: skip


def _listed(rates: Iterable[tuple[str, float]]) -> str:
    shown = [f"{plain(name, 24)} {format.rate(rate)}" for name, rate in rates if rate]
    more = f" · {len(shown) - MOST_EXACT} more" if len(shown) > MOST_EXACT else ""
    return " · ".join(shown[:MOST_EXACT]) + more


def _exact(codes: Codes) -> str:
    return _listed(codes.exact().items())


def _flags(codes: Codes) -> str:
    return _listed(codes.flags().items())


def _caller(codes: Codes) -> str:
    namespace, workload = codes.source
    return f"{plain(workload, 120)}.{plain(namespace, 120)}" if workload else ""


def _worst(codes: Codes) -> tuple[float, ...]:
    """Greater is worse: health, then failed requests per second, then all."""
    groups = codes.groups()
    return (-float(codes.level.rank), sum(groups[x] for x in FAILED), codes.requests)


COLUMNS: Final[tuple[Column[Codes], ...]] = (
    Column(
        "service", "SERVICE", 16, lambda codes: "no route" if codes.key == mesh.NOWHERE
        else codes.key.name, lambda codes: Cell(service(codes)),
        "The destination's service name, or a gateway's workload; `no route` is what a gateway "
        "had no service for.",
        align="left", flexible=True, descending=False, words=("service", "svc", "name"),
    ),
    Column(
        "namespace", "NAMESPACE", 10, lambda codes: codes.key.namespace,
        lambda codes: Cell(plain(codes.key.namespace)), "Its namespace.",
        align="left", flexible=True, descending=False, drop=6, words=("namespace", "ns"),
    ),
    Column(
        "caller", "CALLER", 12, lambda codes: _caller(codes) or None,
        lambda codes: Cell(_caller(codes) or format.MISSING, dim=not _caller(codes)),
        "Who called, where the rows are edges.", align="left", flexible=True,
        descending=False, drop=7, wide=True, words=("caller",),
    ),
    Column(
        "requests_per_second", "RPS", 6, lambda codes: codes.requests,
        lambda codes: Cell(format.rate(codes.requests), dim=not codes.requests),
        "Requests per second that were tried, whether or not a server saw them.",
        counted, words=("rps", "requests"),
    ),
    *(_class_column(group) for group in CLASSES),
    Column(
        "codes", "EXACT, PER SECOND", 24, lambda codes: _exact(codes) or None,
        lambda codes: Cell(_exact(codes) or format.MISSING, dim=not codes.requests),
        "Requests per second by exact code, or by the name of a gRPC status that is no OK.",
        align="left", flexible=True, descending=False, drop=5, words=("codes", "code"),
    ),
    Column(
        "flags", "FLAGS, PER SECOND", 12, lambda codes: _flags(codes) or None,
        lambda codes: Cell(_flags(codes) or format.MISSING, dim=not codes.flags()),
        "Requests per second by Envoy's response flag, those included that only clients saw. "
        "The table of flags says what each means.",
        align="left", flexible=True, descending=False, drop=3, words=("flags", "flag"),
    ),
    Column(
        "health", "HEALTH", 10, lambda codes: codes.level.value,
        lambda codes: Cell(f"{codes.level.mark} {codes.level.value}", codes.level,
                           dim=codes.level.rank > 2),
        "By the same tolerances as in the table of services.",
        align="left", order=_worst, drop=2, words=("health",),
    ),
)  # fmt: skip
"""A row for each service or gateway."""
DEFAULT_ORDER: Final = Order("health", descending=True)


@dataclass(frozen=True, slots=True, eq=False)
class FlagLine:
    """One response flag of one service, gateway or edge. `rate`: requests per second."""

    codes: Codes
    flag: str
    rate: float

    @property
    def share(self) -> float | None:
        """As a share of the row's requests; more than one where only clients saw it."""
        return self.rate / self.codes.requests if self.codes.requests else None


def flag_lines(rows: Iterable[Codes]) -> list[FlagLine]:
    """A line for each flag of each row, most first."""
    found = [
        FlagLine(codes, flag, rate)
        for codes in rows
        for flag, rate in codes.flags().items()
        if rate
    ]
    return sorted(found, key=lambda line: (-line.rate, line.flag, line.codes.key))


FLAG_COLUMNS: Final[tuple[Column[FlagLine], ...]] = (
    Column(
        "flag", "FLAG", 6, lambda line: line.flag, lambda line: Cell(plain(line.flag, 24)),
        "Envoy's response flag: who ended the request, and why.",
        align="left", descending=False, words=("flag",),
    ),
    Column(
        "service", "SERVICE", 16, lambda line: line.codes.key.name,
        lambda line: Cell(service(line.codes)), "Whose requests.",
        align="left", flexible=True, descending=False, words=("service", "svc"),
    ),
    Column(
        "namespace", "NAMESPACE", 10, lambda line: line.codes.key.namespace,
        lambda line: Cell(plain(line.codes.key.namespace)), "Its namespace.",
        align="left", flexible=True, descending=False, drop=5, words=("namespace", "ns"),
    ),
    Column(
        "requests_per_second", "RPS", 6, lambda line: line.rate,
        lambda line: Cell(format.rate(line.rate), dim=not line.rate),
        "Requests per second that ended with this flag.", words=("rps", "requests"),
    ),
    Column(
        "share_ratio", "SHARE", 8, lambda line: line.share,
        lambda line: heat(line.share, None), "As a share of the service's requests.",
        drop=4, words=("share",), factor=0.01,
    ),
    Column(
        "group", "WHO", 8, lambda line: explained(line.flag).group,
        lambda line: Cell(explained(line.flag).group, dim=True),
        "What kind of thing ended the request.",
        align="left", descending=False, drop=3, words=("who",),
    ),
    Column(
        "meaning", "MEANING", 30, lambda line: explained(line.flag).meaning,
        lambda line: Cell(explained(line.flag).meaning), "What the flag means.",
        align="left", flexible=True, descending=False, words=("meaning",),
    ),
    Column(
        "look", "WHERE TO LOOK", 26, lambda line: explained(line.flag).look,
        lambda line: Cell(explained(line.flag).look), "Where the cause is likely found.",
        align="left", flexible=True, descending=False, drop=1, words=("look",),
    ),
)  # fmt: skip


def why_empty(frame: Frame, scope: Sequence[str] = ()) -> str:
    """Why a frame shows no codes at all, and what to do about it: one sentence."""
    return services.why_empty(frame, scope)


def why_no_flags(frame: Frame, rows: Sequence[Codes], scope: Sequence[str] = ()) -> str:
    """Why there is no response flag to show: one sentence."""
    if not rows:
        return why_empty(frame, scope)
    if any(outcome.flags for codes in rows for outcome in codes.outcomes):
        return "No request ended with a response flag: none was cut off by a proxy."
    return f"The source has no label {labels.FLAGS}: it may have been removed by the Telemetry API."
