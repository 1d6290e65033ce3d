"""Where settings come from: file, profile, environment, command line, each over the one before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from tui import paths
from tui.model.text import plain
from tui.options import Option, UsageError, nearest
from tui.settings import ENVIRONMENT, OPTIONS, Settings

FUTURE: Final = 300.0
"""Seconds that `at` may lie ahead: two clocks never quite agree."""

_EXCLUSIVE: Final = (("prometheus", "envoy", "demo"), ("namespaces", "all_namespaces"))
"""Of each of these there can only be one: that of the highest layer which names any."""
_PROFILES: Final = "profiles"
_IN_FILE: Final = frozenset(OPTIONS) - {"config"}


class Loaded(NamedTuple):
    """Settings, where each that is no default comes from, and what the user should know."""

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...]


class _Layer(NamedTuple):
    """What one place says: the values, and how to call the place of each."""

    values: dict[str, Any]
    places: dict[str, str]


def load(given: Mapping[str, object], environ: Mapping[str, str], now: float) -> Loaded:
    """The settings of this run.

    `given` is the command line: by name of the setting a word, a list of words, or `True`. `now` is
    Unix seconds. Raises `UsageError` for what cannot be read; an unknown key in the file is only a
    warning.
    """
    flags = _flags(given)
    general, own = _environment(environ)
    above = general.values | own.values | flags.values
    file, profile, warnings = _configured(above.get("config"), above.get("profile"))
    settings, origins = _merged((file, profile, general, own, flags))
    if settings.at is not None and settings.at < 0:
        settings = dataclasses.replace(settings, at=now + settings.at)
    if settings.at is not None and settings.at > now + FUTURE:
        raise UsageError(f"{origins['at']}: that time is still to come; Unix time is in seconds.")
    if settings.at is not None and settings.watch:
        raise UsageError(f"{origins['watch']} follows the present: leave out {origins['at']}.")
    if settings.at is not None and settings.envoy:
        raise UsageError(
            f"{origins['at']}: Envoys have no past; give --prometheus, or leave it out."
        )
    if settings.at is not None and settings.lasting:
        raise UsageError(
            f"{origins['lasting']} begins now: leave out {origins['at']}, and look back with -w."
        )
    return Loaded(settings, origins, warnings)


def _merged(layers: tuple[_Layer, ...]) -> tuple[Settings, dict[str, str]]:
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for group in _EXCLUSIVE:
            named = [name for name in group if layer.values.get(name)]
            if len(named) > 1:
                first, second = (layer.places[name] for name in named[:2])
                raise UsageError(f"{first} and {second} exclude each other: give one of them.")
            for name in group if named else ():
                values.pop(name, None)
                origins.pop(name, None)
        values.update(layer.values)
        origins.update(layer.places)
    return Settings(**values), origins


def _flags(given: Mapping[str, object]) -> _Layer:
    layer = _Layer({}, {})
    for name, raw in given.items():
        option = OPTIONS[name]
        place = option.flags[-1]
        words = [str(word) for word in raw] if isinstance(raw, list) else [str(raw)]
        _add(layer, name, words, place)
    return layer


def _environment(environ: Mapping[str, str]) -> tuple[_Layer, _Layer]:
    """What variables of other programs say, and what this program's own say."""
    general, own = _Layer({}, {}), _Layer({}, {})
    for name, option in OPTIONS.items():
        for variable in option.environment:
            if environ.get(variable):
                _add(general, name, [environ[variable]], variable)
        variable = ENVIRONMENT + name.upper()
        if environ.get(variable):
            _add(own, name, [environ[variable]], variable)
    return general, own


def _configured(asked: str | None, profile: str | None) -> tuple[_Layer, _Layer, tuple[str, ...]]:
    """What the configuration file says, what its profile says, and the keys that mean nothing."""
    path = Path(asked) if asked else paths.config()
    document = _document(path, must_exist=bool(asked))
    sections = document.pop(_PROFILES, {})
    if not isinstance(sections, dict) or not all(isinstance(x, dict) for x in sections.values()):
        raise UsageError(f"{_shown(path)}: profiles are sections such as [profiles.prod].")
    warnings: list[str] = []
    file = _section(document, _shown(path), warnings)
    chosen = profile or file.values.get("profile")
    if not chosen:
        return file, _Layer({}, {}), tuple(warnings)
    if chosen not in sections:
        known = ", ".join(map(plain, sections)) or "none"
        raise UsageError(f"{_shown(path)} has no profile called {plain(chosen)}: there is {known}.")
    place = f"[profiles.{plain(chosen)}] of {_shown(path)}"
    return file, _section(sections[chosen], place, warnings), tuple(warnings)


def _document(path: Path, must_exist: bool) -> dict[str, Any]:
    import tomllib  # 10 ms, which --help does without

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if not must_exist:
            return {}
        raise UsageError(f"{_shown(path)} does not exist: --config wants a file.") from None
    except OSError as error:
        raise UsageError(f"{_shown(path)} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{_shown(path)} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{_shown(path)} is not TOML: {plain(str(error))}.") from None


def _section(section: Mapping[str, Any], place: str, warnings: list[str]) -> _Layer:
    layer = _Layer({}, {})
    for key, value in section.items():
        name = key.replace("-", "_")
        if name not in _IN_FILE:
            near = nearest(name, _IN_FILE)
            hint = f": did you mean {near}?" if near else "."
            warnings.append(f"{place}: no setting is called {plain(key)}{hint}")
            continue
        at = f"{name} in {place}"
        _add(layer, name, list(_words(OPTIONS[name], value, at)), at)
    return layer


def _words(option: Option, value: object, place: str) -> Iterator[str]:
    """A value of the file, as the words that a command line would have."""
    if isinstance(value, bool):
        if option.metavar:
            raise UsageError(f"{place} wants a value, not true or false.")
        yield str(value)
    elif isinstance(value, str | int | float):
        yield str(value)
    elif isinstance(value, datetime):
        yield value.isoformat()
    elif isinstance(value, list) and option.many and all(isinstance(x, str) for x in value):
        yield from value
    elif (
        isinstance(value, dict) and option.many and all(isinstance(x, str) for x in value.values())
    ):
        yield from (f"{name}={text}" for name, text in value.items())
    else:
        raise UsageError(f"{place} is of the wrong kind: write its value in quotes.")


def _add(layer: _Layer, name: str, words: list[str], place: str) -> None:
    option = OPTIONS[name]
    try:
        values = [option.read(word) for word in words]
    except UsageError as error:
        raise UsageError(f"{place}: {error}") from None
    layer.values[name] = sum(values, ()) if option.many else values[-1]
    layer.places[name] = place


def _shown(path: Path) -> str:
    return plain(str(path))
