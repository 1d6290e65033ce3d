"""The demo mesh as a source: settings, frames, stories, the past, its cost."""

from __future__ import annotations

from itertools import count, pairwise

import pytest

from tests.sources.demo_mesh import NOW, OUTSIDE, Clock, demo, told, total
from tui.model import labels
from tui.model.frame import Ask, Histogram, Kind, Match, Presence, Query
from tui.model.health import Level
from tui.model.mesh import services
from tui.model.quantile import quantile
from tui.model.questions import history_queries, service_queries
from tui.sources.base import Reason, Source, SourceError
from tui.sources.demo import DemoSource
from tui.sources.simulation import STEP
from tui.sources.traffic import CANARY, CYCLE

VERSIONS = Query(
    "versions",
    labels.REQUESTS,
    ("destination_version", labels.CODE),
    (Match(labels.REPORTER, "=", "destination"), Match(labels.SERVICE, "=", "reviews")),
)
PRODUCTPAGE = ("productpage", "bookinfo", "productpage.bookinfo.svc.cluster.local", "destination")


async def test_it_is_a_source() -> None:
    source: Source = demo(7)
    assert source.name == "demo mesh, seed 7"
    assert source.least_interval == 1.0
    assert source.warm_up == 0
    await source.close()
    await source.close()


@pytest.mark.parametrize(
    ("seed", "number", "named"),
    [(1, 0, "not 0"), (1, 1001, "not 1001"), (1, -4, "not -4"), (-1, 40, "not -1")],
)
def test_settings_out_of_range_are_one_sentence(seed: int, number: int, named: str) -> None:
    with pytest.raises(SourceError, match=named) as caught:
        DemoSource(seed, number)
    assert caught.value.reason is Reason.BAD_SETTING
    assert "\n" not in str(caught.value)


async def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(SourceError) as caught:
        await demo().poll(Ask(history_queries(), at=float("nan")))
    assert caught.value.reason is Reason.BAD_QUERY


@pytest.mark.parametrize("number", [1, 7, 40, 200, 1000])
async def test_every_service_is_in_the_frame(number: int) -> None:
    frame = await demo(number=number).poll(Ask(service_queries(visible=[])))
    rows = services(frame)
    inside = {r.key for r in rows if r.key.kind == "service" and r.key.name not in OUTSIDE}
    assert len({k.name for k in inside}) == len({k for k in inside if k.namespace != "unknown"})
    assert len(inside) == number
    if number == 40:
        spaces = {k.namespace for k in inside}
        assert spaces == {"bookinfo", "shop", "payments", "platform"}
    gateways = {r.key[1:3] for r in rows if r.key.kind == "gateway"}
    assert gateways == {("istio-system", "istio-ingressgateway"), ("shop", "public-istio")}
    assert frame.scrape_interval == STEP
    assert frame.window == pytest.approx(60)
    assert frame.at == NOW


async def test_all_kinds_of_traffic_are_there() -> None:
    frame = await demo().poll(Ask(service_queries()))
    rows = {r.key.name: r for r in services(frame)}
    assert rows["fraud"].protocols == ("grpc",)
    assert rows["auth"].errors > 0
    assert rows["redis"].requests is None
    assert (rows["redis"].tcp_request_bytes or 0) > 0
    assert (rows["redis"].tcp_response_bytes or 0) > 0
    assert rows["media"].client_errors > 0
    assert rows["productpage"].no_response > 0
    assert 0.1 < (rows["invoices"].mutual_tls or 0) < 0.95
    assert rows["details"].mutual_tls == 1.0
    assert (rows["istio-ingressgateway"].requests or 0) > (rows["productpage"].requests or 0)
    assert not rows["api.card-network.example"].served
    assert {"PassthroughCluster", "BlackHoleCluster"} <= rows.keys()
    assert all(r.latency for r in rows.values() if r.served and r.requests)


