"""A measured figure beside its budget, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `value` and `budget` are in `unit`; `budget` 0 is none.

    `ratio` is the figure against the reference that `against` names, measured in the same run.
    """

    what: str
    value: float
    unit: str
    budget: float = 0.0
    ratio: float | None = None
    against: str = ""
    at_least: bool = False
    """The budget is a lower bound."""

    @property
    def kept(self) -> bool:
        """Whether the figure is within its budget."""
        if not self.budget:
            return True
        return self.value >= self.budget if self.at_least else self.value <= self.budget

    def line(self) -> str:
        """The figure as a row of a Markdown table."""
        sign = "≥" if self.at_least else "≤"
        budget = f"{sign} {self.budget:g} {self.unit}" if self.budget else ""
        against = f"{self.ratio:.2f} × {self.against}" if self.ratio is not None else ""
        verdict = "" if not self.budget else "kept" if self.kept else "MISSED"
        return f"| {self.what} | {self.value:.3g} {self.unit} | {budget} | {against} | {verdict} |"


def table(figures: Iterable[Figure]) -> str:
    """The figures as Markdown."""
    head = "| what | measured | budget | ratio | |\n|---|---:|---:|---:|---|"
    return "\n".join([head, *(figure.line() for figure in figures)])


def timed(run: Callable[[], object], times: int = 5) -> float:
    """The median wall time of several runs, in seconds."""
    taken = []
    for _ in range(times):
        began = perf_counter()
        run()
        taken.append(perf_counter() - began)
    return median(taken)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of the measured ones does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
