"""The command line inside one process: words, flags, sentences, exit codes, and what is printed."""

from __future__ import annotations

import json
import logging
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.model.frames import metric, requests
from tests.pretended import Pretended
from tui import __version__, cli, connect
from tui.model.frame import Ask, Frame
from tui.model.text import plain
from tui.settings import FORMATS, OPTIONS
from tui.sources.base import Reason, SourceError

SECRET = "hunter2-s3cr3t"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings of the developer's own, and a log that ends with the test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)
    before = logging.getLogger().handlers[:]
    yield
    for handler in set(logging.getLogger().handlers) - set(before):
        logging.getLogger().removeHandler(handler)
        if isinstance(handler, logging.StreamHandler):
            handler.stream.close()


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    found = Pretended()
    monkeypatch.setattr(connect, "source", lambda settings: found)
    return found


Outputs = pytest.CaptureFixture[str]


def run(capsys: Outputs, *argv: str) -> tuple[int, str, str]:
    code = cli.main(argv)
    out, err = capsys.readouterr()
    return code, out, err


def sentence(err: str) -> str:
    """The one sentence on standard error."""
    assert err.startswith("istiotop: ")
    assert err.count("\n") == 1
    assert plain(err[:-1], 1000) == err[:-1]
    return err.removeprefix("istiotop: ").strip()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["serices"], ("serices", "did you mean services?")),
        (["zzz"], ("zzz", "--help")),
        (["http://prom:9090"], ("--prometheus URL",)),
        (["services", "more"], ("more", "too many")),
        (["compare"], ("a service is missing", "NAMESPACE/NAME")),
        (["compare", "reviews"], ("reviews is no service", "NAMESPACE/NAME")),
        (["compare", "a/b", "v1", "v2", "v3"], ("v3", "too many")),
        (["compare", "a/b", "--demo", "--check", "B.requests"], ("--check", "compares")),
        (["compare", "a/b", "--demo", "--for", "2m", "--at", "-5m"], ("--for", "--at")),
        (["demo", "services"], ("istiotop services --demo",)),
        (["--promtheus", "http://a"], ("did you mean --prometheus?",)),
        ([f"--heeder=Authorization={SECRET}"], ("--heeder", "did you mean --header?")),
        (["--header", SECRET], ("--header", "NAME=VALUE")),
        (["--prom", "http://a"], ("--prom",)),
        (["--window"], ("--window", "expected one argument")),
        (["--window", "5x"], ("--window", "5x")),
        (["-w", "-5m"], ("--window",)),
        (["--at", "-x"], ("--at",)),
        (["--ascii=1"], ("--ascii",)),
        (["services", "-o", "xml", "--demo"], ("--output", "xml")),
        (["services", "--demo", "--prometheus", "http://a"], ("exclude",)),
        (["services", "--demo", "-n", "a", "-A"], ("exclude",)),
        (["services", "--demo", "--watch", "--at", "-5m"], ("--watch", "--at")),
        (["services", "--demo", "--filter", "foo>1"], ("--filter", "foo", "rps")),
        (["services", "--demo", "--sort", "foo"], ("--sort", "foo", "rps")),
        (["services", "--demo", "--sort", "rps:up"], ("--sort", "up", "rps:asc")),
        (["services", "--demo", "--config", "/no/such"], ("/no/such",)),
        (["services", "--demo", "--log-file", "/no/such/log"], ("--log-file", "/no/such/log")),
        (["services"], ("--prometheus URL", "--envoy HOST:PORT", "istiotop demo")),
        ([], ("--prometheus URL", "--envoy HOST:PORT", "istiotop demo")),
        (["services", "--prometheus", "prom:9090"], ("http://prom:9090",)),
        (["services", "--prometheus", f"ftp://u:{SECRET}@prom"], ("http",)),
        (["services", "--prometheus", f"http://u:{SECRET}@prom:x/"], ("port",)),
        (["services", "--prometheus", "http://a", "--token-file", "/t", "--basic-user", "u"],
         ("credential",)),
        (["services", "\x1b[31m"], ("too many",)),
        (["\x1b]0;x\x07"], ("unknown",)),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence_and_2(
    capsys: Outputs, argv: list[str], words: tuple[str, ...]
) -> None:
    code, out, err = run(capsys, *argv)
    text = sentence(err)
    assert (code, out) == (cli.USAGE, "")
    assert all(word in text for word in words)
    assert SECRET not in err


