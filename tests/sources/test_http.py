from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tui.sources.base import Reason, SourceError
from tui.sources.http import Endpoint, address, authorization, check, client, masked
from tui.sources.prometheus import PrometheusSource

SECRET = "s3cret-p4ss"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
        (" https://Mimir.example/prometheus/ ", "https://mimir.example/prometheus"),
        ("http://h:9090/graph", "http://h:9090"),
        ("http://h:9090/x/api/v1/query", "http://h:9090/x"),
        ("http://[::1]:9090/", "http://[::1]:9090"),
        (f"https://me:{SECRET}@h/prom", "https://h/prom"),
        (f"https://h/prom?token={SECRET}", "https://h/prom"),
        ("http://h:9090/api/v1/namespaces/istio-system/services/prometheus:9090/proxy",) * 2,
    ],
)
def test_a_url_keeps_its_prefix_and_nothing_secret(url: str, base: str) -> None:
    place = address(url)
    assert place.base == base
    source = PrometheusSource(Endpoint(url))
    assert source.name == f"prometheus {base}"
    assert SECRET not in repr(place) + repr(Endpoint(url)) + source.name


def test_user_and_password_of_a_url_are_decoded() -> None:
    place = address("https://me%40corp:p%40ss%2Fw@h:1/x?tenant=a&tenant=b")
    assert (place.user, place.password) == ("me@corp", "p@ss/w")
    assert place.query == "?tenant=a&tenant=b"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("prom:9090", "write http://prom:9090"),
        ("localhost/prometheus", "write http://localhost/prometheus"),
        ("", "has no scheme"),
        ("ftp://h/", "neither http nor https"),
        ("http://", "no usable host"),
        ("http:///x", "no usable host"),
        ("http://h:99999", "host and port"),
        ("http://[::1", "host and port"),
        ("http://h/a b", "no usable host"),
        ("http://h/\x1b[31m", "no usable host"),
        (f"me:{SECRET}@h:9090", "write http://h:9090"),
        (f"http://me:{SECRET}/x@h", "host and port"),
        (f"http://me:1{SECRET}/x@h", "host and port"),
        (f"http://me:12/{SECRET}@h:9090", "write it as %40"),
        (f"http://me:12?{SECRET}@h:9090", "write it as %40"),
        (f"ftp://h/?token={SECRET}", "neither http nor https"),
    ],
)
def test_a_url_that_is_none_gets_one_sentence(url: str, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        PrometheusSource(Endpoint(url))
    assert caught.value.reason is Reason.BAD_SETTING
    assert str(caught.value).isprintable()
    assert SECRET not in str(caught.value) + masked(url) + repr(Endpoint(url))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"token_file": "t", "basic_user": "me"}, "one credential"),
        ({"token_file": "t", "headers": (("authorization", SECRET),)}, "one credential"),
        ({"url": f"http://me:{SECRET}@h", "token_file": "t"}, "one credential"),
        ({"basic_password_file": "p"}, "--basic-user"),
        ({"key": "k"}, "--cert"),
        ({"timeout": 0.0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"headers": (("X Y", SECRET),)}, "no name of an HTTP header"),
        ({"headers": (("", SECRET),)}, "no name of an HTTP header"),
        ({"headers": (("X", f"{SECRET}\r\nX-Evil: 1"),)}, "characters"),
        ({"headers": (("X", f"{SECRET}é"),)}, "characters"),
    ],
)
def test_settings_that_contradict_each_other_get_one_sentence(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        PrometheusSource(Endpoint(**{"url": "http://h", **settings}))
    assert caught.value.reason is Reason.BAD_SETTING
    assert SECRET not in str(caught.value)


def test_credentials_become_one_header(tmp_path: Path) -> None:
    token, password = tmp_path / "token", tmp_path / "password"
    token.write_text("tok-1\n")
    password.write_text("Zażółć\n", encoding="utf-8")
    place, named = address("http://h"), address("http://me:pw@h")
    assert authorization(Endpoint("http://h"), place) == {}
    by_token = Endpoint("http://h", token_file=token)
    assert authorization(by_token, place) == {"Authorization": "Bearer tok-1"}
    token.write_text("tok-2")
    assert authorization(by_token, place) == {"Authorization": "Bearer tok-2"}
    assert authorization(Endpoint("x"), named) == {"Authorization": "Basic bWU6cHc="}
    by_file = Endpoint("x", basic_user="you", basic_password_file=password)
    assert authorization(by_file, place) == {"Authorization": "Basic eW91OlphxbzDs8WCxIc="}
    check(by_file, place)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"", "does not hold one line with a token"),
        (b"one\ntwo", "does not hold one line"),
        (b"\xff\xfe", "does not hold one line"),
        ("tökén".encode(), "does not hold one line"),
    ],
)
def test_a_token_file_without_a_token_is_named(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        authorization(Endpoint("http://h", token_file=file), address("http://h"))
    assert caught.value.reason is Reason.BAD_SETTING


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("ca", None, "CA file .* cannot be read: No such file"),
        ("ca", b"rubbish", "holds no PEM certificate"),
        ("cert", None, "client certificate or key .* cannot be read"),
        ("cert", b"rubbish", "cannot be used: give a PEM certificate"),
    ],
)
def test_a_certificate_that_is_none_is_named(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    endpoint = Endpoint("https://h", **{name: file})  # type: ignore[arg-type]
    with pytest.raises(SourceError, match=words) as caught:
        client(endpoint, address("https://h"))
    assert caught.value.reason is Reason.BAD_SETTING


@pytest.mark.parametrize("proxy", ["socks9://me:s3cret-p4ss@h:1", "socks5://me:s3cret-p4ss@h:1"])
def test_a_proxy_that_cannot_be_used_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(SourceError, match="HTTPS_PROXY") as caught:
        client(Endpoint("https://h"), address("https://h"))
    assert SECRET not in str(caught.value)


def test_importing_the_source_loads_no_http_client() -> None:
    code = "import sys, tui.sources.prometheus; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
