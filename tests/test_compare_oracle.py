"""Two versions of a real mesh: the comparison's numbers are Prometheus' own, and its verdict true.

The canary reviews-v3 fails 8 % of its requests and takes 300 ms longer; after that it is as good as
reviews-v1, at a quarter of its load.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any, Final, NamedTuple

import pytest

from tests import headless
from tests.mesh.running import Mesh, eventually
from tests.oracle import LIMIT, Oracle
from tests.sources.demo_mesh import told
from tui import report
from tui.comparing import BREACHED
from tui.model.frame import Ask
from tui.model.questions import ServiceKey
from tui.model.versions import version_queries, versions
from tui.once import NO_DATA
from tui.sources.prometheus import Endpoint, PrometheusSource
from tui.view.aspects import compared
from tui.view.compare import aspects, columns

Json = dict[str, Any]
REVIEWS: Final = ("default/reviews", "v1", "v3")
WINDOW: Final = 10
TWO_MINUTES: Final = 2400
"""Requests that a version gets in two minutes at 20 a second."""
GATE: Final = "verdict != 'worse'"
LOAD: Final = 200.0
"""Requests per second at the gateway: about 37 reach the canary."""
SERVERS: Final = 'reporter=~"destination|waypoint",destination_service_name="reviews"'
_REQUESTS: Final = "sum(rate(istio_requests_total{$own}[$w]))"


def _part(where: str) -> str:
    return f"(sum(rate(istio_requests_total{{$own,{where}}}[$w])) or vector(0)) / {_REQUESTS}"


def _mean(metric: str) -> str:
    return f"sum(rate({metric}_sum{{$own}}[$w])) / sum(rate({metric}_count{{$own}}[$w]))"


def _quantile(q: float) -> str:
    buckets = "rate(istio_request_duration_milliseconds_bucket{$own}[$w])"
    return f"histogram_quantile({q}, sum by (le) ({buckets})) / 1000"


BY_HAND: Final = {
    "requests_per_second": _REQUESTS,
    "requests": "sum(increase(istio_requests_total{$own}[$w]))",
    "share_ratio": f"{_REQUESTS} / sum(rate(istio_requests_total{{{SERVERS}}}[$w]))",
    "error_ratio": _part('response_code=~"5..|0"'),
    "client_error_ratio": _part('response_code=~"4.."'),
    "code_200_ratio": _part('response_code="200"'),
    "code_500_ratio": _part('response_code="500"'),
    "p50_seconds": _quantile(0.5),
    "p95_seconds": _quantile(0.95),
    "p99_seconds": _quantile(0.99),
    "mean_seconds": f"{_mean('istio_request_duration_milliseconds')} / 1000",
    "request_bytes": _mean("istio_request_bytes"),
    "response_bytes": _mean("istio_response_bytes"),
}
"""Each row as a person would write it: `$own` is a version's series, `$w` the window."""


def compare(*arguments: str) -> tuple[int, Json]:
    """The exit code of `istiotop compare … -o json`, and what it says."""
    home = headless.alone(Path("/nowhere"))
    ran = headless.run("compare", *arguments, "-o", "json", environment=home)
    answer: Json = json.loads(ran.stdout) if ran.stdout else {}
    return ran.returncode, answer


def rows(answer: Json) -> dict[str, Json]:
    return {row["measure"]: row for row in answer["rows"]}


class Canary(NamedTuple):
    """What the gate said of the bad canary, and the comparison at an instant when its errors were
    older than the window, about which Prometheus will learn nothing more.
    """

    code: int
    gate: Json
    oracle: Oracle
    answer: Json


def settled(mesh: Mesh) -> float:
    """An instant about which Prometheus knows everything."""
    at = round(time.time(), 3)
    later = Oracle(mesh.http, mesh.prometheus, at + 60)
    eventually(lambda: bool(later.ask(f"min(timestamp(up)) > {at}")), "a scrape after the instant")
    return at


@pytest.fixture(scope="module")
def canary(_running_mesh: Mesh) -> Iterator[Canary]:
    mesh = _running_mesh
    source = ("--prometheus", mesh.prometheus)
    mesh.set_rate(LOAD)
    mesh.set_errors("reviews-v3", 0.08)
    mesh.set_latency("reviews-v3", 0.3)
    bad = time.time()
    try:
        gate = compare(*REVIEWS, *source, "-r", "1s", "--for", "50s", "--check", GATE)
        # The requests of before, some of which take seconds, must be older than the window.
        since = bad + WINDOW + 5
        eventually(lambda: time.time() > since, "errors older than the window", LIMIT * 2)
        at = settled(mesh)
        code, answer = compare(*REVIEWS[:1], *source, "-w", f"{WINDOW}s", "--at", f"{at:.3f}")
        assert code == 0
        yield Canary(*gate, Oracle(mesh.http, mesh.prometheus, at), answer)
    finally:
        mesh.mend()


@pytest.mark.real
def test_equal_versions_at_unequal_loads_are_not_told_apart(mesh: Mesh) -> None:
    mesh.set_rate(LOAD)
    own = f'{SERVERS},destination_version="v3"'
    buckets = f"rate(istio_request_duration_milliseconds_bucket{{{own},le='%s'}}[8s])"
    quick = f"sum({buckets % 100}) / sum({buckets % '+Inf'}) > 0.98"
    eventually(lambda: bool(mesh.query(quick)), "the slow requests of before are forgotten")
    source = ("--prometheus", mesh.prometheus, "-r", "1s")
    checks = ("--check", GATE, "--check", "B.error_ratio - A.error_ratio < 0.01")
    code, answer = compare(*REVIEWS, *source, "--for", "8s", *checks)
    assert answer["verdict"] == "no difference seen", answer["words"]
    assert code == 0
    assert answer["words"][0].startswith("No difference between v3 and v1 seen yet; ")
    assert 7 < answer["window_seconds"] < 16


