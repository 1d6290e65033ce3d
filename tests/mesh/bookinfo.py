"""The whole mesh in one process: starts it, injects faults, takes it down."""

from __future__ import annotations

import asyncio
import fcntl
import signal
import socket
import tempfile
from asyncio.subprocess import Process
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from tests.mesh.apps import App, apps
from tests.mesh.load import Load
from tests.mesh.parts import PartError, end, prometheus_config, start_envoy, start_prometheus
from tests.mesh.pods import ADMIN_PORT, GATEWAY, GATEWAY_PORT, METRICS_PORT, PODS, matching

BLOCKS: Final = range(1, 100)
FLOWS_WITHIN: Final = 60.0
"""Seconds until Prometheus has seen traffic at every pod; a bound on a hang."""
_PROMETHEUS: Final = "prometheus"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start. `interval` is Prometheus' scrape interval in seconds."""

    envoy: Path
    prometheus: Path
    port: int
    rate: float
    interval: float


@contextmanager
def claimed_block() -> Iterator[int]:
    """A block of loopback addresses, 127.N.0.0/24, of which no other mesh on this machine makes
    use: the ports are fixed, so two meshes (workers of xdist, two people) need two blocks. The
    lock ends with the process.
    """
    for block in BLOCKS:
        path = Path(tempfile.gettempdir(), f"istiotop-mesh-{block}.lock")
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if _free(GATEWAY.address(block)):
                yield block
                return
    raise PartError(f"all of 127.{BLOCKS[0]}.0.0 to 127.{BLOCKS[-1]}.0.0 are taken by other meshes")


def _free(address: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, ADMIN_PORT))
        except OSError:
            return False
    return True


@dataclass(slots=True)
class Bookinfo:
    """Bookinfo behind an ingress gateway, with the load on it and the Prometheus that watches.

    Start it in the main thread: its Envoys die with the thread that started them. Names are
    workloads (`reviews-v1`), or apps (`reviews`) for all versions of one; `KeyError` for others.
    """

    plan: Plan
    block: int
    folder: Path
    apps: dict[str, App] = field(init=False)
    load: Load = field(init=False)
    _parts: dict[str, Process] = field(default_factory=dict)
    _sending: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.apps = apps(self.block)
        self.load = Load(self.gateway_url, self.plan.rate)

    @property
    def gateway_url(self) -> str:
        return f"http://{GATEWAY.address(self.block)}:{GATEWAY_PORT}"

    @property
    def prometheus_url(self) -> str:
        return f"http://127.0.0.1:{self.plan.port}"

    @property
    def envoys(self) -> list[str]:
        """Each pod's `HOST:PORT` of the metrics, the gateway's first."""
        return [f"{pod.address(self.block)}:{METRICS_PORT}" for pod in PODS]

    async def start(self) -> None:
        """Everything, until Prometheus has seen requests at every pod."""
        config = prometheus_config(self.block, self.plan.interval)
        (self.folder / "prometheus.yml").write_text(config, encoding="utf-8")
        for app in self.apps.values():
            await app.start()
        await asyncio.gather(
            self.start_prometheus(), *(self.start_envoy(pod.workload) for pod in PODS)
        )
        self._sending = asyncio.create_task(self.load.run())
        await self._until_it_flows()

    async def stop(self) -> None:
        """Everything, and wait for it."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])
        await asyncio.gather(*(end(part) for part in self._parts.values()))
        await asyncio.gather(*(app.stop() for app in self.apps.values()))

    def set_errors(self, name: str, ratio: float) -> None:
        """Answer this share of an app's requests with 500."""
        for app in self._matching(name):
            app.errors = ratio

    def set_latency(self, name: str, seconds: float) -> None:
        """Add this to each answer of an app."""
        for app in self._matching(name):
            app.latency = seconds

    async def stop_app(self, name: str) -> None:
        """Stop an application behind its sidecar, which then answers 503 UF."""
        for app in self._matching(name):
            await app.stop()

    async def start_app(self, name: str) -> None:
        """Start an application unless it runs."""
        for app in self._matching(name):
            await app.start()

    async def kill_envoy(self, name: str) -> None:
        """End a proxy at once, as when its node is lost: its clients cannot connect."""
        for pod in matching(name):
            await end(self._parts[pod.workload], signal.SIGKILL)

    async def start_envoy(self, name: str) -> None:
        """Start a proxy unless it runs. Its counters begin at 0."""
        for pod in matching(name):
            if not self._runs(pod.workload):
                self._parts[pod.workload] = await start_envoy(
                    self.plan.envoy, pod, self.block, self.folder
                )

    async def stop_prometheus(self) -> None:
        """Stop Prometheus; what it knows stays on disk."""
        await end(self._parts[_PROMETHEUS])

    async def start_prometheus(self) -> None:
        """Start Prometheus on its port unless it runs."""
        if not self._runs(_PROMETHEUS):
            self._parts[_PROMETHEUS] = await start_prometheus(
                self.plan.prometheus, self.folder / "prometheus.yml", self.plan.port
            )

    async def mend(self) -> None:
        """Undo all of the above, and send the planned load."""
        for name, app in self.apps.items():
            app.errors = app.latency = 0.0
            await self.start_app(name)
        for pod in PODS:
            await self.start_envoy(pod.workload)
        await self.start_prometheus()
        self.load.rate = self.plan.rate

    def _runs(self, part: str) -> bool:
        return part in self._parts and self._parts[part].returncode is None

    def _matching(self, name: str) -> list[App]:
        return [self.apps[pod.workload] for pod in matching(name)]

    async def _until_it_flows(self) -> None:
        # With no load there is nothing to see but the pods themselves.
        metric = "istio_requests_total" if self.load.rate > 0 else "up == 1"
        query = {"query": f"count(count by (pod) ({metric}))"}
        loop = asyncio.get_running_loop()
        give_up = loop.time() + FLOWS_WITHIN
        async with aiohttp.ClientSession() as session:
            while loop.time() < give_up:
                async with session.get(f"{self.prometheus_url}/api/v1/query", params=query) as got:
                    result = (await got.json())["data"]["result"]
                if result and int(result[0]["value"][1]) == len(PODS):
                    return
                await asyncio.sleep(0.1)
        raise PartError("Prometheus saw no requests at some pod: look at its targets page")
