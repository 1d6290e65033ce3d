"""The real programs: Envoys and a Prometheus, as children of the main thread.

The Envoy of the wheel asks the kernel for SIGTERM when the thread that started it dies; Prometheus
gets the same here. So nothing outlives the mesh, however it ends.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from pathlib import Path
from typing import Final

import aiohttp

from tests.mesh import telemetry
from tests.mesh.bootstrap import bootstrap
from tests.mesh.pods import ADMIN_PORT, METRICS_PORT, PODS, Pod

READY_WITHIN: Final = 60.0
"""Seconds; a bound on a hang, not a measurement."""
_POLL: Final = 0.05
_PR_SET_PDEATHSIG: Final = 1
_libc: Final = ctypes.CDLL(None)


class PartError(Exception):
    """A real part did not come up: one sentence, with the last line that it wrote."""


async def start_envoy(binary: Path, pod: Pod, block: int, folder: Path) -> Process:
    """The Envoy of a pod, once it serves."""
    config = folder / f"{pod.workload}.json"
    config.write_text(json.dumps(bootstrap(pod, block)), encoding="utf-8")
    process = await _spawn(
        folder / f"{pod.workload}.log", str(binary), "--config-path", str(config),
        "--concurrency", "1", "--log-level", "error",
        # Hot restart would leave a file in /dev/shm for each Envoy.
        "--disable-hot-restart", environment=telemetry.ENVIRONMENT,
    )  # fmt: skip
    ready = f"http://{pod.address(block)}:{ADMIN_PORT}/ready"
    await _until_ready(process, ready, folder / f"{pod.workload}.log")
    return process


async def start_prometheus(binary: Path, config: Path, port: int) -> Process:
    """A Prometheus on a port of 127.0.0.1, once it answers. Its data is beside its configuration,
    so that it comes back with its history.
    """
    log = config.with_suffix(".log")
    process = await _spawn(
        log, str(binary), f"--config.file={config}", f"--storage.tsdb.path={config.parent}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        # Targets are taken up at the ticks of this interval: by default no scrape for 5 s.
        "--scrape.discovery-reload-interval=200ms",
    )  # fmt: skip
    await _until_ready(process, f"http://127.0.0.1:{port}/-/ready", log)
    return process


def prometheus_config(block: int, interval: float) -> str:
    """What Istio's addon finds by pod discovery, as static targets (JSON is YAML)."""
    job = {
        "job_name": "kubernetes-pods",
        "honor_labels": True,
        "metrics_path": "/stats/prometheus",
        "static_configs": [
            {
                "targets": [f"{pod.address(block)}:{METRICS_PORT}"],
                "labels": pod.scrape_labels,
            }
            for pod in PODS
        ],
    }
    every = f"{round(interval * 1000)}ms"
    return json.dumps(
        {
            "global": {"scrape_interval": every, "scrape_timeout": every},
            "scrape_configs": [job],
        }
    )


async def end(process: Process, how: signal.Signals = signal.SIGTERM) -> None:
    """End a child and wait for it. Harmless when it has ended."""
    if process.returncode is None:
        process.send_signal(how)
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _spawn(log: Path, *command: str, environment: dict[str, str] | None = None) -> Process:
    with log.open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=output, stderr=STDOUT, preexec_fn=_die_with_parent,
            start_new_session=True,
            env=os.environ | (environment or {}),
        )  # fmt: skip


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def _until_ready(process: Process, url: str, log: Path) -> None:
    timeout = aiohttp.ClientTimeout(total=2)
    loop = asyncio.get_running_loop()
    give_up = loop.time() + READY_WITHIN
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while process.returncode is None and loop.time() < give_up:
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(_POLL)
    await end(process)
    raise PartError(f"{log.stem} did not become ready; the last it wrote: {_last_line(log)}")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else "nothing"
