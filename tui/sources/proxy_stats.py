"""Envoy's own statistics of one demo proxy: a few that every proxy has, and a gateway's listeners.

A real gateway shows its connections only where its stats matcher lets them out; this mesh's does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from tui.sources.reports import LEVELS
from tui.sources.simulation import STEP, Simulation

ISTIO: Final = "1.27.1"
_REQUESTS_A_CONNECTION: Final = 12
_LISTENER: Final = {"listener_address": "0.0.0.0_8443"}
_MANAGER: Final = {"http_conn_manager_prefix": "outbound_0.0.0.0_8443"}


class Stat(NamedTuple):
    """One sample, and what its `# TYPE` line says."""

    name: str
    type: str
    labels: dict[str, str]
    value: int


def proxy_stats(
    simulation: Simulation, target: str, counts: Sequence[int], at: float
) -> Iterator[Stat]:
    """What the proxy of a target of its own shows at `at`, by its counts as a source."""
    step = int(at // STEP)
    up = int(simulation.uptime(target, step) + at % STEP)
    answered = _answered(simulation, target, counts)
    total = sum(answered.values())
    gateway = any(target == w.target for w in simulation.topology.gateways)
    active = 20 + (step * 7 + len(target)) % 13 if gateway else 4
    yield Stat("envoy_server_uptime", "gauge", {}, up)
    yield Stat("envoy_server_live", "gauge", {}, 1)
    yield Stat("envoy_server_concurrency", "gauge", {}, 2)
    yield Stat("envoy_server_memory_allocated", "gauge", {}, 21_000_000 + up * 40)
    yield Stat("envoy_server_total_connections", "gauge", {}, active)
    yield Stat("istio_build", "gauge", {"component": "proxy", "tag": ISTIO}, 1)
    if not gateway:
        return
    opened = total // _REQUESTS_A_CONNECTION
    for prefix, labels in (("envoy_listener", _LISTENER), ("envoy_http", _MANAGER)):
        yield Stat(f"{prefix}_downstream_cx_total", "counter", labels, opened)
        yield Stat(f"{prefix}_downstream_cx_active", "gauge", labels, active)
    yield Stat("envoy_listener_ssl_handshake", "counter", _LISTENER, opened)
    yield Stat("envoy_http_downstream_rq_total", "counter", _MANAGER, total)
    for group, value in sorted(answered.items()):
        if group[0] != "0":
            labels = {"response_code_class": group, **_MANAGER}
            yield Stat("envoy_http_downstream_rq", "counter", labels, value)


def _answered(simulation: Simulation, target: str, counts: Sequence[int]) -> Counter[str]:
    """Requests by class of code (`2xx`)."""
    found: Counter[str] = Counter()
    for at, cell in enumerate(simulation.cells):
        if cell.sides[0] and cell.source.target == target and cell.code:
            found[cell.code[0] + "xx"] += sum(counts[at * LEVELS : (at + 1) * LEVELS])
    return found
