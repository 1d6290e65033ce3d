"""Every number of `istiotop services -o json` is Prometheus' own answer to PromQL written by hand.

The mesh is in trouble of every kind that it has, and is then looked at as of one past instant: by
the Prometheus of the mesh, by others on the same proxies that lack labels, buckets or the servers'
reports, and by one of a mesh of hostile names. `tests.oracle` holds the PromQL.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests import headless, prometheus
from tests.exporter import exporting
from tests.mesh.running import Mesh, eventually
from tests.oracle import LIMIT, SHARES, Json, Oracle, equal, same
from tests.trouble import THIN, cause_trouble, hostile_page, scraping
from tui.model.frame import Ask
from tui.model.mesh import services, unserved
from tui.model.questions import service_queries
from tui.sources.prometheus import Endpoint, PrometheusSource
from tui.view.services import COLUMNS, Line

pytestmark = [pytest.mark.real, prometheus.needs_prometheus]

EVERYWHERE: Final = ("whole", *THIN, "hostile")


class Past:
    """An instant that no Prometheus will learn anything more about, and their URLs by name."""

    def __init__(self, http: httpx.Client, urls: dict[str, str], at: float) -> None:
        self.http = http
        self.urls = urls
        self.at = at

    def oracle(self, name: str = "whole", **how: Any) -> Oracle:
        return Oracle(self.http, self.urls[name], self.at, **how)

    def arguments(self, name: str) -> tuple[str, ...]:
        return ("--prometheus", self.urls[name], "--at", f"{self.at:.3f}")

    def rows(self, *arguments: str, name: str = "whole") -> list[Json]:
        """What the program says of this instant."""
        home = headless.alone(Path("/nowhere"))
        answer = headless.services(*self.arguments(name), *arguments, environment=home)
        assert datetime.fromisoformat(answer["at"]).timestamp() == self.at
        assert answer["warnings"] == []
        found: list[Json] = answer["rows"]
        return found


@pytest.fixture(scope="module")
def past(_running_mesh: Mesh) -> Iterator[Past]:
    mesh = _running_mesh
    with ExitStack() as stack:
        configs = {name: scraping(*mesh.envoys, keep=keep) for name, keep in THIN.items()}
        configs["hostile"] = scraping(stack.enter_context(exporting(hostile_page)))
        urls = {
            name: stack.enter_context(prometheus.running(config))
            for name, config in configs.items()
        }
        urls["whole"] = mesh.prometheus
        http = stack.enter_context(httpx.Client(timeout=LIMIT, trust_env=False))
        try:
            cause_trouble(mesh, [Oracle(http, urls[name], 0.0) for name in ("whole", *THIN)])
            enough = "count_over_time(up[1m]) > 7"
            hostile = Oracle(http, urls["hostile"], time.time() + 30)
            eventually(lambda: bool(hostile.ask(enough)), "names older than the shortest window")
            at = round(time.time(), 3)
            later = [Oracle(http, url, at + 60) for url in urls.values()]
            passed = f"min(timestamp(up)) > {at}"
            eventually(lambda: all(oracle.ask(passed) for oracle in later), "later scrapes")
        finally:
            mesh.mend()
        yield Past(http, urls, at)


@pytest.mark.parametrize("window", [60, 30, 7])
def test_every_number_of_every_row_is_prometheus_own(past: Past, window: int) -> None:
    same(past.rows("-w", f"{window}s"), past.oracle(window=window).rows())


def test_the_trouble_is_in_the_numbers(past: Past) -> None:
    rows = {row["service"]: row for row in past.rows()}
    assert rows["reviews"]["error_ratio"] > 0
    assert rows["ratings"]["unreached_per_second"] > 0
    assert rows["ratings"]["error_ratio"] > rows["reviews"]["error_ratio"]
    assert rows["promotions"]["error_ratio"] == 1
    assert rows["promotions"]["p99_seconds"] is not None
    assert rows["details"]["p99_seconds"] > 0.25
    assert 0 < rows["details"]["mtls_ratio"] < 1
    assert rows["istio-ingressgateway"]["no_response_per_second"] > 0
    assert rows["productpage"]["client_error_ratio"] > 0


@pytest.mark.parametrize("scope", ["default", "istio-system"])
def test_a_scope_has_the_rows_of_its_namespace_and_the_same_numbers(past: Past, scope: str) -> None:
    same(past.rows("-n", scope), past.oracle().rows(scope))


def test_without_a_services_name_its_host_tells_it(past: Past) -> None:
    rows = past.rows(name="nameless")
    same(rows, past.oracle("nameless", service="destination_service", namespace="").rows())
    assert {row["mtls_ratio"] for row in rows} == {None}


def test_without_buckets_there_are_means(past: Past) -> None:
    rows = past.rows(name="bucketless")
    same(rows, past.oracle("bucketless", buckets=False).rows())
    assert {row["p50_seconds"] for row in rows} == {None}
    known = {row["service"] for row in rows if row["mean_seconds"] is not None}
    assert {"productpage", "details", "reviews"} <= known


def test_without_servers_reports_there_are_their_clients(past: Past) -> None:
    same(past.rows(name="clients"), past.oracle("clients").rows())


@pytest.mark.parametrize(("window", "newborn"), [(60, "degraded"), (5, "healthy")])
def test_the_numbers_of_hostile_names_are_right(past: Past, window: int, newborn: str) -> None:
    rows = past.rows("-w", f"{window}s", name="hostile")
    same(rows, past.oracle("hostile", window=window).rows())
    level = {row["service"]: row["health"] for row in rows}
    assert (level.pop("newborn"), level.pop("asleep")) == (newborn, "idle")
    assert set(level.values()) == {"failing", "tcp"}


@pytest.mark.parametrize("form", ["json", "table", "wide", "csv", "md"])
def test_hostile_names_are_printed_harmlessly(past: Past, form: str) -> None:
    home = headless.alone(Path("/nowhere"))
    ran = headless.run("services", "-o", form, *past.arguments("hostile"), environment=home)
    assert (ran.returncode, ran.stderr) == (0, b"")
    text = ran.stdout.decode()
    harmful = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {c for c in text if unicodedata.category(c) in harmful} - {"\n"}
    assert "cm0gLXJm" in text, "what could have reached the clipboard is still shown"
    if form != "json":
        assert max(map(len, text.splitlines())) < 2000


async def lines(past: Past, name: str) -> list[Line]:
    """The services as they come from the source, each with the queries of its columns."""
    source = PrometheusSource(Endpoint(past.urls[name]))
    try:
        first = services(await source.poll(Ask(service_queries(), at=past.at)))
        asked = service_queries(unserved=unserved(first), means=name == "bucketless")
        return [Line(found) for found in services(await source.poll(Ask(asked, at=past.at)))]
    finally:
        await source.close()


@pytest.mark.parametrize("name", EVERYWHERE)
async def test_the_explained_query_of_each_cell_gives_its_value(past: Past, name: str) -> None:
    oracle = past.oracle(name)
    found = await lines(past, name)
    assert found
    for line in found:
        for column in COLUMNS:
            value = column.value(line)
            if column.promql is None or value is None or isinstance(value, list):
                continue
            if not line.service.handled and column.key in SHARES:
                continue
            query = column.promql(line)
            assert equal(oracle.number(query), value), f"{column.key}: {ascii(query)[:2000]}"
