"""Two versions as a table, in words and in checks: nothing is invented, and every doubt is said."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.model.frames import Series, buckets, metric, requests
from tests.model.test_versions import asked, found, of
from tui.model.checks import CheckError, parse
from tui.model.compare import Outcome
from tui.model.frame import Frame, Presence, Table
from tui.model.health import Level
from tui.model.versions import SERVED, Versions, versions
from tui.report import render
from tui.view.aspects import Aspect, Comparison, compared
from tui.view.compare import HIGH, KEYS, LOW, aspects, columns, kind, names, values
from tui.view.verdict import fairness, unknown, verdict, why_not

LE = ("5", "10", "25", "50", "100", "250", "500", "1000", "+Inf")
QUICK = dict(zip(LE, (0.1, 0.4, 0.8, 0.95, 0.99, 1, 1, 1, 1), strict=True))
SLOW = dict(zip(LE, (0, 0, 0, 0, 0.01, 0.03, 0.9, 1, 1), strict=True))
TAIL = dict(zip(LE, (0.4, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 1, 1), strict=True))


def side(
    name: str,
    rate: float,
    errors: float = 0.0,
    latency: dict[str, float] | None = None,
    **more: str,
) -> list[Series]:
    """One version's series: requests per second, the share that fails, and its latencies."""
    counts = {le: share * rate for le, share in (latency or {}).items()}
    return [
        requests(rate * (1 - errors), **of(name, **more)),
        requests(rate * errors, **of(name, response_code="503", response_flags="UC", **more)),
        *buckets(counts, **of(name, **more)),
    ]  # fmt: skip


def both(*series: list[Series], a: str = "v1", b: str = "v3") -> Comparison:
    """The comparison over two minutes."""
    comparison = compared(found(*(one for part in series for one in part)), a, b)
    assert comparison is not None
    return comparison


def row(comparison: Comparison, key: str) -> Aspect:
    (only,) = [aspect for aspect in aspects(comparison) if aspect.key == key]
    return only


def cells(comparison: Comparison, key: str) -> dict[str, str]:
    return {c.key: c.cell(row(comparison, key)).text for c in columns(comparison)}


def printed(comparison: Comparison, form: str = "json") -> str:
    frame = Frame(1_700_000_000.0, 120.0, "by hand")
    return render(form, columns(comparison), aspects(comparison), frame)


BAD = (side("v1", 20, 0.005, QUICK), side("v3", 20, 0.08, SLOW))
EQUAL = (side("v1", 200, 0.005, QUICK), side("v3", 200, 0.005, QUICK))


@pytest.mark.parametrize(
    ("series", "said"),
    [
        (BAD, ("v3 is worse than v1: errors 8.00% against 0.50%, at least 4.9 points more",
               "97.0% of requests take longer than 250ms against 0%")),
        ((side("v1", 20, 0.08, SLOW), side("v3", 20, 0.005, QUICK)),
         ("v3 is better than v1: errors 0.50% against 8.00%, at least 4.9 points fewer",
          "only 0% of requests take longer than 250ms against 97.0%")),
        (EQUAL, ("No difference between v3 and v1 seen yet; 0.4 points more errors",
                 "requests taking over 1.25 times as long")),
        ((side("v1", 200, 0.005), side("v3", 200, 0.005)),
         ("No difference", "latency is not judged, without buckets of it")),
        ((side("v1", 200, 0.005, QUICK), side("v3", 200, 0.005, {"7": 1.0, "+Inf": 1.0})),
         ("No difference", "latency is not judged, with fewer than 50 observations or no bounds")),
        ((side("v1", 20, 0.3, QUICK), side("v3", 20, 0.0, SLOW)),
         ("v3 is worse than v1: 97.0% of requests take longer", "; but errors 0% against 30.0%")),
        ((side("v1", 50, 0, QUICK), side("v3", 50, 0, TAIL)),
         ("v3 is worse than v1: 10.0% of requests take longer", "; but only ")),
        ((side("v1", 1, 0, QUICK), side("v3", 1, 0, QUICK)),
         ("Not enough data to compare v3 with v1: 5 points more errors would be seen after",
          "more requests of v3 (", " at this rate); 1 point more errors would be seen after")),
        ((side("v1", 0.3, 0), side("v3", 0.3, 1)), ("Not enough data", "(so far errors 100% ")),
        ((side("v1", 20), side("v3", 0)), ("Not enough data", "v3 had no requests in 2m")),
        ((side("v1", 20),), ("Not enough data", "v3 had no requests in 2m")),
        ((side("v1", 20, 0, QUICK), side("v3", 20, 0.5, QUICK, source_workload="batch")),
         ("v3 and v1 are not comparable: 100% of the requests would have to come from other "
          "callers; as it stands errors 50.0% against 0%",)),
        ((side("v1", 2000), side("v3", 2)),
         ("v3 and v1 are not comparable: v1 carries 1.0k times the load of v3.",)),
    ],
)  # fmt: skip
def test_the_verdict_is_one_sentence(
    series: tuple[list[Series], ...], said: tuple[str, ...]
) -> None:
    sentence = verdict(both(*series))
    for part in said:
        assert part in sentence
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert "nan" not in sentence
    assert "inf" not in sentence


