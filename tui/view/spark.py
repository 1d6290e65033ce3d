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
    known = [0.0 if v is None or v != v else v for v in values]
    if top is None:
        top = max((v for v in known if isfinite(v)), default=0.0)
    if top <= 0:
        return "".join([GAP if v is None or v != v else bars[0] for v in values])
    return "".join(
        [
            GAP
            if value is None or value != value
            else bars[_STEPS if v >= top else max(1, ceil(v / top * _STEPS)) if v > 0 else 0]
            for value, v in zip(values, known, strict=True)
        ]
    )
