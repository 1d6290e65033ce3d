"""Who reports what in the demo mesh: each side of each cell, with Istio's labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from tui.model import labels
from tui.sources.topology import NOBODY, Workload
from tui.sources.traffic import Cell

LEVELS: Final = 4
"""Counts of a cell, by how loaded the server was: calm, usual, busy; the last are those that wait
for the canary.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """One side of a cell as its proxy reports it. `side`: 0 is the source's, 1 the destination's.
    `slot`: where the cell's counts begin. `labels`: the series' own, then its target's.
    """

    cell: Cell
    slot: int
    side: int
    target: str
    labels: Mapping[str, str]

    @property
    def block(self) -> str:
        """The labels as the page has them, without braces, as a template of `%`."""
        own = 23 if self.cell.service.protocol == "tcp" else 25
        return block(dict(islice(self.labels.items(), own))).replace("%", "%%")


def reports(cells: Iterable[Cell], targets: Mapping[str, Mapping[str, str]]) -> Iterator[Report]:
    """Every report of these cells. `targets`: each with the labels that discovery gives it."""
    for number, cell in enumerate(cells):
        for side, workload in enumerate((cell.source, cell.destination)):
            if cell.sides[side]:
                found = {**label_set(cell, side), **targets[workload.target]}
                yield Report(cell, number * LEVELS, side, workload.target, found)


def targets(workloads: Iterable[Workload]) -> dict[str, dict[str, str]]:
    """The targets of these workloads with the labels that discovery would give them: a proxy that
    is a target of its own (`WORKLOAD.NAMESPACE`) has a pod, a node's page has none.
    """
    found = {}
    for workload in workloads:
        found[workload.target] = {"instance": workload.target}
        if "." in workload.target:
            pod = {"pod": f"{workload.name}-0", "namespace": workload.namespace}
            found[workload.target] |= pod
    return dict(sorted(found.items()))


def block(pairs: Mapping[str, str]) -> str:
    """Labels as the text format has them, without braces."""
    return ",".join([f'{key}="{value}"' for key, value in pairs.items()])


def label_set(cell: Cell, side: int) -> dict[str, str]:
    """Istio's labels in Istio's order."""
    service = cell.service
    found = {labels.REPORTER: ("source", "destination")[side], **_peer("source", cell.source)}
    found["source_cluster"] = labels.UNKNOWN if cell.source is NOBODY else "Kubernetes"
    found |= _peer("destination", cell.destination, service.host)
    found[labels.SERVICE] = service.name
    found[labels.NAMESPACE] = service.namespace
    found["destination_cluster"] = labels.UNKNOWN if cell.destination is NOBODY else "Kubernetes"
    found[labels.PROTOCOL] = service.protocol
    if service.protocol != "tcp":
        found[labels.CODE] = cell.code
        found[labels.GRPC_STATUS] = cell.grpc
    found[labels.FLAGS] = cell.flags
    secured = "none" if cell.source is NOBODY else labels.MUTUAL_TLS
    found[labels.SECURITY] = secured if side else labels.UNKNOWN
    return found


def _peer(end: str, workload: Workload, host: str = "") -> dict[str, str]:
    """One end's labels: the name of the service stands between those of its workload."""
    known = workload.version != labels.UNKNOWN
    canonical = {
        f"{end}_canonical_service": workload.app,
        f"{end}_canonical_revision": workload.version if known else "latest",
    }
    rest = {
        f"{end}_workload_namespace": workload.namespace,
        f"{end}_principal": workload.principal,
        f"{end}_app": workload.app,
        f"{end}_version": workload.version,
    }
    if host:
        return {f"{end}_workload": workload.name, **rest, f"{end}_service": host, **canonical}
    return {f"{end}_workload": workload.name, **canonical, **rest}
