"""One gateway over a window: its replicas, its connections, and what Envoy shows of them.

Rates are per second, times in seconds; `None` is a number that the source does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import sqrt
from statistics import fmean, pstdev
from typing import Final

from tui.model import gateway_stats as stats
from tui.model.codes import Codes
from tui.model.connections import Connections, Numbers, Pool
from tui.model.gateway_stats import Group, Replica
from tui.model.health import Level
from tui.model.questions import ServiceKey

SECONDS_PER_DAY: Final = 86_400.0
NO_CERTIFICATE: Final = 100_000.0
"""Days from which `days_until_first_cert_expiring` is one of the numbers that stand for none."""
SOON: Final = 7.0
"""Days before its end from which a certificate is worth a look."""
NOISE: Final = 3.0
"""Standard deviations of chance by which a replica must stand out to be a hot spot."""
STATES: Final = ("live", "draining", "starting", "starting")
"""What the numbers of `envoy_server_state` mean."""


class Presence(Enum):
    """Why a group of statistics has the numbers that it has."""

    ON = "on"
    OFF = "off"
    """The proxy shows others, and would show these if they were on."""
    SILENT = "silent"
    """The proxy shows none: they are off, or there was nothing to count."""
    UNSEEN = "unseen"
    """The source has none of Envoy's own statistics of this gateway."""
    WAITING = "waiting"
    """There are no rates yet."""
    FAILED = "failed"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One replica. `memory`: bytes that Envoy holds, `working_set` and `cpu` (cores) what the
    kubelet says of its container. `expires`: seconds until the first certificate ends.
    """

    replica: Replica
    requests: float
    errors: float
    active: float | None
    opened: float | None
    memory: float | None
    uptime: float | None
    state: str | None
    cpu: float | None
    working_set: float | None
    expires: float | None
    """At least so long: of Envoy's own count only whole days are known."""
    hot: bool = False

    @property
    def name(self) -> str:
        """Its pod, or else where it is scraped."""
        return self.replica.pod or self.replica.instance

    @property
    def load(self) -> float:
        """What makes a replica a hot spot: connections, or else requests per second."""
        return self.requests if self.active is None else self.active


def expiry(numbers: Numbers, agents: Mapping[str, float]) -> float | None:
    """Seconds until the first certificate ends; `None` where that is not known.

    `agents`: what istio-agent says of each of its own. Envoy counts whole days in
    `days_until_first_cert_expiring`: the workload's certificate lasts a day, so 0 is what it always
    is and says nothing; of no certificate it says the largest number that it can.
    """
    if agents:
        return min(agents.values())
    days = numbers.get("envoy_server_days_until_first_cert_expiring", 0.0)
    return days * SECONDS_PER_DAY if 0 < days < NO_CERTIFICATE else None


def expiry_level(seconds: float | None) -> Level:
    """An ended certificate fails. That one ends within a day is usual, as Istio renews its own; of
    one that lasts longer the last week is worth a look.
    """
    if seconds is None:
        return Level.UNKNOWN
    if seconds <= 0:
        return Level.FAILING
    return Level.DEGRADED if 1.0 < seconds / SECONDS_PER_DAY < SOON else Level.HEALTHY


def stands_out(value: float, loads: list[float], window: float = 1.0) -> bool:
    """Whether one of several replicas has more of the load than chance gives it: half as much again
    as the mean, by more than `NOISE` standard deviations of a count. `window` makes a count of it.
    """
    if len(loads) < 2:
        return False
    mean = fmean(loads)
    return value > 1.5 * mean and (value - mean) * window > NOISE * sqrt(mean * window)


@dataclass(frozen=True, slots=True, eq=False)
class Gateway:
    """One gateway. `codes` and `destinations` come from Istio's metrics, the rest from Envoy's."""

    key: ServiceKey
    window: float
    codes: Codes
    destinations: tuple[Codes, ...]
    members: tuple[Member, ...]
    whole: Connections
    listeners: tuple[Connections, ...]
    """Each listener and, after it, each protocol spoken on it."""
    classes: Mapping[str, float]
    """Requests per second by class of code, as Envoy's HTTP managers counted them."""
    pools: tuple[Pool, ...]
    tcp: Numbers
    groups: Mapping[str, Presence]
    """By `Group.key`."""

    @property
    def missing(self) -> tuple[Group, ...]:
        """Groups of statistics that are off."""
        return tuple(g for g in stats.GROUPS if self.groups[g.key] is Presence.OFF)

    @property
    def imbalance(self) -> float | None:
        """How uneven the load of the replicas is: its standard deviation as a share of its mean."""
        loads = [member.load for member in self.members]
        mean = fmean(loads) if loads else 0.0
        return pstdev(loads) / mean if len(loads) > 1 and mean else None
