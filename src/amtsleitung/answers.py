# SPDX-License-Identifier: EUPL-1.2
"""A decision as the JSON object that ``route`` prints."""

from __future__ import annotations

from typing import Any, assert_never

from routing.core.decision import (
    Decision,
    Destination,
    DialExtension,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Reject,
    Step,
    kind_of,
)
from routing.core.table import Table
from routing.core.timeline import line_at


def building_of(table: Table, decision: Decision, language: str) -> dict[str, Any] | None:
    """Whether the tenant's counters are open at that instant, why, and until when; ``None`` if they have no hours."""
    building = table.buildings.get(decision.tenant or "")
    if building is None:
        return None
    stretch = line_at(building, decision.at)
    return {
        "open": stretch.open,
        "until": None if stretch.until is None else stretch.until.isoformat(),
        "detail": " ".join(reason.sentence(language) for reason in stretch.reasons),
    }


def answer_of(decision: Decision, language: str = "en") -> dict[str, Any]:
    """``target`` is the extension, the number forwarded to, or the cause (Q.850) of a rejection, as text.

    ``overflow`` is the chain behind the destination; ``closing`` says when callers who wait are told that it closes,
    and what follows then. ``detail`` of a reason is its sentence in ``language`` (``de`` or ``en``).
    """
    destination = decision.destination
    queue = destination if isinstance(destination, EnterQueue) else None
    closing = decision.closing
    return {
        "dialled_number": decision.dialled_number,
        "redirecting_number": decision.redirecting_number,
        "tenant": decision.tenant,
        "service_line": decision.service_line,
        "kind": decision.kind,
        "queue": None if queue is None else queue.queue,
        "announcement": _announcement(destination),
        "notices": [] if queue is None else list(queue.notices),
        "target": _target(destination),
        "overflow": [step_answer(step) for step in decision.overflow],
        "closing": None
        if closing is None
        else {
            "at": closing.until.isoformat(),
            "announcement": closing.announcement,
            "steps": [step_answer(step) for step in closing.steps],
        },
        "reasons": [
            {"rule": reason.rule, "parameters": dict(reason.parameters), "detail": reason.sentence(language)}
            for reason in decision.reasons
        ],
        "table_version": decision.table_version,
        "at": decision.at.isoformat(),
    }


def chain_words(decision: Decision) -> list[str]:
    """What follows the destination, one line for each step."""
    lines = [f"then {words_of(step)}" for step in decision.overflow]
    if decision.closing is not None:
        lines.append(f"at {decision.closing.until.isoformat()}: {decision.closing.announcement}")
        lines += [f"then {words_of(step)}" for step in decision.closing.steps]
    return lines


def words_of(step: Step, *, first: bool = False) -> str:
    """A step for people; the first of a chain has no condition."""
    when = "" if first else f"after {' or '.join(step.when)}: " if step.when else "in any case: "
    destination = step.destination
    where = target_of(destination)
    limit = f" for {destination.wait_seconds} s" if isinstance(destination, EnterQueue) else ""
    return f"{when}{kind_of(destination)} {where}{limit}"


def step_answer(step: Step) -> dict[str, Any]:
    """A step as JSON; ``target`` is a queue, an announcement, a number or an extension."""
    destination = step.destination
    found: dict[str, Any] = {
        "when": list(step.when),
        "kind": kind_of(destination),
        "target": target_of(destination),
    }
    if isinstance(destination, EnterQueue):
        found["wait_seconds"] = destination.wait_seconds
        found["expected_wait_seconds"] = destination.expected_wait_seconds
    return found


def target_of(destination: Destination) -> str | None:
    """The queue, the announcement, the number, the extension or the cause (Q.850) of a destination."""
    if isinstance(destination, EnterQueue):
        return destination.queue
    return _announcement(destination) or _target(destination)


def _announcement(destination: Destination) -> str | None:
    return destination.announcement if isinstance(destination, EnterQueue | PlayAnnouncement) else None


def _target(destination: Destination) -> str | None:
    match destination:
        case EnterQueue() | PlayAnnouncement():
            return None
        case Forward(number=number):
            return number
        case DialExtension(extension=extension):
            return extension
        case Reject(cause=cause):
            return str(cause)
        case _:
            assert_never(destination)
