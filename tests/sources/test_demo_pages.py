"""The demo mesh's pages: determinism, the text format, what counters may do."""

from __future__ import annotations

from itertools import count

from prometheus_client.parser import text_string_to_metric_families

from tests.sources.demo_mesh import NOW, OUTSIDE, demo, samples, told
from tui.model import labels
from tui.sources.simulation import STEP, Simulation


def test_the_same_seed_and_time_give_the_same_bytes() -> None:
    first, second = demo(3), demo(3)
    for at in (NOW, NOW + 7.3, NOW + 65):
        assert first.pages(at) == second.pages(at)


def test_another_seed_is_another_mesh() -> None:
    first, second = (samples(demo(seed).pages(NOW), labels.REQUESTS) for seed in (1, 2))
    same = [key for key in first if first[key] == second.get(key)]
    assert len(same) < len(first) * 0.05


def test_what_happens_in_a_step_does_not_depend_on_when_one_began_to_look() -> None:
    early, late = demo(), demo()
    early.pages(NOW - 100)
    gains = []
    for source in (early, late):
        before = samples(source.pages(NOW), labels.REQUESTS)
        after = samples(source.pages(NOW + 20), labels.REQUESTS)
        gains.append({k: after[k] - before[k] for k in before if k in after})
    common = gains[0].keys() & gains[1].keys()
    assert len(common) > 100
    assert {k: gains[0][k] for k in common} == {k: gains[1][k] for k in common}


def test_prometheus_client_reads_the_same_from_a_page() -> None:
    pages = demo().pages(NOW)
    for target in ("productpage-v1.bookinfo", "istio-ingressgateway.istio-system", "node-1"):
        theirs = {
            (
                s.name.removesuffix("_total"),
                frozenset((k, v) for k, v in s.labels.items() if v),
            ): s.value
            for family in text_string_to_metric_families(pages[target].decode())
            for s in family.samples
        }
        ours = {
            (name.removesuffix("_total"), found): value  # prometheus_client adds it to counters
            for (_, name, found), value in samples({target: pages[target]}).items()
        }
        assert ours == theirs
        types = {f.name: f.type for f in text_string_to_metric_families(pages[target].decode())}
        assert types[labels.DURATION] == "histogram"
        assert types["istio_requests"] == "counter"


def test_labels_stand_in_istios_order() -> None:
    page = demo().pages(NOW)["productpage-v1.bookinfo"].decode()
    line = next(x for x in page.splitlines() if x.startswith(labels.REQUESTS + "{"))
    names = [part.split("=")[0] for part in line[line.index("{") + 1 : line.index("}")].split(",")]
    peer = ("workload", "canonical_service", "canonical_revision", "workload_namespace")
    assert names[:5] == ["reporter", *(f"source_{name}" for name in peer)]
    assert names[-5:] == [
        "request_protocol", "response_code", "grpc_response_status", "response_flags",
        "connection_security_policy",
    ]  # fmt: skip
    assert len(names) == 25


def test_histograms_are_cumulative_and_end_in_their_count() -> None:
    buckets: dict[tuple[str, frozenset[tuple[str, str]]], list[float]] = {}
    counts: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for (_, name, found), value in samples(demo(number=12).pages(NOW)).items():
        rest = frozenset((k, v) for k, v in found if k != "le")
        if name.endswith("_bucket"):
            buckets.setdefault((name.removesuffix("_bucket"), rest), []).append(value)
        elif name.endswith("_count"):
            counts[name.removesuffix("_count"), rest] = value
    assert len(buckets) > 100
    assert buckets.keys() == counts.keys()
    for key, values in buckets.items():
        assert len(values) == 20
        assert values == sorted(values)
        assert values[-1] == counts[key]


def test_counters_only_grow_until_a_proxy_restarts() -> None:
    mesh = Simulation(1, 12)
    first = int(NOW // STEP)
    restart = next(step for step in count(first + 10) if mesh.restarting(step))
    targets = set(mesh.restarting(restart))
    source = demo(number=12)
    fell: dict[float, set[str]] = {}
    before = samples(source.pages((restart - 2) * STEP))
    for at in ((restart - 1.5) * STEP, restart * STEP - 0.1, restart * STEP + 0.1):
        after = samples(source.pages(at))
        counters = [k for k in before if k[1].startswith("istio_") or k[1].endswith("_total")]
        fell[at] = {k[0] for k in counters if after.get(k, 0.0) < before[k]}
        before = after
    assert list(fell.values()) == [set(), set(), targets]
    uptime = [v for k, v in before.items() if k[1] == "envoy_server_uptime" and k[0] in targets]
    assert uptime == [0.0] * len(targets)


def test_both_sides_count_the_same_requests() -> None:
    mesh = Simulation(1, 40)
    first = int(told(1, 20.0) // STEP)
    step = next(s for s in count(first) if not any(mesh.restarting(s + i) for i in range(4)))
    source = demo()
    before = samples(source.pages(step * STEP), labels.REQUESTS)
    after = samples(source.pages((step + 3) * STEP), labels.REQUESTS)
    sides: dict[str, dict[tuple[str, ...], float]] = {"source": {}, "destination": {}}
    lost = 0.0
    for (target, name, found), value in after.items():
        own = dict(found)
        grown = value - before.get((target, name, found), 0.0)
        if own[labels.SOURCE_WORKLOAD] == labels.UNKNOWN or own[labels.SERVICE] in OUTSIDE:
            continue
        if own[labels.DESTINATION_WORKLOAD] == labels.UNKNOWN:
            assert own[labels.REPORTER] == "source"
            lost += grown
            continue
        key = (own[labels.HOST], own["destination_version"], own[labels.CODE])
        counted = sides[own[labels.REPORTER]]
        counted[key] = counted.get(key, 0.0) + grown
    assert sides["source"] == sides["destination"]
    assert sum(sides["source"].values()) > 1000
    assert lost > 0
