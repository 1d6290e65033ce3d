"""A real Prometheus goes away under the live screen, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests import prometheus, terminal
from tests.exporter import exporting, line
from tests.model.frames import BASE

pytestmark = [pytest.mark.real, prometheus.needs_prometheus]

CONFIG = """\
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: istio-mesh
  static_configs: [{{targets: ["{target}"]}}]
"""


def page(number: int) -> Iterator[str]:
    """A service with ten requests from one scrape to the next, one of which fails."""
    yield line("istio_requests_total", BASE, 9.0 * number)
    yield line("istio_requests_total", {**BASE, "response_code": "503"}, 1.0 * number)


def test_the_last_numbers_stay_while_prometheus_is_away_and_it_comes_back_by_itself() -> None:
    port = prometheus.free_port()
    address = ["--prometheus", f"http://127.0.0.1:{port}"]
    with exporting(page) as target, ExitStack() as screens:
        config = CONFIG.format(target=target)
        with prometheus.running(config, port=port):
            screen = screens.enter_context(
                terminal.running([*address, "--refresh", "1s", "--window", "10s"], (100, 24))
            )
            screen.until(lambda shown: "10.0%" in shown and "live" in shown)
        screen.until("failed since")
        screen.until("numbers 2s old")
        row = next(text for text in screen.text.splitlines() if text.startswith("reviews"))
        assert "10.0%" in row, "the last numbers stay"
        assert f"127.0.0.1:{port}" in screen.text, "and it says why"
        with prometheus.running(config, port=port):
            screen.until(lambda shown: "live" in shown and "failed" not in shown)
            screen.until(lambda shown: "10.0%" in shown and "live" in shown)
            screen.press("q")
            assert screen.end() == 0