def test_a_window_within_one_scrape_interval_is_no_evidence() -> None:
    plain = asked(*(one for part in BAD for one in part))
    for interval, said in ((60, "is worse"), (120, "2m is no longer than a scrape interval")):
        mesh = versions(dataclasses.replace(plain, scrape_interval=interval), found().key)
        comparison = compared(mesh, "v1", "v3")
        assert comparison is not None
        assert said in verdict(comparison)


def test_fairness_says_loads_callers_time_and_what_is_left_out() -> None:
    lost = requests(1, **of("", reporter="source", response_code="503", response_flags="UH"))
    comparison = both(side("v1", 16), side("v3", 4), side("v2", 20), [lost, requests(2, **of(""))])
    sentence = fairness(comparison)
    assert "v1 and v3 had 16.0 and 4.00 requests/s (38.1% and 9.52% of all)" in sentence
    assert "the same caller; counted for 2m since 20" in sentence
    assert "by destination_version. Not compared: v2 47.6%." in sentence
    assert "120 requests reached no version. 240 requests have no version." in sentence


def test_fairness_tells_how_far_apart_the_callers_are() -> None:
    comparison = both(
        side("v1", 80), side("v1", 20, source_workload="batch"), side("v3", 100),
    )  # fmt: skip
    assert "callers 20 points apart" in fairness(comparison)


def test_errors_are_a_row_with_intervals_signed_difference_and_ratio() -> None:
    shown = cells(both(*BAD), "error_ratio")
    assert shown["measure"] == "errors"
    assert (shown["a"], shown["b"]) == ("0.50%", "8.00%")
    assert shown["a_interval"].startswith("0.1")
    assert shown["difference"] == "+7.50pt"
    assert shown["difference_interval"].startswith("4.9")
    assert shown["ratio"] == "×16.0"
    assert shown["seen"] == "■ worse"
    better = cells(both(*BAD, a="v3", b="v1"), "error_ratio")
    assert (better["difference"], better["ratio"]) == ("-7.50pt", "×0.06")
    assert better["seen"] == "✓ better"


def test_quantiles_have_the_intervals_of_their_buckets() -> None:
    comparison = both(*BAD)
    shown = cells(comparison, "p50_seconds")
    assert shown["a_interval"] == "10ms–25ms"
    assert shown["b_interval"] == "250ms–500ms"
    assert shown["seen"] == "■ worse"
    assert row(comparison, "p50_seconds").level is Level.FAILING
    assert cells(both(*EQUAL), "p50_seconds")["seen"] == ""


def test_a_quantile_at_the_end_of_the_buckets_or_of_few_requests_is_marked() -> None:
    far = both(side("v1", 20, 0, {"5": 0.1, "10": 0.2, "+Inf": 1}), side("v3", 0.5, 0, QUICK))
    assert cells(far, "p99_seconds")["a"] == "≥10ms"
    assert cells(far, "p99_seconds")["b"].startswith("~")
    assert row(far, "p99_seconds").sure == (True, False)


def test_what_is_missing_is_a_dash_and_null_and_never_zero() -> None:
    comparison = both(side("v1", 20), side("v3", 0))
    for key in ("p50_seconds", "p99_seconds", "mean_seconds", "request_bytes", "error_ratio"):
        assert row(comparison, key).b is None
        assert cells(comparison, key)["b"] == "–"
        assert cells(comparison, key)["difference"] == "–"
    assert row(comparison, "share_ratio").b == 0
    answer = json.loads(printed(comparison), parse_constant=lambda name: pytest.fail(name))
    (p99,) = [x for x in answer["rows"] if x["measure"] == "p99_seconds"]
    assert (p99["a"], p99["b"], p99["ratio"], p99["seen"]) == (None, None, None, None)


def test_means_are_of_one_request() -> None:
    comparison = both(
        side("v1", 10), side("v3", 10),
        [
            metric("istio_request_bytes_sum", 5000, **of("v1")),
            metric("istio_response_bytes_sum", 8000, **of("v1")),
            metric("istio_request_duration_milliseconds_sum", 120, **of("v1")),
            metric("istio_request_duration_milliseconds_count", 10, **of("v1")),
        ],
    )  # fmt: skip
    assert cells(comparison, "request_bytes")["a"] == "500B"
    assert cells(comparison, "response_bytes")["a"] == "800B"
    assert cells(comparison, "mean_seconds")["a"] == "12ms"


