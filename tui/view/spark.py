"""A short history as one line of bars."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isfinite
from typing import Final

from tui.view.ascii import ASCII

BARS: Final = "▁▂▃▄▅▆▇█"
ASCII_BARS: Final = BARS.translate(ASCII)
GAP: Final = " "
_STEPS: Final = len(BARS) - 1


def spark(values: Sequence[float | None], ascii: bool = False, top: float | None = None) -> str:
    """One bar for each value, oldest first, from zero to `top` or else to the largest value.

    The lowest bar is zero and only zero; a blank is no data (`None`, NaN). The scale begins at
    zero so that the noise of a steady series stays small; what is above `top` is a full bar.
    """
    bars = ASCII_BARS if ascii else BARS
    if top is None:
        top = max((v for v in values if v is not None and isfinite(v)), default=0.0)
    return "".join([bars[_step(v, top)] if v is not None and v == v else GAP for v in values])


def _step(value: float, top: float) -> int:
    if value <= 0:
        return 0
    return _STEPS if value >= top else max(1, ceil(value / top * _STEPS))
