"""What the screen of services asks, remembers and shows, without a screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.model.frames import buckets, frame, metric, requests
from tui.model import labels, questions
from tui.model.frame import Ask, Frame, Kind, Presence, Table
from tui.model.questions import ServiceKey
from tui.view.board import FEW, JUDGE_EVERY, NOT_ASKED, Board, Look
from tui.view.filter import parse
from tui.view.order import Order
from tui.view.services import COLUMNS
from tui.view.table import Row

NOW = 1_700_000_000.0
BY_P99 = Look(order=Order("p99_seconds", descending=True))
P99 = [column.key for column in COLUMNS].index("p99_seconds")


def key(name: str, namespace: str = "default") -> ServiceKey:
    return ServiceKey("service", namespace, name)


def many(count: int, slowest: int = 0) -> tuple[object, ...]:
    """Services `s0`, `s1`, …, of which one is slow."""
    found: list[object] = []
    for number in range(count):
        name = {"destination_service_name": f"s{number}"}
        le = "1000" if number == slowest else "10"
        found += [requests(10.0, **name), *buckets({le: 10.0, "+Inf": 10.0}, **name)]
    return tuple(found)


def answer(board: Board, *series: object, visible: tuple[ServiceKey, ...] = (), at: float = NOW
           ) -> Ask:  # fmt: skip
    """One refresh: the board is asked what it needs, and gets it."""
    ask = board.ask(visible, at)
    found: Frame = frame(*series, queries=ask.queries, window=ask.window)  # type: ignore[arg-type]
    board.take(replace(found, at=at), ask)
    return ask


def latency_of(ask: Ask, name: str) -> bool:
    """Whether this service's buckets are asked for."""
    return any(
        query.kind is Kind.HISTOGRAM
        and query.table == questions.DURATION
        and all(m.accepts(name) for m in query.where if m.label == labels.SERVICE)
        for query in ask.queries
    )


def names(board: Board) -> list[str]:
    return [line.service.key.name for line in board.lines()]


def row(board: Board, name: str) -> Row:
    return next(r for r in board.rows(board.lines(), {key(name)}) if r.key == key(name))


def test_the_first_question_is_quick_and_the_second_is_about_what_is_visible() -> None:
    board = Board(Look(), 5.0)
    first = answer(board, *many(FEW + 1))
    assert not latency_of(first, "s0")
    assert row(board, "s0").cells[P99] is NOT_ASKED
    second = answer(board, *many(FEW + 1), visible=(key("s0"),))
    assert latency_of(second, "s0")
    assert not latency_of(second, "s1")
    assert row(board, "s0").cells[P99] is not NOT_ASKED
    assert row(board, "s1").cells[P99] is NOT_ASKED


def test_of_few_services_all_latency_is_asked() -> None:
    board = Board(Look(), 5.0)
    answer(board, *many(FEW))
    assert latency_of(answer(board, *many(FEW), visible=()), "s7")


def test_a_source_that_warms_up_is_asked_everything_at_once() -> None:
    assert latency_of(answer(Board(Look(), 5.0, at_once=True), *many(1)), "s0")


@pytest.mark.parametrize("look", [BY_P99, Look(filter=parse("p99>5", COLUMNS))])
def test_who_judges_by_latency_asks_all_now_and_then(look: Look) -> None:
    board = Board(Look(), 5.0)
    answer(board, *many(FEW + 1))
    board.look_at(look)
    asked = [
        latency_of(answer(board, *many(FEW + 1), visible=(key("s0"),), at=NOW + 5 * tick), "s1")
        for tick in range(1, 15)
    ]
    assert asked[0], "at once"
    again = asked.index(True, 1)
    assert again * 5 == JUDGE_EVERY
    assert asked.count(True) == 3


def test_a_quoted_text_that_looks_like_a_comparison_is_none() -> None:
    assert not Look(filter=parse('"p99>5"', COLUMNS)).by_latency
    assert not Look(filter=parse("err>5 ns:x reviews", COLUMNS)).by_latency
    assert Look(filter=parse("!p50<5", COLUMNS)).by_latency