def test_every_code_status_and_flag_has_a_row_and_more_of_a_bad_one_is_marked() -> None:
    comparison = both(
        *BAD,
        [
            requests(2, **of("v3", response_code="404")),
            requests(1, **of("v1", request_protocol="grpc", grpc_response_status="14")),
        ],
    )
    keys = [aspect.key for aspect in aspects(comparison)]
    assert len(set(keys)) == len(keys)
    assert keys[-5:] == [
        "code_200_ratio", "code_404_ratio", "code_503_ratio", "flag_UC_ratio",
        "grpc_UNAVAILABLE_ratio",
    ]  # fmt: skip
    flag = row(comparison, "flag_UC_ratio")
    assert (flag.seen, flag.level) == (Outcome.WORSE, Level.DEGRADED)
    assert "upstream closed the connection" in flag.help
    fewer = row(comparison, "code_200_ratio")
    assert (fewer.seen, fewer.level) == (Outcome.BETTER, None)
    assert cells(comparison, "code_200_ratio")["seen"] == "fewer"
    assert cells(comparison, "client_error_ratio")["seen"] == "▲ more"
    assert row(comparison, "grpc_UNAVAILABLE_ratio").b == 0


def test_what_no_server_saw_has_a_row_only_where_there_is_some() -> None:
    assert "unreached_ratio" not in [aspect.key for aspect in aspects(both(*BAD))]
    lost = {"reporter": "source", "response_code": "503", "response_flags": "UF"}
    comparison = both(*BAD, [requests(20, **of("v3", **lost))])
    assert row(comparison, "unreached_ratio").b == 0.5
    assert row(comparison, "error_ratio").b == pytest.approx(0.54)


def test_equal_versions_are_never_marked() -> None:
    assert {aspect.level for aspect in aspects(both(*EQUAL))} == {None}


@pytest.mark.parametrize("form", ["table", "wide", "json", "csv", "md"])
def test_names_that_obey_nothing_are_printed_in_every_form(form: str) -> None:
    hostile = "v1\x1b[2J\u202e\n|`=1+1"
    comparison = both(
        side("v3", 20, 0, QUICK),
        [requests(9, **of(hostile, response_code="5\x1b03", response_flags="U\nF,<b>"))],
        a=hostile,
    )  # fmt: skip
    text = printed(comparison, form)
    assert text.replace("\n", "").isprintable()
    assert verdict(comparison).isprintable()
    assert fairness(comparison).isprintable()
    usual = printed(both(side("v3", 20, 0, QUICK), side("v1", 9, 1)), form)
    lines = len(aspects(comparison)) - len(
        aspects(both(side("v3", 20, 0, QUICK), side("v1", 9, 1)))
    )
    if form not in ("json",):
        assert text.count("\n") == usual.count("\n") + lines


def test_a_hundred_codes_do_not_fill_the_screen() -> None:
    many = [requests(1 + number / 100, **of("v1", response_code=str(number))) for number in
            range(200, 300)]  # fmt: skip
    assert len(aspects(both(many, side("v3", 1)))) < 40


def test_every_number_has_promql_for_its_version() -> None:
    comparison = both(*BAD, [requests(20, **of("v3", reporter="source", response_flags="UF"))])
    for column in columns(comparison):
        if column.promql:
            for aspect in aspects(comparison):
                text = column.promql(aspect)
                assert f'destination_version="{column.title}"' in text
                assert "[120s]" in text
                assert text.count("(") == text.count(")")


def test_every_column_has_help_and_keys_are_told_apart() -> None:
    shown = columns(both(*BAD))
    assert all(column.help for column in shown)
    assert len({column.key for column in shown}) == len(shown)
    assert [column.title for column in shown if column.key in "ab"] == ["v1", "v3"]


def held(text: str, comparison: Comparison) -> bool | None:
    return parse(text, kind, names()).holds(values(comparison))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("B.error_ratio - A.error_ratio < 0.005", False),
        ("B.error_ratio - A.error_ratio < 0.1", True),
        ("verdict != 'worse'", False),
        ("B.p99_seconds < 2 * A.p99_seconds", False),
        ("A.requests > 1000 and B.requests_per_second >= 20", True),
        ("0.0799 < B.code_503_ratio < 0.0801", True),
        ("B.flag_UC_ratio > 0.05", True),
        ("B.code_404_ratio == 0 and B.grpc_UNAVAILABLE_ratio == 0", True),
        (f"{LOW} > 0.04 and {HIGH} < 0.2", True),
        ("B.unreached_ratio == 0", True),
        ("A.mean_seconds < 1", None),
        ("0.499 < B.share_ratio < 0.501", True),
    ],
)
def test_a_check_reads_the_numbers_of_the_table(text: str, holds: bool | None) -> None:
    assert held(text, both(*BAD)) is holds


