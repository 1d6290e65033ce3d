"""Queries as PromQL: the text that Prometheus is asked, and that the explain key shows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from tui.model.frame import STAT, Kind, Match, Query
from tui.model.text import plain

_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATORS: Final = frozenset({"=", "!=", "=~", "!~"})

_ESCAPES: Final = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def promql(query: Query, window: float) -> str:
    """The PromQL of a query over a window of seconds, on one line, with nothing in it to spare.

    Bounds of a histogram keep the metric's unit: its answer is scaled when it is decoded.
    `ValueError`, with a sentence, if a metric or label name is none, or the window is not positive.
    """
    span = _duration(window)
    if query.kind is Kind.HISTOGRAM:
        return _sum((*query.by, "le"), _rate(f"{query.metric}_bucket", query, span))
    grouped = _sum(query.by, _together(query, lambda metric: _samples(metric, query, span)))
    return grouped if query.scale == 1.0 else f"{grouped} * {query.scale!r}"


def exists(query: Query) -> str:
    """The PromQL that counts a query's series, whether they have a rate or not: no row if there
    are none. A histogram's series are told by one bucket each, which every one of them has.
    """
    if query.kind is Kind.HISTOGRAM:
        infinite = query.narrowed(Match("le", "=", "+Inf"))
        return f"count({_either(f'{query.metric}_bucket', infinite)})"
    return f"count({_together(query, lambda metric: _either(metric, query))})"


def quoted(value: str) -> str:
    r"""A string literal of PromQL that stands for exactly this text.

    Everything that a terminal obeys or does not show is written as an escape (`\u202e`), so the
    literal is also safe to print. A lone surrogate, which UTF-8 cannot carry and so no label has,
    becomes U+FFFD.
    """
    return f'"{"".join(map(_escaped, value))}"'


def _together(query: Query, samples: Callable[[str], str]) -> str:
    """The samples of all metrics of a query. `or` and `rate` take no notice of a metric's name, so
    that of several is made a label first.
    """
    if not query.also:
        return samples(query.metric)
    return " or ".join(
        f'label_replace({samples(metric)}, "{STAT}", "{metric}", "", "")'
        for metric in query.metrics
    )


def _samples(metric: str, query: Query, span: str) -> str:
    match query.kind:
        case Kind.RATE:
            return _rate(metric, query, span)
        case Kind.BORN:
            now = _either(metric, query, wrap=True)
            before = _either(metric, query, offset=f" offset {span}", wrap=True)
            return f"{now} unless {before}"
        case _:
            return _either(metric, query)


def _rate(metric: str, query: Query, span: str) -> str:
    return " or ".join(f"rate({x}[{span}])" for x in _selectors(metric, query))


def _either(metric: str, query: Query, *, offset: str = "", wrap: bool = False) -> str:
    found = [f"{selector}{offset}" for selector in _selectors(metric, query)]
    joined = " or ".join(found)
    return f"({joined})" if wrap and len(found) > 1 else joined


def _selectors(metric: str, query: Query) -> list[str]:
    """One selector for each group of `either`; a single one where no group narrows anything."""
    if not _METRIC.fullmatch(metric):
        raise ValueError(f"“{plain(metric, 80)}” is no metric name that PromQL can select.")
    groups = query.either if all(query.either) else ()
    return [f"{metric}{_braces((*query.where, *group))}" for group in groups or ((),)]


def _braces(matches: tuple[Match, ...]) -> str:
    # The same matcher may come from the view and from the scope: once is enough.
    texts = dict.fromkeys(_matcher(match) for match in matches)
    return f"{{{', '.join(texts)}}}" if texts else ""


def _matcher(match: Match) -> str:
    if match.op not in _OPERATORS:
        raise ValueError(f"“{plain(match.op, 8)}” is no matcher of PromQL.")
    return f"{_label(match.label)}{match.op}{quoted(match.value)}"


def _sum(by: tuple[str, ...], inner: str) -> str:
    grouping = f" by ({', '.join(map(_label, by))}) " if by else ""
    return f"sum{grouping}({inner})"


def _label(name: str) -> str:
    if not _LABEL.fullmatch(name):
        raise ValueError(f"“{plain(name, 80)}” is no label name that PromQL can group by.")
    return name


def _duration(seconds: float) -> str:
    """A PromQL duration: whole seconds where it is whole, else milliseconds, its finest unit."""
    milliseconds = round(seconds * 1000) if 0 < seconds < 1e9 else 0
    if milliseconds < 1:
        raise ValueError(f"A window of {seconds:g} s is none: give a few scrape intervals.")
    whole, rest = divmod(milliseconds, 1000)
    return f"{milliseconds}ms" if rest else f"{whole}s"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    if category[0] != "C" and category not in ("Zl", "Zp"):
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