@pytest.mark.real
def test_a_bad_canary_ends_the_gate_within_two_minutes(canary: Canary) -> None:
    assert canary.code == BREACHED
    assert canary.gate["verdict"] == "worse"
    assert canary.gate["checks"] == [{"check": GATE, "holds": False}]
    assert rows(canary.gate)["requests"]["b"] < TWO_MINUTES
    assert canary.gate["window_seconds"] < 50
    assert canary.gate["words"][0].startswith("v3 is worse than v1: ")


@pytest.mark.real
def test_its_errors_and_its_latency_are_what_it_is_worse_in(canary: Canary) -> None:
    answer, seen = canary.answer, rows(canary.answer)
    assert (answer["errors"], answer["latency"], answer["verdict"]) == ("worse",) * 3
    assert seen["error_ratio"]["b"] == pytest.approx(0.08, abs=0.02)
    low, high = seen["error_ratio"]["b_interval"]
    assert low < 0.08 < high
    assert seen["p50_seconds"]["b_interval"][0] >= 0.25
    assert seen["p50_seconds"]["a_interval"][1] <= 0.1
    assert "of requests take longer than" in answer["words"][0]
    assert "the same caller" in answer["words"][1]


@pytest.mark.real
@pytest.mark.parametrize("key", BY_HAND)
def test_every_number_is_prometheus_own(canary: Canary, key: str) -> None:
    assert (canary.answer["a"], canary.answer["b"]) == ("v1", "v3")
    row = rows(canary.answer)[key]
    for side, version in (("a", "v1"), ("b", "v3")):
        own = f'{SERVERS},destination_version="{version}"'
        text = Template(BY_HAND[key]).substitute(own=own, w=f"{WINDOW}s")
        assert row[side] == pytest.approx(canary.oracle.number(text), rel=1e-9, abs=1e-12)


@pytest.mark.real
async def test_the_promql_behind_each_cell_gives_its_number(canary: Canary) -> None:
    source = PrometheusSource(Endpoint(canary.oracle.url))
    key = ServiceKey("service", "default", "reviews")
    try:
        frame = await source.poll(Ask(version_queries(key), WINDOW, canary.oracle.at))
    finally:
        await source.close()
    found = compared(versions(frame, key), "v1", "v3")
    assert found is not None
    asked = [column for column in columns(found) if column.promql]
    assert len(asked) == 2
    for column in asked:
        for aspect in aspects(found):
            assert column.promql is not None
            number = canary.oracle.number(column.promql(aspect))
            assert column.value(aspect) == pytest.approx(number, rel=1e-9, abs=1e-12), aspect.key


@pytest.mark.real
def test_first_errors_are_counted_though_no_rate_shows_them(canary: Canary, mesh: Mesh) -> None:
    mesh.stop_app("reviews-v3")
    born = f'istio_requests_total{{{SERVERS},destination_version="v3",response_flags="UF"}}'
    eventually(lambda: sum(mesh.query(f"sum({born})").values()) >= 3, "three failures")
    mesh.start_app("reviews-v3")
    at = settled(mesh)
    counted = Oracle(mesh.http, mesh.prometheus, at).number(f"sum({born})")
    _, answer = compare(
        *REVIEWS, "--prometheus", mesh.prometheus, "-w", f"{WINDOW}s", "--at", f"{at:.3f}"
    )
    row = rows(answer)
    assert counted is not None
    found = row["flag_UF_ratio"]["b"] * row["requests"]["b"]
    # The rate lacks the first step, and may extrapolate by more than that.
    assert counted * (1 - 1e-9) <= found < counted * 1.5


@pytest.mark.real
def test_envoys_asked_directly_say_the_same(mesh: Mesh) -> None:
    mesh.set_rate(LOAD)
    mesh.set_latency("reviews-v3", 0.3)
    envoys = [argument for envoy in mesh.envoys for argument in ("--envoy", envoy)]
    code, answer = compare(*REVIEWS, *envoys, "--for", "15s", "--check", GATE)
    assert (code, answer["verdict"], answer["latency"]) == (BREACHED, "worse", "worse")
    assert answer["errors"] != "worse"


@pytest.mark.real
def test_what_is_not_there_exits_5_with_a_reason(mesh: Mesh) -> None:
    for words, said in (
        (("default/details",), "only one version"),
        (("default/nobody",), "No server reports requests to default/nobody"),
        (("default/reviews", "v1", "v2"), "No requests to v2"),
    ):
        code, answer = compare(*words, "--prometheus", mesh.prometheus, "--check", GATE)
        assert code == NO_DATA
        assert any(said in sentence for sentence in answer["words"]), answer["words"]


@pytest.mark.parametrize(
    ("into", "verdict", "code"),
    [(90.0, "no difference seen", 0), (200.0, "worse", BREACHED), (400.0, "worse", BREACHED)],
)
def test_the_demo_tells_the_story_of_a_canary(into: float, verdict: str, code: int) -> None:
    at = report.instant(told(1, into))
    exit_code, answer = compare(
        "bookinfo/reviews", "v1", "v3", "--demo", "--at", at, "--check", GATE
    )
    assert (exit_code, answer["verdict"]) == (code, verdict)


def test_in_the_demo_the_rolled_back_canary_has_no_data() -> None:
    at = report.instant(told(1, 590.0))
    code, answer = compare("bookinfo/reviews", "v1", "v3", "--demo", "--at", at, "--check", GATE)
    assert (code, answer["verdict"]) == (NO_DATA, "not enough data")
    assert "v3 had no requests" in answer["words"][0]
