"""The picture of the README: the demo mesh at a fixed instant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from tests.screens.screen import until
from tui.app import IstioTop
from tui.settings import Settings
from tui.sources.demo import DemoSource

AT = 1_700_000_430.0
"""14 November 2023, 22:20:30 UTC: the canary of reviews is bad."""


async def _complete(pilot: Pilot[None]) -> None:
    """Until rows, latency and history have come."""
    await until(pilot, lambda text: "…" not in text and "▇▇▇" in text and "healthy" in text)


def test_the_picture_of_the_readme(
    snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    source = DemoSource(seed=1, clock=lambda: AT, cpu=lambda: 0.0)
    app = IstioTop(Settings(demo=True, refresh=5.0), source, clock=lambda: AT)
    assert snap_compare(app, terminal_size=(118, 34), run_before=_complete)
