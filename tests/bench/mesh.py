"""A real Prometheus that scrapes the exporter: a mesh of any size to measure against."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.prometheus import free_port, running

CONFIG = """\
global: {{scrape_interval: {interval}s, scrape_timeout: {interval}s}}
scrape_configs:
- job_name: istio-mesh
  metrics_path: /stats/prometheus
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
SCRAPES = 4


def seen(url: str, services: int) -> bool:
    """Whether every service has enough scrapes for a rate over the window."""
    asked = (
        "count(count_over_time(istio_requests_total"
        f'{{reporter="destination", response_code="200"}}[5m]) >= {SCRAPES})'
    )
    query = urllib.parse.urlencode({"query": asked})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}") as answer:
        return f'"{services}"' in answer.read().decode()


@contextmanager
def filled(services: int, interval: int = 5) -> Iterator[str]:
    """The URL of a Prometheus that knows this many services, with rates for all of them."""
    port = free_port()
    exporter = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.exporter", str(port), str(services)]
    )
    try:
        with running(CONFIG.format(interval=interval, port=port)) as url:
            give_up = time.monotonic() + 60 + 10 * SCRAPES * interval
            while not seen(url, services):
                if time.monotonic() > give_up:
                    raise RuntimeError(f"Prometheus never saw {services} services")
                time.sleep(0.5)
            yield url
    finally:
        exporter.terminate()
        exporter.wait()
