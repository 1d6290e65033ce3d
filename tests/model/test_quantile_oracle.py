"""Quantiles and rates against a real Prometheus, bit for bit; and that it reads our matchers."""

from __future__ import annotations

import json
import math
import platform
import random
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.model.hostile import IDS, NAMES
from tests.prometheus import BINARY, READY_WITHIN, free_port, needs_prometheus
from tui.model.frame import Histogram, Match
from tui.model.quantile import quantile
from tui.model.rates import extrapolated_rate

pytestmark = [
    pytest.mark.real,
    needs_prometheus,
    pytest.mark.skipif(
        shutil.which("promtool") is None,
        reason="no `promtool` on PATH: install Debian's package prometheus",
    ),
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "AMD64"),
        reason="Go fuses multiply and add on other processors, so the last bit may differ",
    ),
]

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
AT = 1_700_000_000
INF, NAN = math.inf, math.nan
QS = (0.0, 1e-9, 0.1, 0.25, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 1.0, -0.1, -INF, 1.1, INF, NAN)
ISTIO = (
    0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000,
    1800000, 3600000, INF,
)  # fmt: skip

EDGES = (
    Histogram((INF,), (5,)),
    Histogram((1, 2, 5), (1, 2, 3)),
    Histogram((1,), (3,)),
    Histogram((1, INF), (0, 0)),
    Histogram((1, INF), (0, 4)),
    Histogram((1, INF), (4, 4)),
    Histogram((0, INF), (4, 4)),
    Histogram((0, INF), (0, 4)),
    Histogram((-2, -1, 0, 1, INF), (1, 2, 3, 4, 5)),
    Histogram((-2, -1, INF), (0, 2, 2)),
    Histogram((1, 2, 5, INF), (0, 0, 7, 7)),
    Histogram((1, 2, 5, INF), (3, 3, 3, 3)),
    Histogram((1, 2, 5, INF), (3, 2, 4, 4)),
    Histogram((1, 2, 5, INF), (3, 2, 1, 0)),
    Histogram((1, 2, 5, INF), (1, 5, 3, 4)),
    Histogram((1, 2, 5, INF), (-3, -2, -1, -1)),
    Histogram((1, 2, 5, INF), (-3, -2, 0, 1)),
    Histogram((1, 2, 5, INF), (NAN, NAN, NAN, NAN)),
    Histogram((1, 2, 5, INF), (NAN, 2, 3, 4)),
    Histogram((1, 2, 5, INF), (1, NAN, 3, 4)),
    Histogram((1, 2, 5, INF), (1, 2, NAN, 4)),
    Histogram((1, 2, 5, INF), (1, 2, 3, NAN)),
    Histogram((1, 2, 5, 7, 9, INF), (4, NAN, 3, NAN, 2, 9)),
    Histogram((1, 2, 5, 7, INF), (4, NAN, 1, 6, 8)),
    Histogram((1, 2, 5, INF), (1, 2, INF, INF)),
    Histogram((1, 2, 5, INF), (1, 2, 3, INF)),
    Histogram((1, 2, 5, INF), (1e-320, 2e-320, 3e-320, 3e-320)),
    Histogram((1e300, 1.7e308, INF), (1, 2, 2)),
)


def _histograms() -> list[Histogram]:
    dice = random.Random(42)
    made = list(EDGES)
    for _ in range(60):
        total, counts = 0.0, []
        for _ in ISTIO:
            total += dice.choice((0.0, dice.random(), dice.expovariate(0.1)))
            counts.append(total)
        if dice.random() < 0.3:
            counts[dice.randrange(len(counts))] *= dice.random()
        made.append(Histogram(ISTIO, tuple(counts)))
    return made


def _counters() -> list[list[tuple[float, float]]]:
    """Counters that restart, have gaps, are young, stand still, or hold a NaN."""
    dice = random.Random(7)
    made: list[list[tuple[float, float]]] = [
        [(AT - 60, 1), (AT, 4)],
        [(AT - 30, 5)],
        [(AT - 10, 0), (AT - 5, 7)],
        [(AT - 50, 3), (AT - 40, 3), (AT - 5, 3)],
        [(AT - 40, 9), (AT - 20, 2), (AT - 10, 5), (AT - 5, 1)],
        [(AT - 40, -3), (AT - 20, 2), (AT - 10, 5)],
        [(AT - 40, 1), (AT - 20, NAN), (AT - 10, 5)],
        [(AT - 40, NAN), (AT - 20, 4), (AT - 10, 5)],
        [(AT - 40, 1e300), (AT - 20, 1.7e308), (AT - 10, 1e308)],
    ]
    for _ in range(80):
        interval, jitter = dice.choice((1, 5, 15)), dice.choice((0.0, 0.3))
        value, samples = dice.choice((0.0, 3.0, 1e6)), []
        at = AT - dice.uniform(5, 200)
        while at <= AT:
            if dice.random() > 0.1:
                samples.append((round(at, 3), value))
            value = dice.random() if dice.random() < 0.05 else value + dice.choice((0, 1, 2.5, 40))
            at += interval * (1 + dice.uniform(-jitter, jitter))
        made.append(samples)
    return [samples for samples in made if samples]


