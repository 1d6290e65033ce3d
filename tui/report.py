"""A table as text, for people and for programs: the headless half of every view."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar

from tui import __version__
from tui.model.frame import Frame
from tui.model.health import Level
from tui.model.text import LONGEST, plain
from tui.view.table import Cell, Column, Value

T = TypeVar("T")

WITHOUT_ROWS: Final = frozenset({"json", "csv"})
"""Formats that programs read, and that say something even where there is no row."""

LONGEST_PARAGRAPH: Final = 2000
_GAP: Final = "   "
_FORMULA: Final = "=+-@＝＋－＠"
"""What makes a spreadsheet take a text for a formula when it comes first."""
_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]|~#]")
_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_COLOURS: Final = {Level.FAILING: "31", Level.DEGRADED: "33"}
_FAINT: Final = "2"
_MARKS: Final = frozenset({"Mn", "Me"})
"""Unicode categories of what is drawn over the character before it."""


def render(
    format: str,
    columns: Sequence[Column[T]],
    items: Sequence[T],
    frame: Frame,
    *,
    colour: bool = False,
    compact: bool = False,
    header: bool = True,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """`items` as `table`, `wide`, `json`, `csv` or `md`, without what only a live screen has.

    It ends in a line feed. `colour` may use escape codes in a table, `compact` keeps JSON on one
    line, `header` names the columns of CSV, and `more` is what JSON says beside the rows.
    """
    shown = [c for c in columns if not c.live and (format not in ("table", "md") or not c.wide)]
    match format:
        case "json":
            return _json(shown, items, frame, more, indent=None if compact else 2)
        case "csv":
            return _csv(shown, items, frame, header=header)
        case "md":
            return _markdown(shown, items)
        case _:
            return _table(shown, items, colour=colour)


def instant(at: float) -> str:
    """Unix seconds as RFC 3339, in UTC."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace(
        "+00:00", "Z"
    )


def paragraph(format: str, cell: Cell, *, colour: bool = False) -> str:
    """A sentence above or below the rows, in a format that people read. It ends in a line feed."""
    if format == "md":
        return f"{_escaped(cell.text, LONGEST_PARAGRAPH)}\n"
    text = plain(cell.text, LONGEST_PARAGRAPH)
    return f"{_painted(cell, text) if colour else text}\n"


def envelope(
    frame: Frame,
    rows: Sequence[Mapping[str, Value]],
    more: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """What every JSON answer looks like."""
    return {
        "version": __version__,
        "source": frame.source,
        "at": instant(frame.at),
        "window_seconds": frame.window,
        "warnings": list(frame.warnings),
        **more,
        "rows": rows,
    }


def _known(value: Value) -> Value:
    """A value that JSON has: `None` for what is no number."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [x if x is not None and math.isfinite(x) else None for x in value]
    return value


def _json(
    columns: Sequence[Column[T]],
    items: Sequence[T],
    frame: Frame,
    more: Mapping[str, Any],
    indent: int | None,
) -> str:
    rows = [{column.key: _known(column.value(item)) for column in columns} for item in items]
    separators = (",", ":") if indent is None else None
    return (
        json.dumps(
            envelope(frame, rows, more), indent=indent, separators=separators, allow_nan=False
        )
        + "\n"
    )


def _csv(columns: Sequence[Column[T]], items: Sequence[T], frame: Frame, header: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(["at", *(column.key for column in columns)])
    at = instant(frame.at)
    for item in items:
        writer.writerow([at, *(_field(_known(column.value(item))) for column in columns)])
    return text.getvalue()


def _field(value: Value) -> str:
    """A value in a file that a spreadsheet may open."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = plain(value)
        return f"'{text}" if text.lstrip()[:1] in _FORMULA and text.strip() else text
    if isinstance(value, list):
        return " ".join("" if x is None else repr(x) for x in value)
    return repr(value)


def _markdown(columns: Sequence[Column[T]], items: Sequence[T]) -> str:
    marks = ["---" if column.align == "left" else "--:" for column in columns]
    rows = [
        [_escaped(column.title) for column in columns],
        marks,
        *([_escaped(column.cell(item).text) for column in columns] for item in items),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _escaped(text: str, longest: int = LONGEST) -> str:
    safe = "".join(_HTML.get(c, c) for c in plain(text, longest))
    return _MARKDOWN.sub(lambda match: "\\" + match[0], safe)


def _cells(text: str) -> int:
    """Terminal cells that a text takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(c) in _MARKS
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


def _table(columns: Sequence[Column[T]], items: Sequence[T], colour: bool) -> str:
    rows = [[column.cell(item) for column in columns] for item in items]
    heads = [plain(column.title).upper() for column in columns]
    texts = [[plain(cell.text) for cell in row] for row in rows]
    widths = [max(map(_cells, column)) for column in zip(heads, *texts, strict=True)]
    paint: Callable[[Cell, str], str] = _painted if colour else lambda _, text: text
    lines = [_line(columns, widths, heads, heads)]
    for row, line in zip(rows, texts, strict=True):
        painted = list(map(paint, row, line))
        lines.append(_line(columns, widths, line, painted))
    return "".join(lines)


def _line(
    columns: Sequence[Column[T]],
    widths: Sequence[int],
    texts: Sequence[str],
    painted: Sequence[str],
) -> str:
    parts = []
    for column, width, text, shown in zip(columns, widths, texts, painted, strict=True):
        gap = " " * (width - _cells(text))
        parts.append(gap + shown if column.align == "right" else shown + gap)
    return _GAP.join(parts).rstrip() + "\n"


def _painted(cell: Cell, text: str) -> str:
    code = _COLOURS.get(cell.level) if cell.level else None
    code = code or (_FAINT if cell.dim else None)
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text
