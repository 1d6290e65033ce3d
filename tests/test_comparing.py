"""`istiotop compare`: what it asks, prints and decides, by a source that answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.model.frames import Series, buckets, requests
from tests.model.test_versions import of
from tests.pretended import Pretended
from tests.view.test_compare import QUICK, SLOW
from tui.comparing import BREACHED, Comparing
from tui.once import NO_DATA
from tui.options import UsageError
from tui.settings import FORMATS, Settings
from tui.sources.base import Reason, SourceError

LIMIT = 20.0
"""Seconds that anything may take: a bound on a hang."""


def side(name: str, rate: float, errors: float, latency: dict[str, float]) -> list[Series]:
    return [
        requests(rate * (1 - errors), **of(name)),
        requests(rate * errors, **of(name, response_code="503", response_flags="UC")),
        *buckets({le: share * rate for le, share in latency.items()}, **of(name)),
    ]


EQUAL = [*side("v1", 200, 0.005, QUICK), *side("v3", 200, 0.005, QUICK)]
BAD = [*side("v1", 20, 0.005, QUICK), *side("v3", 20, 0.08, SLOW)]
UNEVEN = [*side("v1", 40, 0, QUICK), *side("v3", 10, 0, QUICK)]
GATE = ("B.error_ratio - A.error_ratio < 0.005",)
WORDS = ("default/reviews", "v1", "v3")


@dataclass
class Run:
    """A comparison of a pretended source, and all that it wrote."""

    source: Pretended
    words: Sequence[str] = WORDS
    texts: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def make(self, **settings: Any) -> Comparing:
        return Comparing(
            Settings(**settings), self.words, self.texts.append, self.complaints.append
        )

    async def code(self, **settings: Any) -> int:
        async with asyncio.timeout(LIMIT):
            return await self.make(**settings).run(self.source)

    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.texts[-1], parse_constant=pytest.fail)
        return found


@pytest.mark.parametrize(
    ("series", "checks", "code"),
    [
        (EQUAL, (), 0),
        (BAD, (), 0),
        (EQUAL, GATE, 0),
        (BAD, GATE, BREACHED),
        (BAD, (*GATE, "A.mean_seconds < 1"), BREACHED),
        (EQUAL, (*GATE, "A.mean_seconds < 1"), NO_DATA),
        (EQUAL, ("verdict != 'worse'",), 0),
        (BAD, ("verdict != 'worse'",), BREACHED),
        (side("v1", 20, 0, QUICK), (), NO_DATA),
        (side("v1", 20, 0, QUICK), GATE, NO_DATA),
        (side("v2", 20, 0, QUICK), GATE, NO_DATA),
        ([], GATE, NO_DATA),
        ([], (), NO_DATA),
    ],
)
@pytest.mark.parametrize("output", FORMATS)
async def test_the_exit_code_says_what_became_of_the_checks(
    series: list[Series], checks: tuple[str, ...], code: int, output: str
) -> None:
    run = Run(Pretended(series))
    assert await run.code(checks=checks, output=output) == code
    if code == NO_DATA and not (output == "json" or "A.mean_seconds < 1" in checks):
        assert run.complaints


async def test_people_read_the_verdict_above_and_the_checks_below() -> None:
    run = Run(Pretended(BAD))
    await run.code(checks=(*GATE, "A.requests > 100", "A.mean_seconds < 1"))
    lines = [line for line in "".join(run.texts).splitlines() if line]
    assert lines[0].startswith("■ v3 is worse than v1: errors 8.00% against 0.50%")
    assert lines[1].startswith("v1 and v3 had 20.0 and 20.0 requests/s")
    assert lines[2].split()[0] == "V1"
    assert lines[-3:] == [
        "■ B.error_ratio - A.error_ratio < 0.005 is breached.",
        "✓ A.requests > 100 holds.",
        "? A.mean_seconds < 1 is undecided.",
    ]
    assert run.complaints == []


async def test_json_has_the_verdict_the_checks_and_the_rows() -> None:
    run = Run(Pretended(BAD))
    await run.code(output="json", checks=GATE)
    answer = run.answer()
    assert list(answer)[:5] == ["version", "source", "at", "window_seconds", "warnings"]
    assert (answer["namespace"], answer["service"]) == ("default", "reviews")
    assert (answer["a"], answer["b"], answer["label"]) == ("v1", "v3", "destination_version")
    assert (answer["verdict"], answer["errors"], answer["latency"]) == ("worse",) * 3
    assert 0.03 < answer["error_ratio_difference_low"] < 0.075
    assert answer["checks"] == [{"check": GATE[0], "holds": False}]
    rows = {row["measure"]: row for row in answer["rows"]}
    assert rows["error_ratio"]["b"] == pytest.approx(0.08)
    assert rows["p99_seconds"]["a_interval"][1] >= rows["p99_seconds"]["a"]


async def test_json_says_why_there_is_nothing_to_compare() -> None:
    run = Run(Pretended([]), ("default/reviews",))
    assert await run.code(output="json") == NO_DATA
    answer = run.answer()
    assert (answer["rows"], answer["verdict"], answer["a"]) == ([], None, None)
    assert "No server reports requests to default/reviews" in answer["words"][0]


async def test_csv_has_the_rows_and_the_verdict_beside_them() -> None:
    run = Run(Pretended(BAD))
    await run.code(output="csv", checks=GATE)
    (text,) = run.texts
    assert text.startswith("at,measure,a,a_interval,b,b_interval,difference,")
    assert run.complaints[0].startswith("v3 is worse than v1")
    assert run.complaints[1].endswith("is breached.")


async def test_without_names_the_busiest_two_are_compared() -> None:
    run = Run(Pretended([*UNEVEN, *side("v2", 300, 0, QUICK)]), ("default/reviews",))
    await run.code(output="json")
    assert (run.answer()["a"], run.answer()["b"]) == ("v2", "v1")


async def test_a_name_without_a_trace_is_said_and_exits_5() -> None:
    run = Run(Pretended(UNEVEN), ("default/reviews", "v1", "v9"))
    assert await run.code() == NO_DATA
    assert "v9 had no requests" in run.texts[0]
    assert run.complaints == ["No requests to v9 in the last 1m: destination_version is v1, v3."]


async def test_what_is_asked_is_the_service_and_the_window() -> None:
    run = Run(Pretended(BAD))
    await run.code(window=300.0, at=1_700_000_000.0)
    (ask,) = run.source.asks
    assert (ask.window, ask.at) == (300.0, 1_700_000_000.0)
    assert len(ask.queries) <= 6
    assert all(any(m.value == "reviews" for m in query.where) for query in ask.queries)


async def test_a_gate_looks_again_and_again_over_a_window_that_begins_now() -> None:
    run = Run(Pretended(EQUAL))
    assert await run.code(lasting=0.8, refresh=0.02, checks=GATE) == 0
    windows = [ask.window for ask in run.source.asks]
    assert len(windows) > 3
    assert windows == sorted(windows)
    assert windows[0] < 2
    assert len(run.texts) == 1


async def test_a_gate_ends_as_soon_as_it_is_breached_and_evidently_worse() -> None:
    worse = [*side("v1", 2000, 0.005, QUICK), *side("v3", 2000, 0.3, SLOW)]
    run = Run(Pretended(worse))
    assert await run.code(lasting=3600.0, refresh=0.01, checks=GATE) == BREACHED


async def test_a_breach_without_evidence_does_not_end_a_gate() -> None:
    by_chance = [*side("v1", 20, 0, QUICK), *side("v3", 20, 0.01, QUICK)]
    run = Run(Pretended(by_chance))
    assert await run.code(lasting=0.8, refresh=0.02, checks=("B.requests < 1",)) == BREACHED
    assert len(run.source.asks) > 3


async def test_a_gate_outlives_a_source_that_is_away_for_a_while() -> None:
    lost = SourceError(Reason.UNREACHABLE, "It is away.")
    run = Run(Pretended(EQUAL, failures=[None, lost, lost]))
    assert await run.code(lasting=0.8, refresh=0.02, checks=GATE) == 0
    assert run.complaints == ["It is away."]


@pytest.mark.parametrize("settings", [{}, {"lasting": 0.2, "refresh": 0.02}])
async def test_a_source_that_was_never_there_ends_it_at_once(settings: dict[str, Any]) -> None:
    run = Run(Pretended(failures=[SourceError(Reason.UNREACHABLE, "It is away.")]))
    with pytest.raises(SourceError, match="It is away"):
        await run.code(**settings)


async def test_watching_prints_every_look_and_its_window_grows() -> None:
    run = Run(Pretended(BAD))
    watching = asyncio.create_task(
        run.make(watch=True, refresh=0.02, output="json").run(run.source)
    )
    async with asyncio.timeout(LIMIT):
        while len(run.texts) < 4:
            await asyncio.wait({watching}, timeout=0.01)
            assert not watching.done() or watching.result()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert all(text.count("\n") == 1 for text in run.texts)
    windows = [ask.window for ask in run.source.asks]
    assert windows == sorted(windows)
    assert 60 <= windows[0] < windows[-1] < 120


async def test_watching_tells_the_time_and_ends_with_a_gate() -> None:
    run = Run(Pretended(BAD))
    assert await run.code(watch=True, lasting=0.8, refresh=0.02) == 0
    assert len(run.texts) > 2
    assert run.texts[0].startswith("2023-11-14T22:13:2")
    assert run.texts[1].startswith("\n2023-11-14T22:13:2")


async def test_proxies_asked_directly_are_scraped_twice() -> None:
    run = Run(Pretended(BAD, warm_up=0.01))
    assert await run.code() == 0
    assert len(run.source.asks) == 2


async def test_the_sources_warnings_are_passed_on() -> None:
    run = Run(Pretended(BAD, warnings=("One store is away.",)))
    await run.code()
    assert run.complaints == ["One store is away."]


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        ((), {}, "a service is missing"),
        (("reviews",), {}, "reviews is no service"),
        (("reviews",), {"namespaces": ("a", "b")}, "reviews is no service"),
        (("/reviews",), {}, "is no service"),
        (("default/",), {}, "is no service"),
        (("a/b/c",), {}, "is no service"),
        (("a\x1b/b/c",), {}, "is no service"),
        (("a/b", "v1", "v1"), {}, "compared with itself"),
        (WORDS, {"label": "no label"}, "--label"),
        (WORDS, {"checks": ("B.requests",)}, "--check: B.requests: a check compares"),
        (WORDS, {"checks": ("B.request < 1",)}, "did you mean B.requests?"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    words: tuple[str, ...], settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        Run(Pretended(), words).make(**settings)
    assert said in str(refused.value)
    assert str(refused.value).isprintable()


async def test_a_single_namespace_of_the_settings_is_the_services() -> None:
    run = Run(Pretended(BAD), ("reviews", "v1", "v3"))
    assert await run.code(namespaces=("default",)) == 0


async def test_any_label_may_tell_the_versions_apart() -> None:
    run = Run(Pretended(BAD), ("default/reviews", "reviews-v1", "reviews-v3"))
    assert await run.code(label="workload", output="json") == 0
    assert run.answer()["label"] == "destination_workload"
