"""A control plane looked at without a network or a clock: istiods scraped by hand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from tests.mesh.istiod import Istiod
from tui.model.control import ControlPlane, control_plane
from tui.model.frame import Ask, Frame
from tui.model.istiod import control_queries
from tui.sources.meter import Meter

WINDOW = 60.0
START = 1_700_000_000.0


@dataclass(slots=True)
class Watch:
    """Istiods by instance, and a meter that has scraped them every 15 s of a pretended clock."""

    now: float = START
    istiods: dict[str, Istiod] = field(default_factory=dict)
    meter: Meter = field(default_factory=Meter)

    def start(self, *instances: str) -> None:
        """Istiods that exist from this moment."""
        for instance in instances:
            self.istiods[instance] = Istiod(clock=lambda: self.now)

    def scrape(self, times: int = 1, dead: Collection[str] = ()) -> None:
        """So many scrapes, the first one at once; nobody answers for the `dead` ones."""
        self.meter.want(control_queries(self.istiods))
        for _ in range(times):
            for instance, istiod in self.istiods.items():
                if instance in dead:
                    self.meter.failed(instance, self.now)
                else:
                    body = "".join(istiod.page()).encode()
                    self.meter.feed(instance, body, self.now, labels={"instance": instance})
            self.now += 15

    def frame(self) -> Frame:
        """What is known right after the last scrape."""
        at = self.now - 15
        ask = Ask(control_queries(self.istiods), WINDOW)
        tables = self.meter.answer(ask, at)
        return Frame(at, self.meter.covered(WINDOW, at), "by hand", tables)

    def plane(self) -> ControlPlane:
        """The same as a control plane."""
        return control_plane(self.frame())


def watched(*instances: str, times: int = 5) -> Watch:
    """Istiods in good health, scraped so often."""
    watch = Watch()
    watch.start(*(instances or ("a:15014",)))
    watch.scrape(times)
    return watch
