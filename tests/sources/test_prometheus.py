"""Frames: one instant, tables and why they are empty, warnings, cost, and the past."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate

import pytest

from tests.sources.server import Request, Server, answer, matrix, serving, vector
from tui.model.frame import Ask, Frame, Histogram, Kind, Match, Presence, Query
from tui.sources.base import Reason, Source, SourceError
from tui.sources.prometheus import Endpoint, PrometheusSource

REQUESTS = Query("requests", "istio_requests_total", ("a", "b"))
LATENCY = Query("latency", "istio_ms", ("a",), kind=Kind.HISTOGRAM, scale=0.001)
UP = Query("up", "istio_up", ("a",), kind=Kind.GAUGE)
BORN = Query("born", "istio_requests_total", ("a",), kind=Kind.BORN)
NOW = 1_800_000_000.0
EMPTY = vector()


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def prometheus(
    handler: Callable[[Request], bytes], clock: Clock | None = None
) -> AsyncIterator[tuple[PrometheusSource, Server]]:
    async with serving(handler) as server:
        source = PrometheusSource(Endpoint(server.url), clock=clock or Clock())
        try:
            yield source, server
        finally:
            await source.close()


async def frame(body: str, *queries: Query) -> Frame:
    """The frame of a server that answers everything with this body."""
    async with prometheus(lambda _: answer(body)) as (source, _):
        return await source.poll(Ask(queries))


async def test_a_frame_says_when_how_long_and_from_where() -> None:
    body = vector(({"a": "x", "b": "y", "c": "z"}, "1.5"), ({"b": "y"}, "0"))
    async with prometheus(lambda _: answer(body)) as (source, server):
        kept: Source = source
        found = await kept.poll(Ask((REQUESTS,), window=30.0))
    assert found.rates("requests").rows == {("x", "y"): 1.5, ("", "y"): 0.0}
    assert found.rates("requests").by == ("a", "b")
    assert (found.at, found.window, found.source) == (NOW, 30.0, f"prometheus {server.url}")
    assert found.warnings == ()
    assert (found.cost.queries, found.cost.bytes) == (1, len(body))
    assert found.cost.seconds > 0
    assert server.asked()[0].form["time"] == f"{NOW:.3f}"


async def test_labels_with_odd_names_and_hostile_values_come_through() -> None:
    name = '"\\\n\x1b[31m\u202e' + "x" * 10_000
    query = Query("requests", "istio_requests_total", ("class", "rename", "__x"))
    found = await frame(vector(({"class": name, "rename": "żółć"}, "1")), query)
    assert found.rates("requests").rows == {(name, "żółć", ""): 1.0}


async def test_numbers_that_are_none_are_left_out() -> None:
    body = vector(*(({"a": text}, text) for text in ("NaN", "+Inf", "-Inf", "1e3", "0.25")))
    rates = (await frame(body, Query("requests", "istio_requests_total", ("a",)))).rates("requests")
    assert rates.rows == {("1e3",): 1000.0, ("0.25",): 0.25}
    gauges = (await frame(body, UP)).rates("up")
    assert gauges.rows[("+Inf",)] == math.inf
    assert len(gauges) == 4


async def test_only_nan_is_a_metric_without_a_rate() -> None:
    async with prometheus(lambda _: answer(vector(({"a": "x"}, "NaN")))) as (source, server):
        table = (await source.poll(Ask((REQUESTS,)))).rates("requests")
    assert (table.presence, len(server.asked())) == (Presence.NO_RATE, 1)


async def test_buckets_become_histograms_in_seconds() -> None:
    body = vector(
        *(
            ({"a": a, "le": le}, count)
            for a, le, count in [
                ("x", "+Inf", "9"), ("x", "1", "1"), ("x", "1.0", "2"), ("x", "500", "8"),
                ("x", "0.5", "0"), ("y", "100", "NaN"), ("y", "200", "4"), ("z", "", "4"),
                ("z", "rubbish", "4"), ("z", "NaN", "4"),
            ]
        )
    )  # fmt: skip
    rows = (await frame(body, LATENCY)).histograms("latency").rows
    assert rows == {
        ("x",): Histogram((0.0005, 0.001, 0.5, math.inf), (0.0, 3.0, 8.0, 9.0)),
        ("y",): Histogram((0.2,), (4.0,)),
    }


async def test_native_histograms_are_passed_over() -> None:
    native = {"metric": {"a": "x"}, "histogram": [1.5, {"count": "4", "sum": "2"}]}
    classic = {"metric": {"a": "y"}, "value": [1.5, "4"]}
    body = json.dumps(
        {"status": "success", "data": {"resultType": "vector", "result": [native, classic]}}
    )
    found = await frame(body, Query("requests", "istio_requests_total", ("a",)))
    assert found.rates("requests").rows == {("y",): 4.0}


async def test_a_result_that_is_null_is_empty() -> None:
    body = '{"status": "success", "data": {"resultType": "vector", "result": null}}'
    assert len((await frame(body, UP)).rates("up")) == 0


async def test_warnings_of_the_server_reach_the_frame_once_and_harmlessly() -> None:
    warnings = ["store \x1b[31m is\naway", "PromQL info: not a counter", *map(str, range(20))]
    body = vector(({"a": "x"}, "1"), warnings=warnings, infos=["PromQL info: something"])
    found = (await frame(body, REQUESTS, UP)).warnings
    assert found[0] == "Prometheus warns: store �[31m is away"
    assert found[1] == "Prometheus warns: 0"
    assert len(found) == 5


async def test_what_fails_alone_fails_its_own_table() -> None:
    def handler(request: Request) -> bytes:
        if "istio_ms" in request.query:
            return answer('{"status":"error","errorType":"x","error":"too many samples"}', 422)
        return answer(vector(({"a": "x"}, "1")))

    bad = Query("bad", "no metric", ())
    async with prometheus(handler) as (source, _):
        found = await source.poll(Ask((REQUESTS, LATENCY, bad)))
    assert len(found.rates("requests")) == 1
    table = found.histograms("latency")
    assert table.presence is Presence.FAILED
    assert "too many samples" in table.reason
    assert found.rates("bad").presence is Presence.FAILED
    assert [warning.split(":")[0] for warning in found.warnings] == [
        "No data for latency", "No data for bad",
    ]  # fmt: skip


async def test_when_all_fails_the_most_telling_reason_is_given() -> None:
    def handler(request: Request) -> bytes:
        return answer("", 401 if "istio_ms" in request.query else 500)

    async with prometheus(handler) as (source, _):
        with pytest.raises(SourceError) as caught:
            await source.poll(Ask((REQUESTS, LATENCY, UP)))
    assert caught.value.reason is Reason.UNAUTHORIZED


async def test_never_more_than_six_at_once_nor_twelve_in_all() -> None:
    under_way, most = 0, 0

    async def slow(request: Request) -> AsyncIterator[bytes]:
        nonlocal under_way, most
        counted = "istio_" in request.query
        under_way += counted
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= counted
        yield answer(EMPTY)

    queries = tuple(Query(f"t{n}", f"istio_{n}", ()) for n in range(14))
    async with serving(slow) as server:
        source = PrometheusSource(Endpoint(server.url), clock=Clock())
        found = await source.poll(Ask(queries))
        await source.close()
    assert (len(server.asked()), most) == (12, 6)
    assert found.cost.queries == 12
    assert [table.presence for table in found.tables.values()] == (
        [Presence.NO_RATE] * 12 + [Presence.FAILED] * 2
    )
    assert "did not ask which" in found.rates("t0").reason
    assert "No data for t12, t13" in found.warnings[0]


async def test_an_empty_table_says_why_it_is_empty() -> None:
    def handler(request: Request) -> bytes:
        exists = request.query.startswith("count(") and "istio_requests" in request.query
        return answer(vector(({}, "3")) if exists else EMPTY)

    clock = Clock()
    twin = Query("twin", "istio_requests_total", ("c",))
    third = Query("third", "istio_requests_total", (), (Match("a", "=", "x"),))
    async with prometheus(handler, clock) as (source, server):
        found = await source.poll(Ask((REQUESTS, LATENCY, UP, BORN, twin, third)))
        probes = [request.query for request in server.asked("count(istio")]
        again = await source.poll(Ask((REQUESTS, LATENCY)))
        assert len(server.asked("count(istio")) == 2, "remembered"
        clock.now += 61
        await source.poll(Ask((REQUESTS, LATENCY)))
        assert len(server.asked("count(istio")) == 4, "asked again after a minute"
    presence = {name: table.presence for name, table in found.tables.items()}
    assert presence == {
        "requests": Presence.NO_RATE, "latency": Presence.ABSENT, "up": Presence.ABSENT,
        "born": Presence.PRESENT, "twin": Presence.NO_RATE, "third": Presence.NO_RATE,
    }  # fmt: skip
    assert sorted(probes) == ['count(istio_ms_bucket{le="+Inf"})', "count(istio_requests_total)"]
    assert "did not ask which" in found.rates("third").reason
    assert "did not ask which" not in found.rates("requests").reason
    assert (found.cost.queries, again.cost.queries) == (8, 2)


async def test_what_a_full_refresh_could_not_find_out_the_next_one_does() -> None:
    def handler(request: Request) -> bytes:
        found = "istio_0" in request.query or request.query == "count(istio_1)"
        return answer(vector(({}, "3")) if found else EMPTY)

    queries = tuple(Query(f"t{n}", f"istio_{n % 3}", (f"by{n}",)) for n in range(12))
    async with prometheus(handler) as (source, _):
        first = await source.poll(Ask(queries))
        second = await source.poll(Ask(queries))
        third = await source.poll(Ask(queries))
    presence = [
        [found.rates(name).presence for name in ("t0", "t1", "t2")]
        for found in (first, second, third)
    ]
    assert presence == [
        [Presence.PRESENT, Presence.NO_RATE, Presence.NO_RATE],
        [Presence.PRESENT, Presence.NO_RATE, Presence.ABSENT],
        [Presence.PRESENT, Presence.NO_RATE, Presence.ABSENT],
    ]
    assert "did not ask which" in first.rates("t2").reason
    assert "did not ask which" not in second.rates("t1").reason
    assert max(found.cost.queries for found in (first, second, third)) == 12


def dated(ahead: float) -> Callable[[Request], bytes]:
    """Answers of a server whose clock is this far ahead of the test's."""
    date = {"Date": formatdate(NOW + ahead, usegmt=True)}
    return lambda _: answer(vector(({"a": "x"}, "1")), headers=date)


