"""Text into lines of exactly so many terminal cells, in as few styled segments as will do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.view.ascii import ASCII
from tui.view.layout import GAP, fit
from tui.view.table import Cell, Column
from tui.widgets.palette import Palette

_UNSURE: Final = frozenset(map(chr, (*range(0x1F1E6, 0x1F200), *range(0x1F3FB, 0x1F400))))
"""Flags' letters and skin tones: terminals disagree on whether they take cells of their own."""

_PRESENTATION: Final = "\ufe0f"
"""Asks for an emoji's wide form, which terminals also disagree on: it is left out."""

_LONGEST: Final = 4
"""Characters kept for each cell, a base and three combining marks, so that no text is dear."""

_NOTHING: Final = Cell("")


class Piece(NamedTuple):
    """Some text in one style. `alone`: the style would show on blanks (an underline)."""

    text: str
    style: Style
    alone: bool = False


def _shown(character: str) -> str:
    return character if character.isprintable() and character not in _UNSURE else "�"


@lru_cache(maxsize=8192)
def fitted(
    text: str,
    width: int,
    align: Literal["left", "right"] = "left",
    crop: Literal["end", "start"] = "end",
    ascii: bool = False,
) -> str:
    """`text` in exactly `width` cells; wide and combining characters count as a terminal does it.

    What is too long loses its end, and an ellipsis says so, or else its start. Whatever a terminal
    would obey rather than show becomes `�`. `ascii` replaces this program's drawing characters.
    """
    if width <= 0:
        return ""
    longest = _LONGEST * (width + 1)
    text = text[:longest] if crop == "end" else text[-longest:]
    if text.isascii() and text.isprintable():
        cells = len(text)
    else:
        text = "".join(map(_shown, text.replace(_PRESENTATION, "")))
        cells = cell_len(text)
    if cells > width:
        text = _cropped(text, width, crop)
        cells = cell_len(text)
    blanks = " " * (width - cells)
    whole = text + blanks if align == "left" else blanks + text
    return whole.translate(ASCII) if ascii else whole


def _cropped(text: str, width: int, crop: Literal["end", "start"]) -> str:
    if crop == "end":
        return set_cell_size(text, width - 1) + "…"
    while cell_len(text) > width:
        text = text[1:]
    return text


def strip(pieces: Iterable[Piece], width: int) -> Strip:
    """The pieces side by side, `width` cells in all, as one line. They share a background.

    Neighbours in one style make one segment, for each segment costs the terminal some 40 bytes.
    Blanks look the same in every style that is not `alone`, so they join what is beside them.
    """
    segments: list[Segment] = []
    run, style, alone = "", Style.null(), False
    for piece in pieces:
        if not piece.text:
            continue
        joins = not alone and not piece.alone
        if not run or (joins and run.isspace()):
            style, alone = piece.style, piece.alone
        elif not (joins and (piece.style is style or piece.text.isspace())):
            segments.append(Segment(run, style))
            run, style, alone = "", piece.style, piece.alone
        run += piece.text
    if run:
        segments.append(Segment(run, style))
    return Strip(segments, width)


class Place(NamedTuple):
    """Where a column is on a line, and all that drawing it takes from its definition."""

    number: int
    """Of its cell in a row."""
    key: str
    title: str
    start: int
    width: int
    align: Literal["left", "right"]
    crop: Literal["end", "start"]


def places(
    columns: Sequence[Column[Any]], width: int, wide: bool, keep: Collection[str]
) -> tuple[Place, ...]:
    """The columns that a line of `width` cells has room for, side by side."""
    numbers = {column.key: number for number, column in enumerate(columns)}
    found: list[Place] = []
    start = 0
    for column, cells in fit(columns, width, wide, keep):
        found.append(
            Place(numbers[column.key], column.key, column.title, start, cells, column.align,
                  column.crop)
        )  # fmt: skip
        start += cells + GAP
    return tuple(found)


def header_line(
    layout: Iterable[Place],
    order: tuple[str, bool] | None,
    width: int,
    palette: Palette,
    ascii: bool = False,
) -> Strip:
    """The titles, that of the column of `order` with an arrow: its key, and whether it descends.

    Where a title leaves no room for the arrow, it takes the gap before a column aligned right.
    """
    pieces: list[Piece] = []
    end = 0
    for place in layout:
        title, cells, gap = place.title, place.width, place.start - end
        ordered = order is not None and order[0] == place.key
        if order is not None and ordered:
            arrow = "↓" if order[1] else "↑"
            if place.align == "left":
                title = fitted(title, cells - 1).rstrip() + arrow
            else:
                title = arrow + title
                if gap and cell_len(title) > cells:
                    cells, gap = cells + 1, gap - 1
        pieces.append(Piece(" " * gap, palette.header))
        text = fitted(title, cells, place.align, "end", ascii)
        pieces.append(Piece(text, palette.sorted if ordered else palette.header, ordered))
        end = place.start + place.width
    pieces.append(Piece(" " * (width - end), palette.header))
    return strip(pieces, width)


def _tone(cell: Cell) -> str:
    if cell.dim:
        return "dim"
    if cell.plot:
        return "plot"
    return cell.level.value if cell.level else ""


def row_line(
    layout: Iterable[Place],
    cells: Sequence[Cell],
    width: int,
    palette: Palette,
    *,
    cursor: bool = False,
    current: str | None = None,
    ascii: bool = False,
) -> Strip:
    """One row as a line of `width` cells; `current` is the column of the cursor's cell."""
    tones = palette.cursor_tones if cursor else palette.tones
    plain = tones[""]
    pieces: list[Piece] = []
    end = 0
    for number, key, _, start, room, align, crop in layout:
        cell = cells[number] if number < len(cells) else _NOTHING
        pieces.append(Piece(" " * (start - end), plain))
        text = fitted(cell.text, room, align, crop, ascii)
        tone = _tone(cell)
        if cursor and key == current:
            pieces.append(Piece(text, tones[tone] + palette.cell_cursor, alone=True))
        else:
            pieces.append(Piece(text, tones[tone]))
        end = start + room
    pieces.append(Piece(" " * (width - end), plain))
    return strip(pieces, width)
