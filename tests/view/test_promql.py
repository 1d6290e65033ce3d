"""The PromQL that the explain key shows is what the number was made of."""

from __future__ import annotations

import pytest

from tests.model.frames import Series, frame, metric, requests
from tui.model.mesh import services
from tui.view.services import COLUMNS, Line
from tui.view.table import Column

OWN = (
    'reporter=~"destination|waypoint", destination_service_name="reviews", '
    'destination_service_namespace="default"'
)


def text(key: str, *series: Series) -> str:
    (service,) = services(frame(*series))
    column = next(column for column in COLUMNS if column.key == key)
    assert column.promql is not None
    return column.promql(Line(service))


def test_requests_are_the_servers_reports() -> None:
    query = text("requests_per_second", requests(1))
    assert query == f"sum(rate(istio_requests_total{{{OWN}}}[60s]))"


def test_errors_without_lost_requests_are_a_plain_ratio() -> None:
    query = text("error_ratio", requests(1))
    assert query == (
        f'(sum(rate(istio_requests_total{{{OWN}, response_code=~"5..|0"}}[60s])'
        f' or rate(istio_requests_total{{{OWN}, grpc_response_status=~"[1-9]|1[0-6]"}}[60s]))'
        " or vector(0))"
        f"\n/\nsum(rate(istio_requests_total{{{OWN}}}[60s]))"
    )


def test_lost_requests_are_in_both_parts_of_the_ratio() -> None:
    lost = requests(1, reporter="source", response_flags="UF", destination_workload="unknown")
    query = text("error_ratio", requests(1), lost)
    assert query.count('reporter="source"') == 2 * 3
    assert "vector(0)" in query


def test_bytes_are_summed_over_the_metrics_that_there_are() -> None:
    tcp = metric("istio_tcp_sent_bytes_total", 5)
    query = text("response_bytes_per_second", requests(1), tcp)
    assert query == f"sum(rate(istio_tcp_sent_bytes_total{{{OWN}}}[60s]))"
    http = metric("istio_request_bytes_sum", 5)
    assert text("bytes_per_second", requests(1), tcp, http) == (
        f"sum(rate(istio_request_bytes_sum{{{OWN}}}[60s]))\n"
        f"+ sum(rate(istio_tcp_sent_bytes_total{{{OWN}}}[60s]))"
    )


@pytest.mark.parametrize(
    ("absent", "matcher"),
    [
        ("destination_service_name", 'destination_service="reviews.default.svc.cluster.local"'),
        ("destination_service_namespace", 'destination_service_namespace=~"unknown|"'),
    ],
)
def test_a_label_that_is_not_there_is_not_asked_for(absent: str, matcher: str) -> None:
    assert matcher in text("requests_per_second", requests(1, **{absent: ""}))


def test_a_quantile_sums_buckets_before_it_reads_them() -> None:
    query = text("p99_seconds", requests(1))
    assert query == (
        "histogram_quantile(0.99,\n  sum by (le) (rate(istio_request_duration_milliseconds_bucket"
        f"{{{OWN}}}[60s]))\n) / 1000"
    )


def test_a_gateway_is_asked_by_its_workload_as_a_client() -> None:
    gateway = requests(
        1, reporter="source", source_workload="istio-ingressgateway",
        source_workload_namespace="istio-system",
    )  # fmt: skip
    found = {s.key.kind: s for s in services(frame(gateway))}
    column = next(column for column in COLUMNS if column.key == "requests_per_second")
    assert column.promql is not None
    assert 'source_workload="istio-ingressgateway"' in column.promql(Line(found["gateway"]))


def test_a_name_cannot_break_out_of_the_query() -> None:
    query = text("requests_per_second", requests(1, destination_service_name='x"} or up{a="'))
    assert r'destination_service_name="x\"} or up{a=\""' in query


@pytest.mark.parametrize("column", [c for c in COLUMNS if c.promql], ids=lambda c: c.key)
def test_every_explained_cell_has_a_query(column: Column[Line]) -> None:
    query = text(column.key, requests(1), metric("istio_request_bytes_sum", 1))
    assert "istio_" in query
    assert query.count("(") == query.count(")")
