"""Which of the two a command line gets: the live screen, or a table printed once."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import ClassVar

import pytest

from tests.pretended import Pretended
from tests.test_cli import Outputs, run, sentence
from tui import cli, connect
from tui.settings import Settings


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    found = Pretended()
    monkeypatch.setattr(connect, "source", lambda settings: found)
    return found


class Screen:
    """What stands for `tui.app.IstioTop`: it only remembers how it was started."""

    started: ClassVar[list[tuple[Settings, object, bool]]] = []
    return_code: int | None = 0

    def __init__(self, settings: Settings, source: object) -> None:
        self._made = (settings, source)

    def run(self, *, mouse: bool) -> None:
        self.started.append((*self._made, mouse))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input and output are a terminal, and the screen is a pretended one."""
    app = types.ModuleType("tui.app")
    monkeypatch.setattr(app, "IstioTop", Screen, raising=False)
    monkeypatch.setitem(sys.modules, "tui.app", app)
    monkeypatch.setattr(Screen, "started", [])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(cli, "_is_terminal", lambda stream: True)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("argv", "mouse"), [([], True), (["demo", "--no-mouse"], False)])
def test_on_a_terminal_the_screen_opens(
    capsys: Outputs, source: Pretended, argv: list[str], mouse: bool
) -> None:
    assert run(capsys, *argv) == (0, "", "")
    ((settings, given, with_mouse),) = Screen.started
    assert settings.demo is (argv != [])
    assert given is source
    assert with_mouse is mouse


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("code", "expected"), [(None, 0), (1, 1), (3, 3)])
def test_the_screens_exit_code_is_the_programs(
    capsys: Outputs,
    source: Pretended,
    monkeypatch: pytest.MonkeyPatch,
    code: int | None,
    expected: int,
) -> None:
    monkeypatch.setattr(Screen, "return_code", code)
    assert run(capsys, "demo")[0] == expected


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("argv", [["services"], ["-o", "table"], ["demo", "-o", "json"]])
def test_on_a_terminal_a_noun_or_a_format_prints(
    capsys: Outputs, source: Pretended, argv: list[str]
) -> None:
    code, out, _ = run(capsys, *argv)
    assert code == 0
    assert "reviews" in out
    assert Screen.started == []


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("term", ["dumb", "", None])
def test_a_terminal_that_can_do_nothing_is_2(
    capsys: Outputs, source: Pretended, monkeypatch: pytest.MonkeyPatch, term: str | None
) -> None:
    if term is None:
        monkeypatch.delenv("TERM")
    else:
        monkeypatch.setenv("TERM", term)
    code, out, err = run(capsys, "demo")
    assert (code, out) == (cli.USAGE, "")
    assert "istiotop services" in sentence(err)


@pytest.mark.usefixtures("terminal")
def test_keys_cannot_come_from_a_file(
    capsys: Outputs, source: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_is_terminal", lambda stream: stream is not sys.stdin)
    code, _, err = run(capsys, "demo")
    assert code == cli.USAGE
    assert "istiotop services" in sentence(err)
    assert Screen.started == []


@pytest.mark.usefixtures("terminal")
def test_no_source_is_told_before_the_screen_opens(capsys: Outputs) -> None:
    code, out, err = run(capsys)
    assert (code, out) == (cli.USAGE, "")
    assert "--prometheus URL" in sentence(err)
