from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from tests.widgets.tables import COLUMNS, PLAIN, column, sample
from tui.model.health import Level
from tui.view.table import Cell
from tui.widgets.lines import Piece, fitted, header_line, places, row_line, strip
from tui.widgets.palette import TONES

RED, BLUE, LINED = Style(color="red"), Style(color="blue"), Style(underline=True)
HOSTILE = (
    "two\nlines", "a\ttab", "\x1b[31mred\x1b[0m", "\x1b]52;c;aGk=\x07", "bell\x07", "nul\x00",
    "\x9b31m", "back\x08\x08", "‮drow", "zero​width", "line sep", "a" * 10_000,
    "z" + "\u0301" * 5_000, "\u0301\u0302", "👩‍👩‍👧", "❤️", "🇩🇪", "👍🏽", "한글", "　", "\ud800",
    "日" * 300, "नमस्ते", "ﷺ", "",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "width", "align", "crop", "shown"),
    [
        ("abc", 5, "left", "end", "abc  "),
        ("abc", 5, "right", "end", "  abc"),
        ("abcdef", 5, "left", "end", "abcd…"),
        ("abcdef", 5, "right", "end", "abcd…"),
        ("abcdef", 5, "right", "start", "bcdef"),
        ("日本語", 6, "left", "end", "日本語"),
        ("日本語", 5, "left", "end", "日本…"),
        ("日本語", 4, "left", "end", "日 …"),
        ("日本語", 3, "right", "start", " 語"),
        ("cafe\u0301!", 5, "left", "end", "cafe\u0301!"),
        ("a\nb", 4, "left", "end", "a�b "),
        ("abc", 1, "left", "end", "…"),
        ("abc", 0, "left", "end", ""),
        ("abc", -3, "left", "end", ""),
    ],
)
def test_text_is_fitted_by_cells(
    text: str,
    width: int,
    align: Literal["left", "right"],
    crop: Literal["end", "start"],
    shown: str,
) -> None:
    assert fitted(text, width, align, crop) == shown


TEXTS = st.text(max_size=40) | st.sampled_from(HOSTILE)


@given(TEXTS, st.integers(0, 30), st.sampled_from(("left", "right")),
       st.sampled_from(("end", "start")), st.booleans())  # fmt: skip
def test_any_text_takes_exactly_its_cells_and_no_command_passes(
    text: str,
    width: int,
    align: Literal["left", "right"],
    crop: Literal["end", "start"],
    ascii: bool,
) -> None:
    shown = fitted(text, width, align, crop, ascii)
    assert cell_len(shown) == width
    assert shown.isprintable()
    assert not set(shown) & set("\ufe0f🇩🇪\U0001f3fd")


def test_a_name_without_end_is_not_kept_whole() -> None:
    piled = "z" + "\u0301" * 5_000
    assert len(fitted(piled, 10)) < 60


def test_neighbours_in_one_style_are_one_segment_and_blanks_join_them() -> None:
    pieces = [Piece("a ", RED), Piece(" ", BLUE), Piece("b", RED), Piece("  ", BLUE)]
    line = strip(pieces, 6)
    assert [(s.text, s.style) for s in line] == [("a  b  ", RED)]


def test_blanks_at_the_start_join_what_follows() -> None:
    line = strip([Piece("  ", BLUE), Piece("a", RED), Piece("b", BLUE)], 4)
    assert [(s.text, s.style) for s in line] == [("  a", RED), ("b", BLUE)]


def test_a_style_that_shows_on_blanks_stays_where_it_belongs() -> None:
    pieces = [Piece("a", RED), Piece(" ", RED), Piece(" b ", LINED, alone=True), Piece(" ", RED),
              Piece("c", BLUE), Piece("   ", LINED, alone=True), Piece(" ", RED)]  # fmt: skip
    line = strip(pieces, 11)
    assert [(s.text, s.style) for s in line] == [
        ("a ", RED), (" b ", LINED), (" c", BLUE), ("   ", LINED), (" ", RED),
    ]  # fmt: skip


STYLED = st.lists(
    st.builds(Piece, st.text(" ab", min_size=1, max_size=4), st.sampled_from((RED, BLUE)),
              st.booleans()),
    max_size=8,
)  # fmt: skip


@given(STYLED)
def test_joining_loses_no_text_and_recolours_only_blanks(pieces: list[Piece]) -> None:
    text = "".join(piece.text for piece in pieces)
    line = strip(pieces, len(text))
    assert line.text == text
    wanted = [(c, piece.style, piece.alone) for piece in pieces for c in piece.text]
    found = [(c, segment.style) for segment in line for c in segment.text]
    for (character, style, alone), (_, shown) in zip(wanted, found, strict=True):
        assert shown is style or (character == " " and not alone)


@pytest.mark.parametrize(
    ("order", "title"),
    [
        (("service", False), "SERVICE↑" + " " * 16),
        (("p50", True), "   ↓P50"),
        (("error", False), "  ↑ERR"),
        (("bytes", True), "↓BYTES/S"),
        (("health", True), "HEALTH↓   "),
    ],
)
def test_the_sorted_title_has_an_arrow_and_stays_in_line(
    order: tuple[str, bool], title: str
) -> None:
    layout = places(COLUMNS, 120, False, ())
    plain = header_line(layout, None, 120, PLAIN)
    assert len(list(plain)) == 1
    line = header_line(layout, order, 120, PLAIN)
    assert [s.text for s in line if s.style == PLAIN.sorted] == [title]
    assert line.text.translate({ord("↑"): " ", ord("↓"): " "}).split() == plain.text.split()
    assert cell_len(line.text) == cell_len(plain.text) == 120


def test_a_title_longer_than_its_column_keeps_the_arrow() -> None:
    narrow = (column("name", "NAMESPACE", 6, align="left"), column("rate", "REQUESTS", 5))
    for order, text in (("name", "NAME…↓ REQU…"), ("rate", "NAMES…↓REQU…")):
        line = header_line(places(narrow, 12, False, ()), (order, True), 12, PLAIN)
        assert line.text == text


def test_ascii_has_arrows_of_its_own() -> None:
    layout = places(COLUMNS, 120, False, ())
    assert " vP50" in header_line(layout, ("p50", True), 120, PLAIN, ascii=True).text
    assert " ^P50" in header_line(layout, ("p50", False), 120, PLAIN, ascii=True).text


def test_every_level_has_a_tone() -> None:
    assert {level.value for level in Level} | {"dim", "plot"} == set(TONES)


@given(st.lists(TEXTS, max_size=14), st.integers(0, 160), st.booleans())
def test_a_row_of_anything_is_as_wide_as_its_line(
    texts: list[str], width: int, cursor: bool
) -> None:
    layout = places(COLUMNS, width, False, ())
    cells = [Cell(text, Level.FAILING if n % 3 else None) for n, text in enumerate(texts)]
    line = row_line(layout, cells, width, PLAIN, cursor=cursor, current="rps")
    assert cell_len(line.text) == width
    assert sum(cell_len(segment.text) for segment in line) == width


def test_only_the_current_cell_of_the_cursor_row_is_underlined() -> None:
    layout = places(COLUMNS, 120, False, ())
    cells = sample()[0].cells
    line = row_line(layout, cells, 120, PLAIN, cursor=True, current="error")
    assert [s.text for s in line if s.style and s.style.underline] == [" 12.4%"]
    other = row_line(layout, cells, 120, PLAIN, cursor=False, current="error")
    assert not any(s.style and s.style.underline for s in other)
