# SPDX-License-Identifier: EUPL-1.2
"""A chain as the one text in which the dialplan gets it, and how long a chain may be.

::

    t~q~springer~300~120.nu~a~stadt-x--zentrale--overflow-2.-~f~493023125100~carrier~30
    │ │ │        │   │   │                                  │ └ desk (d) and forward (f): digits, trunk, ring seconds
    │ │ │        │   │   └ no agent or full                 └ every exit
    │ │ │        │   └ longest expected wait, or nothing
    │ │ │        └ seconds to wait
    │ │ └ queue (q) or announcement (a)
    └ the exits that lead here

The text holds ``a–z 0–9 - . ~`` alone, for it is cut apart in the dialplan. Names are slugs, so none holds a separator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from routing.core.decision import DialExtension, EnterQueue, Forward, PlayAnnouncement, Reject, Step

MAXIMUM_CHAIN_CHARACTERS = 420
"""Of a line's two chains (behind the destination, and at closing time) together."""
MAXIMUM_STEPS = 8

EXIT_LETTERS = {"timeout": "t", "no_agent": "n", "full": "u", "expected_wait": "w", "failed": "x"}
EVERY_EXIT = "-"


def chain_text(steps: Sequence[Step]) -> str:
    """The chain as text; '' if there is none."""
    return ".".join(_step(step) for step in steps)


def exits_text(exits: Iterable[str]) -> str:
    """Exits (``decision.CONDITIONS``) as letters; no exit named means every one."""
    return "".join(EXIT_LETTERS[name] for name in exits) or EVERY_EXIT


def _step(step: Step) -> str:
    fields: tuple[str, ...]
    match step.destination:
        case EnterQueue(queue=queue, wait_seconds=wait, expected_wait_seconds=expected):
            fields = ("q", queue, str(wait), "" if expected is None else str(expected))
        case PlayAnnouncement(announcement=announcement):
            fields = ("a", announcement)
        case Forward(number=number, trunk=trunk, ring_seconds=ring):
            fields = ("f", number.removeprefix("+"), trunk, str(ring))
        case DialExtension(number=number, trunk=trunk, ring_seconds=ring):
            fields = ("d", number.removeprefix("+"), trunk, str(ring))
        case Reject():
            raise ValueError("a call that is refused is never answered: no step of a chain refuses")
        case _:
            assert_never(step.destination)
    return "~".join((exits_text(step.when), *fields))
