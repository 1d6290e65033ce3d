"""A server of Istio's metrics for any number of services, every number moving at every scrape.

`python -m tests.bench.exporter PORT SERVICES` serves one page until it is told to end.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BOUNDS = (
    "0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000",
    "30000", "60000", "300000", "600000", "1800000", "3600000", "+Inf",
)  # fmt: skip
SWING = 20.0
"""Seconds in which a service's traffic rises and falls by a third, over 2 pi."""


def labels(number: int, code: str, reporter: str) -> str:
    """The label block of one service's series."""
    name, space = f"service-{number:04d}", f"team-{number % 20:02d}"
    return (
        f'reporter="{reporter}",source_workload="caller-{number % 50:02d}",'
        f'source_workload_namespace="{space}",destination_workload="{name}-v1",'
        f'destination_workload_namespace="{space}",destination_service_name="{name}",'
        f'destination_service_namespace="{space}",'
        f'destination_service="{name}.{space}.svc.cluster.local",'
        f'destination_version="v1",destination_canonical_revision="v1",request_protocol="http",'
        f'response_code="{code}",response_flags="-",connection_security_policy="mutual_tls"'
    )


def requests(number: int, seconds: float) -> float:
    """Requests that a service has had after so many seconds."""
    rate = 1.0 + number % 97
    return rate * (seconds + SWING / 3.0 * (1.0 - math.cos(seconds / SWING + number)))


def lines(services: int, seconds: float) -> Iterator[str]:
    """The page, line by line: a quarter of the services answers a few 503."""
    requests_of: list[tuple[str, float, int]] = []
    for number in range(services):
        total = requests(number, seconds)
        bad = 0.01 * (number % 7) * total if number % 4 == 0 else 0.0
        requests_of.append((labels(number, "200", "destination"), total - bad, number))
        requests_of.append((labels(number, "200", "source"), total - bad, -1))
        if bad:
            requests_of.append((labels(number, "503", "destination"), bad, -1))
    yield "# TYPE istio_requests_total counter\n"
    yield from (f"istio_requests_total{{{block}}} {int(n)}\n" for block, n, _ in requests_of)
    metric = "istio_request_duration_milliseconds"
    yield f"# TYPE {metric} histogram\n"
    for block, total, number in requests_of:
        if number < 0:
            continue
        middle = 4 + number % 5 + 0.5 * math.sin(seconds / SWING + number)
        for place, bound in enumerate(BOUNDS[:-1]):
            share = 1.0 / (1.0 + math.exp(1.7 * (middle - place)))
            yield f'{metric}_bucket{{{block},le="{bound}"}} {int(total * share)}\n'
        yield f'{metric}_bucket{{{block},le="+Inf"}} {int(total)}\n'
        yield f"{metric}_sum{{{block}}} {int(total * 40)}\n"
        yield f"{metric}_count{{{block}}} {int(total)}\n"
    for name, size in (("istio_request_bytes", 700), ("istio_response_bytes", 9_000)):
        yield f"# TYPE {name} histogram\n"
        for block, total, number in requests_of:
            if number >= 0:
                yield f"{name}_sum{{{block}}} {int(total * size)}\n"
                yield f"{name}_count{{{block}}} {int(total)}\n"


def main() -> None:
    """Serve until killed."""
    port, services = int(sys.argv[1]), int(sys.argv[2])
    began = time.time()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "".join(lines(services, 3600.0 + time.time() - began)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