def test_help_names_every_word_and_flag_and_version_is_one_line(capsys: Outputs) -> None:
    code, out, err = run(capsys, "services", "--help")
    assert (code, err) == (0, "")
    assert all(word in out for word in cli.WORDS)
    assert all(flag in out for option in OPTIONS.values() for flag in option.flags)
    assert run(capsys, "-V") == (0, f"istiotop {__version__}\n", "")


@pytest.mark.parametrize("argv", [["services"], [], ["-o", "table"], ["demo"]])
def test_without_a_terminal_the_services_are_printed(
    capsys: Outputs, source: Pretended, argv: list[str]
) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split()[:3] == ["SERVICE", "NAMESPACE", "RPS"]
    assert [line.split()[0] for line in out.splitlines()] == ["SERVICE", "reviews", "ratings"]
    assert source.closed == 1


def test_flags_reach_the_question(capsys: Outputs, source: Pretended) -> None:
    code, out, _ = run(capsys, "services", "-n", "stage", "-w", "5m", "--at", "1000", "-o", "json")
    ask = source.asks[0]
    assert code == 0
    assert (ask.window, ask.at) == (300.0, 1000.0)
    assert [row["service"] for row in json.loads(out)["rows"]] == ["ratings"]


@pytest.mark.parametrize(
    ("sort", "first"),
    [("rps", "reviews"), ("rps:asc", "ratings"), ("name", "ratings"), ("svc:desc", "reviews"),
     ("p99:asc", "reviews")],
)  # fmt: skip
def test_sorting(capsys: Outputs, source: Pretended, sort: str, first: str) -> None:
    _, out, _ = run(capsys, "services", "--sort", sort, "-o", "json")
    assert json.loads(out)["rows"][0]["service"] == first


@pytest.mark.parametrize("format", FORMATS)
def test_filters_and_formats(capsys: Outputs, source: Pretended, format: str) -> None:
    code, out, _ = run(capsys, "services", "--filter", "err>1", "-o", format)
    assert code == 0
    assert "reviews" in out
    assert "ratings" not in out


@pytest.mark.parametrize("format", FORMATS)
def test_no_row_is_5_with_the_reason(capsys: Outputs, source: Pretended, format: str) -> None:
    code, out, err = run(capsys, "services", "--filter", "zzz", "-o", format)
    assert code == 5
    assert sentence(err) == "None of 2 services passes the filter zzz."
    if format == "json":
        assert json.loads(out)["rows"] == []
    else:
        assert out.count("\n") == (1 if format == "csv" else 0)


def test_a_source_without_the_metric_is_5_and_says_so(capsys: Outputs, source: Pretended) -> None:
    source.series = ()
    code, out, err = run(capsys, "services")
    assert (code, out) == (5, "")
    assert "istio_requests_total" in sentence(err)
    assert {query.table for query in source.asks[-1].queries} == {"served", "called"}


def test_warnings_are_in_json_and_else_on_standard_error(
    capsys: Outputs, source: Pretended
) -> None:
    source.warnings = ("10.0.0.1:15090 does not answer.",)
    _, out, err = run(capsys, "services", "-o", "json")
    assert json.loads(out)["warnings"] == list(source.warnings)
    assert err == ""
    assert sentence(run(capsys, "services")[2]) == source.warnings[0]