def _number(value: float) -> str:
    return {INF: "+Inf", -INF: "-Inf"}.get(value, "NaN" if math.isnan(value) else repr(value))


def _pages(histograms: Sequence[Histogram], counters: Sequence[list[tuple[float, float]]]) -> str:
    lines = ["# TYPE h unknown"]
    for case, histogram in enumerate(histograms):
        for bound, count in zip(*histogram, strict=True):
            lines.append(f'h{{case="{case}",le="{_number(bound)}"}} {_number(count)} {AT}')
    lines.append("# TYPE c unknown")
    for case, samples in enumerate(counters):
        lines += [f'c{{case="{case}"}} {_number(value)} {at:.3f}' for at, value in samples]
    lines.append("# TYPE n unknown")
    for case, name in enumerate(NAMES):
        escaped = name.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        lines.append(f'n{{case="{case}",name="{escaped}"}} 1 {AT}')
    return "\n".join([*lines, "# EOF", ""])


class Prometheus:
    """A server with data of its own making."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, query: str, at: float = AT) -> Mapping[int, float]:
        """The answer to an instant query, by the label `case`."""
        asked = urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"})
        with DIRECT.open(f"{self.address}/api/v1/query?{asked}", timeout=30) as answer:
            found = json.load(answer)["data"]["result"]
        return {int(row["metric"]["case"]): float(row["value"][1]) for row in found}

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until it answers."""
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until:
            assert process.poll() is None, "prometheus ended by itself"
            try:
                with DIRECT.open(f"{self.address}/-/ready", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail(f"prometheus was not ready within {READY_WITHIN:.0f} seconds")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    place: Path = tmp_path_factory.mktemp("prometheus")
    (place / "page").write_text(_pages(_histograms(), _counters()))
    (place / "config.yml").write_text("{}\n")
    blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "page", "data"]
    subprocess.run(blocks, cwd=place, check=True, capture_output=True, timeout=60)
    address = f"127.0.0.1:{free_port()}"
    assert BINARY is not None
    command = [
        BINARY, "--config.file=config.yml", "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y", f"--web.listen-address={address}",
        "--log.level=error",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=place) as process:
        try:
            server = Prometheus(f"http://{address}")
            server.wait(process)
            yield server
        finally:
            process.kill()


def _same(ours: float, theirs: float) -> bool:
    """Equal to the last bit; all NaN are one, and so are the zeros of either sign."""
    return ours == theirs or (math.isnan(ours) and math.isnan(theirs))


@pytest.mark.parametrize("q", QS)
def test_quantiles_equal_histogram_quantile(prometheus: Prometheus, q: float) -> None:
    theirs = prometheus.ask(f"histogram_quantile({_number(q)}, h)")
    ours = {case: quantile(q, histogram) for case, histogram in enumerate(_histograms())}
    assert ours.keys() == theirs.keys()
    wrong = {
        case: (_histograms()[case], ours[case], theirs[case])
        for case in ours
        if not _same(ours[case], theirs[case])
    }
    assert wrong == {}


@pytest.mark.parametrize("window", [10, 60, 300])
@pytest.mark.parametrize("at", [AT, AT - 3.25, AT + 30])
def test_rates_equal_rate(prometheus: Prometheus, window: int, at: float) -> None:
    theirs = prometheus.ask(f"rate(c[{window}s])", at)
    counters = _counters()
    ours = {
        case: rate
        for case, samples in enumerate(counters)
        if (rate := extrapolated_rate(samples, at - window, at)) is not None
    }
    assert ours.keys() == theirs.keys()
    wrong = {
        case: (counters[case], ours[case], theirs[case])
        for case in ours
        if not _same(ours[case], theirs[case])
    }
    assert wrong == {}


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_hostile_name_selects_itself_alone(prometheus: Prometheus, name: str) -> None:
    for names in ([name], [name, "some other"]):
        match = Match.any_of("name", names)
        literal = json.dumps(match.value, ensure_ascii=False)
        found = prometheus.ask(f"n{{name{match.op}{literal}}}")
        assert [NAMES[case] for case in found] == [name]


def test_a_matcher_without_values_selects_nothing(prometheus: Prometheus) -> None:
    match = Match.any_of("name", [])
    assert prometheus.ask(f"n{{name{match.op}{json.dumps(match.value)}}}") == {}
