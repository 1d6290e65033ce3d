"""The meter and what befalls proxies; what is asked of it, and why it has no answer."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from tui.model.frame import Ask, Histogram, Kind, Match, Presence, Query, Table
from tui.sources import track
from tui.sources.exposition import ExpositionError
from tui.sources.meter import PLANS, Meter

Counters = Mapping[str, float]
"""What one page has: series (its labels as text) to value."""

REQUESTS = Query("requests", "hits_total", ("svc",))
BORN = Query("born", "hits_total", ("svc",), kind=Kind.BORN)
LOAD = Query("load", "load", ("svc",), kind=Kind.GAUGE)


def page(counters: Counters, gauges: Counters | None = None) -> bytes:
    lines = ["# TYPE hits_total counter"]
    lines += [f"hits_total{{{labels}}} {value}" for labels, value in counters.items()]
    lines += ["# TYPE load gauge"]
    lines += [f"load{{{labels}}} {value}" for labels, value in (gauges or {}).items()]
    return ("\n".join(lines) + "\n").encode()


def other(value: float) -> bytes:
    return f'# TYPE misses_total counter\nmisses_total{{svc="a"}} {value}\n'.encode()


def one(meter: Meter, query: Query, window: float, at: float) -> Table[float]:
    return meter.answer(Ask((query,), window), at)[query.table]


def meter_for(*queries: Query, keep: float = 900.0) -> Meter:
    meter = Meter(keep)
    meter.want(queries)
    return meter


def test_the_first_page_is_a_baseline_and_births_are_increases() -> None:
    meter = meter_for(REQUESTS)
    meter.feed("p", page({'svc="a"': 1000}), 0)
    table = one(meter, REQUESTS, 60, 0)
    assert (table.presence, table.reason) == (Presence.NO_RATE, "needs a second scrape")
    assert not table.rows
    meter.feed("p", page({'svc="a"': 1010, 'svc="b"': 5}), 5)
    assert one(meter, REQUESTS, 60, 5).rows == {("a",): 2.0, ("b",): 1.0}
    assert meter.covered(60, 5) == 5


def test_several_metrics_of_one_query_are_told_apart_by_their_names() -> None:
    both = Query("both", "hits_total", ("stat", "svc"), also=("misses_total",))
    meter = meter_for(both)
    for at, hits, misses in ((0, 10, 5), (5, 20, 6)):
        meter.feed("p", page({'svc="a"': hits}) + other(misses), at)
    assert one(meter, both, 5, 5).rows == {
        ("hits_total", "a"): 2.0, ("misses_total", "a"): 0.2,
    }  # fmt: skip


def test_a_query_of_several_metrics_has_rates_from_when_all_of_them_were_kept() -> None:
    both = Query("both", "hits_total", ("stat", "svc"), also=("misses_total",))
    meter = meter_for(REQUESTS)
    meter.feed("p", page({'svc="a"': 10}), 0)
    meter.want((both,))
    meter.feed("p", page({'svc="a"': 20}) + other(6), 5)
    assert one(meter, both, 60, 5).presence is Presence.NO_RATE
    meter.feed("p", page({'svc="a"': 30}) + other(6), 10)
    assert one(meter, both, 60, 10).rows == {
        ("hits_total", "a"): 2.0, ("misses_total", "a"): 0.0,
    }  # fmt: skip


def test_a_restart_counts_from_zero() -> None:
    meter = meter_for(REQUESTS, LOAD)
    for at, value in ((0, 100), (5, 150), (10, 20), (15, 30)):
        meter.feed("p", page({'svc="a"': value}, {'svc="a"': value}), at)
    assert one(meter, REQUESTS, 15, 15).rows == {("a",): (50 + 20 + 10) / 15}
    assert one(meter, LOAD, 15, 15).rows == {("a",): 30}
    assert one(meter, LOAD, 15, 7).rows == {("a",): 150}


def test_a_restarted_proxy_that_shows_nothing_yet_is_no_negative_rate() -> None:
    meter = meter_for(REQUESTS)
    for at, counters in ((0, {'svc="a"': 90}), (5, {}), (10, {'svc="a"': 10})):
        meter.feed("p", page(counters), at)
    assert one(meter, REQUESTS, 10, 10).rows == {("a",): 1.0}


def test_a_metric_that_is_wanted_later_starts_with_a_baseline() -> None:
    meter = meter_for(REQUESTS)
    other = Query("other", "load", ("svc",))
    body = b"# TYPE hits_total counter\nhits_total 1\n# TYPE load counter\nload %d\n"
    meter.feed("p", body % 1000, 0)
    meter.want([other])
    meter.feed("p", body % 1100, 5)
    assert one(meter, other, 60, 5).presence is Presence.NO_RATE
    meter.feed("p", body % 1200, 10)
    assert one(meter, other, 60, 10).rows == {("",): 20.0}


def test_a_page_that_was_asked_for_less_does_not_make_births() -> None:
    meter = meter_for(REQUESTS)
    names = meter.names
    other = Query("other", "load", (), kind=Kind.RATE)
    meter.want([other])
    meter.feed("p", page({'svc="a"': 1}), 0, names=names)
    meter.feed("p", page({'svc="a"': 1}, {"": 5000}), 5)
    meter.feed("p", page({'svc="a"': 1}, {"": 5000}), 10)
    assert one(meter, other, 60, 10).rows == {(): 0.0}


def test_a_target_that_stays_silent_is_stale_and_not_its_old_rate() -> None:
    meter = meter_for(REQUESTS, LOAD)
    for i in range(5):
        for name in "pq":
            if name == "p" or i < 3:
                meter.feed(name, page({f'svc="{name}"': i * 10}, {f'svc="{name}"': 1}), i * 5)
    meter.failed("q", 15)
    assert one(meter, REQUESTS, 60, 20).rows == {("p",): 2.0, ("q",): 2.0}
    assert one(meter, LOAD, 60, 20).rows == {("p",): 1.0}
    assert one(meter, LOAD, 60, 12).rows == {("p",): 1.0, ("q",): 1.0}
    meter.feed("p", page({'svc="p"': 50}), 25)
    assert one(meter, REQUESTS, 60, 25).rows == {("p",): 2.0}
    assert one(meter, REQUESTS, 60, 99).presence is Presence.NO_RATE


def test_a_rate_does_not_reach_over_a_pause() -> None:
    meter = meter_for(REQUESTS)
    for at in (0, 5, 10, 15, 600):
        meter.feed("p", page({'svc="a"': at}), at)
    assert one(meter, REQUESTS, 60, 600).presence is Presence.NO_RATE
    assert meter.covered(60, 600) == 0
    meter.feed("p", page({'svc="a"': 610}), 605)
    assert one(meter, REQUESTS, 60, 605).rows == {("a",): 2.0}


def test_what_is_forgotten_is_gone_and_may_return_as_new() -> None:
    meter = meter_for(REQUESTS)
    for at in (0, 5):
        meter.feed("p", page({'svc="a"': 100 + at}), at)
    assert one(meter, REQUESTS, 60, 5).rows
    meter.forget("p")
    meter.forget("nobody")
    assert one(meter, REQUESTS, 60, 5).presence is Presence.NO_RATE
    meter.feed("p", page({'svc="a"': 9000}), 10)
    meter.feed("p", page({'svc="a"': 9005}), 15)
    assert one(meter, REQUESTS, 60, 15).rows == {("a",): 1.0}


def test_a_target_that_only_fails_is_forgotten_after_a_while() -> None:
    meter = meter_for(REQUESTS, keep=60)
    for at in (0, 5):
        meter.feed("p", page({'svc="a"': at}), at)
    meter.failed("p", 100)
    assert not meter._tracks


def test_a_clock_that_goes_back_starts_the_history_again() -> None:
    meter = meter_for(REQUESTS)
    for at, value in ((100, 1), (105, 6), (50, 7), (50, 999), (55, 17)):
        meter.feed("p", page({'svc="a"': value}), at)
    assert one(meter, REQUESTS, 60, 55).rows == {("a",): 2.0}


def test_rubbish_changes_nothing() -> None:
    meter = meter_for(REQUESTS)
    for at in (0, 5):
        meter.feed("p", page({'svc="a"': at}), at)
    before = one(meter, REQUESTS, 60, 5).rows
    for name in ("p", "q"):
        with pytest.raises(ExpositionError):
            meter.feed(name, b"<html>", 10)
    assert one(meter, REQUESTS, 60, 5).rows == before
    assert list(meter._tracks) == ["p"]


def test_a_counter_that_is_no_number_for_once_loses_nothing() -> None:
    meter = meter_for(REQUESTS)
    for at, value in ((0, "10"), (5, "NaN"), (10, "+Inf"), (15, "40")):
        meter.feed("p", b"# TYPE hits_total counter\nhits_total %s\n" % value.encode(), at)
    assert one(meter, REQUESTS, 15, 15).rows == {("",): 2.0}


def test_a_gauge_may_be_nan() -> None:
    meter = meter_for(LOAD)
    meter.feed("p", b"# TYPE load gauge\nload NaN\n", 0)
    assert math.isnan(one(meter, LOAD, 60, 0).rows[("",)])


# --- what is asked ------------------------------------------------------------------------------


def test_matchers_labels_of_the_target_and_scale() -> None:
    query = Query(
        "t",
        "hits_total",
        ("pod", "svc"),
        (Match("reporter", "=~", "destination|waypoint"), Match("gone", "=", "")),
        either=(
            (Match("code", "=~", "5.."),),
            (Match("flags", "!=", "-"), Match("code", "=", "0")),
        ),
        scale=0.5,
    )
    meter = meter_for(query)
    rows = {
        'reporter="destination",svc="a",code="503",flags="-"': 1,
        'reporter="waypoint",svc="a",code="0",flags="DC"': 2,
        'reporter="waypoint",svc="a",code="0",flags="-"': 4,
        'reporter="source",svc="a",code="503",flags="-"': 8,
        'reporter="destination",svc="a",code="500",gone="no"': 16,
        'reporter="destination",svc="a",code="500",pod="own"': 32,
    }
    for pod in ("x", "y"):
        meter.feed(pod, page({}), 0, labels={"pod": pod})
        meter.feed(pod, page(rows), 5, labels={"pod": pod})
    expected = {("x", "a"): 0.3, ("y", "a"): 0.3, ("own", "a"): 6.4}
    assert one(meter, query, 60, 5).rows == pytest.approx(expected)
    meter.feed("y", page(rows), 10, labels={"pod": "z"})
    assert ("z", "a") in one(meter, query, 60, 10).rows


def histogram(scale: int, bounds: tuple[str, ...] = ("1", "0.5", "+Inf")) -> bytes:
    lines = ["# TYPE ms histogram"]
    lines += [f'ms_bucket{{svc="a",le="{x}"}} {scale * (i + 1)}' for i, x in enumerate(bounds)]
    return ("\n".join([*lines, f'ms_sum{{svc="a"}} {scale}']) + "\n").encode()


def test_buckets_are_put_together_and_scaled() -> None:
    query = Query("ms", "ms", ("svc",), kind=Kind.HISTOGRAM, scale=0.001)
    meter = meter_for(query)
    for name in ("p", "q"):
        meter.feed(name, histogram(1), 0)
        meter.feed(name, histogram(11), 5)
    meter.feed("r", histogram(0, ("2", "x", "NaN")), 0)
    meter.feed("r", histogram(5, ("2", "x", "NaN")), 5)
    table: Table[Histogram] = meter.answer(Ask((query,), 60), 5)["ms"]
    bounds = (0.0005, 0.001, 0.002, math.inf)
    assert table.rows == {("a",): Histogram(bounds, (8.0, 4.0, 1.0, 12.0))}


def test_le_may_be_asked_for_like_any_label() -> None:
    query = Query("n", "ms_bucket", ("svc", "le"), (Match("le", "!=", "1"),))
    meter = meter_for(query)
    meter.feed("p", histogram(0), 0)
    meter.feed("p", histogram(5), 5)
    assert one(meter, query, 60, 5).rows == {("a", "0.5"): 2.0, ("a", "+Inf"): 3.0}


def test_why_a_table_is_empty() -> None:
    nowhere = REQUESTS.narrowed(Match("svc", "=", "z"))
    unknown = Query("u", "nothing_total", ())
    meter = meter_for(REQUESTS, BORN, LOAD, unknown)
    assert one(meter, REQUESTS, 60, 0).reason == "no fresh scrape"
    for at in (0, 5):
        meter.feed("p", page({'svc="a"': 7}), at)
    assert one(meter, nowhere, 60, 5).presence is Presence.ABSENT
    assert one(meter, unknown, 60, 5).presence is Presence.ABSENT
    assert one(meter, LOAD, 60, 5).presence is Presence.ABSENT
    assert one(meter, BORN, 60, 5).presence is Presence.PRESENT
    assert not one(meter, BORN, 60, 5).rows
    assert one(meter, REQUESTS, 60, 5).rows == {("a",): 0.0}
    never = Query("never", "asked_total", ())
    assert one(meter, never, 60, 5).presence is Presence.NO_RATE


def test_the_past_is_answered_from_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "OPEN", 20.0)
    meter = meter_for(REQUESTS, keep=300)
    total = 0
    for i in range(200):
        total += i
        meter.feed("p", page({'svc="a"': total}), i * 5)
    scrapes = meter._tracks["p"].scrapes
    assert scrapes[0].at == 199 * 5 - 300
    assert [isinstance(x.totals, bytes) for x in scrapes].count(False) == 5
    for i in (150, 170, 199):
        assert one(meter, REQUESTS, 5, i * 5 + 1).rows == {("a",): i / 5}
    assert one(meter, REQUESTS, 5, 100).presence is Presence.NO_RATE


def test_plans_that_nobody_asks_for_any_more_go() -> None:
    meter = meter_for(REQUESTS)
    for i in range(3 * PLANS):
        one(meter, REQUESTS.narrowed(Match("svc", "=", str(i))), 60, 0)
    assert len(meter._plans) == PLANS


def test_a_plan_is_kept_even_if_nothing_matches() -> None:
    nowhere = REQUESTS.narrowed(Match("svc", "=", "z"))
    meter = meter_for(nowhere)
    meter.feed("p", page({'svc="a"': 7}), 0)
    one(meter, nowhere, 60, 0)
    plan = meter._plans[nowhere]
    one(meter, nowhere, 60, 0)
    assert meter._plans[nowhere] is plan


def test_series_that_come_and_go_for_ever_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "CHURN", 10)
    meter = meter_for(REQUESTS)
    for i in range(100):
        meter.feed("p", page({f'svc="{i}",n="{j}"': 1 for j in range(5)}), i * 5)
        one(meter, REQUESTS, 60, i * 5)
        assert len(meter._tracks["p"].page.stems) <= 60


def test_the_interval_is_the_usual_one() -> None:
    meter = meter_for(REQUESTS)
    assert meter.interval is None
    for at in (0, 5, 10, 40, 45, 50, 55):
        meter.feed("p", page({'svc="a"': at}), at)
    assert meter.interval == 5
