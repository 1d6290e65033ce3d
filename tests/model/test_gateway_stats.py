"""Questions about gateways are few and narrow, and what switches statistics on fits them all."""

from __future__ import annotations

import re

import pytest

from tests.model.envoys import OTHER, POD
from tui.model import gateway_stats as stats
from tui.model.frame import Match
from tui.model.gateway_stats import GROUPS, Replica, gateway_queries, stats_matcher


def test_at_most_twelve_queries_are_asked_however_they_are_narrowed() -> None:
    one_replica = [Replica(**POD)]
    for asked in (
        gateway_queries(),
        gateway_queries(["a", "b"], [("a", "gw")], one_replica),
    ):
        assert len(asked) <= 12
        assert len({query.table for query in asked}) == len(asked)
    assert len(gateway_queries(pools=False)) == 10


def test_only_known_replicas_are_asked_for_what_costs_most() -> None:
    narrowed = {q.table: q for q in gateway_queries(replicas=[Replica(**POD), Replica(**OTHER)])}
    instances = Match.any_of("instance", (POD["instance"], OTHER["instance"]))
    for table in (stats.LISTENER_RATES, stats.HTTP_RATES, stats.CONNECTIONS, stats.POOL_GAUGES):
        assert instances in narrowed[table].where
    assert instances not in narrowed[stats.SERVERS].where
    bare = {q.table: q for q in gateway_queries(replicas=[Replica("a", "p", "")])}
    assert Match("pod", "=", "p") in bare[stats.POOL_RATES].where


@pytest.mark.parametrize(
    ("pod", "named", "wanted"),
    [
        ("istio-ingressgateway-7c6f9b8d5-x2v4k", "", True),
        ("shop-istio-7c6f9b8d5-x2v4k", "", True),
        ("", "", True),
        ("reviews-v1-7c6f9b8d5-x2v4k", "", False),
        ("front.door-7c6f9b8d5-x2v4k", "front.door", True),
        ("frontxdoor-7c6f9b8d5-x2v4k", "front.door", False),
        ("istio-ingressgateway-7c6f9b8d5-x2v4k", "front.door", False),
    ],
)
def test_pods_that_may_be_a_gateways_are_asked(pod: str, named: str, wanted: bool) -> None:
    names = [("edge", named)] if named else []
    (servers,) = (q for q in gateway_queries(named=names) if q.table == stats.SERVERS)
    assert all(match.accepts(pod) for match in servers.where if match.label == "pod") is wanted


def raw(name: str) -> str:
    """Envoy's own name of a statistic, from its name in Prometheus."""
    ends = (
        ("envoy_listener_ssl_", "listener.0.0.0.0_8443.ssl."),
        ("envoy_listener_", "listener.0.0.0.0_8443."),
        ("envoy_http_", "http.outbound_0.0.0.0_8443;."),
        ("envoy_cluster_outlier_detection_", "cluster.outbound|80||a.b;.outlier_detection."),
        ("envoy_cluster_circuit_breakers_default_",
         "cluster.outbound|80||a.b;.circuit_breakers.default."),
        ("envoy_cluster_circuit_breakers_high_",
         "cluster.outbound|80||a.b;.circuit_breakers.high."),
        ("envoy_cluster_", "cluster.outbound|80||a.b;."),
    )  # fmt: skip
    old, new = next(pair for pair in ends if name.startswith(pair[0]))
    own = new + name.removeprefix(old).removesuffix("_ms_sum").removesuffix("_ms_count")
    return own + "_2xx" if own.endswith("downstream_rq") else own


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.key)
def test_the_expressions_of_a_group_switch_on_all_of_it(group: stats.Group) -> None:
    for name in group.stats:
        assert any(re.fullmatch(regexp, raw(name)) for regexp in group.regexps), name


def test_the_yaml_has_each_expression_of_the_groups_and_no_tab() -> None:
    text = stats_matcher((stats.TLS, stats.HTTP))
    assert text.splitlines()[2:4] == [
        "    proxy.istio.io/config: |", "      proxyStatsMatcher:",
    ]  # fmt: skip
    for group in GROUPS:
        for regexp in group.regexps:
            assert (f"- '{regexp}'" in text) is (group in (stats.TLS, stats.HTTP))
    assert "\t" not in text
