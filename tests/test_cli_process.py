"""The command line as a process: what it loads, its signals and pipes, and what it never prints."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.sources.server import Request, answer, serving, vector
from tests.terminal import running

ROOT = Path(__file__).parent.parent
LIMIT = 60.0
"""Seconds that a run may take: a bound on a hang, not a measurement."""
SECRET = "hunter2-s3cr3t"
DEMO = ("services", "--demo", "--services", "5")
LABELS = {
    "destination_service_name": "reviews", "destination_service_namespace": "default",
    "response_code": "200", "response_flags": "-", "request_protocol": "http",
    "connection_security_policy": "mutual_tls",
}  # fmt: skip
FORBIDDEN = ("textual", "plotext", "kubernetes", "rich")


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The developer's environment, less what would change the program's mind."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ISTIOTOP_", "PROMETHEUS", "NO_COLOR"))
    }
    return {**kept, "XDG_CONFIG_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}


async def run(environment: Mapping[str, str], *argv: str, python: str = "") -> Ran:
    """`python -m tui` with these arguments, or this piece of Python that has them in `sys.argv`."""
    start = ("-c", python) if python else ("-m", "tui")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *start, *argv, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(process.communicate(), LIMIT)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


def prometheus(request: Request) -> bytes:
    """One service with 10 requests per second, and nothing else."""
    if "istio_requests_total" in request.query and "connection_security_policy" in request.query:
        return answer(vector((LABELS, "10")))
    return answer(vector())


LOADED = """
import sys
from tui.cli import main
code = main(sys.argv[1:])
print(code, *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded(err: str) -> set[str]:
    code, *names = err.split()
    assert code == "0"
    return set(names)


@pytest.mark.parametrize("format", ["json", "table"])
async def test_services_load_nothing_of_the_screen(
    environment: Mapping[str, str], format: str
) -> None:
    ran = await run(environment, *DEMO, "-o", format, python=LOADED)
    assert "reviews" in ran.out
    assert loaded(ran.err).isdisjoint(FORBIDDEN)


async def test_services_of_prometheus_load_nothing_of_the_screen(
    environment: Mapping[str, str],
) -> None:
    async with serving(prometheus) as server:
        ran = await run(
            environment, "services", "--prometheus", server.url, "-o", "json", python=LOADED
        )
    (row,) = json.loads(ran.out)["rows"]
    assert (row["service"], row["requests_per_second"]) == ("reviews", 10.0)
    assert loaded(ran.err).isdisjoint(FORBIDDEN)


@pytest.mark.parametrize("flag", ["--help", "--version"])
async def test_help_and_version_load_next_to_nothing(
    environment: Mapping[str, str], flag: str
) -> None:
    ran = await run(environment, flag, python=LOADED)
    assert ran.out
    heavy = {*FORBIDDEN, "asyncio", "httpx", "msgspec", "platformdirs", "tomllib", "ssl", "logging"}
    assert loaded(ran.err).isdisjoint(heavy)


async def test_nobody_listening_is_3_one_sentence_and_no_output(
    environment: Mapping[str, str],
) -> None:
    ran = await run(environment, "services", "--prometheus", "http://127.0.0.1:1", "-o", "json")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("istiotop: http://127.0.0.1:1 ")
    assert ran.err.count("\n") == 1


async def _until_interrupted(
    environment: Mapping[str, str], argv: tuple[str, ...], ready: asyncio.Event | None = None
) -> Ran:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", *argv, env=environment, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT):
        first = b""
        if ready is None:
            first = await process.stdout.readline()
        else:
            await ready.wait()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, (first + out).decode(), err.decode())


async def test_ctrl_c_while_it_watches_is_130_and_silent(environment: Mapping[str, str]) -> None:
    ran = await _until_interrupted(environment, (*DEMO, "-o", "json", "--watch", "-r", "1s"))
    assert (ran.code, ran.err) == (130, "")
    assert json.loads(ran.out.splitlines()[0])["rows"]


async def test_ctrl_c_while_a_server_hangs_is_130_and_silent(
    environment: Mapping[str, str],
) -> None:
    asked = asyncio.Event()

    async def never() -> AsyncIterator[bytes]:
        asked.set()
        await asyncio.sleep(LIMIT)
        yield b""

    async with serving(lambda _: never()) as server:
        argv = ("services", "--prometheus", server.url, "--timeout", "1m")
        ran = await _until_interrupted(environment, argv, asked)
    assert ran == (130, "", "")


