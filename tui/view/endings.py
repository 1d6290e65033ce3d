"""How the requests of two versions ended: a row for each code, gRPC status and flag."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

from tui.model import codes, labels
from tui.model.codes import Outcome
from tui.model.flags import explained
from tui.view import format
from tui.view.aspects import Aspect, Comparison, Promql, of_requests
from tui.view.compare_promql import Side

MOST: Final = 24
"""Codes and flags that have a row of their own, the commonest."""


class _Ending(NamedTuple):
    """One way in which requests end: a code, a gRPC status or a flag."""

    key: str
    title: str
    good: bool
    help: str
    promql: Promql


def key(kind: str, name: str) -> str:
    """`code_503_ratio`: a name that a check can say."""
    return f"{kind}_{re.sub(r'[^A-Za-z0-9]+', '_', name)[:40]}_ratio"


def _ways(ending: Outcome) -> Iterator[_Ending]:
    """The ways that one outcome counts for."""
    if ending.group == codes.GRPC:
        yield _Ending(
            key("grpc", ending.exact), f"grpc {ending.exact}", False,
            "Share of the requests with this gRPC status.", partial(Side.grpc, status=ending.grpc),
        )  # fmt: skip
    else:
        yield _Ending(
            key("code", ending.code), f"code {ending.code or '?'}",
            ending.group not in {"4xx", *codes.FAILED},
            "Share of the requests with this response code; 0 is no response.",
            partial(Side.code, code=ending.code),
        )  # fmt: skip
    for flag in dict.fromkeys(labels.flags(ending.flags)):
        yield _Ending(
            key("flag", flag), f"flag {flag}", False,
            f"Share of the requests with this response flag: {explained(flag).meaning}.",
            partial(Side.flag, flag=flag),
        )  # fmt: skip


def endings(found: Comparison) -> list[Aspect]:
    """A row for each code, gRPC status and flag that either version had, the commonest."""
    counts: dict[str, list[float]] = {}
    ways: dict[str, _Ending] = {}
    for side, version in enumerate((found.a, found.b)):
        for ending, count in version.codes.items():
            for way in _ways(ending):
                ways.setdefault(way.title, way)
                counts.setdefault(way.title, [0.0, 0.0])[side] += count
    common = sorted((t for t in counts if sum(counts[t]) > 0), key=lambda t: -sum(counts[t]))
    return [_ended(ways[title], counts[title], found) for title in _ordered(common[:MOST])]


def _ordered(titles: Iterable[str]) -> Sequence[str]:
    return sorted(titles, key=lambda title: (title.partition(" ")[0], title))


def _ended(way: _Ending, counts: Sequence[float], found: Comparison) -> Aspect:
    a, b = (
        of_requests(min(count, version.requests), version)
        for count, version in zip(counts, (found.a, found.b), strict=True)
    )
    return Aspect(
        way.key, way.title, a, b, format.ratio, way.help, way.promql,
        words=("more", "fewer"), grave=False, fine=way.good,
    )  # fmt: skip
