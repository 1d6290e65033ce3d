"""The entries of the menus of the services screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tui.screens.menu import Choice
from tui.view.board import Look
from tui.view.services import COLUMNS
from tui.view.status import span

WINDOWS: Final = (30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
SCRAPES: Final = 4
"""Scrapes that a window should hold: with fewer, one that is missed leaves holes."""
ALL: Final = ""
"""The value of the entry for all namespaces."""


def windows(current: float, scrape_interval: float | None) -> list[Choice]:
    """The windows to choose from, the one in force among them."""
    return [
        Choice(str(seconds), span(seconds), too_short(seconds, scrape_interval))
        for seconds in sorted({*WINDOWS, current})
    ]


def too_short(window: float, scrape_interval: float | None) -> str:
    """A warning for a window that is too short for how often the source scrapes, or nothing."""
    if scrape_interval is None or window >= SCRAPES * scrape_interval:
        return ""
    return f"fewer than {SCRAPES} scrapes (one every {span(scrape_interval)}): rates may be missing"


def namespaces(counts: Mapping[str, int], look: Look) -> list[Choice]:
    """All, and every namespace that was seen or asked for, with its services."""
    known = dict.fromkeys(look.scope, 0) | dict(counts)
    total = sum(known.values())
    entries = [Choice(name, name, _services(known[name])) for name in sorted(known)]
    return [Choice(ALL, "all namespaces", _services(total)), *entries]


def _services(count: int) -> str:
    return f"{count} service{'' if count == 1 else 's'}"


def columns() -> list[Choice]:
    """Every column, with the first sentence of its help."""
    return [Choice(c.key, c.title, c.help.split(". ")[0].rstrip(".")) for c in COLUMNS]
