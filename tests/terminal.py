"""The program in a terminal of its own: a pty that counts the bytes, and a screen in memory."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyte

LIMIT = 30.0
"""Seconds that anything may take to appear: a bound on a hang, not a measurement."""
KEYS = {
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
    "enter": "\r", "escape": "\x1b", "ctrl+c": "\x03", "ctrl+p": "\x10", "tab": "\t",
}  # fmt: skip
_TICKS = os.sysconf("SC_CLK_TCK")


class _Screen(pyte.Screen):
    """pyte 0.8 knows no private modifier of SGR, which kitty's keyboard protocol sends."""

    def select_graphic_rendition(self, *attrs: int, private: bool = False) -> None:
        if not private:
            super().select_graphic_rendition(*attrs)


class Terminal:
    """A running program and what its terminal shows."""

    def __init__(
        self, process: subprocess.Popen[bytes], master: int, size: tuple[int, int]
    ) -> None:
        self.process = process
        self.written = bytearray()
        """Everything that the program wrote, as it came."""
        self._master = master
        self._screen = _Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self.began = time.monotonic()

    @property
    def text(self) -> str:
        """What the screen shows, line by line, without trailing blanks."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def cpu(self) -> float:
        """CPU seconds that the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory(self) -> int:
        """Resident bytes of the process."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * 4096

    def press(self, *keys: str) -> None:
        """Type keys: names of `KEYS`, or the characters themselves."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode())

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size, as dragging its window does."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen.resize(rows, columns)

    def colours(self, row: str) -> set[str]:
        """The colours of the letters on the first line that shows this; none if there is no such
        line.
        """
        for number, line in enumerate(self._screen.display):
            if row in line:
                cells = self._screen.buffer[number]
                return {cells[x].fg for x, letter in enumerate(line) if letter != " "}
        return set()

    @property
    def cooked(self) -> bool:
        """Whether the terminal echoes what is typed, line by line, as a shell wants it."""
        modes = termios.tcgetattr(self._master)[3]
        return bool(modes & termios.ECHO) and bool(modes & termios.ICANON)

    def read(self, seconds: float) -> int:
        """Take in what is written for some time; the number of bytes."""
        before = len(self.written)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self._take(left):
                break
        return len(self.written) - before

    def until(self, shown: Callable[[str], bool] | str, limit: float = LIMIT) -> float:
        """Seconds since the start when the screen shows it; `AssertionError` if it never does."""
        wanted = (lambda text: shown in text) if isinstance(shown, str) else shown
        end = time.monotonic() + limit
        while not wanted(self.text):
            ended = self.process.poll() is not None
            took = self._take(0.05)
            assert time.monotonic() < end, f"not shown: {shown}\n{self.text}"
            assert took or not ended, f"ended with {self.process.returncode}:\n{self.text}"
        return time.monotonic() - self.began

    def end(self) -> int:
        """Read until the program has ended; its exit code."""
        deadline = time.monotonic() + LIMIT
        while self.process.poll() is None:
            self._take(0.05)
            assert time.monotonic() < deadline, f"does not end:\n{self.text}"
        while self._take(0.05):
            pass
        return self.process.returncode

    def _take(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux answers EIO once the other end is closed.
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)


def _take_terminal() -> None:
    """Make the pty the session's own terminal: else no change of its size reaches anybody."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def running(
    arguments: Sequence[str],
    size: tuple[int, int] = (120, 40),
    environment: Mapping[str, str] | None = None,
    module: bool = True,
) -> Iterator[Terminal]:
    """`python -m tui` with these arguments in a pty of `size` columns and rows; without `module`,
    `python` itself with them.
    """
    master, slave = pty.openpty()
    columns, rows = size
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    given = {
        **os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})
    }  # fmt: skip
    # COLUMNS and LINES, which workers of xdist have, would hide the size of the pty.
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        given.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, *(("-m", "tui") if module else ()), *arguments],
        stdin=slave, stdout=slave, stderr=slave, env=given, start_new_session=True,
        cwd=Path(__file__).parent.parent, preexec_fn=_take_terminal,
    )  # fmt: skip
    os.close(slave)
    terminal = Terminal(process, master, size)
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(master)
