"""Which columns a line has room for, and how wide each becomes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, TypeVar

from tui.view.table import Column

T = TypeVar("T")

GAP: Final = 1
"""Blank cells between two columns."""

COMFORT: Final = 2
"""How many times its width a flexible column gets before a wide column that nobody asked for
takes the room: a name cut short says less than one more number."""

LEAST: Final = 6
"""Cells that a flexible column keeps on a line too narrow for the columns that never go."""


def fit(
    columns: Sequence[Column[T]],
    width: int,
    wide: bool = False,
    keep: Collection[str] = (),
) -> list[tuple[Column[T], int]]:
    """The columns that `width` cells hold, in their order, each with its own cells.

    Columns go by `drop`, the highest first and of two the right one; those with 0 and those that
    `keep` names stay. Unless `wide` asks for them, wide columns go before all others. Flexible
    columns share what is left over, by their widths. The widths and the gaps between them never
    exceed `width`.
    """
    kept = list(columns)
    # Guests are wide columns that nobody asked for.
    guests = {column.key for column in columns if column.wide and not wide}.difference(keep)
    while _needed(kept, guests) > width:
        can_go = [
            (column.key in guests, column.drop, place)
            for place, column in enumerate(kept)
            if column.key in guests or (column.drop and column.key not in keep)
        ]
        if not can_go:
            break
        del kept[max(can_go)[2]]
    spare = width - _needed(kept)
    return _shared(kept, spare) if spare >= 0 else _squeezed(kept, width, -spare)


def _needed(columns: Sequence[Column[T]], guests: Collection[str] = ()) -> int:
    """Cells that these columns want with the gaps between them: in comfort, if a guest is there."""
    ample = any(column.key in guests for column in columns)
    return GAP * (len(columns) - 1) + sum(
        column.width * (COMFORT if ample and column.flexible else 1) for column in columns
    )


def _shared(columns: Sequence[Column[T]], spare: int) -> list[tuple[Column[T], int]]:
    """Hand `spare` cells to the flexible columns, in proportion to their widths."""
    weight = sum(column.width for column in columns if column.flexible)
    widths: list[tuple[Column[T], int]] = []
    for column in columns:
        more = 0
        if column.flexible and weight:
            more = round(spare * column.width / weight)
            spare, weight = spare - more, weight - column.width
        widths.append((column, column.width + more))
    return widths


def _squeezed(columns: Sequence[Column[T]], width: int, excess: int) -> list[tuple[Column[T], int]]:
    """Take `excess` cells from the flexible columns; what still has no room at the right goes."""
    widths: list[tuple[Column[T], int]] = []
    left = width
    for column in columns:
        less = max(0, min(excess, column.width - LEAST)) if column.flexible else 0
        excess -= less
        cells = min(column.width - less, left)
        if cells <= 0:
            break
        widths.append((column, cells))
        left -= cells + GAP
    return widths
