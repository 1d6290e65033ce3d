"""Settings: who wins, what is refused in one sentence, and what never shows a secret."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui import info, options, paths
from tui.layers import Loaded, load
from tui.model.text import plain
from tui.options import UsageError
from tui.settings import HIDDEN, OPTIONS, Settings, masked

NOW = 1_700_000_000.0


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def config() -> Path:
    paths.config_folder().mkdir(parents=True)
    return paths.config()


def loaded(given: Mapping[str, object] | None = None, **environ: str) -> Loaded:
    return load(given or {}, environ, NOW)


def settings(given: Mapping[str, object] | None = None, **environ: str) -> Settings:
    return loaded(given, **environ).settings


def sentence(given: Mapping[str, object] | None = None, **environ: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(given or {}, environ, NOW)
    text = str(caught.value)
    assert plain(text, 1000) == text
    return text


LAYERS = ("file", "profile", "environment", "flag")


@pytest.mark.parametrize(
    "said", [set(some) for n in range(5) for some in itertools.combinations(LAYERS, n)]
)
def test_the_highest_layer_that_speaks_wins(config: Path, said: set[str]) -> None:
    themes = {layer: f"theme-of-{layer}" for layer in LAYERS}
    line = {layer: f'theme = "{themes[layer]}"' if layer in said else "" for layer in LAYERS}
    config.write_text(
        f'profile = "prod"\n{line["file"]}\n[profiles.prod]\nascii = true\n{line["profile"]}\n'
    )
    environ = {"ISTIOTOP_THEME": themes["environment"]} if "environment" in said else {}
    given = {"theme": themes["flag"]} if "flag" in said else {}
    found = settings(given, **environ)
    expected = [themes[layer] for layer in LAYERS if layer in said]
    assert found.theme == (expected[-1] if expected else Settings().theme)
    assert found.ascii


def test_every_setting_is_read_from_every_layer(config: Path) -> None:
    texts = {
        "prometheus": "http://prom:9090", "envoy": "10.0.0.1:15090,10.0.0.2:15090", "seed": "7",
        "services": "12", "namespaces": "prod,stage", "refresh": "10s",
        "window": "5m", "at": "1699999000", "timeout": "2s", "headers": "X-Scope-OrgID=team",
        "token_file": "/t", "basic_user": "me", "basic_password_file": "/p", "ca": "/ca",
        "cert": "/c", "key": "/k", "theme": "dark", "filter": "err>1", "sort": "p99:asc",
        "output": "json", "profile": "prod", "log_file": "/l", "label": "workload",
        "lasting": "2m", "checks": "B.error_ratio < 0.01",
    }  # fmt: skip
    switches = [name for name, option in OPTIONS.items() if not option.metavar]
    assert {*texts, *switches, "config"} == set(OPTIONS)
    for name, text in texts.items():
        config.write_text("[profiles.prod]")
        by_flag = getattr(settings({name: text}), name)
        assert by_flag != getattr(Settings(), name)
        assert getattr(settings({}, **{f"ISTIOTOP_{name.upper()}": text}), name) == by_flag
        config.write_text(f'{name} = "{text}"\n[profiles.prod]')
        assert getattr(settings(), name) == by_flag
    for name in switches:
        config.write_text(f"{name} = true")
        assert getattr(settings(), name) is True
        assert getattr(settings({}, **{f"ISTIOTOP_{name.upper()}": "no"}), name) is False
        assert getattr(settings({name: True}, **{f"ISTIOTOP_{name.upper()}": "0"}), name) is True


def test_one_file_of_every_kind_of_value(config: Path) -> None:
    config.write_text(
        """
        prometheus = "http://prom:9090"
        namespaces = ["prod", "stage,test"]
        refresh = 7
        window = "5m"
        at = 2023-11-14T22:00:00Z
        no-mouse = true
        headers = { X-Scope-OrgID = "team", X-Other = "a=b" }
        """
    )
    found = settings()
    assert found.namespaces == ("prod", "stage", "test")
    assert (found.refresh, found.window, found.at) == (7.0, 300.0, 1_699_999_200.0)
    assert found.no_mouse
    assert found.headers == (("X-Scope-OrgID", "team"), ("X-Other", "a=b"))


@pytest.mark.parametrize(
    ("file", "environ", "given", "expected"),
    [
        ('prometheus = "http://a"', {}, {"envoy": ["b:1"]}, ("", ("b:1",), False)),
        ('envoy = "b:1"', {"PROMETHEUS_URL": "http://a"}, {}, ("http://a", (), False)),
        ("", {"PROMETHEUS_URL": "http://a"}, {"demo": True}, ("", (), True)),
        ("", {"PROMETHEUS_URL": "http://a", "ISTIOTOP_ENVOY": "b:1"}, {}, ("", ("b:1",), False)),
        ("", {"PROMETHEUS_URL": "http://a", "ISTIOTOP_PROMETHEUS": "http://c"}, {},
         ("http://c", (), False)),
        ("", {"PROMETHEUS_URL": ""}, {}, ("", (), False)),
        ("demo = true", {"ISTIOTOP_DEMO": "false"}, {}, ("", (), False)),
        ("demo = true", {}, {"prometheus": "http://a"}, ("http://a", (), False)),
    ],
)  # fmt: skip
def test_the_highest_layer_chooses_the_source(
    config: Path,
    file: str,
    environ: dict[str, str],
    given: dict[str, object],
    expected: tuple[str, tuple[str, ...], bool],
) -> None:
    config.write_text(file)
    found = settings(given, **environ)
    assert (found.prometheus, found.envoy, found.demo) == expected


def test_all_namespaces_outdoes_what_lies_below_and_not_what_lies_above() -> None:
    assert settings({"all_namespaces": True}, ISTIOTOP_NAMESPACES="prod").scope == ()
    assert settings({"namespaces": ["prod"]}, ISTIOTOP_ALL_NAMESPACES="1").scope == ("prod",)
    assert "exclude each other" in sentence({"namespaces": ["prod"], "all_namespaces": True})


def test_two_sources_of_one_layer_are_refused() -> None:
    text = sentence({"prometheus": "http://a", "demo": True})
    assert "--prometheus" in text
    assert "--demo" in text


def test_repeated_flags_add_up() -> None:
    found = settings(
        {"envoy": ["a:1,b:2", "c:3"], "namespaces": ["x", "y,z"], "headers": ["A=1", "B=2=3"]}
    )
    assert found.envoy == ("a:1", "b:2", "c:3")
    assert found.namespaces == ("x", "y", "z")
    assert found.headers == (("A", "1"), ("B", "2=3"))


def test_targets_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "targets"
    file.write_text("# the gateways\n10.0.0.1:15090\n\n10.0.0.2:15020 # a sidecar\n")
    assert settings({"envoy": [f"@{file}", "c:3"]}).envoy == (
        "10.0.0.1:15090", "10.0.0.2:15020", "c:3",
    )  # fmt: skip
    assert "No such file" in sentence({"envoy": [f"@{file}x"]})
    file.write_text("# nothing\n")
    assert "empty" in sentence({"envoy": [f"@{file}"]})
    file.write_bytes(b"\xff\xfe")
    assert "not a text file" in sentence({"envoy": [f"@{file}"]})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"window": "5x"}, ("--window", "5x", "60s")),
        ({"window": ""}, ("--window", "duration")),
        ({"window": "5m3"}, ("--window",)),
        ({"window": "31d"}, ("30d",)),
        ({"window": "-5m"}, ("duration",)),
        ({"window": "nan"}, ("duration",)),
        ({"window": "1" * 400}, ("bounds",)),
        ({"refresh": "100ms"}, ("--refresh", "1s")),
        ({"timeout": "0"}, ("--timeout", "100ms")),
        ({"at": "yesterday"}, ("--at", "2026-01-31T12:00:00Z")),
        ({"at": "2023-11-14T22:00:00"}, ("--at", "Z")),
        ({"at": "2023-11-14"}, ("--at",)),
        ({"at": "9999-12-31T23:59:59-23:59"}, ("--at",)),
        ({"at": "1700000000000"}, ("--at", "seconds")),
        ({"at": "2024-01-01T00:00:00Z"}, ("--at", "to come")),
        ({"at": "-1h", "watch": True}, ("--watch", "--at")),
        ({"at": "-1h", "envoy": ["a:1"]}, ("--at", "no past", "--prometheus")),
        ({"namespaces": ["Prod"]}, ("--namespace", "Prod")),
        ({"namespaces": [""]}, ("--namespace",)),
        ({"namespaces": ["a" * 64]}, ("--namespace",)),
        ({"seed": "-1"}, ("--seed", "0")),
        ({"seed": "²"}, ("--seed",)),
        ({"services": "1001"}, ("--services", "1000")),
        ({"services": "many"}, ("--services", "many")),
        ({"output": "xml"}, ("--output", "table, wide, json, csv, md")),
        ({"headers": ["hunter2"]}, ("--header", "NAME=VALUE")),
        ({"headers": [""]}, ("--header", "NAME=VALUE")),
        ({"envoy": [","]}, ("--envoy", "HOST:PORT")),
        ({"prometheus": " "}, ("--prometheus", "missing")),
        ({"config": "/no/such/file"}, ("/no/such/file", "does not exist")),
        ({"profile": "prod"}, ("prod", "none")),
        ({"theme": ""}, ("--theme", "missing")),
        ({"window": "\x1b[31m"}, ("--window",)),
        ({"token_file": "~nobody-of-that-name/x"}, ("--token-file", "home")),
    ],
)
def test_a_wrong_value_is_one_sentence(given: dict[str, object], words: tuple[str, ...]) -> None:
    text = sentence(given)
    assert all(word in text for word in words)
    assert "hunter2" not in text
    assert text.endswith(".")
    assert len(text) < 200


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("refresh = ", ("config.toml", "not TOML")),
        ("refresh = true", ("refresh in", "config.toml", "true or false")),
        ("refresh = []", ("refresh in", "wrong kind")),
        ("envoy = [1]", ("envoy in", "wrong kind")),
        ("theme = { a = 1 }", ("theme in", "wrong kind")),
        ("ascii = 'maybe'", ("ascii in", "maybe")),
        ('window = "5x"', ("window in", "5x")),
        ('profile = "prod"', ("prod", "none")),
        ('profile = "prod"\n[profiles.stage]', ("prod", "stage")),
        ("profiles = 1", ("[profiles.prod]",)),
        ("[profiles]\nprod = 1", ("[profiles.prod]",)),
        ('profile = "p"\n[profiles.p]\nwindow = "x"', ("window in [profiles.p]",)),
        ('demo = true\nprometheus = "http://a"', ("exclude",)),
    ],
)
def test_a_wrong_file_is_one_sentence(config: Path, file: str, words: tuple[str, ...]) -> None:
    config.write_text(file)
    text = sentence()
    assert all(word in text for word in words)


def test_an_unreadable_file_is_one_sentence(config: Path, tmp_path: Path) -> None:
    config.write_bytes(b"\xff")
    assert "UTF-8" in sentence()
    assert "cannot be read" in sentence({"config": str(tmp_path)})


def test_a_wrong_variable_is_called_by_its_name() -> None:
    assert sentence(ISTIOTOP_WINDOW="x").startswith("ISTIOTOP_WINDOW: ")
    assert "PROMETHEUS_URL" in sentence(PROMETHEUS_URL=" ")


@pytest.mark.parametrize(
    ("key", "near"), [("refesh", "refresh"), ("token-fil", "token_file"), ("zzz", "")]
)
def test_an_unknown_key_is_a_warning(config: Path, key: str, near: str) -> None:
    config.write_text(f'{key} = 1\ntheme = "dark"\n')
    found = loaded()
    assert found.settings.theme == "dark"
    (warning,) = found.warnings
    assert key in warning
    assert str(config) in warning
    assert (f"did you mean {near}?" in warning) is bool(near)


@pytest.mark.parametrize("key", ["config", "profiles"])
def test_what_no_file_can_say_is_not_a_setting_of_a_profile(config: Path, key: str) -> None:
    config.write_text(f'profile = "p"\n[profiles.p]\n{key} = "x"\n')
    (warning,) = loaded().warnings
    assert key in warning


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1699999200", 1_699_999_200.0),
        ("1699999200.5", 1_699_999_200.5),
        ("2023-11-14T22:00:00Z", 1_699_999_200.0),
        ("2023-11-14 23:00:00+01:00", 1_699_999_200.0),
        ("-15m", NOW - 900),
        ("-1h30m", NOW - 5400),
        ("-90", NOW - 90),
    ],
)
def test_instants(text: str, at: float) -> None:
    assert settings({"at": text}).at == at


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("5m", 300), ("1h", 3600), ("1h30m", 5400), ("90", 90), ("1.5s", 1.5),
     ("1500ms", 1.5), ("1d", 86_400), (" 2m ", 120)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert options.duration("1s", "30d")(text) == seconds


@given(st.text(max_size=12), st.sampled_from(sorted(set(OPTIONS) - {"config", "profile"})))
def test_any_text_is_a_setting_or_a_sentence(text: str, name: str) -> None:
    try:
        OPTIONS[name].read(text)
    except UsageError as error:
        sentence = str(error)
        assert plain(sentence, 1000) == sentence


SECRET = "hunter2-s3cr3t"
SECRETIVE = Settings(
    prometheus=f"http://user:{SECRET}@prom:9090/x?token={SECRET}",
    headers=(("Authorization", f"Bearer {SECRET}"), ("X-Scope-OrgID", SECRET)),
)


def test_no_secret_is_shown() -> None:
    shown = masked(SECRETIVE)
    assert shown["prometheus"] == "http://prom:9090/x"
    assert shown["headers"] == f"Authorization={HIDDEN}, X-Scope-OrgID={HIDDEN}"
    found = Loaded(SECRETIVE, {"prometheus": "PROMETHEUS_URL"}, ())
    for text in (repr(SECRETIVE), str(SECRETIVE), f"{SECRETIVE!r}", repr(found),
                 str(shown), info.text(found), info.as_json(found)):  # fmt: skip
        assert SECRET not in text
        assert "user:" not in text


def test_info_names_every_setting_and_where_it_comes_from(config: Path) -> None:
    config.write_text('theme = "dark"\n')
    text = info.text(loaded({"window": "5m"}, ISTIOTOP_ASCII="1"))
    assert all(name in text for name in OPTIONS)
    assert f"dark   from theme in {config}" in text
    assert "300.0   from --window" in text
    assert "true   from ISTIOTOP_ASCII" in text
    assert str(paths.user_themes()) in text


def test_settings_are_frozen_and_equal_by_value() -> None:
    found: Any = Settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.theme = "dark"
    assert settings() == Settings()


def test_the_palettes_are_where_the_program_looks() -> None:
    assert list(paths.themes().glob("*.toml"))
