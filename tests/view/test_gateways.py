"""The tables of gateways: hostile names are harmless, what is off is no zero, and a sentence says
why.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.model.envoys import OTHER, POD, cluster, entered, gateway_frame, listener, manager, stat
from tests.model.frames import Series
from tests.model.hostile import IDS, NAMES
from tui.model import gateway_stats as stats
from tui.model.frame import Frame, Presence, Table
from tui.model.gateway import Gateway
from tui.model.gateways import gateways
from tui.report import render
from tui.view import connections, pools, switches
from tui.view.gateways import COLUMNS, Part
from tui.view.table import Column

UP = stat("envoy_server_uptime", 90)
FULL = (
    entered(9), entered(1, response_code="503", response_flags="UO"), UP,
    *listener({"downstream_cx_total": 4, "downstream_cx_active": 120, "downstream_cx_destroy": 2,
               "downstream_cx_length_ms_sum": 6000, "downstream_cx_length_ms_count": 2,
               "ssl_fail_verify_san": 0.5, "downstream_cx_overflow": 0}),
    *manager({"downstream_cx_http2_active": 120, "downstream_cx_http2_total": 4,
              "downstream_cx_rx_bytes_total": 2000, "downstream_cx_ssl_total": 4}),
    *cluster({"upstream_rq_total": 10, "upstream_cx_active": 3,
              "circuit_breakers_default_rq_pending_open": 1, "membership_healthy": 1,
              "membership_total": 2, "upstream_rq_pending_overflow": 1}),
    entered(1, OTHER), *listener({"downstream_cx_active": 10}, OTHER),
    stat("istio_agent_cert_expiry_seconds", -5, OTHER, resource_name="default"),
)  # fmt: skip

Rows = tuple[Sequence[Column[Any]], Sequence[Any]]


def tables(found: Sequence[Gateway]) -> dict[str, Rows]:
    """Every table about these gateways."""
    return {
        "gateways": (COLUMNS, found),
        "connections": (connections.CONNECTION_COLUMNS, connections.connection_parts(found)),
        "members": (pools.MEMBER_COLUMNS, pools.member_parts(found)),
        "pools": (pools.POOL_COLUMNS, pools.pool_parts(found)),
        "groups": (switches.GROUP_COLUMNS, switches.group_parts(found)),
    }


def one(*series: Series) -> Gateway:
    (gateway,) = gateways(gateway_frame(*series))
    return gateway


def cells(table: Rows, row: int = 0) -> dict[str, str]:
    columns, items = table
    return {column.key: column.cell(items[row]).text for column in columns}


EVERY = [
    pytest.param(name, column, id=f"{name}-{column.key}")
    for name, (columns, _) in tables([]).items()
    for column in columns
]


@pytest.mark.parametrize(("table", "column"), EVERY)
@pytest.mark.parametrize("series", [FULL, (entered(0), UP), (UP,)], ids=["full", "thin", "bare"])
def test_every_cell_has_a_value_or_says_that_it_has_none(
    table: str, column: Column[Any], series: tuple[Series, ...]
) -> None:
    assert column.help.endswith(".")
    for item in tables([one(*series)])[table][1]:
        value, cell = column.value(item), column.cell(item)
        assert "nan" not in cell.text.lower()
        if isinstance(value, float) and value != 0:
            assert cell.text not in ("", "–", "0")
        if column.promql is not None:
            assert column.promql(item)


def test_keys_and_words_of_a_table_are_there_once() -> None:
    for columns, _ in tables([]).values():
        keys = [column.key for column in columns]
        words = [word for column in columns for word in column.words]
        assert len(set(keys)) == len(keys)
        assert len(set(words)) == len(words)


def test_a_gateway_reads_as_a_person_would_write_it() -> None:
    shown = cells(tables([one(*FULL)])["gateways"])
    assert shown["active_connections"] == "130"
    assert shown["opened_per_second"] == "4.00"
    assert shown["mean_age_seconds"] == "3.00s"
    assert shown["hot_spots"] == POD["pod"]
    assert shown["certificate_seconds"] == "expired"
    assert shown["received_bytes_per_second"] == "2.0kB"
    assert shown["error_ratio"] == "9.09%"
    assert shown["statistics_off"] == "0"


def test_a_listener_and_its_protocols_are_rows() -> None:
    table = tables([one(*FULL)])["connections"]
    assert cells(table)["listener"] == "0.0.0.0:8443"
    assert [cells(table, row)["protocol"] for row in range(len(table[1]))] == [
        "all", "HTTP/2", "TLS",
    ]  # fmt: skip
    assert cells(table)["handshake_failures_per_second"] == "0.50"
    assert cells(table, 1)["handshake_failures_per_second"] == "–"


def test_open_breakers_and_missing_endpoints_are_words_and_marks() -> None:
    shown = cells(tables([one(*FULL)])["pools"])
    assert shown["open_breakers"] == "■ rq_pending"
    assert shown["healthy_endpoints"] == "1/2"
    assert shown["health"] == "■ failing"
    assert (shown["upstream"], shown["subset"]) == ("reviews.default.svc.cluster.local", "v1")


def test_a_hot_replica_has_a_mark() -> None:
    table = tables([one(*FULL)])["members"]
    marks = {cells(table, row)["replica"]: cells(table, row)["hot"] for row in (0, 1)}
    assert marks == {POD["pod"]: "▲ hot", OTHER["pod"]: ""}


def test_a_thin_gateway_explains_what_is_off_and_gives_the_yaml_for_it() -> None:
    thin = one(entered(5), UP)
    assert "proxyStatsMatcher" in switches.why_no_connections(thin)
    assert "proxyStatsMatcher" in switches.why_no_pools(thin)
    assert switches.switch_on(thin) == stats.stats_matcher()
    table = tables([thin])["groups"]
    states = {cells(table, row)["group"]: cells(table, row)["state"] for row in range(8)}
    assert states["connections of listeners"] == "off"
    assert states["TLS handshakes"] == "silent"
    assert cells(tables([thin])["gateways"])["active_connections"] == "–"


def test_the_yaml_keeps_what_is_on_and_adds_what_is_off() -> None:
    part_on = one(entered(5), *listener({"downstream_cx_total": 1}), UP)
    text = switches.switch_on(part_on)
    assert all(regexp in text for regexp in (*stats.LISTENERS.regexps, *stats.HTTP.regexps))
    alone = switches.yaml(Part(part_on, stats.HTTP))
    assert alone == stats.stats_matcher((stats.LISTENERS, stats.HTTP))
    assert switches.yaml(Part(part_on, stats.LISTENERS)) == ""


def test_where_nothing_is_off_there_is_nothing_to_switch_on() -> None:
    full = one(*FULL)
    assert full.missing == ()
    assert switches.switch_on(full) == ""
    assert switches.why_no_connections(full) == switches.why_no_pools(full) == ""


def test_every_way_of_having_no_connections_has_its_own_sentence() -> None:
    empty = gateway_frame(entered(1), UP)
    failed = {**empty.tables, stats.LISTENER_RATES: Table((), {}, Presence.FAILED, "no")}
    (lost,) = gateways(Frame(empty.at, empty.window, "x", failed))
    sentences = {
        switches.why_no_connections(gateway)
        for gateway in (one(entered(1), UP), one(UP), one(entered(1)), lost)
    }
    assert len(sentences) == 4
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in sentences)


def test_every_way_of_having_no_gateway_has_its_own_sentence() -> None:
    empty = gateway_frame()

    def with_entering(table: Table[float]) -> Frame:
        return Frame(0, 60, "by hand", {**empty.tables, stats.ENTERING: table})

    sentences = {
        switches.why_empty(empty),
        switches.why_empty(empty, ["shop"]),
        switches.why_empty(empty, named=[("shop", "front\x1b[0m")]),
        switches.why_empty(with_entering(Table((), {}, Presence.FAILED, "it is down."))),
        switches.why_empty(with_entering(Table((), {}, Presence.NO_RATE, "needs a second scrape"))),
    }
    assert len(sentences) == 5
    assert all(sentence.isprintable() for sentence in sentences)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_hostile_names_are_harmless_in_every_format(name: str) -> None:
    pod = {"namespace": name, "pod": f"{name}-gateway-x2v4k", "instance": name}
    who = {"source_workload": f"{name}-gateway", "source_workload_namespace": name}
    series = (
        entered(1, pod | who, destination_service_name=name), stat("envoy_server_uptime", 1, pod),
        *listener({"downstream_cx_active": 1}, pod, at=name),
        *cluster({"upstream_cx_connect_fail": 1}, pod, name=f"outbound|{name}|{name}|{name}"),
    )  # fmt: skip
    frame = gateway_frame(*series)
    found = gateways(frame)
    for columns, items in tables(found).values():
        page = "".join(render(form, columns, items, frame) for form in ("table", "wide", "md"))
        assert all(character.isprintable() or character == "\n" for character in page)
        assert len(json.loads(render("json", columns, items, frame))["rows"]) == len(items)
    assert all(switches.why_no_pools(gateway).isprintable() for gateway in found)
