"""What a few of Istio's proxies would export, with names that try to break out of everything."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOSTILE = (
    'quote"', "back\\slash", "new\nline", "\x1b[31mred", "\u202eright-to-left", "żółć 日本",
    '"} or vector(1) #', "a.b|c(d)*[e]^$", "tab\there", "x" * 10_000,
)  # fmt: skip
BOUNDS = ("0.5", "1", "5", "25", "100", "+Inf")


class Exporter(BaseHTTPRequestHandler):
    """What a few proxies would export, counting on with the clock."""

    started = time.time()

    def do_GET(self) -> None:
        body = "\n".join(self._lines()).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _lines(self) -> Iterator[str]:
        age = time.time() - self.started
        for place, name in enumerate((*HOSTILE, "reviews")):
            escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            labels = f'destination_service_name="{escaped}",reporter="destination"'
            count = math.floor(age * (place + 6))
            yield f'istio_requests_total{{{labels},response_code="200"}} {count}'
            yield f'istio_requests_total{{{labels},response_code="503"}} {count // 3}'
            yield f"envoy_active{{{labels}}} {place}"
            for rank, le in enumerate(BOUNDS, 1):
                value = count * rank // len(BOUNDS)
                yield f'istio_request_duration_milliseconds_bucket{{{labels},le="{le}"}} {value}'
        yield f'istio_requests_total{{reporter="source",response_code="200"}} {math.floor(age)}'
        born = math.floor(age)
        yield f'istio_requests_total{{reporter="new",destination_service_name="n{born}"}} 7'


@contextmanager
def exporting() -> Iterator[int]:
    """The port of 127.0.0.1 where the exporter listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
