"""How far a server's clock is from ours, learnt from the `Date` of its answers."""

from __future__ import annotations

from typing import Final

LEAST: Final = 1.0
"""Seconds below which a difference is none: `Date` has whole seconds."""


class Skew:
    """The server's clock minus ours, in seconds; 0 until an answer shows more than a second."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def learn(self, date: float, sent: float, received: float) -> None:
        """One answer: its `Date`, and when by our clock it was asked for and was there.

        `Date` is cut to whole seconds and was written between the two, which bounds the skew. An
        estimate inside the bounds stays, so that the present does not tremble with each answer.
        """
        least, most = date - received, date + 1.0 - sent
        if least <= self.seconds <= most:
            return
        middle = (least + most) / 2
        self.seconds = middle if abs(middle) > LEAST and not least <= 0 <= most else 0.0
