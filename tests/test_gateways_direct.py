"""A gateway without Prometheus: the same connections, pools and codes from its Envoy alone."""

from __future__ import annotations

import asyncio

import pytest

from tests.mesh.running import Mesh, eventually
from tests.oracle import LIMIT
from tui.model.frame import Ask
from tui.model.gateway import Gateway, Presence
from tui.model.gateway_stats import gateway_queries
from tui.model.gateways import gateways
from tui.sources.envoy import EnvoySource

pytestmark = pytest.mark.real


class _Clock:
    """Time that a test moves on, so that a source does not wait for its next scrape."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def pages(mesh: Mesh) -> int:
    """How many requests the load had answered with 200."""
    return sum(count for _, status, count in mesh.load()["answers"] if status == 200)


async def seen(mesh: Mesh) -> Gateway:
    """The one gateway that all Envoys of the mesh show, between two of their pages."""
    clock = _Clock()
    source = EnvoySource(mesh.envoys, timeout=LIMIT, clock=clock)
    ask = Ask(gateway_queries())
    try:
        await source.poll(ask)
        before = pages(mesh)
        await asyncio.to_thread(eventually, lambda: pages(mesh) >= before + 3, "three pages")
        clock.now += source.least_interval
        frame = await source.poll(ask)
    finally:
        await source.close()
    assert frame.warnings == ()
    (found,) = gateways(frame)
    return found


async def test_a_gateway_is_seen_without_prometheus(mesh: Mesh) -> None:
    gateway = await seen(mesh)
    assert (gateway.key.namespace, gateway.key.name) == ("istio-system", "istio-ingressgateway")
    (member,) = gateway.members
    assert member.name == mesh.envoys[0]
    assert gateway.codes.exact()["200"] > 0
    row = gateway.listeners[0]
    assert row.address == "0.0.0.0_8080"
    assert row.active is not None
    assert row.active > 0
    assert row.requests
    assert row.sent
    assert {pool.parts[0].partition(".")[0] for pool in gateway.pools} >= {"productpage"}
    assert {gateway.groups[key] for key in ("listeners", "http", "pools", "upstream")} == {
        Presence.ON
    }


async def test_sidecars_with_istios_defaults_are_no_gateways(mesh: Mesh) -> None:
    gateway = await seen(mesh)
    assert {member.replica.instance for member in gateway.members} == {mesh.envoys[0]}
