"""The demo mesh in motion: what each of its proxies has counted at any instant.

Time goes in steps of five seconds of Unix time. What happens in a step is a function of the seed
and of that step alone, so two runs that look at the same instant see the same mesh; what a counter
stood at before the first step that a run looks at is its expected value. Each outcome is a Poisson
process of its own: by its splitting theorem that is the same as drawing requests and then their
outcomes.
"""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from random import Random
from typing import Final

from tui.sources.reports import LEVELS, Report, reports, targets
from tui.sources.topology import Workload, topology
from tui.sources.traffic import CYCLE, Moment, Part, Rhythm, cells

STEP: Final = 5.0
"""Seconds."""
UPTIME: Final = 6 * 3600.0
"""Seconds that a proxy which never restarts has been up when a run begins."""
_USUAL: Final = (0.3, 0.45, 0.25, 0.0)
"""The expected share of each level."""
_QUERIES_A_CONNECTION: Final = 80.0


def poisson(random: Random, mean: float) -> int:
    """A Poisson draw: by inversion below 16, by its normal approximation from there on."""
    if mean >= 16.0:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    drawn = random.random()
    term = reached = math.exp(-mean)
    count = 0
    while drawn > reached and count < 100:
        count += 1
        term *= mean / count
        reached += term
    return count


class Simulation:
    """One seed's mesh: its cells, and what is added to each of them in a step.

    A cell has `LEVELS` slots in a list of counts: requests by level, or for TCP the queries and the
    connections opened.
    """

    def __init__(self, seed: int, services: int) -> None:
        self.topology = topology(seed, services)
        self.cells = cells(seed, self.topology)
        self.rhythm = Rhythm.of(seed)
        self._seed = seed
        self.targets = targets(self.workloads())
        """Each target with its labels."""
        random = Random(f"proxies {seed}")
        self._restarts = {
            target: (random.randint(480, 1080), random.randint(0, 1080))
            for target in self.targets
            if "." in target
        }
        tides = {s.name: random.uniform(40.0, 160.0) for s in self.topology.services}
        self._plan = [
            (
                cell.rate * STEP,
                cell.entry * len(Part) + cell.part,
                int(cell.slow),
                cell.touch,
                math.tau * STEP / tides.get(cell.service.name, 100.0),
                cell.service.protocol == "tcp",
            )
            for cell in self.cells
        ]
        self.increments = lru_cache(maxsize=64)(self._increments)
        """What a step adds to each slot."""

    def workloads(self) -> list[Workload]:
        """Every workload with a proxy."""
        served = [w for s in self.topology.services for w in s.workloads]
        return [*self.topology.gateways, *served]

    @cached_property
    def reports(self) -> list[Report]:
        """Each side of each cell."""
        return list(reports(self.cells, self.targets))

    def uptime(self, target: str, step: int) -> float:
        """Seconds since the proxy of a target restarted, when a step begins."""
        if target not in self._restarts:
            return UPTIME
        period, shift = self._restarts[target]
        return (step + shift) % period * STEP

    def restarting(self, step: int) -> list[str]:
        """The targets whose proxy restarts when this step begins."""
        return [t for t, (period, shift) in self._restarts.items() if not (step + shift) % period]

    def _increments(self, step: int) -> list[int]:
        random = Random(f"step {self._seed} {step}")
        factors, slow = _factors(self.rhythm.at(step * STEP))
        found = [0] * (LEVELS * len(self.cells))
        for at, (mean, factor, why, touch, tide, tcp) in enumerate(self._plan):
            mean *= factors[factor]
            if not mean:
                continue
            slot = at * LEVELS
            if tcp:
                found[slot] = queries = poisson(random, mean)
                found[slot + 1] = poisson(random, queries / _QUERIES_A_CONNECTION)
                continue
            if why and slow[why]:
                waiting = mean * touch * slow[why]
                found[slot + 3] = poisson(random, waiting)
                mean -= waiting
            drawn = math.sin(step * tide) + 1.4 * random.random()
            found[slot + (drawn > 0.2) + (drawn > 1.2)] = poisson(random, mean)
        return found

    def expected(self) -> list[float]:
        """What each slot gains in a second, by the mean of a whole cycle of the stories."""
        moments = [_factors(self.rhythm.at(at * STEP))[0] for at in range(int(CYCLE / STEP))]
        means = [sum(factors) / len(moments) for factors in zip(*moments, strict=True)]
        rates: list[float] = []
        for mean, factor, _, _, _, tcp in self._plan:
            rate = mean * means[factor] / STEP
            shares = (1.0, 1 / _QUERIES_A_CONNECTION, 0.0, 0.0) if tcp else _USUAL
            rates += [rate * share for share in shares]
        return rates


def _factors(moment: Moment) -> tuple[list[float], tuple[float, ...]]:
    return [e * part for e in moment.entries for part in moment.parts], moment.slow


class Counters:
    """What every proxy has counted, at instants that only go forward.

    Each cell is counted by two proxies, which restart on their own: the totals are common, and what
    stood there at its last restart is subtracted for each side.
    """

    def __init__(self, simulation: Simulation, at: float) -> None:
        """Counters that begin before `at` (Unix time) with their expected values."""
        self._simulation = simulation
        self._step = math.floor(at / STEP)
        self._slots: dict[str, tuple[list[int], list[int]]] = {}
        rates = simulation.expected()
        self._totals = [math.ceil(rate * UPTIME) for rate in rates]
        self._zeros = (self._totals[:], self._totals[:])
        for report in simulation.reports:
            slots = range(report.slot, report.slot + LEVELS)
            self._slots.setdefault(report.target, ([], []))[report.side].extend(slots)
            up = simulation.uptime(report.target, self._step) / UPTIME
            for slot in slots:
                self._zeros[report.side][slot] -= math.ceil(self._totals[slot] * up)

    def read(self, at: float) -> tuple[list[int], list[int]]:
        """What the source's and the destination's proxy show for each slot at this instant, which
        is not before the one read last. Inside of a step its counts come in evenly.
        """
        last = math.floor(at / STEP)
        while self._step < last:
            added = self._simulation.increments(self._step)
            self._totals = [a + b for a, b in zip(self._totals, added, strict=True)]
            self._step += 1
            self._restart(self._simulation.restarting(self._step))
        part = at / STEP - self._step
        added = self._simulation.increments(self._step)
        shown = [a + int(b * part) for a, b in zip(self._totals, added, strict=True)]
        sources, destinations = self._zeros
        return (
            [a - b for a, b in zip(shown, sources, strict=True)],
            [a - b for a, b in zip(shown, destinations, strict=True)],
        )

    def _restart(self, targets: list[str]) -> None:
        for target in targets:
            for zeros, slots in zip(self._zeros, self._slots.get(target, ((), ())), strict=True):
                for slot in slots:
                    zeros[slot] = self._totals[slot]