@pytest.mark.parametrize(
    ("ahead", "asked", "warned"),
    [
        (0.0, [0.0, 0.0], ""),
        (-1.0, [0.0, 0.0], ""),
        (20.0, [0.0, 20.5, 20.5], ""),
        (90.0, [0.0, 90.5, 90.5], "90 s behind"),
        (-90.0, [0.0, -89.5, -89.5], "90 s ahead of"),
    ],
)
async def test_the_present_is_the_servers(ahead: float, asked: list[float], warned: str) -> None:
    async with prometheus(dated(ahead)) as (source, server):
        await source.poll(Ask((REQUESTS,)))
        found = await source.poll(Ask((REQUESTS,)))
        past = await source.poll(Ask((REQUESTS,), at=5.0))
    times = [float(request.form["time"]) - NOW for request in server.asked()[:-1]]
    assert times == asked
    assert (found.at - NOW, past.at) == (asked[-1], 5.0)
    assert any(warned in warning for warning in found.warnings) == bool(warned)


async def test_the_past_is_asked_at_whole_steps_and_told_oldest_first() -> None:
    def handler(request: Request) -> bytes:
        if "istio_ms" in request.query:
            return answer(matrix(({"a": "x", "le": "+Inf"}, [(20, "4"), (30, "NaN")])))
        if "istio_up" in request.query:
            return answer("", 500)
        return answer(matrix(({"a": "x", "b": "y"}, [(10, "1"), (20, "2")]), ({}, [(10, "3")])))

    async with prometheus(handler) as (source, server):
        frames = await source.past(Ask((REQUESTS, LATENCY, UP, BORN)), 1.0, 39.9, 10.0)
        assert await source.past(Ask((REQUESTS,)), 11.0, 19.0, 10.0) == []
        with pytest.raises(SourceError, match="step"):
            await source.past(Ask((REQUESTS,)), 0.0, 1.0, 0.0)
    assert [found.at for found in frames] == [10.0, 20.0]
    assert frames[0].rates("requests").rows == {("x", "y"): 1.0, ("", ""): 3.0}
    assert frames[0].histograms("latency").presence is Presence.NO_RATE
    assert frames[1].histograms("latency").rows == {("x",): Histogram((math.inf,), (4.0,))}
    assert {found.rates("up").presence for found in frames} == {Presence.FAILED}
    assert [found.cost.queries for found in frames] == [0, 4]
    asked = server.asked()[0]
    assert asked.path == "/api/v1/query_range"
    assert [asked.form[x] for x in ("start", "end", "step")] == ["10.000", "30.000", "10.000"]


async def test_of_too_long_a_past_the_newest_points_are_asked_for() -> None:
    async with prometheus(lambda _: answer(matrix())) as (source, server):
        assert await source.past(Ask((REQUESTS,)), 0.0, 1e6, 1.0) == []
    form = server.asked()[0].form
    assert (form["start"], form["end"]) == ("989001.000", "1000000.000")
