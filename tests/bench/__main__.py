"""`python -m tests.bench [NAME ...]`: every budget of the design, measured. Takes a few minutes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from tests.bench import fleet, mesh, parse, refresh, screen, start
from tests.bench.figures import Figure, table


def _refresh() -> Iterator[Figure]:
    for services, interval in ((100, 5), (1_000, 5), (5_000, 15)):
        with mesh.filled(services, interval) as url:
            yield from refresh.figures(url, services)


def _screen() -> Iterator[Figure]:
    with mesh.filled(200) as url:
        yield from screen.refreshing(url)
        yield from screen.quiet(url)
    with mesh.filled(1_000) as url:
        yield from screen.busy(url)


PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "start": start.figures,
    "parse": parse.figures,
    "fleet": fleet.figures,
    "refresh": _refresh,
    "screen": _screen,
}


def main() -> None:
    """Measure the parts that were named, or all, and print one table."""
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument("parts", nargs="*", metavar="NAME", help=", ".join(PARTS))
    wanted = arguments.parse_args().parts or list(PARTS)
    if unknown := [name for name in wanted if name not in PARTS]:
        arguments.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    figures: list[Figure] = []
    for name in wanted:
        print(f"measuring {name} …", flush=True)
        figures += PARTS[name]()
    print(table(figures))
    missed = [figure.what for figure in figures if not figure.kept]
    print(
        f"\n{len(figures)} figures, {len(missed)} over budget" + "".join(f"\n- {m}" for m in missed)
    )


if __name__ == "__main__":
    main()
