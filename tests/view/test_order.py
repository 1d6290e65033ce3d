from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.frames import frame, requests
from tui.model.mesh import services
from tui.view.order import Arranger, Order
from tui.view.services import COLUMNS, DEFAULT_ORDER, Line
from tui.view.table import Cell, Column


@dataclass(frozen=True)
class Item:
    name: str
    load: float | None = None
    rank: int = 0


TABLE: tuple[Column[Item], ...] = (
    Column("name", "NAME", 9, lambda i: i.name, lambda i: Cell(i.name), "", align="left"),
    Column("load", "LOAD", 9, lambda i: i.load, lambda i: Cell(str(i.load)), ""),
    Column(
        "health", "HEALTH", 9, lambda i: "word", lambda i: Cell(""), "",
        order=lambda i: (float(-i.rank), i.load or 0.0),
    ),
    Column("rank", "RANK", 9, lambda i: i.rank, lambda i: Cell(str(i.rank)), ""),
    Column("history", "HISTORY", 9, lambda i: [i.load], lambda i: Cell(""), ""),
)  # fmt: skip
UP, DOWN = Order("load", descending=False), Order("load", descending=True)


def arranged(arranger: Arranger[Item], items: list[Item], order: Order = DOWN) -> list[str]:
    return [item.name for item in arranger.arrange(items, order, TABLE, lambda i: i.name)]


def fresh(items: list[Item], order: Order = DOWN) -> list[str]:
    return arranged(Arranger(), items, order)


ITEMS = [Item("b", 2.0), Item("a", 1.0), Item("none"), Item("nan", math.nan), Item("c", 3.0)]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (DOWN, ["c", "b", "a", "nan", "none"]),
        (UP, ["a", "b", "c", "nan", "none"]),
        (Order("name", descending=False), ["a", "b", "c", "nan", "none"]),
        (Order("name", descending=True), ["none", "nan", "c", "b", "a"]),
        (Order("history", descending=True), ["a", "b", "c", "nan", "none"]),
        (Order("no such column", descending=True), ["a", "b", "c", "nan", "none"]),
    ],
)
def test_sorts_and_puts_what_is_missing_last_both_ways(order: Order, names: list[str]) -> None:
    assert fresh(ITEMS, order) == names


@pytest.mark.parametrize("order", [UP, DOWN])
def test_ties_go_by_name_both_ways(order: Order) -> None:
    assert fresh([Item(name, 5.0) for name in "dbca"], order) == list("abcd")


def test_infinity_is_a_number() -> None:
    assert fresh([Item("a", 1.0), Item("b", math.inf), Item("c")]) == ["b", "a", "c"]


@pytest.mark.parametrize("descending", [True, False])
def test_names_in_any_case_sort_together(descending: bool) -> None:
    found = fresh([Item("b"), Item("A"), Item("C")], Order("name", descending))
    assert found == (["C", "b", "A"] if descending else ["A", "b", "C"])


values = st.one_of(st.none(), st.floats(allow_nan=True), st.integers(-9, 9).map(float))


@given(st.dictionaries(st.text(max_size=4), values), st.booleans(), st.randoms())
def test_the_order_is_total(
    loads: dict[str, float | None], descending: bool, shuffler: random.Random
) -> None:
    items = [Item(name, load) for name, load in loads.items()]
    other = items.copy()
    shuffler.shuffle(other)
    order = Order("load", descending)
    found = fresh(items, order)
    assert found == fresh(other, order)
    assert sorted(found) == sorted(loads)
    shown = [loads[name] for name in found]
    known = [x for x in shown if x is not None and not math.isnan(x)]
    assert known == sorted(known, reverse=descending)
    assert all(x is None or math.isnan(x) for x in shown[len(known) :])


@given(
    st.lists(st.floats(0.01, 1e6), min_size=2, max_size=20),
    st.lists(st.lists(st.floats(0.9, 1.1), min_size=20, max_size=20), min_size=2, max_size=9),
)
def test_noise_of_a_tenth_moves_nothing(loads: list[float], noise: list[list[float]]) -> None:
    arranger: Arranger[Item] = Arranger()
    seen = {
        tuple(
            arranged(
                arranger,
                [Item(f"{n:02}", x * wobble[n]) for n, x in enumerate(loads)],
            )
        )
        for wobble in noise
    }
    assert len(seen) == 1


