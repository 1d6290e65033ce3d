"""One refresh of the table of services from a real Prometheus, by the size of the mesh."""

from __future__ import annotations

import asyncio
import urllib.parse
import urllib.request
from collections.abc import Iterator
from time import perf_counter

from tests.bench.figures import Figure, percentile, timed
from tui.model.frame import Ask, Frame
from tui.model.mesh import services, unserved
from tui.model.questions import service_queries
from tui.sources.prometheus import Endpoint, PrometheusSource

VISIBLE = 40
ROUNDS = 15


async def _rounds(url: str) -> tuple[list[float], list[float], Frame]:
    """Seconds of each whole refresh, of its reading as a mesh, and the last frame."""
    source = PrometheusSource(Endpoint(url))
    whole, read = [], []
    try:
        frame = await source.poll(Ask(service_queries(visible=[])))
        found = services(frame)
        shown = [service.key for service in found[:VISIBLE]]
        queries = service_queries(visible=shown, unserved=unserved(found))
        for _ in range(ROUNDS):
            began = perf_counter()
            frame = await source.poll(Ask(queries))
            fetched = perf_counter()
            services(frame)
            read.append(perf_counter() - fetched)
            whole.append(perf_counter() - began)
            await asyncio.sleep(0.2)
        return whole, read, frame
    finally:
        await source.close()


def _naive(url: str) -> float:
    """Seconds for what a dashboard asks: rates, errors and three quantiles of all services."""
    by = "destination_service_name, destination_service_namespace"
    total = 'istio_requests_total{reporter="destination"'
    bucket = 'istio_request_duration_milliseconds_bucket{reporter="destination"}[1m]'
    queries = [
        f"sum by ({by}) (rate({total}}}[1m]))",
        f'sum by ({by}) (rate({total}, response_code=~"5.."}}[1m]))',
        *(
            f"histogram_quantile({q}, sum by ({by}, le) (rate({bucket})))"
            for q in (0.5, 0.95, 0.99)
        ),
    ]

    def run() -> None:
        for query in queries:
            asked = urllib.parse.urlencode({"query": query})
            with urllib.request.urlopen(f"{url}/api/v1/query?{asked}") as answer:
                answer.read()

    return timed(run, 3)


def figures(url: str, count: int) -> Iterator[Figure]:
    """Wall time, queries and bytes of a refresh of `count` services."""
    whole, read, frame = asyncio.run(_rounds(url))
    naive = _naive(url)
    what = f"refresh of {count} services"
    p95 = percentile(whole, 0.95)
    budget = 200.0 if count == 1_000 else 0.0
    yield Figure(
        f"{what}, wall p95", p95 * 1e3, "ms", budget, p95 / naive, "asking for all quantiles"
    )
    yield Figure(f"{what}, queries", frame.cost.queries, "queries", 12)
    yield Figure(f"{what}, answer", frame.cost.bytes / 1e3, "kB")
    middle = percentile(read, 0.5)
    yield Figure(
        f"{what}, reading it as a mesh", middle * 1e3, "ms", 0, middle / p95, "the whole refresh"
    )
