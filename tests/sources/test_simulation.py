"""The demo mesh's arithmetic: draws, rhythm, shape, distributions."""

from __future__ import annotations

from random import Random
from statistics import fmean, variance

import pytest

from tui.model.labels import looks_like_gateway
from tui.sources import cast
from tui.sources.sheet import BOUNDS, spread
from tui.sources.simulation import STEP, Counters, Simulation, poisson
from tui.sources.topology import topology
from tui.sources.traffic import CYCLE, Part, Rhythm

NOW = 1_700_000_000.0


@pytest.mark.parametrize("mean", [0.0, 0.05, 1.0, 7.5, 15.9, 16.0, 240.0])
def test_draws_have_the_mean_and_the_variance_of_poisson(mean: float) -> None:
    random = Random(4)
    drawn = [poisson(random, mean) for _ in range(20_000)]
    error = 4 * (mean / len(drawn)) ** 0.5
    assert min(drawn) >= 0
    assert fmean(drawn) == pytest.approx(mean, abs=error)
    assert variance(drawn) == pytest.approx(mean, rel=0.08, abs=error)


def test_the_stories_never_leave_a_gap() -> None:
    for seed in range(5):
        rhythm = Rhythm.of(seed)
        for at in range(0, int(CYCLE), 5):
            parts = rhythm.at(NOW + at).parts
            assert parts[Part.CANARY_FAILED] + parts[Part.UNHEALTHY] > 0
            versions = 2 * parts[Part.STABLE] + parts[Part.CANARY] + parts[Part.CANARY_FAILED]
            arrived = parts[Part.REACHED] + parts[Part.UNHEALTHY] + parts[Part.REFUSED]
            assert versions == pytest.approx(1)
            assert arrived == pytest.approx(1)


def test_traffic_follows_the_day() -> None:
    rhythm = Rhythm.of(1)
    hours = [fmean(rhythm.at(h * 3600.0 + s).entries[0] for s in range(0, 3600, 30))
             for h in range(24)]  # fmt: skip
    assert max(range(24), key=hours.__getitem__) in (14, 15)
    assert max(hours) > 1.7 * min(hours)


@pytest.mark.parametrize("number", [1, 2, 3, 12, 39, 40, 41, 333, 1000])
def test_every_service_has_callers_that_stand_before_it(number: int) -> None:
    mesh = topology(9, number)
    order = {service.name: at for at, service in enumerate(mesh.services)}
    assert len(order) == number
    called = {call.service.name for call in mesh.calls}
    assert called == set(order)
    for name, callers in mesh.callers.items():
        assert all(order[caller] < order[name] for caller in callers)
    assert all(0 < call.rate <= 500 for call in mesh.calls)
    assert all(0.1 < service.median < 1000 for service in mesh.services)
    assert not any(looks_like_gateway(w.name) for s in mesh.services for w in s.workloads)
    assert all(looks_like_gateway(gateway.name) for gateway in mesh.gateways)


def test_there_are_names_enough() -> None:
    names = {f"{subject}-{task}" for subject in cast.SUBJECTS for task in cast.TASKS}
    assert len(names | {role.name for role in cast.ROLES}) == len(names) + len(cast.ROLES)
    assert len(names) + len(cast.ROLES) >= 1000
    assert len(cast.ROLES) == 40
    assert all(
        callee in {r.name for r in cast.ROLES} for c in cast.CALLS.values() for callee, _ in c
    )


@pytest.mark.parametrize(("median", "sigma", "shift"), [(2.0, 0.5, 0.0), (90.0, 0.7, 300.6)])
def test_a_spread_is_that_of_its_draws(median: float, sigma: float, shift: float) -> None:
    random = Random(1)
    drawn = [shift + random.lognormvariate(0, sigma) * median for _ in range(20_000)]
    found = spread(median, sigma, shift)
    assert found.mean == pytest.approx(fmean(drawn), rel=0.03)
    assert found.shares[-1] == 1.0
    for bound, share in zip(BOUNDS, found.shares, strict=True):
        assert share == pytest.approx(sum(x <= float(bound) for x in drawn) / 20_000, abs=0.015)


def test_instants_inside_of_a_step_lie_between_its_ends() -> None:
    mesh = Simulation(1, 40)
    begin = NOW - NOW % STEP
    counters = Counters(mesh, begin)
    whole = [counters.read(begin + part * STEP)[0] for part in (0, 0.25, 0.5, 0.99, 1)]
    totals = [sum(side) for side in whole]
    assert totals == sorted(totals)
    assert totals[0] < totals[2] < totals[-1]
    gains = [b - a for a, b in zip(whole[0], whole[-1], strict=True)]
    restarted = {c.source.target for c in mesh.cells} & set(mesh.restarting(int(begin / STEP) + 1))
    assert not restarted
    assert gains == mesh.increments(int(begin / STEP))


def test_one_run_may_leave_out_instants() -> None:
    mesh = Simulation(1, 40)
    often, seldom = Counters(mesh, NOW), Counters(mesh, NOW)
    for at in range(1, 300, 7):
        often.read(NOW + at)
    assert often.read(NOW + 301) == seldom.read(NOW + 301)
