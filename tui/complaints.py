"""Sentences for whoever watches a table being printed, beside it."""

from __future__ import annotations

from collections.abc import Callable

from tui.model.pulse import Phase, Pulse


class Complaints:
    """Hands sentences to `complain`, but never the same ones twice in a row."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._said: tuple[str, ...] = ()

    def say(self, *sentences: str) -> None:
        """Complain of these, and of nothing else any more."""
        if sentences != self._said:
            for sentence in sentences:
                self._complain(sentence)
        self._said = sentences

    def heed(self, pulse: Pulse) -> None:
        """Say why a refresh failed."""
        if pulse.phase is Phase.FAILED and pulse.error:
            self.say(pulse.error)
