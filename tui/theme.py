"""Palettes: TOML files read as Textual themes.

A file has `dark` and `ansi` (true or false), `[colours]` with the fields of `textual.theme.Theme`
and `[variables]`: this program's own colours (`OWN`), or any other of Textual's. It is named after
the file. A variable that a theme lacks, one of Textual's own themes for instance, is derived from
the colours it has.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from textual.color import Color, ColorParseError
from textual.css.constants import VALID_STYLE_FLAGS
from textual.theme import Theme

from tui.model.text import plain

COLOURS: Final = (
    "primary", "secondary", "warning", "error", "success", "accent", "foreground", "background",
    "surface", "panel", "boost",
)  # fmt: skip
"""What `[colours]` may hold; `primary`, `foreground` and `background` must be there."""

NEEDED: Final = ("primary", "foreground", "background")

SERIES: Final = tuple(f"series-{number}" for number in range(1, 7))
OWN: Final = (
    "level-failing", "level-degraded", "level-healthy", "level-idle", "level-unknown", "dim",
    "grid-header", "grid-header-background", "grid-cursor", "grid-stale", *SERIES,
)  # fmt: skip
"""The variables that this program's stylesheet and widgets name, every one a colour."""

_ANSI: Final = {
    "level-failing": "ansi_red",
    "level-degraded": "ansi_yellow",
    "level-healthy": "ansi_green",
    "level-unknown": "ansi_magenta",
    "series-1": "ansi_blue",
    "series-2": "ansi_yellow",
    "series-3": "ansi_magenta",
    "series-4": "ansi_cyan",
    "series-5": "ansi_green",
    "series-6": "ansi_red",
}
_ANSI_GAPS: Final = dict.fromkeys(
    ("ansi-background", "ansi-foreground", "surface-active", "foreground-disabled"), "ansi_default"
)
"""What Textual 8.2's stylesheets name and its ANSI themes are not given: without it, no screen."""


class ThemeError(ValueError):
    """A palette cannot be used: one sentence that says which file, why, and what to do."""


def load(path: Path) -> Theme:
    """The palette in a TOML file, as a theme named after the file; `ThemeError` if it is none."""
    try:
        return _theme(path.stem, tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        why = error.strerror or "it cannot be read"
    except UnicodeDecodeError:
        why = "it is not UTF-8 text"
    except (tomllib.TOMLDecodeError, ColorParseError, ThemeError) as error:
        why = str(error)
    raise ThemeError(plain(f"Theme {path.name} is left out: {why}. Correct or remove the file."))


def load_all(folders: Iterable[Path]) -> tuple[list[Theme], list[str]]:
    """Every palette of these folders, sorted by name, and a sentence for each that is left out.

    Of two with one name the later folder's wins; a folder that does not exist has none.
    """
    themes: dict[str, Theme] = {}
    complaints: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = load(path)
            except ThemeError as error:
                complaints.append(str(error))
            else:
                themes[theme.name] = theme
    return [themes[name] for name in sorted(themes)], complaints


def _theme(name: str, spec: Mapping[str, Any]) -> Theme:
    _known(spec, ("dark", "ansi", "colours", "variables"), "the file")
    colours, variables = _strings(spec, "colours"), _strings(spec, "variables")
    _known(colours, COLOURS, "[colours]")
    for missing in (field for field in NEEDED if field not in colours):
        raise ThemeError(f"[colours] lacks {missing}")
    theme = Theme(
        name=name,
        dark=_flag(spec, "dark", default=True),
        ansi=_flag(spec, "ansi", default=False),
        variables={key: _value(key, value) for key, value in variables.items()},
        **{key: Color.parse(value).hex for key, value in colours.items()},  # type: ignore[arg-type]
    )
    _known(variables, {*OWN, *theme.to_color_system().generate()}, "[variables]")
    return theme


def _flag(spec: Mapping[str, Any], name: str, default: bool) -> bool:
    value = spec.get(name, default)
    if not isinstance(value, bool):
        raise ThemeError(f"{name} must be true or false")
    return value


def _strings(spec: Mapping[str, Any], section: str) -> dict[str, str]:
    found = spec.get(section, {})
    if not isinstance(found, dict):
        raise ThemeError(f"{section} must be a section, [{section}]")
    for name, value in found.items():
        if not isinstance(value, str):
            raise ThemeError(f"{name} in [{section}] must be text in quotes")
    return found


def _value(name: str, value: str) -> str:
    """A variable as a stylesheet can read it: one that it cannot would end the program."""
    if not name.endswith("-style"):
        return Color.parse(value).hex
    if not value.split() or not VALID_STYLE_FLAGS.issuperset(value.split()):
        words = ", ".join(sorted(VALID_STYLE_FLAGS))
        raise ThemeError(f"{name} is {value!r}, and may be made of {words}")
    return value


def _known(names: Iterable[str], known: Iterable[str], place: str) -> None:
    for name in names:
        if name not in known:
            raise ThemeError(f"{place} has no use for {name!r}")


def variable_defaults(theme: Theme) -> dict[str, str]:
    """`OWN` for a theme that may not define it, out of the colours it has.

    For `App.get_theme_variable_defaults`: a stylesheet that names an undefined variable does not
    parse at all.
    """
    if theme.ansi:
        return dict.fromkeys(OWN, "ansi_default") | _ANSI | _ANSI_GAPS
    made = theme.to_color_system().generate()
    back, fore = Color.parse(made["background"]), Color.parse(made["foreground"])
    grey = fore.blend(back, 0.25).hex
    series = ("primary", "warning", "accent", "secondary", "success", "error")
    return {
        "level-failing": made["text-error"],
        "level-degraded": made["text-warning"],
        "level-healthy": made["text-success"],
        "level-idle": grey,
        "level-unknown": made["text-accent"],
        "dim": grey,
        "grid-header": fore.hex,
        "grid-header-background": back.blend(fore, 0.08).hex,
        "grid-cursor": back.blend(Color.parse(made["primary"]), 0.3).hex,
        "grid-stale": grey,
        **{own: made[f"text-{name}"] for own, name in zip(SERIES, series, strict=True)},
    }
