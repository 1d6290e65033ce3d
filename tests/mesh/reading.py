"""What the Envoys of a mesh show, read without the code under test."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.mesh.running import Mesh
from tui.model import labels

_SAMPLE = re.compile(r"(\w+)\{([^}]*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def page(mesh: Mesh, envoy: str, query: str = "") -> str:
    return mesh.http.get(f"http://{envoy}/stats/prometheus{query}").raise_for_status().text


def requests(mesh: Mesh, envoys: Sequence[str] = ()) -> list[tuple[dict[str, str], float]]:
    """Each series of `istio_requests_total` as the Envoys themselves show it, and its value."""
    return [
        (dict(_LABEL.findall(found)), float(value))
        for envoy in envoys or mesh.envoys
        for _, found, value in _SAMPLE.findall(page(mesh, envoy, f"?filter={labels.REQUESTS}"))
    ]


def select(
    mesh: Mesh, wanted: dict[str, str], envoys: Sequence[str] = ()
) -> list[tuple[dict[str, str], float]]:
    return [x for x in requests(mesh, envoys) if wanted.items() <= x[0].items()]


def total(mesh: Mesh, **wanted: str) -> float:
    return sum(value for _, value in select(mesh, wanted))


def halt(mesh: Mesh) -> None:
    mesh.set_rate(0)
    mesh.rest()