def test_rows_stay_in_the_order_of_the_latency_that_was_known_of_all() -> None:
    board = Board(BY_P99, 5.0)
    answer(board, *many(FEW + 1, slowest=42))
    answer(board, *many(FEW + 1, slowest=42), at=NOW + 1)
    assert names(board)[0] == "s42"
    assert board.judged_at == NOW + 1
    answer(board, *many(FEW + 1, slowest=42), visible=(key("s0"),), at=NOW + 6)
    assert names(board)[0] == "s42"
    assert board.judged_at == NOW + 1
    assert row(board, "s42").cells[P99] is NOT_ASKED, "an old number is none"


def test_another_scope_is_found_out_anew_and_shown_at_once() -> None:
    mesh = (*many(2), requests(1.0, destination_service_namespace="shop"))
    board = Board(Look(), 5.0)
    answer(board, *mesh)
    assert board.namespaces == {"default": 2, "shop": 1}
    board.look_at(Look(scope=("shop",)))
    assert names(board) == ["reviews"]
    ask = answer(board, mesh[-1])
    called = next(q for q in ask.queries if q.table == questions.CALLED)
    assert not called.either, "who is not served there is not known yet"
    assert board.namespaces == {"default": 2, "shop": 1}, "out of scope is not gone"
    answer(board)
    assert board.namespaces["shop"] == 0


def test_a_frame_without_requests_because_the_question_failed_changes_no_row() -> None:
    board = Board(Look(), 5.0)
    answer(board, *many(2))
    ask = board.ask((), NOW)
    failed: Table[float] = Table((), {}, Presence.FAILED, "too slow")
    empty = frame(queries=ask.queries)
    broken = replace(empty, tables={**empty.tables, questions.SERVED: failed})
    board.take(broken, ask)
    assert board.failed
    assert len(names(board)) == 2
    answer(board, *many(1))
    assert not board.failed
    assert len(names(board)) == 1


def test_only_rows_near_the_screen_have_their_cells() -> None:
    board = Board(Look(), 5.0)
    answer(board, *many(3))
    rows = board.rows(board.lines(), {key("s1")})
    assert [bool(r.cells) for r in rows] == [r.key == key("s1") for r in rows]


def test_the_past_goes_in_front_of_what_was_seen() -> None:
    board = Board(Look(), 5.0)
    answer(board, *many(1))
    ask, start, end, step = board.past(NOW)
    assert (end, step) == (NOW, board.bar)
    frames = [
        replace(frame(*many(1), queries=ask.queries), at=start + step * i)  # type: ignore[arg-type]
        for i in range(round((end - start) / step))
    ]
    board.remember(frames)
    history = board.history(key("s0"))
    assert len(history) == round((end - start) / step)
    assert [value for value in history[1:] if value != 10.0] == []


def test_a_service_without_requests_has_no_latency_to_wait_for() -> None:
    board = Board(Look(), 5.0)
    tcp = metric(labels.TCP_REQUEST_BYTES, 5.0, destination_service_name="redis")
    answer(board, *many(FEW), tcp)
    assert row(board, "redis").cells[P99].text == "–"


def test_why_there_is_no_row() -> None:
    board = Board(Look(), 5.0)
    answer(board, *many(2))
    assert board.frame is not None
    for look, said in (
        (Look(filter=parse("zzz", COLUMNS)), "matches zzz: esc"),
        (Look(only_bad=True), "No service of 2 is failing or degraded: b"),
        (Look(scope=("shop", "x\x1b")), "in shop, x� has traffic: n chooses"),
    ):
        board.look_at(look)
        assert names(board) == []
        assert said in board.why_nothing(board.frame)


def test_orders_by_the_column_beside_stop_at_both_ends() -> None:
    shown = ["service", "requests_per_second", "health"]
    look = Look()
    assert look.sorted_beside(1, shown) == look
    left = look.sorted_beside(-1, shown)
    assert left.order == Order("requests_per_second", descending=True)
    assert left.sorted_beside(-1, shown).order == Order("service", descending=False)
    assert left.sorted_beside(-1, shown).sorted_beside(-1, shown).order.column == "service"
    assert BY_P99.sorted_beside(1, shown).order.column == "service", "its column is not shown"
    assert look.sorted_by("health").order == Order("health", descending=False)
    assert look.reversed().reversed() == look
