# SPDX-License-Identifier: EUPL-1.2
"""Steps of chains that no caller ever reaches.

Who leaves an element goes on with the first later step that takes the exit. Which exits an element gives is known, so
the steps that can be reached are found by walking every way through the chain once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from routing.core.places import place_of
from routing.core.rows import Rows, StepRow

_PLAYED = "played"
_QUEUE = ("timeout", "no_agent", "full")


def chain_warnings(rows: Rows) -> Iterator[tuple[str, str]]:
    """Every step of every line that is never reached: place and sentence."""
    for row in rows.service_lines:
        for which, steps in (("overflow", row.overflow), ("closed", row.closed)):
            opened = which == "overflow"
            reached = _reached(steps, opened=opened)
            for count in sorted(set(range(len(steps))) - reached):
                why = _why(steps, count, reached, opened=opened)
                yield place_of(row), f"{which}, step {count + 1} is never reached: {why}"


def _reached(steps: Sequence[StepRow], *, opened: bool) -> set[int]:
    found: set[int] = set()
    waiting = [place for exit_ in _exits(None, steps) for place in _next(steps, 0, exit_)] if opened else _first(steps)
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            later = steps[place + 1 :]
            for exit_ in _exits(steps[place], later):
                waiting.extend(_next(steps, place + 1, exit_))
    return found


def _exits(step: StepRow | None, later: Sequence[StepRow]) -> tuple[str, ...]:
    """The exits of a step, or of the line's own queue (``None``)."""
    if step is None or step.kind == "agent_group":
        return (*_QUEUE, "expected_wait") if any(item.over_seconds is not None for item in later) else _QUEUE
    return (_PLAYED,) if step.kind == "announcement" else ("failed",)


def _next(steps: Sequence[StepRow], start: int, exit_: str) -> Iterator[int]:
    """The first later step that takes the exit; while nobody is on duty an on-call step is not there."""
    for place in range(start, len(steps)):
        if not steps[place].when or exit_ in steps[place].when:
            yield place
            if steps[place].kind != "on_call":
                return


def _first(steps: Sequence[StepRow]) -> list[int]:
    """Where the callers of a closed line begin, whatever the step's exits."""
    found = []
    for place, step in enumerate(steps):
        found.append(place)
        if step.kind != "on_call":
            break
    return found


def _why(steps: Sequence[StepRow], count: int, reached: set[int], *, opened: bool) -> str:
    """The exits that it waits for do not occur, or steps before it take them all."""
    takers: set[int] = set()
    for place in (*((-1,) if opened else ()), *sorted(item for item in reached if item < count)):
        for exit_ in _exits(steps[place] if place >= 0 else None, steps[place + 1 :]):
            if not steps[count].when or exit_ in steps[count].when:
                takers.update(_next(steps, place + 1, exit_))
    if not takers:
        return f"nothing before it ends with {' or '.join(steps[count].when)}; change its `when`, or leave the step out"
    names = " or ".join(f"step {place + 1}" for place in sorted(takers))
    return f"{names} comes first for all that it is for; change a `when`, or leave the step out"
