r"""The Prometheus text format, line by line: names, labels, numbers.

What Envoy, pilot-agent and istiod write, and what an application may add to pilot-agent's merged
page: escapes, `{}`, timestamps, exemplars, `# EOF`, `\r\n`, spaces inside of labels, a last line
without its newline. A line that is none of this is dropped, and the rest of the page stands:
proxies may append whatever an application says. A page without one good line is an
`ExpositionError`. Quoted metric names (`{"a.b"}`) count as bad lines.

`tui.sources.page` reads the same page again, 60 times faster and more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from sys import intern
from typing import Final, NamedTuple

from tui.model.text import plain

_NAME: Final = rb"[a-zA-Z_:][a-zA-Z0-9_:]*+"
_BLOCK: Final = rb'\{(?:[^"{}]++|"(?:[^"\\]++|\\.)*+")*+\}'
_HEAD: Final = re.compile(rb"[ \t]*+(" + _NAME + rb")[ \t]*+(" + _BLOCK + rb")?+[ \t]*+")
_LABEL: Final = re.compile(
    rb'[ \t]*+([a-zA-Z_][a-zA-Z0-9_]*+)[ \t]*+=[ \t]*+"((?:[^"\\]++|\\.)*+)"[ \t]*+(,?)[ \t]*+'
)
_TAIL: Final = re.compile(rb"([^ \t#]++)(?:[ \t]++-?[0-9.]++)?+[ \t]*+(?:#.*+)?+")
_ESCAPE: Final = re.compile(r'\\([\\"n])')
_COMMENT: Final = re.compile(rb"#[ \t]*+(?:TYPE|HELP|UNIT|EOF)\b")

LOOKED_AT: Final = 65_536
"""Bytes of a page that are looked at to tell whether it is one at all."""


class ExpositionError(ValueError):
    """A body is no page of metrics; `str()` says what it is instead, harmlessly: “no page …”."""


class Sample(NamedTuple):
    """One line: `value` may be NaN or infinite."""

    name: str
    labels: dict[str, str]
    value: float


def series(body: bytes) -> Iterator[Sample]:
    """Every sample of a page in its order; a series that is there twice comes twice.

    For pages that are read once: nothing is remembered. `ExpositionError` as soon as it is known
    that there is no good line.
    """
    good = False
    for line in body.split(b"\n"):
        found = sample(line)
        if found is not None:
            good = True
            yield found
    if not good and not recognised(body):
        raise ExpositionError(refusal(body))


def sample(line: bytes) -> Sample | None:
    """The sample of one line (without its newline); `None` for comments, blanks and bad lines."""
    line = line.rstrip(b"\r")
    parts = head(line)
    if parts is None:
        return None
    name, block, end = parts
    tail = _TAIL.fullmatch(line, end)
    value = None if tail is None else number(tail[1])
    found = None if value is None else labels(block)
    if value is None or found is None:
        return None
    return Sample(name, found, value)


def head(line: bytes) -> tuple[str, bytes, int] | None:
    """(name, label block without its braces, where the value begins); `None` if it is bad."""
    found = _HEAD.match(line)
    if found is None:
        return None
    block = found[2]
    if block is None and found.end() == found.end(1) and found.end() < len(line):
        return None
    return intern(found[1].decode()), (block or b"{}")[1:-1], found.end()


def labels(block: bytes) -> dict[str, str] | None:
    """`a="b",c="d"` as a dict, bytes that are no UTF-8 replaced; `None` if it is malformed.

    An empty label is an absent one, as in Prometheus, and is left out.
    """
    found: dict[str, str] = {}
    at, comma = 0, b","
    while at < len(block):
        one = _LABEL.match(block, at)
        if one is None or not comma:
            return None if block[at:].strip(b" \t") else found
        name, raw, comma = one.groups()
        key = intern(name.decode())
        if key in found:
            return None
        found[key] = _unescaped(raw)
        at = one.end()
    return {key: value for key, value in found.items() if value} if "" in found.values() else found


def number(text: bytes) -> float | None:
    """A sample's value; `None` if it is no number. `float` would also take `1_000`."""
    try:
        return None if b"_" in text else float(text)
    except ValueError:
        return None


def recognised(body: bytes) -> bool:
    """Whether a body is a page at all: blank, or with one good line among its first."""
    lines = body[:LOOKED_AT].split(b"\n")
    return not body.strip() or any(_COMMENT.match(x) or sample(x) is not None for x in lines)


def refusal(body: bytes) -> str:
    """What a body is that is no page."""
    start = plain(body[:200].decode(errors="replace").lstrip(), 40)
    return f"no page of Prometheus metrics (it begins with “{start}”)"


def _unescaped(raw: bytes) -> str:
    text = raw.decode(errors="replace")
    if "\\" in text:
        text = _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], text)
    return intern(text)
