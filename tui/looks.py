"""How the settings ask the table to look: its filter and its order, read from text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tui.model.text import plain
from tui.options import UsageError
from tui.settings import Settings
from tui.view.board import Look
from tui.view.filter import Filter, FilterError, named, parse
from tui.view.order import Order
from tui.view.services import COLUMNS, DEFAULT_ORDER
from tui.view.table import Column

T = TypeVar("T")


def look(settings: Settings) -> Look:
    """What the user wants to see at first; `UsageError` if filter or order cannot be read."""
    return Look(
        settings.scope,
        settings.window,
        settings.at,
        row_order(settings.sort, COLUMNS) or DEFAULT_ORDER,
        row_filter(settings.filter, COLUMNS),
    )


def row_filter(text: str, columns: Sequence[Column[T]]) -> Filter[T]:
    """The filter that `--filter` means; `UsageError` if it means none."""
    try:
        return parse(text, columns)
    except FilterError as error:
        raise UsageError(f"--filter: {error}") from None


def row_order(text: str, columns: Sequence[Column[T]]) -> Order | None:
    """The order that `--sort` means, `COLUMN`, `COLUMN:asc` or `COLUMN:desc`; `None`
    for no text. `UsageError` if it means none.
    """
    if not text:
        return None
    name, _, way = text.partition(":")
    try:
        column = named(name, columns)
    except FilterError as error:
        raise UsageError(f"--sort: {error}") from None
    if way not in ("", "asc", "desc"):
        raise UsageError(f"--sort: {plain(way, 20)} is no direction: write {name}:asc or :desc.")
    return Order(column.key, way == "desc" if way else column.descending)