def test_a_true_change_moves_one_row_and_no_other() -> None:
    arranger: Arranger[Item] = Arranger()
    assert arranged(arranger, [Item("a", 30.0), Item("b", 20.0), Item("c", 10.0)]) == list("abc")
    assert arranged(arranger, [Item("a", 30.0), Item("b", 20.0), Item("c", 11.9)]) == list("abc")
    assert arranged(arranger, [Item("a", 30.0), Item("b", 20.0), Item("c", 25.0)]) == list("acb")
    assert arranged(arranger, [Item("a", 30.0), Item("b", 20.0), Item("c", 0.0)]) == list("abc")


@pytest.mark.parametrize(("before", "after"), [(0.0, 0.01), (5.0, None), (None, 5.0)])
def test_from_or_to_nothing_is_a_change(before: float | None, after: float | None) -> None:
    arranger: Arranger[Item] = Arranger()
    arranged(arranger, [Item("a", before), Item("z", 1e-9)])
    assert arranged(arranger, [Item("a", after), Item("z", 1e-9)]) == fresh(
        [Item("a", after), Item("z", 1e-9)]
    )


def test_whole_numbers_are_ranks_and_taken_as_they_are() -> None:
    arranger: Arranger[Item] = Arranger()
    by_rank = Order("rank", descending=True)
    assert arranged(arranger, [Item("a", rank=10), Item("b", rank=9)], by_rank) == ["a", "b"]
    assert arranged(arranger, [Item("a", rank=10), Item("b", rank=11)], by_rank) == ["b", "a"]


def test_another_order_forgets_where_rows_were() -> None:
    arranger: Arranger[Item] = Arranger()
    arranged(arranger, [Item("a", 10.0), Item("b", 10.5)])
    now = [Item("a", 10.6), Item("b", 10.5)]
    assert arranged(arranger, now) == ["b", "a"]
    assert arranged(arranger, now, UP) == ["b", "a"]
    assert arranged(arranger, now) == ["a", "b"]


def test_a_row_that_left_comes_back_by_its_own_value() -> None:
    arranger: Arranger[Item] = Arranger()
    arranged(arranger, [Item("a", 10.0), Item("b", 10.5)])
    arranged(arranger, [Item("b", 10.5)])
    assert arranged(arranger, [Item("a", 10.9), Item("b", 10.5)]) == ["a", "b"]


def test_every_step_of_health_moves_a_row() -> None:
    health = Order("health", descending=True)
    for before, after in itertools.permutations(range(5), 2):
        arranger: Arranger[Item] = Arranger()
        arranged(arranger, [Item("a", 1.0, before), Item("b", 0.5, before)], health)
        found = arranged(arranger, [Item("a", 1.0, after), Item("b", 0.5, before)], health)
        assert found == (["a", "b"] if after < before else ["b", "a"])


def test_services_come_worst_first() -> None:
    def series(name: str, good: float, bad: float) -> list[tuple[dict[str, str], float]]:
        labels = {"destination_service_name": name}
        return [
            (dict(requests(good, **labels)[0]), good),
            (dict(requests(bad, response_code="503", **labels)[0]), bad),
        ]

    shown = frame(
        *series("quiet", 1.0, 0.0), *series("busy", 500.0, 0.0), *series("failing", 5.0, 5.0),
        *series("worse", 50.0, 50.0), *series("degraded", 400.0, 1.0), *series("idle", 0.0, 0.0),
    )  # fmt: skip
    lines = [Line(service) for service in services(shown)]
    found = Arranger[Line]().arrange(lines, DEFAULT_ORDER, COLUMNS, lambda line: line.service.key)
    assert [line.service.key.name for line in found] == [
        "worse", "failing", "degraded", "busy", "quiet", "idle",
    ]  # fmt: skip