async def test_tcp_connections_open_and_close() -> None:
    both = [Query(n, n, (labels.SERVICE,)) for n in (labels.TCP_OPENED, labels.TCP_CLOSED)]
    frame = await demo().poll(Ask(tuple(both)))
    opened, closed = (frame.rates(name).rows for name in (labels.TCP_OPENED, labels.TCP_CLOSED))
    assert opened.keys() == closed.keys() == {("redis",), ("redis-cart",), ("postgres",),
                                              ("kafka",), ("mongodb",)}  # fmt: skip
    assert sum(opened.values()) == pytest.approx(sum(closed.values()), rel=0.3)


async def test_a_gateway_shows_its_connections() -> None:
    name = "envoy_http_downstream_cx_active"
    frame = await demo().poll(Ask((Query("cx", name, ("pod",), kind=Kind.GAUGE),)))
    active = {pod: value for (pod,), value in frame.rates("cx")}
    assert active.keys() == {"istio-ingressgateway-0", "public-istio-0"}
    assert min(active.values()) >= 20


async def test_the_canary_goes_bad_and_is_rolled_back() -> None:
    source = demo(5, at=NOW + CYCLE)
    shares, failing = [], []
    starts = [0.0, *(phase.until for phase in CANARY)]
    for begin, end in pairwise(starts):
        at = told(5, min(end, begin + 115))
        frame = await source.poll(Ask((VERSIONS,), window=90, at=at))
        canary = total(frame, "versions", "v3")
        shares.append(canary / total(frame, "versions"))
        failing.append(total(frame, "versions", "v3", "500") / canary if canary else 0.0)
    assert shares == pytest.approx([p.share for p in CANARY], abs=0.04)
    assert failing[0] == failing[3] == 0.0
    assert 0.03 < failing[2] < 0.14


async def test_what_waits_for_the_canary_gets_slower_too() -> None:
    names = ("reviews", "productpage", "details")
    means: dict[str, list[float]] = {name: [] for name in names}
    source = demo(at=NOW + CYCLE)
    for into in (115.0, 440.0):
        ask = Ask(service_queries(), window=90, at=told(1, into))
        rows = {r.key.name: r for r in services(await source.poll(ask))}
        for name in names:
            found = rows[name].latency
            assert found is not None
            means[name].append(found.values[1])
    assert means["reviews"][1] > means["reviews"][0] + 0.2
    assert means["productpage"][1] > means["productpage"][0] + 0.1
    assert means["details"][1] < means["details"][0] * 2


async def test_a_lost_upstream_is_seen_by_clients_only() -> None:
    by = (labels.REPORTER, labels.CODE, labels.FLAGS, labels.DESTINATION_WORKLOAD)
    query = Query("inventory", labels.REQUESTS, by, (Match(labels.SERVICE, "=", "inventory"),))
    source = demo(at=NOW + CYCLE)
    lost = await source.poll(Ask((query,), at=told(1, 100.0)))
    failed = {key for key, rate in lost.rates("inventory") if key[1] != "200" and rate}
    assert failed == {
        ("source", "503", "UH", "unknown"),
        ("source", "503", "UF,URX", "unknown"),
    }
    back = await source.poll(Ask((query,), at=told(1, 300.0)))
    assert total(back, "inventory", "503") == 0
    assert total(back, "inventory", "destination") > total(lost, "inventory", "destination")


async def test_something_is_always_wrong() -> None:
    source = demo(2, at=NOW + CYCLE)
    for into in range(0, int(CYCLE), 60):
        frame = await source.poll(Ask(service_queries(visible=[]), at=told(2, into)))
        bad = {r.key.name for r in services(frame) if r.level in (Level.FAILING, Level.DEGRADED)}
        assert bad & {"reviews", "inventory"}


async def test_ticks_agree_with_a_fresh_look() -> None:
    clock = Clock()
    source = DemoSource(clock=clock)
    ask = Ask(service_queries())
    for _ in range(15):
        clock.at += 5.0
        ticked = await source.poll(ask)
    fresh = await demo(at=clock.at).poll(ask)
    assert ticked.rates("served").rows.keys() == fresh.rates("served").rows.keys()
    for key, rate in fresh.rates("served"):
        assert ticked.rates("served").rows[key] == pytest.approx(rate, rel=0.15, abs=0.2)
    p99 = [quantile(0.99, f.histograms("duration").rows[PRODUCTPAGE]) for f in (ticked, fresh)]
    assert p99[0] == pytest.approx(p99[1], rel=0.2)