@pytest.mark.parametrize(
    ("reason", "code"),
    [(r, cli.USAGE if r is Reason.BAD_SETTING else cli.UNREACHABLE) for r in Reason],
)
def test_a_source_that_cannot_be_read_is_3(
    capsys: Outputs, source: Pretended, reason: Reason, code: int
) -> None:
    source.failures = [SourceError(reason, "It is away: look there.")]
    assert run(capsys, "services", "-o", "json") == (
        code,
        "",
        "istiotop: It is away: look there.\n",
    )
    assert source.closed == 1


def test_a_source_that_must_warm_up_is_polled_twice(capsys: Outputs, source: Pretended) -> None:
    source.warm_up = 0.01
    code, out, err = run(capsys, "services")
    assert (code, err, len(source.asks)) == (0, "", 2)
    assert "reviews" in out


def test_someone_who_waits_is_told_why(
    capsys: Outputs, source: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.warm_up = 0.01
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert "0.01 s for a second scrape" in sentence(run(capsys, "services")[2])


def test_a_source_without_buckets_is_asked_for_means(capsys: Outputs, source: Pretended) -> None:
    name = "istio_request_duration_milliseconds"
    source.series = (requests(10.0), metric(f"{name}_sum", 250.0), metric(f"{name}_count", 10.0))
    _, out, _ = run(capsys, "services", "-o", "json")
    (row,) = json.loads(out)["rows"]
    assert row["p50_seconds"] is None
    assert row["mean_seconds"] == 0.025


def test_hostile_names_are_harmless_in_a_table(capsys: Outputs, source: Pretended) -> None:
    source.series = (requests(1.0, destination_service_name="\x1b[2J\n\u202eevil|" + "x" * 9999),)
    for format in FORMATS:
        code, out, err = run(capsys, "services", "-o", format)
        assert (code, err) == (0, "")
        assert all(c == "\n" or c.isprintable() for c in out)
        if format == "json":
            assert json.loads(out)["rows"][0]["service"].startswith("\x1b[2J\n\u202eevil|xxx")


def test_ctrl_c_is_130_and_silent(
    capsys: Outputs, source: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(ask: Ask) -> Frame:
        raise KeyboardInterrupt

    monkeypatch.setattr(source, "poll", interrupted)
    assert run(capsys, "services") == (cli.INTERRUPTED, "", "")


def test_info_prints_what_is_set_and_no_secret(capsys: Outputs, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET)
    argv = [
        "info", "--prometheus", f"http://u:{SECRET}@prom:9090/?key={SECRET}",
        "--header", f"Authorization=Bearer {SECRET}", "--token-file", str(tmp_path / "token"),
    ]  # fmt: skip
    for extra in ([], ["-o", "json"]):
        code, out, err = run(capsys, *argv, *extra)
        assert (code, err) == (0, "")
        assert "http://prom:9090" in out
        assert str(tmp_path / "token") in out
        assert SECRET not in out


def test_a_key_that_nobody_knows_is_told_and_ignored(
    capsys: Outputs, source: Pretended, tmp_path: Path
) -> None:
    (tmp_path / "istiotop").mkdir()
    (tmp_path / "istiotop" / "config.toml").write_text("refesh = 3\n")
    code, out, err = run(capsys, "services")
    assert code == 0
    assert "reviews" in out
    assert "refesh" in sentence(err)


def test_the_log_is_its_owners_alone(capsys: Outputs, source: Pretended, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert run(capsys, "services", "--log-file", str(log))[0] == 0
    logging.getLogger("tui.poller").error("odd")
    assert "ERROR tui.poller odd" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("check", "code"), [("B.requests > 1", 0), ("B.requests < 1", 4), ("B.p99_seconds < 1", 5)]
)
def test_a_comparison_is_a_gate(source: Pretended, capsys: Outputs, check: str, code: int) -> None:
    source.series = (
        requests(9.0), requests(5.0, destination_workload="reviews-v2"),
    )  # fmt: skip
    found, out, _ = run(capsys, "compare", "default/reviews", "--check", check)
    assert found == code
    assert "reviews-v2" in out
    assert check in out
    assert source.closed == 1
