"""Rows in order, and calm: a row moves only when what it is sorted by has truly changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, Generic, TypeVar

from tui.view.table import Column

T = TypeVar("T")
Sortable = float | str | tuple[float | str | None, ...]

HOLD: Final = 0.2
"""Share of the larger of two readings by which they may differ before a row moves. Two readings of
a number that wobbles by ±10 % are up to 18 % apart."""


@dataclass(frozen=True, slots=True)
class Order:
    """By which column rows are sorted (its key), and which way."""

    column: str
    descending: bool


class Arranger(Generic[T]):
    """Sorts the same table again and again, and keeps rows where they are while it can.

    A row is placed by the value that it had when it last moved, until the value now differs from
    that by more than `HOLD`. Whole numbers and words (ranks, names) are always taken as they are.
    """

    def __init__(self) -> None:
        self._order: Order | None = None
        self._held: dict[Hashable, tuple[float | str, ...]] = {}

    def arrange(
        self,
        items: Sequence[T],
        order: Order,
        columns: Sequence[Column[T]],
        key: Callable[[T], Hashable],
    ) -> list[T]:
        """`items` sorted by `order`; ties by the first column, and missing values last both ways.

        `key` tells whose row an item is, from one call to the next. A column that `columns` lacks
        sorts nothing: only the ties remain.
        """
        if order != self._order:
            self._order, self._held = order, {}
        measure = _measure(order.column, columns)
        name = columns[0].value if columns else repr
        held: dict[Hashable, tuple[float | str, ...]] = {}
        placed: list[tuple[tuple[float | str, ...], T]] = []
        missing: list[T] = []
        by_name = sorted(items, key=lambda item: (str(name(item)).casefold(), repr(key(item))))
        for item in by_name:
            value = _comparable(measure(item))
            if value is None:
                missing.append(item)
                continue
            whose = key(item)
            before = self._held.get(whose)
            held[whose] = value if before is None or _moved(before, value) else before
            placed.append((held[whose], item))
        self._held = held
        placed.sort(key=itemgetter(0), reverse=order.descending)
        return [item for _, item in placed] + missing


def _measure(column: str, columns: Sequence[Column[T]]) -> Callable[[T], object]:
    for found in columns:
        if found.key == column:
            return found.order or found.value
    return lambda _: None


def _comparable(value: object) -> tuple[float | str, ...] | None:
    """A value, or the parts of one, such that any two of a column can be compared; `None` where
    there is nothing to sort by. A missing part of several is less than any number.
    """
    parts = value if isinstance(value, tuple) else (value,)
    found: list[float | str] = []
    for part in parts:
        if isinstance(part, str):
            found += (1, part.casefold())
        elif isinstance(part, int | float) and not math.isnan(part):
            found += (0, part)
        elif len(parts) == 1:
            return None
        else:
            found += (-1, 0)
    return tuple(found)


def _moved(before: tuple[float | str, ...], now: tuple[float | str, ...]) -> bool:
    """Whether any part of a value has truly changed."""
    return before != now and (len(before) != len(now) or any(map(_differ, before, now)))


def _differ(before: float | str, now: float | str) -> bool:
    if isinstance(before, float) and isinstance(now, float):
        return abs(now - before) > HOLD * max(abs(before), abs(now))
    return before != now
