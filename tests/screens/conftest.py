"""Every screen is tested in one time zone and without anybody's own settings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        time.tzset()
        yield
    time.tzset()
