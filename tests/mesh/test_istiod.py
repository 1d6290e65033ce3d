"""The stand-in for istiod shows what istiod does, in the text format, and scrapes directly."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request

import pytest

from tests.mesh.istiod import Istiod, serving
from tui.model import istiod as names
from tui.model.control import Count, control_plane
from tui.model.frame import Ask
from tui.model.istiod import control_queries
from tui.sources.envoy import EnvoySource
from tui.sources.exposition import series


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def values(istiod: Istiod) -> dict[str, float]:
    """The sum of each sample name on a page."""
    found: dict[str, float] = {}
    for name, _, value in series("".join(istiod.page()).encode()):
        found[name] = found.get(name, 0.0) + value
    return found


def test_its_counters_move_with_the_clock_and_trouble_begins_with_the_first_event() -> None:
    clock = Clock()
    istiod = Istiod(clock=clock)
    before = values(istiod)
    istiod.reject("cds", 0.5)
    assert names.REJECTS not in values(istiod)
    clock.now += 10
    after = values(istiod)
    assert after[names.REJECTS] == 5
    assert after[names.PUSHED] - before[names.PUSHED] == 210
    assert after[f"{names.CONVERGENCE_TIME}_count"] - before[
        f"{names.CONVERGENCE_TIME}_count"
    ] == pytest.approx(200, abs=1)
    istiod.mend()
    clock.now += 10
    assert values(istiod)[names.REJECTS] == 5


def test_it_stands_still_at_rest_and_an_event_may_come_alone() -> None:
    clock = Clock()
    istiod = Istiod(clock=clock)
    istiod.rest()
    before = values(istiod)
    istiod.happen(names.INTERNAL_ERRORS)
    clock.now += 60
    after = values(istiod)
    assert after[names.PUSHED] == before[names.PUSHED]
    assert after[f"{names.CONVERGENCE_TIME}_count"] == before[f"{names.CONVERGENCE_TIME}_count"]
    assert after[names.SIGNED] > before[names.SIGNED]
    assert after[names.INTERNAL_ERRORS] == 1


def test_every_metric_that_is_asked_for_is_among_its_own_once_it_is_in_trouble() -> None:
    clock = Clock()
    istiod = Istiod(clock=clock)
    for make in (istiod.reject, istiod.fail_sends, istiod.refuse_validation,
                 istiod.break_injection, istiod.break_signing):  # fmt: skip
        make()
    clock.now += 10
    found = values(istiod)
    asked = {
        metric + ("_bucket" if query.kind.value == "histogram" else "")
        for query in control_queries(("a:15014",))
        for metric in query.metrics
    }
    rare = {
        names.INTERNAL_ERRORS, names.WRITE_TIMEOUTS, names.VALIDATION_ERRORS,
        *names.SIGNING_ERRORS[:3], "pilot_vservice_dup_domain",
    }  # fmt: skip
    assert asked - found.keys() == rare


@pytest.mark.real
@pytest.mark.skipif(shutil.which("promtool") is None, reason="no `promtool` on PATH")
def test_promtool_can_read_its_page() -> None:
    with serving(Istiod()) as address, urllib.request.urlopen(f"http://{address}/metrics") as page:
        body = page.read()
    run = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True)
    # Lint complains of names that are istiod's own; a page that cannot be parsed ends with 1.
    assert run.returncode in (0, 3), run.stderr


async def test_it_can_be_read_without_prometheus() -> None:
    clock = Clock()
    istiod = Istiod(clock=clock)
    istiod.reject("cds", 1.0)
    with serving(istiod) as address:
        source = EnvoySource([address], path="/metrics", clock=clock)
        try:
            first = control_plane(await source.poll(Ask(control_queries())))
            assert first.instances == {address}
            assert first.count(names.REJECTS) is None, "one scrape knows no rate"
            ask = Ask(control_queries(first.instances))
            for _ in range(3):
                clock.now += 10
                frame = await source.poll(ask)
        finally:
            await source.close()
    assert frame.warnings == ()
    plane = control_plane(frame)
    assert plane.pushes is not None
    assert sum(plane.pushes.values()) == pytest.approx(21.0)
    assert plane.count(names.REJECTS) == Count(1.0, 30.0)
    assert plane.count(names.INTERNAL_ERRORS) == Count()
    (one,) = plane.istiods
    assert (one.proxies, one.goroutines, one.memory) == (12.0, 884.0, 180_030_000.0)
    assert one.cpu == pytest.approx(0.35)
