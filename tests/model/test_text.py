"""Whatever a name holds, it is one harmless line of bounded length."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.hostile import IDS, NAMES
from tui.model.text import LONGEST, plain

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=400)


def harmless(text: str) -> bool:
    """Nothing in it moves the cursor, turns the writing direction, or is a half character."""
    return not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_hostile_names_are_harmless(name: str) -> None:
    shown = plain(name)
    assert harmless(shown)
    assert len(shown) <= LONGEST
    assert len(shown.splitlines()) <= 1


@given(anything, st.integers(-2, 300))
def test_anything_is_one_harmless_line_of_bounded_length(text: str, longest: int) -> None:
    shown = plain(text, longest)
    assert harmless(shown)
    assert len(shown) == min(len(text), max(0, longest))
    assert len(shown.splitlines()) <= 1
    assert plain(shown, longest) == shown
    shown.encode()


def test_no_character_at_all_gets_through_that_a_terminal_obeys() -> None:
    for start in range(0, sys.maxunicode + 1, LONGEST):
        chunk = "".join(map(chr, range(start, min(start + LONGEST, sys.maxunicode + 1))))
        assert harmless(plain(chunk))


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("reviews", 256, "reviews"),
        ("żółć 日本 🙂", 256, "żółć 日本 🙂"),
        ("[red]markup[/]", 256, "[red]markup[/]"),
        ("\x1b[31mred", 256, "�[31mred"),
        ("two\r\nlines", 256, "two��lines"),
        ("\u202egnol", 256, "�gnol"),
        ("\ud800", 256, "�"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcdefg", 1, "…"),
        ("abcdefg", 0, ""),
        ("", 0, ""),
    ],
)
def test_what_it_looks_like(text: str, longest: int, expected: str) -> None:
    assert plain(text, longest) == expected
