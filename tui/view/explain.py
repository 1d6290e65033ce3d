"""What a cell and a row mean, in full: the text behind the explain key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tui.model.frame import Frame
from tui.model.text import plain
from tui.view.board import NOT_ASKED, QUANTILES
from tui.view.services import Line
from tui.view.status import moment, span
from tui.view.table import Cell, Column

_UNITS = (
    ("_bytes_per_second", "bytes per second"),
    ("bytes_per_second", "bytes per second"),
    ("_per_second", "per second"),
    ("_seconds", "seconds"),
    ("_ratio", "as a share from 0 to 1"),
)
"""The unit that the end of a column's key stands for."""


class Passage(NamedTuple):
    """A heading and the text under it or beside it."""

    heading: str
    text: str


def name(line: Line) -> str:
    """Whose row it is."""
    key = line.service.key
    return f"{plain(key.name, 60)} in {plain(key.namespace, 60)}"


def unit(column: Column[Line]) -> str:
    """What a column's values are counted in; nothing for text."""
    return next((unit for end, unit in _UNITS if column.key.endswith(end)), "")


def exact(column: Column[Line], line: Line) -> str:
    """The value in full, with its unit, or why there is none."""
    value = column.value(line)
    if isinstance(value, list):
        known = [number for number in value if number is not None]
        newest = f", the newest {known[-1]!r} per second" if known else ""
        return f"{len(known)} bars{newest}"
    if value is None:
        return "no data"
    if isinstance(value, float | int):
        return f"{value!r} {unit(column)}".strip()
    return plain(value)


def promql(column: Column[Line], line: Line) -> str:
    """The query behind a cell; nothing where there is none."""
    return column.promql(line) if column.promql else ""


def cell(column: Column[Line], line: Line, asked: bool, frame: Frame) -> list[Passage]:
    """What a cell means, its exact value, when it held, and where it comes from."""
    shown = _shown(column, line, asked)
    value = exact(column, line)
    if shown is NOT_ASKED:
        value = "not asked yet: latency is asked for the rows near the screen"
    passages = [
        Passage("what", column.help),
        Passage("shown", shown.text),
        Passage("exact", value),
        Passage("time", f"{moment(frame.at)}, over {span(frame.window)}"),
    ]
    if query := promql(column, line):
        passages.append(Passage("PromQL", query))
    return passages


def row(columns: Sequence[Column[Line]], line: Line, asked: bool) -> list[Passage]:
    """Every column of a row: what the table shows, and the exact value where that says more."""
    passages = []
    for column in columns:
        shown = _shown(column, line, asked)
        value = column.value(line)
        more = isinstance(value, float) and shown is not NOT_ASKED
        text = f"{shown.text:<12} {exact(column, line)}" if more else shown.text
        passages.append(Passage(column.title, text))
    return passages


def _shown(column: Column[Line], line: Line, asked: bool) -> Cell:
    pending = not asked and column.key in QUANTILES and line.service.requests
    return NOT_ASKED if pending else column.cell(line)