@pytest.mark.parametrize("more", [(), ("--watch", "-r", "1s")])
async def test_a_reader_that_leaves_ends_it_quietly(
    environment: Mapping[str, str], more: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", *DEMO, *more, env=environment, cwd=ROOT,
        stdout=writing, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(writing)
    os.close(reading)
    _, err = await asyncio.wait_for(process.communicate(), LIMIT)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize(
    ("redirection", "words"), [(">&-", "closed"), (">/dev/full", "No space left")]
)
async def test_output_that_cannot_be_written_is_1_and_one_sentence(
    environment: Mapping[str, str], redirection: str, words: str
) -> None:
    shell = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1], shell=True))"
    line = f"{sys.executable} -m tui {' '.join(DEMO)} {redirection}"
    ran = await run(environment, line, python=shell)
    assert (ran.code, ran.out) == (1, "")
    assert words in ran.err
    assert ran.err.count("\n") == 1


async def test_a_terminal_without_unicode_gets_a_table_all_the_same(
    environment: dict[str, str],
) -> None:
    environment |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ran = await run(environment, *DEMO)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.isascii()
    assert "reviews" in ran.out


CREDENTIALS = ("header", "token", "password", "url")


@pytest.mark.parametrize("given", CREDENTIALS)
@pytest.mark.parametrize("status", [200, 401, 500])
async def test_no_secret_is_ever_printed_or_logged(
    environment: Mapping[str, str], tmp_path: Path, given: str, status: int
) -> None:
    """A server that sends back all that it got must not make the program show it."""
    file, log = tmp_path / "secret", tmp_path / "log"
    file.write_text(f"{SECRET}\n")
    seen: list[str] = []

    def echo(request: Request) -> bytes:
        seen.append(request.headers.get("authorization", ""))
        text = f"you sent {dict(request.headers)} to {request.target}"
        return answer(text, status, "text/plain") if status != 200 else prometheus(request)

    async with serving(echo) as server:
        place = server.url
        flags = {
            "header": ("--header", f"Authorization=Bearer {SECRET}"),
            "token": ("--token-file", str(file)),
            "password": ("--basic-user", "me", "--basic-password-file", str(file)),
            "url": (),
        }[given]
        if given == "url":
            place = place.replace("http://", f"http://me:{SECRET}@") + f"/?key={SECRET}"
        argv = ("--prometheus", place, *flags, "--log-file", str(log))
        for word in ("services", "info"):
            ran = await run(environment, word, *argv, "-o", "json")
            assert SECRET not in ran.out + ran.err
            assert ran.code == (0 if word == "info" or status == 200 else 3)
    assert any(seen), "the credential was sent"
    assert SECRET not in log.read_text()


COLOURLESS = """
import os, sys
from tui.cli import main
os.environ["NO_COLOR"] = "1"
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("start", "coloured"), [(["-m", "tui"], True), (["-c", COLOURLESS], False)]
)
def test_colour_is_for_terminals_that_want_it(
    environment: dict[str, str], start: list[str], coloured: bool
) -> None:
    with running([*start, *DEMO], environment=environment, module=False) as terminal:
        assert terminal.end() == 0
        assert "reviews" in terminal.text
        assert (b"\x1b[2m" in terminal.written) is coloured
        assert (b"\x1b" in terminal.written) is coloured


@pytest.mark.parametrize("word", ["demo", "--demo"])
def test_a_dumb_terminal_gets_a_sentence_and_2(environment: dict[str, str], word: str) -> None:
    with running([word], environment={**environment, "TERM": "dumb"}) as terminal:
        assert terminal.end() == 2
        assert "istiotop services prints" in " ".join(terminal.text.split())
        assert b"\x1b" not in terminal.written


@pytest.mark.parametrize("flags", [("--filter", "foo>1"), ("--sort", "foo")])
def test_what_the_screen_could_not_use_is_told_before_it_opens(
    environment: dict[str, str], flags: tuple[str, str]
) -> None:
    with running(["demo", *flags], environment=environment) as terminal:
        assert terminal.end() == 2
        assert terminal.text.startswith(f"istiotop: {flags[0]}: ")
        assert b"\x1b" not in terminal.written
