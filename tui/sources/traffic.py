"""What happens in the demo mesh: how every call can end, and how that changes with time.

Two stories repeat every ten minutes, so that at any moment at least one of them is being told. A
canary of reviews gets traffic, goes bad, and is rolled back; inventory loses its upstream, and
comes back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import Final, NamedTuple

from tui.model import labels
from tui.sources.topology import NOBODY, Call, Service, Topology, Workload

CYCLE: Final = 600.0
"""Seconds after which the stories begin again."""
DAY: Final = 86400.0
OUTSIDERS: Final = 2
"""The entry of callers that come through no gateway."""


class Part(IntEnum):
    """Which share of a call's rate a cell gets; the stories move the shares."""

    STEADY = 0
    STABLE = 1
    CANARY = 2
    CANARY_FAILED = 3
    REACHED = 4
    UNHEALTHY = 5
    REFUSED = 6
    HELD = 7
    DROPPED = 8


class Slow(IntEnum):
    """Why some of a cell's requests take longer: it is the canary, or waits for it."""

    NEVER = 0
    CANARY = 1
    ABOVE = 2


class Ending(NamedTuple):
    """How a share of the requests to a service ends; both sides see it."""

    code: str
    flags: str
    grpc: str
    share: float


class Phase(NamedTuple):
    """A stage of the canary: seconds into the cycle at which it ends, its share of the traffic,
    the share of that which fails, and the share of that which takes longer.
    """

    until: float
    share: float
    failed: float
    slow: float


CANARY: Final = (
    Phase(120.0, 0.05, 0.0, 0.0),
    Phase(240.0, 0.10, 0.02, 0.4),
    Phase(450.0, 0.20, 0.08, 1.0),
    Phase(CYCLE, 0.0, 0.0, 0.0),
)
LOSS: Final = ((150.0, 0.45), (420.0, 0.0), (CYCLE, 0.45))
"""(Seconds into the cycle, share of the calls to inventory that find no upstream until then)."""
DROPPED: Final = 0.3
"""Share of checkouts that fail while inventory is lost, for each share of it that is."""

