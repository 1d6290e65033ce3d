"""The program itself in a terminal: live on each source, without its Prometheus, at any size, and
leaving the terminal as it found it.
"""

from __future__ import annotations

import re
import signal
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from tests import headless
from tests.mesh.running import Mesh
from tests.terminal import Terminal, running

pytestmark = pytest.mark.real

NAMES: Final = ("productpage", "details", "reviews", "ratings", "istio-ingress")
"""The rows of the mesh; the gateway's name may be cut short."""
SECRET: Final = "s3cr3t-hunter2"
MODES: Final = {1049: True, 25: False, 1000: True, 1003: True, 1006: True, 2004: True, 1004: True}
"""Private modes of the terminal that a full screen may change, and whether it sets them: the
alternate screen, the cursor, mouse, paste, focus."""
ESCAPES: Final = re.compile(rb"\x1b\[[0-9;?<>=]*[A-Za-z]")

Live = Callable[..., AbstractContextManager[Terminal]]


@pytest.fixture
def live(tmp_path: Path) -> Live:
    """Starts the program in a terminal, with no settings of the developer's own."""

    def start(
        *arguments: str, size: tuple[int, int] = (80, 24)
    ) -> AbstractContextManager[Terminal]:
        return running(arguments, size, headless.alone(tmp_path))

    return start


def row(text: str, name: str) -> str:
    """The line of a service, empty if it is not on the screen."""
    return next((line for line in text.splitlines() if line.startswith(name)), "")


def rate(text: str, name: str) -> str:
    """Requests per second of a service as they are shown: the first number after its bars."""
    found = re.search(r" (\d[\d.]*k?) ", row(text, name))
    return found[1] if found else ""


def all_rated(text: str) -> bool:
    return all(rate(text, name) for name in NAMES)


def watch_it_move(terminal: Terminal, mesh: Mesh) -> None:
    """All rows come, and other numbers when the load is another."""
    terminal.until(all_rated)
    mesh.set_rate(60)
    before = rate(terminal.text, "productpage")
    terminal.until(lambda text: rate(text, "productpage") not in ("", before))


def test_prometheus_is_live(mesh: Mesh, live: Live) -> None:
    place = mesh.prometheus.removeprefix("http://")
    with live("--prometheus", f"http://ann:{SECRET}@{place}", "-r", "1s") as terminal:
        watch_it_move(terminal, mesh)
        assert f"prometheus http://{place}" in terminal.text
        assert re.search(r" \d services · window 1m · scrape 1s · every 1s", terminal.text)
        assert not told(bytes(terminal.written), terminal.text)


def test_envoys_are_live_without_prometheus(mesh: Mesh, live: Live) -> None:
    mesh.stop_prometheus()
    envoys = [argument for envoy in mesh.envoys for argument in ("--envoy", envoy)]
    with live(*envoys, "-r", "5s") as terminal:
        watch_it_move(terminal, mesh)
        assert f"envoy {len(mesh.envoys)} proxies" in terminal.text


def test_the_demo_is_live(live: Live) -> None:
    with live("demo", "-r", "1s") as terminal:
        terminal.until(lambda text: bool(rate(text, "productpage")))
        before = terminal.text.splitlines()[2:20]
        terminal.until(lambda text: text.splitlines()[2:20] != before)


def test_a_lost_prometheus_leaves_its_last_numbers_and_comes_back(mesh: Mesh, live: Live) -> None:
    interval = 2
    with live("--prometheus", mesh.prometheus, "-r", f"{interval}s") as terminal:
        terminal.until(all_rated)
        coloured = terminal.colours("productpage")
        mesh.stop_prometheus()
        terminal.until(lambda text: "failed since" in text and "old" in text)
        terminal.read(0.5)
        numbers = {name: row(terminal.text, name) for name in NAMES}
        assert all_rated(terminal.text)
        assert re.search(r"failed since \d\d:\d\d:\d\d · numbers \d+s old", terminal.text)
        assert "refuses con" in terminal.text
        greyed = terminal.colours("productpage")
        assert len(greyed) == 1 < len(coloured)
        for _ in range(3):
            terminal.until(lambda text, old=terminal.text: text != old)  # type: ignore[misc]
            assert {name: row(terminal.text, name) for name in NAMES} == numbers
            wait = re.search(r"again in (\d+)s", terminal.text)
            assert wait is None or int(wait[1]) <= interval
        mesh.start_prometheus()
        terminal.until(lambda text: "live" in text and "refuses" not in text)
        terminal.until(lambda text: row(text, "productpage") not in ("", numbers["productpage"]))
        assert len(terminal.colours("productpage")) > 1


def quit_with_key(key: str) -> Callable[[Terminal], None]:
    return lambda terminal: terminal.press(key)


def quit_by_signal(number: signal.Signals) -> Callable[[Terminal], None]:
    return lambda terminal: terminal.process.send_signal(number)


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        (quit_with_key("q"), 0),
        (quit_with_key("ctrl+c"), 0),
        (quit_by_signal(signal.SIGTERM), 128 + signal.SIGTERM),
        (quit_by_signal(signal.SIGHUP), 128 + signal.SIGHUP),
    ],
    ids=["q", "ctrl+c", "SIGTERM", "SIGHUP"],
)
def test_the_terminal_is_as_it_was(
    live: Live, leave: Callable[[Terminal], None], code: int
) -> None:
    with live("demo") as terminal:
        assert terminal.cooked
        terminal.until("productpage")
        assert not terminal.cooked
        leave(terminal)
        assert terminal.end() == code
        assert terminal.cooked
        written = bytes(terminal.written)
    assert b"\x1b[?1049h" in written
    for mode, on in MODES.items():
        changed, back = (f"\x1b[?{mode}{x}".encode() for x in ("hl" if on else "lh"))
        assert written.rfind(back) >= written.rfind(changed), mode
    assert len(re.findall(rb"\x1b\[>\d+u", written)) == written.count(b"\x1b[<u"), "keyboard"
    assert not ESCAPES.sub(b"", written[written.rfind(b"\x1b[?1049l") :]).strip()


