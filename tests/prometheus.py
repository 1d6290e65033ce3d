"""A real Prometheus of its own for a test: started on a free port, ended with the test."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

BINARY = shutil.which("prometheus")
needs_prometheus = pytest.mark.skipif(
    BINARY is None, reason="no `prometheus` on PATH: install Debian's package prometheus"
)
READY_WITHIN = 30.0
"""Seconds; a bound on a hang, not a measurement (0.3 s is usual)."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    config: str,
    *args: str,
    port: int | None = None,
    prefix: str = "",
    tls: bool = False,
    headers: Mapping[str, str] | None = None,
    client: tuple[Path, Path] | None = None,
) -> Iterator[str]:
    """The URL of a Prometheus with this configuration file and these further flags, once it is
    ready.

    `prefix` is where `--web.route-prefix` puts it (`/prom`), `tls` says that `--web.config.file`
    has a certificate, and `headers` and `client` (certificate and key) are what the readiness check
    needs to get in. A `port` of the caller's choice lets a server come back at the same URL.
    """
    assert BINARY is not None, "mark the test with needs_prometheus"
    chosen = port if port is not None else free_port()
    url = f"{'https' if tls else 'http'}://127.0.0.1:{chosen}{prefix}"
    with tempfile.TemporaryDirectory(prefix="prometheus-") as folder:
        file = Path(folder, "prometheus.yml")
        file.write_text(config, encoding="utf-8")
        with Path(folder, "log").open("w+b") as log:
            process = subprocess.Popen(
                [BINARY, f"--config.file={file}", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{chosen}", "--log.level=warn", *args],
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                ready = urllib.request.Request(f"{url}/-/ready", headers=dict(headers or {}))
                _wait_ready(process, ready, client, Path(log.name))
                yield url
            finally:
                _end(process)


def _wait_ready(
    process: subprocess.Popen[bytes],
    request: urllib.request.Request,
    client: tuple[Path, Path] | None,
    log: Path,
) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if client is not None:
        context.load_cert_chain(*client)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    give_up = time.monotonic() + READY_WITHIN
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"prometheus ended: {log.read_text(errors='replace')[-2000:]}")
        try:
            with opener.open(request, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"prometheus is not ready: {log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
