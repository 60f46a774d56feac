# SPDX-License-Identifier: EUPL-1.2
"""Whom an event concerns: the agents on whose pages its call is, or was a moment ago."""

from __future__ import annotations

from collections.abc import Iterable

_CALLS = 10_000  # whose end may never be told; the oldest are forgotten

_NOBODY: frozenset[str] = frozenset()


class Audience:
    """Remembers for which agents a call rang, until it ends."""

    def __init__(self) -> None:
        self._agents: dict[str, set[str]] = {}

    def knows(self, call: str, agents: Iterable[str]) -> None:
        """This call is on these agents' pages."""
        known = self._agents.setdefault(call, set())
        known.update(agents)
        while len(self._agents) > _CALLS:
            del self._agents[next(iter(self._agents))]

    def of(self, kind: str, call: str, agent: str | None) -> frozenset[str]:
        """The agents who are told this event; events must come in order."""
        mine = _NOBODY if agent is None else frozenset({agent})
        match kind:
            case "rung" | "ring_ended":
                if mine:
                    self.knows(call, mine)
                return mine
            case "answered":
                told = mine | self._agents.get(call, _NOBODY)
                self.knows(call, mine)
                return told
            case "ended":
                return mine | self._agents.pop(call, _NOBODY)
            case _:
                return _NOBODY
