"""A stand-in for istiod: the series of its `/metrics`, moving with the clock, and settable trouble.

    istiod = Istiod()
    with serving(istiod) as address:        # HOST:PORT, for Prometheus or `--istiod`
        istiod.reject("cds", 0.5)           # half a NACK a second, until `mend`

Like istiod it shows most error counters only once they have counted something.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import floor, inf
from typing import Final

from tests.exporter import exporting, line

Labels = tuple[tuple[str, str], ...]
Series = tuple[str, Labels]

BOUNDS: Final = (0.1, 0.5, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0, inf)
"""Of `pilot_proxy_convergence_time` and `pilot_proxy_queue_time`, in seconds."""
YEAR: Final = 365 * 86_400.0

CONVERGENCE: Final = "pilot_proxy_convergence_time"
QUEUE: Final = "pilot_proxy_queue_time"
USUAL: Final[dict[Series, float]] = {
    **{
        ("pilot_xds_pushes", (("type", kind),)): rate
        for kind, rate in {"cds": 4.0, "eds": 9.0, "lds": 4.0, "rds": 3.0, "nds": 1.0}.items()
    },
    ("pilot_push_triggers", (("type", "endpoint"),)): 2.0,
    ("pilot_push_triggers", (("type", "config"),)): 1.0,
    ("pilot_inbound_updates", (("type", "eds"),)): 2.0,
    ("pilot_k8s_cfg_events", (("event", "update"), ("type", "VirtualService"))): 0.7,
    ("pilot_k8s_cfg_events", (("event", "add"), ("type", "DestinationRule"))): 0.3,
    ("pilot_k8s_reg_events", (("event", "update"), ("type", "EndpointSlice"))): 2.0,
    ("citadel_server_csr_count", ()): 1.5,
    ("citadel_server_success_cert_issuance_count", ()): 1.5,
    ("galley_validation_passed", (
        ("group", "networking.istio.io"), ("resource", "virtualservices"), ("version", "v1"),
    )): 1.0,
    ("sidecar_injection_requests_total", ()): 0.8,
    ("sidecar_injection_success_total", ()): 0.8,
    ("process_cpu_seconds_total", ()): 0.35,
    ("go_memstats_alloc_bytes_total", ()): 3e6,
}  # fmt: skip
"""Counters that exist from the start, and their events per second."""
PUSHING: Final = frozenset({"pilot_xds_pushes", "pilot_push_triggers", "pilot_inbound_updates",
                            "pilot_k8s_cfg_events", "pilot_k8s_reg_events"})  # fmt: skip
"""What stands still while no configuration and no endpoint changes."""


@dataclass(slots=True)
class Istiod:
    """One istiod. Each method that makes trouble keeps making it until `mend`."""

    tag: str = "1.24.1"
    proxies: int = 12
    memory: float = 180e6
    clock: Callable[[], float] = time.time
    root_expires_in: float = 10 * YEAR
    """Seconds from the start."""
    _rates: dict[Series, float] = field(default_factory=lambda: dict(USUAL))
    _counts: dict[Series, float] = field(default_factory=lambda: defaultdict(float))
    _gauges: dict[Series, float] = field(default_factory=dict)
    _taken: dict[str, dict[float, float]] = field(default_factory=dict)
    """Observations of each histogram by how long they took."""
    _takes: dict[str, float] = field(default_factory=dict)
    _idle: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = 0.0
    _at: float = 0.0

    def __post_init__(self) -> None:
        self._began = self._at = self.clock()
        for series, rate in USUAL.items():
            self._counts[series] = floor(100 * rate)
        self._taken = {CONVERGENCE: defaultdict(float), QUEUE: defaultdict(float)}
        self.mend()

    def reject(self, kind: str = "cds", per_second: float = 1.0) -> None:
        """Proxies refuse configuration of this type."""
        self._count("pilot_total_xds_rejects", per_second, type=kind)

    def fail_sends(self, kind: str = "eds", per_second: float = 1.0) -> None:
        """Pushes cannot be written to proxies."""
        self._count("pilot_xds_pushes", per_second, type=f"{kind}_senderr")

    def conflict(self, count: int = 1) -> None:
        """Listeners contradict each other."""
        with self._passed():
            self._gauges["pilot_conflict_inbound_listener", ()] = count

    def refuse_validation(self, per_second: float = 1.0) -> None:
        """People send resources that are not valid."""
        self._count(
            "galley_validation_failed", per_second, group="networking.istio.io",
            reason="invalid_resource", resource="virtualservices", version="v1",
        )  # fmt: skip

    def break_injection(self, per_second: float = 1.0) -> None:
        """Pods are asked for and get no sidecar."""
        self._count("sidecar_injection_requests_total", 0.8 + per_second)
        self._count("sidecar_injection_failure_total", per_second)

    def break_signing(self, per_second: float = 1.0) -> None:
        """Proxies ask for a certificate and get none."""
        self._count("citadel_server_csr_count", 1.5 + per_second)
        self._count("citadel_server_csr_sign_err_count", per_second, error="CA_ERROR")

    def happen(self, metric: str, count: float = 1.0, **labels: str) -> None:
        """A counter goes up once."""
        with self._passed():
            self._counts[_series(metric, labels)] += count

    def take(self, seconds: float) -> None:
        """Each push takes this long to arrive, and waits half of it for its turn."""
        with self._passed():
            self._takes = {CONVERGENCE: seconds, QUEUE: seconds / 2}

    def rest(self) -> None:
        """Nothing changes, so nothing is pushed."""
        with self._passed():
            self._idle = True

    def expire(self, seconds: float) -> None:
        """The root certificate ends in so many seconds from this moment."""
        with self._passed():
            self.root_expires_in = self._at - self._began + seconds

    def mend(self) -> None:
        """No trouble any more; what was counted stays counted."""
        with self._passed():
            self._rates = dict(USUAL)
            self._idle = False
            self._takes = {CONVERGENCE: 0.2, QUEUE: 0.05}
            self._gauges["pilot_conflict_inbound_listener", ()] = 0
            self.root_expires_in = 10 * YEAR

    def page(self) -> Iterator[str]:
        """The lines of `/metrics` at this moment."""
        with self._passed():
            counters = {x: floor(v) for x, v in self._counts.items() if v >= 1}
            fractions = {x: v for x, v in self._counts.items() if x[0].startswith("process_")}
            taken = {name: dict(values) for name, values in self._taken.items()}
            gauges = self._measured()
        yield from _lines("counter", {**counters, **fractions})
        yield from _lines("gauge", gauges)
        for name, values in taken.items():
            yield from _histogram(name, values)

    def _measured(self) -> dict[Series, float]:
        age = self._at - self._began
        plain = {
            "istiod_uptime_seconds": 3600 + age,
            "pilot_services": 9.0,
            "pilot_virt_services": 4.0,
            "pilot_conflict_outbound_listener_tcp_over_current_tcp": 0.0,
            "pilot_duplicate_envoy_clusters": 0.0,
            "citadel_server_root_cert_expiry_timestamp": self._began + self.root_expires_in,
            "citadel_server_cert_chain_expiry_timestamp": self._began + self.root_expires_in,
            "process_resident_memory_bytes": self.memory + 1e3 * floor(age),
            "process_start_time_seconds": self._began - 3600,
            "process_open_fds": 42.0,
            "go_goroutines": 800.0 + 7 * self.proxies,
            "go_memstats_heap_alloc_bytes": self.memory / 3,
        }
        return {
            **{(name, ()): value for name, value in plain.items()},
            ("pilot_xds", (("version", self.tag),)): self.proxies,
            ("pilot_info", (("version", self.tag),)): 1.0,
            ("istio_build", (("component", "pilot"), ("tag", self.tag))): 1.0,
            **self._gauges,
        }

    def _count(self, metric: str, per_second: float, **labels: str) -> None:
        with self._passed():
            self._rates[_series(metric, labels)] = per_second

    @contextmanager
    def _passed(self) -> Iterator[None]:
        """What happened since the last time is counted before anything else is done."""
        with self._lock:
            at = self.clock()
            elapsed, self._at = at - self._at, at
            for series, rate in self._rates.items():
                if not (self._idle and series[0] in PUSHING):
                    self._counts[series] += rate * elapsed
            if not self._idle:
                for name, seconds in self._takes.items():
                    self._taken[name][seconds] += 20 * elapsed
            yield


@contextmanager
def serving(istiod: Istiod) -> Iterator[str]:
    """`HOST:PORT` where this istiod shows its metrics, at any path."""
    with exporting(lambda _: istiod.page()) as address:
        yield address


def _series(metric: str, labels: dict[str, str]) -> Series:
    return metric, tuple(sorted(labels.items()))


def _lines(kind: str, values: dict[Series, float]) -> Iterator[str]:
    last = ""
    for (name, labels), value in sorted(values.items()):
        if name != last:
            yield f"# TYPE {name} {kind}\n"
        last = name
        yield line(name, dict(labels), value)


def _histogram(name: str, taken: dict[float, float]) -> Iterator[str]:
    yield f"# TYPE {name} histogram\n"
    for bound in BOUNDS:
        seen = sum(floor(count) for seconds, count in taken.items() if seconds <= bound)
        yield line(f"{name}_bucket", {"le": "+Inf" if bound == inf else f"{bound:g}"}, seen)
    every = sum(map(floor, taken.values()))
    yield line(f"{name}_count", {}, every)
    yield line(f"{name}_sum", {}, sum(seconds * floor(x) for seconds, x in taken.items()))
