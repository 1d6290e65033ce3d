"""The styles a grid draws with: its component classes, which the stylesheet colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from rich.style import Style
from textual.widget import Widget

TONES: Final = ("failing", "degraded", "healthy", "idle", "unknown", "dim", "plot")
"""What may colour a cell: its level, or that it is dim, or a drawing."""

COMPONENTS: Final = frozenset(
    f"grid--{name}" for name in ("header", "sorted", "stale", "cursor", "cell-cursor", *TONES)
)


class Palette(NamedTuple):
    """Styles, looked up once for many lines. Rich makes two that look the same one object."""

    header: Style
    sorted: Style
    """The title of the column that the rows are sorted by."""
    tones: Mapping[str, Style]
    """By `TONES`, and `""` for text that is nothing special."""
    cursor_tones: Mapping[str, Style]
    """The same on the cursor's row."""
    cell_cursor: Style


def palette(widget: Widget, stale: bool) -> Palette:
    """The styles of this widget; everything in one of them when it is stale."""
    styled = widget.get_component_rich_style
    plain = styled("grid--stale") if stale else widget.rich_style
    tones = {"": plain}
    tones |= {tone: plain if stale else styled(f"grid--{tone}") for tone in TONES}
    cursor = styled("grid--cursor", partial=True)
    header = styled("grid--header")
    return Palette(
        header,
        header + styled("grid--sorted", partial=True),
        tones,
        {tone: style + cursor for tone, style in tones.items()},
        styled("grid--cell-cursor", partial=True),
    )
