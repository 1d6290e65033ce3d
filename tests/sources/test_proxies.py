from __future__ import annotations

import pytest

from tui.sources.base import Reason, SourceError
from tui.sources.envoy import EnvoySource
from tui.sources.proxies import proxies
from tui.sources.scrape import pattern


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        ("10.0.0.1:15090", "10.0.0.1:15090", "http://10.0.0.1:15090/stats/prometheus"),
        (" Pod-1.ns.svc ", "pod-1.ns.svc:15090", "http://pod-1.ns.svc:15090/stats/prometheus"),
        ("[::1]:15020", "[::1]:15020", "http://[::1]:15020/stats/prometheus"),
        ("fd00::7", "[fd00::7]:15090", "http://[fd00::7]:15090/stats/prometheus"),
        ("http://h:1", "h:1", "http://h:1/stats/prometheus"),
        ("http://h/", "h:80", "http://h:80/stats/prometheus"),
        ("http://h:1/stats/prometheus?usedonly", "h:1", "http://h:1/stats/prometheus"),
        ("HTTP://h:1/a b/m", "h:1/a%20b/m", "http://h:1/a%20b/m"),
    ],
)
def test_a_proxy_is_named_in_many_ways(text: str, name: str, url: str) -> None:
    [found] = proxies([text])
    assert (found.name, found.url) == (name, url)


def test_the_same_proxy_twice_is_one() -> None:
    texts = ["a:1", "b", "A:1", "http://a:1", "b:15090"]
    assert [x.name for x in proxies(texts)] == ["a:1", "b:15090"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "h:port",
        "h:0",
        "h:99999",
        "h:-1",
        ":15090",
        "a b:1",
        "h:1/metrics",
        "ftp://h:1",
        "https://h:1",
        "http://",
        "http://[::1:15090",
        "1:2:3",
        "x\x1b[31m\u202e:1",
        "h" * 9000,
        "h" * 64 + ".ns:1",
        "h..ns:1",
        "http://user:hush@h:1/",
        "user:hush@h:15090",
        "http://h:1/hu\nsh@",
    ],
)
def test_what_is_no_proxy_is_one_harmless_sentence(text: str) -> None:
    with pytest.raises(SourceError) as caught:
        EnvoySource(["good:1", text])
    sentence = str(caught.value)
    assert caught.value.reason is Reason.BAD_SETTING
    assert sentence.isprintable()
    assert sentence.endswith(".")
    assert len(sentence) < 450
    assert "hush" not in sentence


def test_no_proxy_at_all_is_a_bad_setting() -> None:
    with pytest.raises(SourceError, match="No Envoy is named"):
        EnvoySource([])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"istio_requests_total"}, "istio_requests_total"),
        ({"istio_request_bytes_sum", "istio_request_bytes_bucket"}, "istio_request_bytes"),
        ({"envoy_cluster_upstream_cx_active"}, "cluster.*upstream.*cx.*active"),
        (set(), "^$"),
    ],
)
def test_the_filter_keeps_what_is_wanted(names: set[str], expected: str) -> None:
    assert pattern(frozenset(names)) == expected
