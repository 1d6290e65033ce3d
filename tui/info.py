"""What `istiotop info` prints: every path, setting and version, with secrets masked."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from tui import __version__, paths
from tui.layers import Loaded
from tui.model.text import plain
from tui.settings import masked

_PARTS: Final = ("textual", "httpx", "httpx-aiohttp", "msgspec", "plotext", "kubernetes")


def _versions() -> dict[str, str]:
    found = {"istiotop": __version__, "python": platform.python_version()}
    for part in _PARTS:
        try:
            found[part] = version(part)
        except PackageNotFoundError:
            found[part] = "not installed"
    return found


def _paths(loaded: Loaded) -> dict[str, str]:
    config = loaded.settings.config or str(paths.config())
    return {
        "program": str(paths.themes().parent),
        "configuration": config,
        "themes": str(paths.themes()),
        "your themes": str(paths.user_themes()),
        "log": loaded.settings.log_file or "none: give --log-file FILE",
    }


def text(loaded: Loaded) -> str:
    """Versions, paths and settings in lines; a setting that was given says where."""
    lines = ["versions", *_block(_versions()), "", "paths", *_block(_paths(loaded)), "", "settings"]
    shown = {
        name: f"{value or '–'}{f'   from {loaded.origins[name]}' if name in loaded.origins else ''}"
        for name, value in masked(loaded.settings).items()
    }
    return "\n".join([*lines, *_block(shown)]) + "\n"


def _block(pairs: dict[str, str]) -> list[str]:
    width = max(map(len, pairs))
    return [f"  {name:<{width}}   {plain(value, 1000)}" for name, value in pairs.items()]


def as_json(loaded: Loaded) -> str:
    """The same as one JSON object."""
    answer = {
        "versions": _versions(),
        "paths": _paths(loaded),
        "settings": masked(loaded.settings),
        "origins": dict(loaded.origins),
    }
    return json.dumps(answer, indent=2) + "\n"
