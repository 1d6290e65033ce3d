"""The palette: every command by its name."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.commands import COMMANDS, MOVE, Command

_OFFERED = tuple(command for command in COMMANDS if command.group != MOVE)
"""To move, nobody looks for the name of a key."""


class Commands(Provider):
    """Finds commands, and does them on the screen from which the palette was opened."""

    async def discover(self) -> Hits:
        """All commands, in the order of the help."""
        for command in _OFFERED:
            yield DiscoveryHit(_named(command), partial(self._do, command), help=command.help)

    async def search(self, query: str) -> Hits:
        """The commands whose name, or whose key, matches."""
        matcher = self.matcher(query)
        for command in _OFFERED:
            name = _named(command)
            score = matcher.match(name)
            if query in command.keys:
                score = 1.0
            if score > 0:
                yield Hit(
                    score, matcher.highlight(name), partial(self._do, command), help=command.help
                )

    async def _do(self, command: Command) -> None:
        await self.app.run_action(command.action, self.screen)


def _named(command: Command) -> str:
    return f"{command.title} ({command.keys[0]})"
