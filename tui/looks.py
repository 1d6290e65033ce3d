"""How the settings ask the table to look: its filter and its order, read from text."""

from __future__ import annotations

from tui.model.text import plain
from tui.options import UsageError
from tui.settings import Settings
from tui.view.board import Look
from tui.view.filter import Filter, FilterError, named, parse
from tui.view.order import Order
from tui.view.services import COLUMNS, DEFAULT_ORDER, Line


def look(settings: Settings) -> Look:
    """What the user wants to see at first; `UsageError` if filter or order cannot be read."""
    return Look(
        settings.scope,
        settings.window,
        settings.at,
        _order(settings.sort),
        _filter(settings.filter),
    )


def _filter(text: str) -> Filter[Line]:
    try:
        return parse(text, COLUMNS)
    except FilterError as error:
        raise UsageError(f"--filter: {error}") from None


def _order(text: str) -> Order:
    """`COLUMN`, `COLUMN:asc` or `COLUMN:desc`; nothing is worst first."""
    if not text:
        return DEFAULT_ORDER
    name, _, way = text.partition(":")
    try:
        column = named(name, COLUMNS)
    except FilterError as error:
        raise UsageError(f"--sort: {error}") from None
    if way not in ("", "asc", "desc"):
        raise UsageError(f"--sort: {plain(way, 20)} is no direction: write {name}:asc or :desc.")
    return Order(column.key, way == "desc" if way else column.descending)
