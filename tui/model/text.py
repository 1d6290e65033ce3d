"""Text from outside, made harmless: names in a cluster may hold anything a terminal obeys."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

LONGEST: Final = 256
"""Characters kept of a name: Kubernetes allows 253."""

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move the cursor, turn the writing direction, or show nothing at all."""


def _visible(character: str) -> str:
    return "�" if unicodedata.category(character) in _UNSEEN else character


def plain(text: str, longest: int = LONGEST) -> str:
    """One line of `text` that is safe to write to a terminal, at most `longest` characters.

    Control characters, bidirectional marks, invisible and unassigned ones become `�`; what is too
    long ends in `…`.
    """
    cut = text if len(text) <= longest else text[: longest - 1] + "…" if longest > 0 else ""
    return cut if cut.isascii() and cut.isprintable() else _harmless(cut)


# Remembers what is cut already: 16,384 labels of 10 kB would be 160 MB.
@lru_cache(maxsize=1024)
def _harmless(text: str) -> str:
    return "".join(map(_visible, text))
