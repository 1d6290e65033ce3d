"""The program without a screen: a process of its own, and what it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LIMIT = 60.0
"""Seconds that a run may take: a bound on a hang."""


def alone(home: Path) -> dict[str, str]:
    """An environment in which the program finds no settings of the developer's own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ISTIOTOP_") and name not in ("PROMETHEUS_URL", "NO_COLOR")
    }
    folders = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"), home)
    return kept | {name: str(folder) for name, folder in folders.items()}


def run(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """`istiotop` with these arguments, to its end; a process group of its own, no terminal."""
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT,
        check=False,
    )  # fmt: skip


def services(*arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What `istiotop services -o json` says, which has to be all that is said."""
    ran = run("services", "-o", "json", *arguments, environment=environment)
    assert (ran.returncode, ran.stderr) == (0, b""), ran.stderr.decode()
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer
