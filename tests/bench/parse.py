"""Reading a sidecar's page again and again, against prometheus_client's parser."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import cycle
from time import process_time

from prometheus_client.parser import text_string_to_metric_families

from tests.bench.exporter import BOUNDS
from tests.bench.figures import Figure
from tui.sources.page import Page

SETS = 30
CLUSTER_LINES = 2_000
HISTOGRAMS = ("istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes")
NAMES = frozenset({"istio_requests_total", "envoy_cluster_upstream_rq"}).union(
    name + part for name in HISTOGRAMS for part in ("_bucket", "_sum", "_count")
)
"""Every sample of the page."""
PAGES = 6


def page(seed: int, moved: float = 0.3) -> bytes:
    """A sidecar's whole page, 2 MB: 30 label sets of 3 histograms and a counter, and Envoy's own.

    `moved` is the share of the label sets whose numbers differ from those of another seed.
    """
    chance, out = random.Random(seed), []
    values = [int(chance.random() * 1e6) if n < SETS * moved else 7 * n + 1000 for n in range(SETS)]
    blocks = [
        ",".join(f'label_{x:02d}_of_istio="value-{x}-of-series-{n}"' for x in range(23))
        for n in range(SETS)
    ]
    out.append("# TYPE istio_requests_total counter\n")
    out += [f"istio_requests_total{{{b}}} {v}\n" for b, v in zip(blocks, values, strict=True)]
    for name in HISTOGRAMS:
        out.append(f"# TYPE {name} histogram\n")
        for block, value in zip(blocks, values, strict=True):
            out += [
                f'{name}_bucket{{{block},le="{bound}"}} {value * place // len(BOUNDS)}\n'
                for place, bound in enumerate(BOUNDS, 1)
            ]
            out.append(f"{name}_sum{{{block}}} {value * 40}\n")
            out.append(f"{name}_count{{{block}}} {value}\n")
    out.append("# TYPE envoy_cluster_upstream_rq counter\n")
    out += [
        f'envoy_cluster_upstream_rq{{cluster_name="outbound|80||s{n}.ns.svc.cluster.local"}} {n}\n'
        for n in range(CLUSTER_LINES)
    ]
    return "".join(out).encode()


def figures() -> Iterator[Figure]:
    """The re-scrape, all families kept, 30 % of the label sets moved."""
    bodies = [page(seed) for seed in range(PAGES)]
    reader = Page(NAMES)
    reader.read(bodies[-1])
    times = 10
    began = process_time()
    for body, _ in zip(cycle(bodies), range(PAGES * times), strict=False):
        reader.read(body)
    ours = (process_time() - began) / (PAGES * times)
    began = process_time()
    for family in text_string_to_metric_families(bodies[0].decode()):
        assert family.samples
    theirs = process_time() - began
    size = len(bodies[0]) / 1e6
    yield Figure(
        f"re-scrape of a {size:.1f} MB page, faster than prometheus_client by",
        theirs / ours, "times", 60, ours / theirs, "prometheus_client", at_least=True,
    )  # fmt: skip
    yield Figure(f"re-scrape of a {size:.1f} MB page", ours * 1e3, "ms")