ENDINGS: Final[dict[str, tuple[Ending, ...]]] = {
    "productpage": (Ending("0", "DC", "", 0.004),),
    "storefront": (Ending("0", "DC", "", 0.003), Ending("404", "-", "", 0.01)),
    "catalog": (Ending("404", "-", "", 0.03),),
    "media": (Ending("404", "-", "", 0.13), Ending("304", "-", "", 0.3)),
    "search": (Ending("400", "-", "", 0.01),),
    "users": (Ending("401", "-", "", 0.02),),
    "promotions": (Ending("404", "-", "", 0.04),),
    "email": (Ending("500", "-", "", 0.008),),
    "fraud": (Ending("200", "-", "4", 0.004),),
    "auth": (Ending("200", "-", "16", 0.01),),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One outcome of one call: a counter that the caller's proxy and the server's have alike.

    `rate`: per second, by day's mean, of the whole `part`. `touch`: share of the requests that wait
    for the canary where `slow` says so.
    """

    source: Workload
    service: Service
    destination: Workload
    entry: int
    rate: float
    part: Part = Part.STEADY
    code: str = "200"
    flags: str = "-"
    grpc: str = ""
    slow: Slow = Slow.NEVER
    touch: float = 0.0
    sides: tuple[bool, bool] = (True, True)
    """Whether the source's proxy and the destination's proxy report it."""


class Moment(NamedTuple):
    """Factors of one instant: by `Part`, by entry, and the share of slow requests by `Slow`."""

    parts: tuple[float, ...]
    entries: tuple[float, float, float]
    slow: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How traffic and stories move with time: seconds by which this seed's are shifted."""

    story: float
    waves: tuple[float, float]

    @classmethod
    def of(cls, seed: int) -> Rhythm:
        """This seed's rhythm."""
        random = Random(f"rhythm {seed}")
        return cls(random.uniform(0, CYCLE), (random.uniform(0, 900), random.uniform(0, 900)))

    def at(self, at: float) -> Moment:
        """The factors at this Unix time."""
        told = (at + self.story) % CYCLE
        phase = next(p for p in CANARY if told < p.until)
        lost = next(share for until, share in LOSS if told < until)
        parts = (
            1.0,
            (1.0 - phase.share) / 2,
            phase.share * (1.0 - phase.failed),
            phase.share * phase.failed,
            1.0 - lost,
            lost * 0.6,
            lost * 0.4,
            1.0 - DROPPED * lost,
            DROPPED * lost,
        )
        day = 1.0 + 0.35 * math.sin((at / DAY - 0.375) * math.tau)
        first, second = (day * _wave(at + shift) for shift in self.waves)
        return Moment(
            parts, (first, second, 1.0), (0.0, phase.slow, 0.5 * phase.share * phase.slow)
        )


def _wave(at: float) -> float:
    """Ripples of a minute and of a few, and a burst of forty seconds every nine minutes."""
    ripple = 0.06 * math.sin(at * math.tau / 53) + 0.09 * math.sin(at * math.tau / 223)
    return 1.0 + ripple + (0.6 if at % 540 < 40 else 0.0)


def cells(seed: int, mesh: Topology) -> tuple[Cell, ...]:
    """Every outcome of every call, in an order that depends on the mesh alone."""
    random = Random(f"cells {seed}")
    endings = {s.name: ENDINGS.get(s.name) or _endings(random, s) for s in mesh.services}
    touched = _touched(mesh)
    found: list[Cell] = []
    for call in mesh.calls:
        found += _outcomes(call, endings[call.service.name], touched.get(call.service.name, 0.0))
    found += _odd_calls(mesh)
    return tuple(found)


def _endings(random: Random, service: Service) -> tuple[Ending, ...]:
    """Most services never fail: one in twenty of the others does a little, and some say 404."""
    drawn = random.random()
    if service.protocol == "tcp" or service.namespace == "bookinfo" or drawn > 0.12:
        return ()
    share = random.uniform(0.002, 0.02)
    if service.protocol == "grpc":
        return (Ending("200", "-", random.choice(("2", "5", "13", "14")), share),)
    return (Ending("503" if drawn < 0.05 else "404", "-", "", share),)


def _touched(mesh: Topology) -> dict[str, float]:
    """The share of each service's requests that wait for reviews, directly or further down."""
    touched = {"reviews": 1.0} if "reviews" in mesh.callers else {}
    for service in reversed(mesh.services):
        for caller, ratio in mesh.callers[service.name].items():
            share = touched.get(service.name, 0.0) * min(1.0, ratio)
            if share:
                touched[caller] = max(share, touched.get(caller, 0.0))
    touched.pop("reviews", None)
    return touched


def _outcomes(call: Call, endings: tuple[Ending, ...], touch: float) -> Iterator[Cell]:
    service = call.service
    above = Slow.ABOVE if touch else Slow.NEVER
    if service.protocol == "tcp":
        yield _cell(call, call.rate, code="")
        return
    if service.name == "reviews":
        yield from _reviews(call)
        return
    failing = sum(ending.share for ending in endings)
    part = {"inventory": Part.REACHED, "checkout": Part.HELD}.get(service.name, Part.STEADY)
    yield _cell(call, call.rate * (1.0 - failing), part=part, slow=above, touch=touch)
    for ending in endings:
        yield _cell(
            call, call.rate * ending.share, code=ending.code, flags=ending.flags,
            grpc=ending.grpc, slow=above, touch=touch,
        )  # fmt: skip
    if part is Part.REACHED:
        yield _never_arrived(call, Part.UNHEALTHY, "UH")
        yield _never_arrived(call, Part.REFUSED, "UF,URX")
    elif part is Part.HELD:
        yield _cell(call, call.rate, part=Part.DROPPED, code="500")


def _cell(
    call: Call,
    rate: float,
    version: int = 0,
    part: Part = Part.STEADY,
    code: str = "200",
    flags: str = "-",
    grpc: str = "",
    slow: Slow = Slow.NEVER,
    touch: float = 0.0,
) -> Cell:
    status = grpc or ("0" if call.service.protocol == "grpc" else "")
    return Cell(
        call.source, call.service, call.service.workloads[version], call.entry, rate, part,
        code, flags, status, slow, touch, (call.source is not NOBODY, True),
    )  # fmt: skip


def _reviews(call: Call) -> Iterator[Cell]:
    yield _cell(call, call.rate, 0, Part.STABLE)
    yield _cell(call, call.rate, 1, Part.STABLE)
    for part, code in ((Part.CANARY, "200"), (Part.CANARY_FAILED, "500")):
        yield _cell(call, call.rate, 2, part, code, slow=Slow.CANARY, touch=1.0)


def _never_arrived(call: Call, part: Part, flags: str) -> Cell:
    return Cell(
        call.source, call.service, NOBODY, call.entry, call.rate, part, "503", flags,
        sides=(True, False),
    )  # fmt: skip


def _odd_calls(mesh: Topology) -> Iterator[Cell]:
    """What every real mesh has too: wrong hosts at the gateways, callers without a sidecar, and
    calls that leave the mesh. What always fails is rare, so that it does not hide the stories.
    """
    nowhere = Service(labels.UNKNOWN, labels.UNKNOWN, labels.UNKNOWN, "http", 0.5)
    for entry, gateway in enumerate(mesh.gateways):
        yield Cell(
            gateway, nowhere, NOBODY, entry, 0.12, code="404", flags="NR", sides=(True, False)
        )
    plain = next((s for s in mesh.services if s.name == "invoices"), mesh.services[0])
    yield Cell(NOBODY, plain, plain.workloads[0], OUTSIDERS, 3.0, sides=(False, True))
    card, hook, old = "api.card-network.example", "hooks.example.net", "images-old.internal"
    for caller, name, namespace, host, code, rate in (
        ("payment", card, "payments", card, "200", 1.2),
        ("notifications", "PassthroughCluster", labels.UNKNOWN, hook, "200", 0.8),
        ("media", "BlackHoleCluster", labels.UNKNOWN, old, "502", 0.08),
    ):
        outside = Service(name, namespace, host, "http", 120.0, 0.6)
        for service in mesh.services:
            if service.name == caller:
                yield Cell(
                    service.workloads[0], outside, NOBODY, 1, rate, code=code, sides=(True, False)
                )
