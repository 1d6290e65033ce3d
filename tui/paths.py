"""Where things are: the palettes that come with the program, and the user's own files (XDG)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

NAME: Final = "istiotop"


def themes() -> Path:
    """The palettes that come with the program: in the package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def config_folder() -> Path:
    """The user's configuration; it need not exist."""
    from platformdirs import user_config_path  # 10 ms, which --help does without

    return user_config_path(NAME)


def config() -> Path:
    """The configuration file; it need not exist."""
    return config_folder() / "config.toml"


def user_themes() -> Path:
    """The user's own palettes; the folder need not exist."""
    return config_folder() / "themes"