@pytest.mark.parametrize(
    "text",
    [
        "verdict != 'worse'", "B.error_ratio < 0.5", "B.p99_seconds < 9", "B.code_503_ratio < 0.5",
        "B.client_error_ratio < 1", f"{LOW} < 1",
    ],
)  # fmt: skip
def test_a_check_of_too_few_requests_is_undecided(text: str) -> None:
    few = both(side("v1", 20, 0, QUICK), side("v3", 0.3, 0, QUICK))
    assert held(text, few) is None
    assert held(text, both(side("v1", 20))) is None
    assert held("B.requests < 50", few) is True


def test_versions_that_are_not_comparable_have_no_verdict_to_check() -> None:
    apart = both(side("v1", 20), side("v3", 20, 0.5, source_workload="batch"))
    assert held("verdict == 'worse'", apart) is None
    assert held("B.error_ratio < 0.1", apart) is False


def test_every_key_of_json_may_be_checked() -> None:
    comparison = both(*BAD, [requests(20, **of("v3", reporter="source", response_flags="UF"))])
    for aspect in aspects(comparison):
        assert kind(f"A.{aspect.key}") is float
    assert {aspect.key for aspect in aspects(comparison)} >= set(KEYS)
    with pytest.raises(CheckError, match=r"did you mean B\.error_ratio\?"):
        held("B.error_rate < 1", comparison)
    assert kind("C.requests") is None
    assert kind("A.verdict") is None


def empty(presence: Presence, reason: str = "") -> Versions:
    table: Table[float] = Table((), {}, presence, reason)
    plain = asked()
    tables = {**plain.tables, SERVED: table}
    return versions(Frame(plain.at, plain.window, "p", tables), found().key)


@pytest.mark.parametrize(
    ("mesh", "said"),
    [
        (empty(Presence.FAILED, "query timed out"), "query timed out"),
        (empty(Presence.NO_RATE, "two samples are needed."), "(two samples are needed)"),
        (empty(Presence.NO_RATE), "two scrapes"),
        (empty(Presence.ABSENT), "No server reports requests to default/reviews"),
        (empty(Presence.PRESENT), "default/reviews had no requests in the last 2m."),
        (found(*side("v1", 1)), "only one version in the last 2m, v1 by destination_version"),
        (found(*side("", 1, destination_workload="unknown")), "has the label destination_version,"),
        (found(*side("v1", 1), label="pod"), "has the label pod"),
    ],
)
def test_why_there_is_nothing_to_compare_is_one_sentence(mesh: Versions, said: str) -> None:
    assert compared(mesh) is None
    sentence = why_not(mesh)
    assert said in sentence
    assert sentence.isprintable()


def test_names_that_left_no_trace_are_said_with_those_that_did() -> None:
    mesh = found(*side("v1", 9), *side("v3", 1))
    assert unknown(mesh, ("v1", "v3")) == ""
    assert unknown(mesh, ("v1", "v9")) == (
        "No requests to v9 in the last 2m: destination_version is v1, v3."
    )
    assert unknown(found(), ("v1", "")) == (
        "No requests to v1 in the last 2m: the service is nothing."
    )


_RATES = st.floats(0, 1e6) | st.sampled_from([0.0, 0.01, 1e-9, 1e12])


@given(_RATES, _RATES, st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
def test_any_two_versions_can_be_printed_and_said(
    rate_a: float, rate_b: float, errors_a: float, errors_b: float, seed: int
) -> None:
    assume(rate_a + rate_b > 0)
    chance = random.Random(seed)
    latency = dict(zip(LE, sorted(chance.random() for _ in LE), strict=True))
    comparison = both(side("v1", rate_a, errors_a, QUICK), side("v3", rate_b, errors_b, latency))
    answer: dict[str, Any] = json.loads(printed(comparison))
    assert len(answer["rows"]) == len(aspects(comparison))
    for text in (verdict(comparison), fairness(comparison), printed(comparison, "table")):
        assert "nan" not in text
    for aspect in aspects(comparison):
        for around, number in ((aspect.around_a, aspect.a), (aspect.around_b, aspect.b)):
            if around and number is not None and not math.isinf(around.high):
                assert around.low <= number * (1 + 1e-9) + 1e-12
                assert number <= around.high * (1 + 1e-9)
