"""What one option is, and how the text of its value is read.

The same holds for a flag, an environment variable and a line of the configuration file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tui.model.text import plain

_SHOWN: Final = 60
"""Characters of a wrong value that an error repeats."""
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_SWITCH: Final = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


class UsageError(Exception):
    """The user asked for what cannot be. `str()` of it is one sentence, with no secrets."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that a user can set. `flags` are how it is called on the command line.

    `read` makes the value of a word, and raises `UsageError`. An option without `metavar` is a
    switch. `many`: it may be given several times, and `read` gives a tuple that is added to the
    others. `environment`: variables beside `ISTIOTOP_…`, which comes first.
    """

    flags: tuple[str, ...]
    help: str
    group: str
    read: Callable[[str], Any]
    metavar: str = ""
    many: bool = False
    environment: tuple[str, ...] = ()


def nearest(text: str, known: Iterable[str]) -> str:
    """The one of `known` that was probably meant, or nothing."""
    from difflib import get_close_matches  # 4 ms, and only mistakes need it

    return next(iter(get_close_matches(text, list(known), 1, 0.6)), "")


def _wrong(text: str, what: str) -> UsageError:
    return UsageError(f"{plain(text.strip(), _SHOWN) or 'nothing'} is {what}.")


def word(text: str) -> str:
    """Any text, but some."""
    if not text.strip():
        raise UsageError("a value is missing.")
    return text.strip()


def free(text: str) -> str:
    """Any text at all."""
    return text


def condition(text: str) -> tuple[str, ...]:
    """One check; what it means is read where it is known what can be checked."""
    return (word(text),)


def switch(text: str) -> bool:
    """On or off."""
    if text.strip().lower() not in _SWITCH:
        raise _wrong(text, "neither true nor false")
    return _SWITCH[text.strip().lower()]


def path(text: str) -> str:
    """A file, `~` being the user's home."""
    try:
        return str(Path(word(text)).expanduser())
    except RuntimeError as error:
        raise UsageError(f"no home folder is known for {plain(text, _SHOWN)}.") from error


def one_of(*choices: str) -> Callable[[str], str]:
    """A reader of these words alone."""

    def read(text: str) -> str:
        if text.strip().lower() not in choices:
            raise _wrong(text, f"not one of {', '.join(choices)}")
        return text.strip().lower()

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        digits = text.strip()
        if not re.fullmatch(r"[0-9]{1,18}", digits) or not least <= int(digits) <= most:
            raise _wrong(text, f"not a whole number from {least} to {most}")
        return int(digits)

    return read


def _seconds(text: str) -> float | None:
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return math.fsum(float(number) * _UNITS[unit] for number, unit in parts)


def duration(least: str, most: str) -> Callable[[str], float]:
    """A reader of times such as `500ms`, `60s`, `5m`, `1h30m` or plain seconds, as seconds."""
    low, high = _seconds(least) or 0.0, _seconds(most) or math.inf

    def read(text: str) -> float:
        seconds = _seconds(text)
        if seconds is None:
            raise _wrong(text, "not a duration: write it as 60s, 5m or 1h")
        if not low <= seconds <= high:
            raise _wrong(text, f"out of bounds: write a duration from {least} to {most}")
        return seconds

    return read


def moment(text: str) -> float:
    """An instant in Unix seconds, from RFC 3339 or Unix time; `-15m`, before now, is negative."""
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped):
        return float(stripped)
    before = _seconds(stripped[1:]) if stripped.startswith("-") else None
    if before:
        return -before
    try:
        instant = datetime.fromisoformat(stripped)
        if instant.tzinfo is not None:
            return instant.timestamp()
    except (ValueError, OverflowError):
        pass
    raise _wrong(text, "not a time: write it as 2026-01-31T12:00:00Z, Unix seconds or -15m")


def name(text: str) -> str:
    """One namespace."""
    if not _NAMESPACE.fullmatch(text.strip()):
        raise _wrong(text, "not the name of a namespace")
    return text.strip()


def names(text: str) -> tuple[str, ...]:
    """Namespaces, with commas between them."""
    return tuple(name(part) for part in text.split(",") if part.strip() or part == text)


def headers(text: str) -> tuple[tuple[str, str], ...]:
    """One HTTP header of `NAME=VALUE`, or one a line. No error repeats it: it may be a secret."""
    found = []
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise UsageError("that is not a header: write it as NAME=VALUE.")
        found.append((name.strip(), value.strip()))
    if not found:
        raise UsageError("a header is missing: write it as NAME=VALUE.")
    return tuple(found)


def targets(text: str) -> tuple[str, ...]:
    """`HOST:PORT`s with commas between them, or `@FILE` with one a line and `#` comments."""
    if not text.startswith("@"):
        found = [part.strip() for part in text.split(",")]
    else:
        try:
            lines = Path(path(text[1:])).read_text("utf-8").splitlines()
        except OSError as error:
            raise _wrong(text[1:], f"unreadable: {error.strerror or 'no such file'}") from error
        except UnicodeDecodeError as error:
            raise _wrong(text[1:], "not a text file") from error
        found = [line.partition("#")[0].strip() for line in lines]
    if not any(found):
        raise _wrong(text, "empty: a HOST:PORT is missing")
    return tuple(target for target in found if target)
