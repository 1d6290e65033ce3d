"""Columns, rows and cells: what a table is before anybody draws or prints it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from tui.model.health import Level

T = TypeVar("T")
Value = str | float | int | bool | None | list[float | None]
"""What a column is in JSON; `None` is no data."""


class Cell(NamedTuple):
    """One cell as text: no markup, no control characters, no styles.

    `level` colours it; `dim` greys what is less certain (and the text carries a mark for it);
    `plot` is a drawing, in a colour of its own.
    """

    text: str
    level: Level | None = None
    dim: bool = False
    plot: bool = False


class Row(NamedTuple):
    """One line of a table; `key` says whose it is, so that a cursor can follow it."""

    key: Hashable
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column, defined once: the table, the sort menu, the reports, the help and the explain key
    all read this.

    `key` is the JSON key, with its unit. `width` is in terminal cells; `flexible` columns share
    what is left over. `wide` columns show only where there is room or when asked for. `order`
    makes the value to sort by, when that is not `value`; a descending first sort when `descending`.
    `promql` is the query behind a cell, for the explain key. `drop` orders the columns that go
    first when the terminal is narrow: the highest goes first, 0 never goes.
    """

    key: str
    title: str
    width: int
    value: Callable[[T], Value]
    cell: Callable[[T], Cell]
    help: str
    promql: Callable[[T], str] | None = None
    align: Literal["left", "right"] = "right"
    flexible: bool = False
    descending: bool = True
    order: Callable[[T], float | str | tuple[float, ...] | None] | None = None
    drop: int = 0
    wide: bool = False
    words: tuple[str, ...] = ()
    """Short names by which a filter (`err>1`) or a command line may call it."""
    factor: float = 1.0
    """What a filter's number is multiplied by to compare with `value` (`err>1` means 0.01)."""
    crop: Literal["end", "start"] = "end"
    """Which end of a text goes when it is too long: a sparkline keeps its newest end."""
    live: bool = False
    """Only a live screen has this: no report prints it."""