def test_24_lines_of_80_are_enough(live: Live) -> None:
    with live("demo") as terminal:
        terminal.until("productpage")
        header = terminal.text.splitlines()[1]
        assert all(title in header for title in ("SERVICE", "NAMESPACE", "RPS", "ERR", "P99"))
        assert terminal.text.splitlines()[-1].startswith("/ filter")
        terminal.press("l", "l", "l", "x")
        terminal.until("sum(rate(istio_requests_total")
        terminal.press("escape")
        terminal.until(lambda text: "sum(rate(" not in text)
        terminal.press("/")
        terminal.until(lambda text: text.splitlines()[-1] == "/")
        terminal.press(*"productpage", "enter")
        terminal.until(lambda text: "filter productpage" in text and "checkout" not in text)


def test_any_size_is_a_table_or_says_what_it_needs(live: Live) -> None:
    with live("demo", "-r", "1s") as terminal:
        terminal.until("productpage")
        for columns, rows in ((59, 15), (60, 14), (40, 10)):
            terminal.resize(columns, rows)
            words = "istiotop needs 60x15; this terminal is", f"{columns}x{rows}."
            terminal.until(lambda text, words=words: all(x in text for x in words))  # type: ignore[misc]
        for columns, rows in ((5, 2), (1, 1)):
            terminal.resize(columns, rows)
            terminal.read(1.5)
        terminal.resize(60, 15)
        terminal.until(lambda text: "HEALTH" in text and "needs" not in text)
        terminal.resize(200, 50)
        terminal.until(lambda text: "MEAN" in text and "needs" not in text)
        terminal.press("q")
        assert terminal.end() == 0


def test_nobody_there_is_exit_code_3_and_one_sentence(tmp_path: Path) -> None:
    ran = headless.run(
        "services", "--prometheus", "http://127.0.0.1:1", "-o", "json",
        environment=headless.alone(tmp_path),
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (3, b"")
    assert re.fullmatch(rb"istiotop: http://127\.0\.0\.1:1 refuses connections[^\n]+\n", ran.stderr)


@contextmanager
def telling_server() -> Iterator[tuple[str, list[bytes]]]:
    """`HOST:PORT` of a server that refuses and says aloud what it was sent, and what it said."""
    said: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"no entry with {self.headers} at {self.path}".encode()
            said.append(body)
            self.send_response(401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", said
        finally:
            server.shutdown()
            thread.join()


def secrets(tmp_path: Path, how: str, place: str) -> list[str]:
    """Arguments that give the program a secret to keep."""
    file = tmp_path / "secret"
    file.write_text(SECRET, encoding="utf-8")
    url = f"http://{place}/"
    return {
        "token": ["--prometheus", url, "--token-file", str(file)],
        "password": [
            "--prometheus", url, "--basic-user", "ann", "--basic-password-file", str(file)
        ],
        "userinfo": ["--prometheus", f"http://ann:{SECRET}@{place}/"],
        "header": ["--prometheus", url, "--header", f"X-Scope-OrgID={SECRET}"],
    }[how]  # fmt: skip


def told(*texts: bytes | str) -> bool:
    """Whether the secret is in any of these, as it is or as basic authentication writes it."""
    forms = SECRET.encode(), b64encode(f"ann:{SECRET}".encode())
    plain = (ESCAPES.sub(b"", text if isinstance(text, bytes) else text.encode()) for text in texts)
    return any(form in text for text in plain for form in forms)


@pytest.mark.parametrize("how", ["token", "password", "userinfo", "header"])
def test_no_secret_is_written_anywhere(tmp_path: Path, live: Live, how: str) -> None:
    home, log = headless.alone(tmp_path), tmp_path / "log"
    with telling_server() as (place, said):
        given = [*secrets(tmp_path, how, place), "--log-file", str(log)]
        once = headless.run("services", *given, environment=home)
        info = headless.run("info", *given, environment=home)
        with live(*given) as terminal:
            terminal.until(lambda text: place in text and "401" in text)
            terminal.press("!")
            terminal.until("Warnings")
            terminal.read(0.3)
            panel = terminal.text
            terminal.press("ctrl+c")
            assert terminal.end() == 0
    assert (once.returncode, once.stdout, once.stderr.count(b"\n")) == (3, b"", 1)
    assert info.returncode == 0
    assert told(*said), "the server was sent it"
    assert not told(once.stderr, info.stdout, info.stderr, panel, bytes(terminal.written))
    assert not told(log.read_bytes())


def test_keys_that_come_in_one_read_with_the_slash_are_the_filter() -> None:
    with running(["demo"], (100, 24)) as terminal:
        terminal.until("healthy")
        terminal.press("/quo")
        terminal.until("filter quo")
        terminal.until("1 of 45 services")
        terminal.press("escape")
        terminal.until(lambda text: "filter quo" not in text)
        terminal.press("q")
        assert terminal.end() == 0


def test_q_closes_a_panel_and_quits_only_from_the_table() -> None:
    with running(["demo"], (100, 24)) as terminal:
        terminal.until("healthy")
        terminal.press("?")
        terminal.until("Help")
        terminal.press("q")
        terminal.until(lambda text: "╭" not in text)
        terminal.press("q")
        assert terminal.end() == 0
