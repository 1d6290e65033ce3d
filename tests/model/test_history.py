"""Histories keep real gaps and invent none, whatever the clock does."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.history import LATE, Histories, History

NAN = math.nan
Cells = list[float | None]


def history(
    *samples: tuple[float, float | None], interval: float = 10, capacity: int = 8
) -> History:
    made = History(capacity, interval)
    for at, value in samples:
        made.add(at, value)
    return made


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([], [None, None, None], id="nothing"),
        pytest.param([(10, 1), (20, 2), (30, 3)], [1, 2, 3], id="one each, at the last moment"),
        pytest.param([(1, 1), (11, 2), (21, 3)], [1, 2, 3], id="one each, at the first moment"),
        pytest.param([(0, 9), (15, 2)], [9, 2, 2], id="a bucket begins after its first moment"),
        pytest.param([(12, 2), (16, 8), (20, 5)], [None, 5, 5], id="the mean of several"),
        pytest.param([(10, 1), (21, 3)], [1, 1, 3], id="a late sample leaves no hole"),
        pytest.param([(7, 1), (24.5, 3)], [1, 1, 3], id="as late as may be"),
        pytest.param([(7, 1), (24.6, 3)], [1, None, 3], id="one is missing"),
        pytest.param([(10, 1), (20, None), (30, 3)], [1, None, 3], id="a gap by name"),
        pytest.param([(10, 1), (20, NAN), (30, 3)], [1, None, 3], id="NaN is a gap"),
        pytest.param([(10, 1), (20, math.inf), (30, 3)], [1, None, 3], id="so is infinity"),
        pytest.param([(10, 1), (15, None), (30, 3)], [1, None, 3], id="nothing holds over a gap"),
        pytest.param([(12, 4), (14, None), (20, 6)], [None, 5, 6], id="a mean leaves gaps out"),
        pytest.param([(2, 1)], [1, 1, None], id="the last one holds until the next is overdue"),
        pytest.param([(-5, 1), (8, 2), (31, 3)], [2, None, None], id="before and after"),
    ],
)
def test_cells(samples: list[tuple[float, float | None]], expected: Cells) -> None:
    assert history(*samples).cells(3, 30, 10) == expected


def test_a_value_is_carried_into_the_first_bucket() -> None:
    assert history((0, 5), (16, 7)).cells(3, 30, 5) == [7, 7, 7]
    assert history((4, 5), (16, 7)).cells(3, 15, 5) == [5, 5, 5]


def test_short_buckets_between_samples_have_the_value_before() -> None:
    assert history((0, 1), (15, 2), (30, 3), interval=15).cells(6, 30, 5) == [1, 1, 2, 2, 2, 3]


def test_a_pause_stays_a_gap_and_the_end_of_it_is_seen() -> None:
    made = history((0, 1), (10, 2), (60, 3), (70, 4))
    assert made.cells(7, 70, 10) == [2, None, None, None, None, 3, 4]
    assert made.cells(7, 60, 10) == [1, 2, None, None, None, None, 3]


def test_a_changed_interval_holds_from_then_on() -> None:
    made = history((0, 1), (10, 2))
    made.interval = 60
    assert made.interval == 60
    made.add(70, 3)
    made.add(130, 4)
    assert made.cells(6, 130, 20) == [None, None, 3, 3, 3, 4]


def test_a_second_sample_for_the_same_time_replaces_the_first() -> None:
    assert history((10, 1), (20, 2), (20, 8)).cells(2, 20, 10) == [1, 8]
    assert history((10, 1), (20, 2), (10, None)).cells(2, 20, 10) == [None, 2]


def test_an_older_sample_takes_its_place() -> None:
    assert history((10, 1), (30, 3), (20, 2)).cells(3, 30, 10) == [1, 2, 3]


def test_times_that_are_none_are_passed_over() -> None:
    assert history((10, 1), (NAN, 2), (math.inf, 3), (-math.inf, 4)).cells(1, 10, 10) == [1]


def test_the_oldest_sample_makes_room() -> None:
    made = history(*[(10 * i, i) for i in range(12)], capacity=4)
    assert made.cells(12, 110, 10) == [None] * 8 + [8, 9, 10, 11]


def test_a_clock_that_was_wrong_for_a_moment_does_not_stop_the_history() -> None:
    made = history((0, 1), (10**6, 7), *[(10 * i, i) for i in range(1, 9)], capacity=4)
    assert made.cells(3, 80, 10) == [6, 7, 8]


def test_a_clock_set_back_for_good_does_not_stop_the_history() -> None:
    late = [(10**6 + 10 * i, 99) for i in range(8)]
    made = history(*late, *[(10 * i, i) for i in range(9)], capacity=4)
    assert made.cells(3, 80, 10) == [6, 7, 8]


def test_one_look_at_the_past_costs_one_sample_at_most() -> None:
    made = history(*[(10**6 + 10 * i, i) for i in range(4)], (5, 42), capacity=4)
    assert made.cells(4, 10**6 + 20, 10) == [None, 0, 1, 2]
    made.add(10**6 + 30, 3)
    assert made.cells(4, 10**6 + 30, 10) == [0, 1, 2, 3]


def test_series_share_their_times_and_have_their_own_gaps() -> None:
    made: Histories[str] = Histories(8, 10)
    made.add(10, {"a": 1})
    made.add(20, {"a": 2, "b": 5})
    made.add(30, {"b": 6, "c": None})
    assert made.cells("a", 3, 30, 10) == [1, 2, None]
    assert made.cells("b", 3, 30, 10) == [None, 5, 6]
    assert made.cells("c", 3, 30, 10) == [None, None, None]
    assert made.cells("d", 3, 30, 10) == [None, None, None]


def test_a_series_that_nobody_names_is_forgotten() -> None:
    made: Histories[str] = Histories(3, 10)
    made.add(0, {"old": 1, "new": 1})
    for i in (1, 2):
        made.add(10 * i, {"new": 1})
    assert made.cells("old", 3, 20, 10) == [1, None, None]
    assert len(made) == 2
    made.add(30, {"new": 1})
    assert len(made) == 1
    made.add(40, {"new": 1, "old": 2})
    assert made.cells("old", 2, 40, 10) == [None, 2]


def test_seeds_go_in_front() -> None:
    made: Histories[str] = Histories(8, 10)
    made.add(100, {"a": 10})
    made.seed([(90, {"b": 1}), (30, {"a": 3}), (60, {"a": 6}), (100, {"a": 99}), (120, {"a": 99})])
    made.add(110, {"a": 11})
    assert made.cells("a", 9, 110, 10) == [3, 3, 3, 6, 6, 6, None, 10, 11]
    assert made.cells("b", 3, 110, 10) == [1, None, None]


def test_seeds_fill_the_room_that_is_left_latest_first() -> None:
    made: Histories[str] = Histories(3, 10)
    made.add(40, {"a": 4})
    made.seed([(10 * i, {"a": i}) for i in range(4)])
    assert made.cells("a", 5, 40, 10) == [None, None, 2, 3, 4]
    made.seed([(5, {"a": 99, "b": 99}), (NAN, {"c": 1}), (-math.inf, {"c": 1})])
    assert made.cells("a", 5, 40, 10) == [None, None, 2, 3, 4]
    assert len(made) == 1


def test_seeds_of_an_empty_history() -> None:
    made: Histories[str] = Histories(3, 10)
    made.seed([])
    made.seed([(-math.inf, {"b": 1}), (5, {"a": 1}), (NAN, {"b": 1}), (10, {"a": 3})])
    assert made.cells("a", 1, 10, 10) == [2]
    assert len(made) == 1


times = st.integers(0, 200).map(float)
rows = st.dictionaries(st.sampled_from("abc"), st.sampled_from([1.0, 2.0, 8.0, NAN]))


def naive(
    samples: Mapping[float, Mapping[str, float]], key: str, width: int, end: float, step: float
) -> Cells:
    """`cells` by its own definition, looking at every sample for every bucket. Interval 10."""

    def value(at: float) -> float | None:
        found = samples[at].get(key, NAN)
        return None if math.isnan(found) else found

    def bucket(start: float) -> float | None:
        inside = [at for at in samples if start < at <= start + step]
        if inside:
            known = [found for at in inside if (found := value(at)) is not None]
            return sum(known) / len(known) if known else None
        before = max((at for at in samples if at <= start), default=None)
        if before is None:
            return None
        after = min((at for at in samples if at > start + step), default=start)
        return value(before) if after <= before + LATE * 10 else None

    return [bucket(end - step * left) for left in range(width, 0, -1)]


@given(st.lists(st.tuples(times, rows), max_size=25), st.integers(0, 12), times, st.integers(1, 40))
def test_cells_are_what_their_definition_says(
    added: list[tuple[float, dict[str, float]]], width: int, end: float, step: int
) -> None:
    made: Histories[str] = Histories(25, 10)
    for at, values in added:
        made.add(at, values)
    samples = dict(added)
    for key in "abc":
        assert made.cells(key, width, end, step) == pytest.approx(
            naive(samples, key, width, end, step)
        )


named = st.lists(st.tuples(times, st.sets(st.sampled_from("abc"))), max_size=40)


@given(named, named)
def test_there_are_never_more_samples_than_fit_and_the_latest_is_there(
    added: list[tuple[float, set[str]]], seeds: list[tuple[float, set[str]]]
) -> None:
    made: Histories[str] = Histories(5, 10)
    for at, keys in added:
        made.add(at, dict.fromkeys(keys, at))
        made.seed([(before, dict.fromkeys(series, before)) for before, series in seeds])
        assert made.cells("a", 1, at, 0.5) == [at if "a" in keys else None]
        for key in "abc":
            assert len({*made.cells(key, 402, 200, 0.5)} - {None}) <= 5


def test_a_thousand_series_of_an_hour_take_six_megabytes() -> None:
    values = {f"service-{i}": float(i) for i in range(1000)}
    made: Histories[str] = Histories(720, 5)
    tracemalloc.start()
    try:
        for i in range(730):
            made.add(5 * i, values)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 7e6