async def test_a_tick_costs_one_page_a_target_and_scrolling_only_histograms() -> None:
    clock = Clock()
    source = DemoSource(clock=clock)
    first = await source.poll(Ask(service_queries(visible=[])))
    clock.at += 5
    tick = await source.poll(Ask(service_queries(visible=[])))
    assert first.cost.queries == 5 * tick.cost.queries
    assert (await source.poll(Ask(service_queries(visible=[])))).cost.queries == 0
    again = await source.poll(Ask(service_queries()))
    assert again.histograms("duration").presence is Presence.PRESENT
    assert set(again.tables) == set(tick.tables) | {"duration", "entered_duration"}


async def test_time_may_jump_either_way() -> None:
    clock = Clock()
    source = DemoSource(clock=clock)
    ask = Ask((VERSIONS,))
    rates = []
    for at in (NOW, NOW + 86400, NOW - 3600, NOW - 3590, NOW - 3590.5):
        clock.at = at
        rates.append(total(await source.poll(ask), "versions"))
    assert min(rates) > 1


async def test_the_past_is_where_it_was() -> None:
    source = demo()
    frames = await source.past(Ask(history_queries()), NOW - 300, NOW + 60, 15)
    assert [f.at for f in frames] == [NOW - 300 + 15 * i for i in range(21)]
    rates = [total(f, "served") for f in frames]
    assert min(rates) > 50
    assert len(set(rates)) > 15
    then = await source.poll(Ask(history_queries(), at=NOW - 150))
    assert total(then, "served") == pytest.approx(rates[10], rel=0.1)


async def test_the_past_ends_where_memory_does() -> None:
    source = DemoSource(clock=Clock(), keep=120)
    frames = await source.past(Ask((VERSIONS,)), 0, NOW, 30)
    assert [f.at for f in frames] == [NOW - 120 + 30 * i for i in range(5)]
    assert await source.past(Ask((VERSIONS,)), NOW + 10, NOW + 20, 5) == []


async def test_its_own_cost_is_told_apart() -> None:
    ticks = count()
    source = DemoSource(clock=Clock(), cpu=lambda: float(next(ticks)))
    assert source.spent == 0
    frame = await source.poll(Ask((VERSIONS,)))
    spent = source.spent
    assert spent >= frame.cost.queries
    source.pages(NOW)
    assert source.spent == spent + 1


async def test_no_metric_is_absent_and_no_other_is_there() -> None:
    queries = (Query("none", "istio_no_such_metric", ()), VERSIONS)
    frame = await demo().poll(Ask(queries))
    assert frame.rates("none").presence is Presence.ABSENT
    assert frame.rates("versions").presence is Presence.PRESENT
    empty = await demo().poll(Ask(()))
    assert dict(empty.tables) == {}


async def test_buckets_hold_what_was_counted() -> None:
    where = (Match(labels.REPORTER, "=", "destination"), Match(labels.SERVICE, "=", "details"))
    queries = (
        Query("all", labels.REQUESTS, (), where),
        Query("spread", labels.DURATION, (), where, Kind.HISTOGRAM, scale=0.001),
        Query("mean", labels.DURATION + "_sum", (), where, scale=0.001),
    )
    frame = await demo().poll(Ask(queries))
    spread: Histogram = frame.histograms("spread").rows[()]
    requests = frame.rates("all").rows[()]
    assert spread.bounds[0] == 0.0005
    assert spread.counts[-1] == pytest.approx(requests, rel=0.02)
    mean = frame.rates("mean").rows[()] / requests
    assert quantile(0.25, spread) < mean < quantile(0.9, spread)


async def test_the_window_of_a_comparison_may_grow_for_as_long_as_it_is_watched() -> None:
    clock = Clock()
    source = DemoSource(1, 7, clock=clock)
    counted = 0.0
    for seconds in range(20, 260, 10):
        clock.at = NOW + seconds
        frame = await source.poll(Ask((VERSIONS,), window=float(seconds)))
        assert frame.window == pytest.approx(seconds)
        grown = total(frame, "versions") * frame.window
        assert grown > counted
        counted = grown
