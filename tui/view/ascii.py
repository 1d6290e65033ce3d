"""The drawing characters of this program and what stands for them where there is only ASCII."""

from __future__ import annotations

from typing import Final

ASCII: Final = str.maketrans(
    {
        **dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True)),
        **{"■": "X", "▲": "!", "✓": "+", "·": ".", "–": "-", "−": "-", "…": "~"},
        **{"↑": "^", "↓": "v", "←": "<", "→": ">", "≥": ">", "≤": "<", "≈": "~", "±": "~"},
        **{"μ": "u", "µ": "u", "×": "x", "│": "|", "─": "-", "�": "?"},
    }
)
"""For `str.translate`: one cell for one cell, so that nothing moves."""
