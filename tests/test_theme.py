from __future__ import annotations

import math
import re
from itertools import combinations
from pathlib import Path

import pytest
from textual.color import Color
from textual.css.stylesheet import Stylesheet
from textual.theme import BUILTIN_THEMES, Theme

from tests.widgets.tables import COLUMNS, ROOT, GridApp, drawn, sample
from tui import paths
from tui.theme import OWN, SERIES, ThemeError, load, load_all, variable_defaults

THEMES = {theme.name: theme for theme in load_all([paths.themes()])[0]}
COLOURED = sorted(name for name, theme in THEMES.items() if not theme.ansi)
TEXTS = [name for name in OWN if name not in ("grid-header-background", "grid-cursor")]
LEVELS = ["level-failing", "level-degraded", "level-healthy"]

GOOD = """
[colours]
primary = "#4466aa"
foreground = "#dddddd"
background = "#111111"
"""
Matrix = tuple[tuple[float, float, float], ...]
DEUTERANOPIA: Matrix = (
    (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)  # fmt: skip
PROTANOPIA: Matrix = (
    (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
    (-0.003882, -0.048116, 1.051998),
)  # fmt: skip
TRITANOPIA: Matrix = (
    (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
    (0.004733, 0.691367, 0.303900),
)  # fmt: skip
"""Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB."""


def linear(colour: str) -> tuple[float, ...]:
    return tuple(
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        for v in Color.parse(colour).normalized
    )


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def seen(colour: str, eyes: Matrix) -> tuple[float, float, float]:
    """The colour in CIE L*a*b* as such eyes see it."""
    rgb = [sum(w * v for w, v in zip(row, linear(colour), strict=True)) for row in eyes]
    red, green, blue = (min(1.0, max(0.0, v)) for v in rgb)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def apart(one: str, other: str, eyes: Matrix) -> float:
    """The distance of two colours (CIE 1976): 2.3 is just noticeable."""
    return math.dist(seen(one, eyes), seen(other, eyes))


def test_the_palettes_that_come_with_it() -> None:
    themes, complaints = load_all([paths.themes()])
    assert complaints == []
    assert [theme.name for theme in themes] == [
        "ansi", "deuteranopia-safe", "high-contrast", "istio-dark", "istio-light",
        "tritanopia-safe",
    ]  # fmt: skip
    for theme in themes:
        assert set(theme.variables) == set(OWN)


@pytest.mark.parametrize("name", COLOURED)
def test_text_can_be_read_on_everything_it_stands_on(name: str) -> None:
    theme = THEMES[name]
    least = 7.0 if name == "high-contrast" else 4.5
    grounds = [theme.background, theme.surface, theme.panel, theme.variables["grid-cursor"]]
    inks = [theme.foreground, *(theme.variables[text] for text in TEXTS)]
    for ink in inks:
        for ground in grounds:
            assert ink
            assert ground
            assert contrast(ink, ground) >= least, (ink, ground)
    header = (theme.variables["grid-header"], theme.variables["grid-header-background"])
    assert contrast(*header) >= least


@pytest.mark.parametrize(
    ("name", "eyes"),
    [
        ("deuteranopia-safe", DEUTERANOPIA),
        ("deuteranopia-safe", PROTANOPIA),
        ("tritanopia-safe", TRITANOPIA),
    ],
)
def test_levels_stay_apart_for_the_eyes_the_palette_is_made_for(name: str, eyes: Matrix) -> None:
    variables = THEMES[name].variables
    for one, other in combinations([variables[level] for level in LEVELS], 2):
        assert apart(one, other, eyes) > 30, (one, other)
    for one, other in combinations([variables[series] for series in SERIES], 2):
        assert apart(one, other, eyes) > 20, (one, other)


@pytest.mark.parametrize("name", sorted(THEMES))
async def test_a_screen_stands_in_every_palette(name: str) -> None:
    app = GridApp()
    async with app.run_test(size=(120, 10)) as pilot:
        app.grid.show(COLUMNS, sample())
        await pilot.pause()
        app.register_theme(THEMES[name])
        app.theme = name
        await pilot.pause()
        texts = drawn(app.grid)
        assert "reviews" in texts[1]
        assert app.grid.get_component_rich_style("grid--failing").color is not None


@pytest.mark.parametrize(
    "spec",
    [
        GOOD,
        GOOD + "[variables]\nfooter-key-foreground = 'red'\nlink-style = 'bold not underline'\n",
        "dark = false\n" + GOOD,
        "ansi = true\n[colours]\nprimary='ansi_blue'\nforeground='ansi_default'\n"
        "background='ansi_default'\n",
        "ansi = true\n" + GOOD,
        "[colours]\nprimary='ansi_blue'\nforeground='ansi_default'\nbackground='ansi_default'\n",
        GOOD + "boost = 'transparent'\nwarning = 'hsl(30, 50%, 50%)'\n",
    ],
)
async def test_a_users_palette_with_little_in_it_stands(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(spec, "utf-8")
    app = GridApp()
    async with app.run_test(size=(120, 10)) as pilot:
        app.register_theme(load(path))
        app.theme = "mine"
        app.grid.show(COLUMNS, sample())
        await pilot.pause()
        assert "reviews" in drawn(app.grid)[1]


@pytest.mark.parametrize("theme", BUILTIN_THEMES.values(), ids=lambda theme: theme.name)
def test_textuals_own_themes_have_every_variable(theme: Theme) -> None:
    defaults = variable_defaults(theme)
    assert defaults.keys() >= set(OWN)
    variables = defaults | theme.to_color_system().generate() | theme.variables
    sheet = Stylesheet(variables=variables)
    sheet.read_all([ROOT / "tui" / "app.tcss"])
    sheet.parse()
    if not theme.ansi:
        background = variables["background"]
        for text in TEXTS:
            assert contrast(defaults[text], background) >= 3, text


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("dark = tru", "(at line 1"),
        ("", "[colours] lacks primary"),
        ("[colours]\nprimary = 'red'\nforeground = 'white'", "[colours] lacks background"),
        ("colours = 3", "colours must be a section, [colours]"),
        (GOOD + "secondary = 7", "secondary in [colours] must be text in quotes"),
        (GOOD + "secondary = 'gren'", "did you mean"),
        (GOOD + "secondary = '#12'", "#12"),
        (GOOD + "secondry = 'red'", "[colours] has no use for 'secondry'"),
        ("drak = true\n" + GOOD, "the file has no use for 'drak'"),
        ("dark = 'yes'\n" + GOOD, "dark must be true or false"),
        ("ansi = 1\n" + GOOD, "ansi must be true or false"),
        (GOOD + "[variables]\nlevel-failing = 'reddish'", "reddish"),
        (GOOD + "[variables]\nlevel-bad = 'red'", "[variables] has no use for 'level-bad'"),
        (GOOD + "[variables]\nlink-style = 'bold loud'", "link-style is 'bold loud'"),
        (GOOD + "[variables]\nlink-style = ''", "link-style is ''"),
    ],
)
def test_a_bad_palette_is_one_sentence_with_the_parsers_words(
    spec: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(spec, "utf-8")
    themes, (complaint,) = load_all([tmp_path])
    assert themes == []
    assert complaint.startswith("Theme mine.toml is left out: ")
    assert words in complaint
    assert complaint.endswith("Correct or remove the file.")
    assert "\n" not in complaint


def test_a_palette_that_is_no_text_or_no_file(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "gone.toml").symlink_to(tmp_path / "nowhere")
    complaints = load_all([tmp_path])[1]
    assert [complaint.split(":")[0] for complaint in complaints] == [
        f"Theme {name}.toml is left out" for name in ("bytes", "folder", "gone")
    ]
    with pytest.raises(ThemeError, match="it is not UTF-8 text"):
        load(tmp_path / "bytes.toml")


def test_a_hostile_file_is_told_of_harmlessly(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2Jb.toml").write_text("[colours]\nprimary = '\\u001b[31m'", "utf-8")
    (complaint,) = load_all([tmp_path])[1]
    assert complaint.isprintable()


def test_the_users_palette_wins_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "istio-dark.toml").write_text(GOOD, "utf-8")
    (tmp_path / "bad.toml").write_text("?", "utf-8")
    themes, complaints = load_all([paths.themes(), tmp_path, tmp_path / "nowhere"])
    assert {theme.name for theme in themes} == set(THEMES)
    assert next(t for t in themes if t.name == "istio-dark").primary == "#4466AA"
    assert len(complaints) == 1


def test_no_colour_is_written_in_python_or_the_stylesheet() -> None:
    for path in (*(ROOT / "tui").rglob("*.py"), ROOT / "tui" / "app.tcss"):
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b", path.read_text("utf-8")), path
