"""The live screen in a real terminal: what it writes, what it does not, and how it ends."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests import terminal

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
LEFT = b"\x1b[?1049l"
"""Takes a terminal back from the screen of a program to what was there before."""
SHOWN = b"\x1b[?25h"
QUIET = 2.5
"""Seconds of silence that are listened to."""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def settled(screen: terminal.Terminal) -> None:
    """Wait until the first frames and the history are on the screen and nothing more is written."""
    screen.until("live")
    deadline = time.monotonic() + terminal.LIMIT
    while screen.read(1.5):
        assert time.monotonic() < deadline, "it never falls silent"


def rows(screen: terminal.Terminal) -> list[str]:
    """All but the first line, which pyte garbles: it does not know how a keyboard mode ends."""
    return screen.text.splitlines()[1:]


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), ("q", 0), ("ctrl+c", 0)]
)
def test_the_terminal_is_restored_however_it_ends(how: str | signal.Signals, code: int) -> None:
    with terminal.running(["demo"], (80, 24)) as screen:
        screen.until("live")
        if isinstance(how, signal.Signals):
            screen.process.send_signal(how)
        else:
            screen.press(how)
        assert screen.end() == code
        end = bytes(screen.written).rpartition(LEFT)
        assert end[1] == LEFT
        assert SHOWN in end[2]
        assert b"Traceback" not in screen.written


def test_without_a_terminal_any_more_it_ends() -> None:
    with hung_up() as process:
        assert process.wait(terminal.LIMIT) == 129


class hung_up:
    """The program on a terminal of its own that goes away once it is up."""

    def __enter__(self) -> subprocess.Popen[bytes]:
        self.process, master = started("demo")
        seen = b""
        deadline = time.monotonic() + terminal.LIMIT
        while b"live" not in seen:
            seen += os.read(master, 65536)
            assert time.monotonic() < deadline
        os.close(master)
        self.process.send_signal(signal.SIGHUP)
        return self.process

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def started(*arguments: str) -> tuple[subprocess.Popen[bytes], int]:
    """The program on a pty that nobody reads, and the pty's other end."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (60, 200))
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", *arguments],
        stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(slave)
    return process, master


def test_a_terminal_that_is_not_read_does_not_keep_it_from_ending() -> None:
    process, master = started("demo", "--refresh", "1s")
    try:
        time.sleep(5)  # the pty's buffer is full long before
        assert process.poll() is None
        process.terminate()
        assert process.wait(terminal.LIMIT) == 143
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)


def test_paused_it_writes_nothing() -> None:
    with terminal.running(["demo", "--refresh", "1s"], (80, 24)) as screen:
        screen.until("live")
        screen.press("p")
        screen.until("paused at")
        screen.read(1.5)
        assert screen.read(QUIET) == 0
        screen.press("j")
        assert screen.read(1) > 0
        screen.press("p")
        screen.until("live")


def test_between_two_refreshes_it_writes_nothing() -> None:
    with terminal.running(["demo", "--refresh", "60s"], (80, 24)) as screen:
        settled(screen)
        assert screen.read(QUIET) == 0


def test_it_suspends_like_any_program_and_comes_back() -> None:
    with terminal.running(["demo", "--refresh", "60s"], (80, 24)) as screen:
        settled(screen)
        before = rows(screen)
        screen.process.send_signal(signal.SIGTSTP)
        screen.read(1)
        screen.process.send_signal(signal.SIGCONT)
        screen.until(lambda _: rows(screen) == before)
        screen.press("q")
        assert screen.end() == 0


def test_a_source_that_is_not_there_is_a_sentence_on_the_screen_and_no_traceback() -> None:
    with terminal.running(["--prometheus", "http://127.0.0.1:1"], (80, 24)) as screen:
        screen.until("again in")
        assert "127.0.0.1:1" in screen.text
        assert "Traceback" not in screen.text
        screen.press("q")
        assert screen.end() == 0
