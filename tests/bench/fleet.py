"""One tick of 200 sidecars scraped directly: bytes on the wire, CPU of the monitor."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from tests.bench.figures import Figure
from tests.bench.parse import page
from tests.prometheus import free_port
from tui.model.frame import Ask
from tui.model.questions import service_queries
from tui.sources.envoy import EnvoySource

SIDECARS = 200
TICKS = 4
SERVER = """
import asyncio, sys
pages = [open(f, "rb").read() for f in sys.argv[2:]]
turn = 0
async def serve(reader, writer):
    global turn
    try:
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            turn += 1
            body = pages[turn // 200 % len(pages)]
            writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-type: text/plain\\r\\ncontent-length: %d"
                         b"\\r\\n\\r\\n" % len(body) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", int(sys.argv[1]), backlog=1000)
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def _filtered(seed: int) -> bytes:
    """The page cut to requests and durations, as the filter of the query string cuts it."""
    return page(seed).partition(b"# TYPE istio_request_bytes")[0]


async def _ticks(targets: list[str]) -> tuple[float, int]:
    """CPU seconds of a tick, and its bytes, once the first page has been learnt."""
    source = EnvoySource(targets)
    source.least_interval = 0.0
    ask = Ask(service_queries())
    try:
        for _ in range(2):
            frame = await source.poll(ask)
        began = process_time()
        for _ in range(TICKS):
            frame = await source.poll(ask)
        return (process_time() - began) / TICKS, frame.cost.bytes
    finally:
        await source.close()


def figures() -> Iterator[Figure]:
    """Of one core at a tick each 5 s, against reading the same pages from memory."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for seed in range(4):
            file = Path(folder, str(seed))
            file.write_bytes(_filtered(seed))
            files.append(str(file))
        port = free_port()
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(port), *files], stdout=subprocess.PIPE
        )
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            targets = [f"127.2.{n // 100}.{n % 100 + 1}:{port}" for n in range(SIDECARS)]
            began = time.monotonic()
            cpu, size = asyncio.run(_ticks(targets))
            assert time.monotonic() - began < 300
        finally:
            server.terminate()
            server.communicate()
    yield Figure(
        f"{SIDECARS} sidecars a tick, filtered ({size / 1e6:.0f} MB)", cpu / 5 * 100,
        "% of a core at 5 s", 10,
    )  # fmt: skip
