# SPDX-License-Identifier: EUPL-1.2
"""Recordings of a real Asterisk 22.10.1 with SIPp as carrier and as agents' telephones, one per scenario.

Each file is what the AMI sent for one call (classes call, agent, user, system, without device states), byte by byte; in
``full`` there is another caller, who waits. Callers' numbers are kept free for fiction. `tests.replay.record` makes
recordings.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from agi.ami.call_state import TrackerState
from agi.ami.call_tracker import fold
from agi.ami.messages import parse_message
from agi.ami.observations import Observation
from agi.ami.translate import translate
from routing.core.events import CallEvent

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.ami")))
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def observations(name: str) -> tuple[Observation, ...]:
    """What the recording means."""
    blocks = (FOLDER / f"{name}.ami").read_bytes().decode().split("\r\n\r\n")
    found = (translate(parse_message(block)) for block in blocks if block)
    return tuple(observation for observation in found if observation is not None)


def folded(
    heard: tuple[Observation, ...], state: TrackerState | None = None
) -> tuple[TrackerState, tuple[CallEvent, ...]]:
    """The state after all of them, a second apart, and the events."""
    state = state or TrackerState(node="node1")
    events: tuple[CallEvent, ...] = ()
    for number, observation in enumerate(heard):
        state, more = fold(state, observation, START + timedelta(seconds=number))
        events += more
    return state, events


def told(event: CallEvent) -> str:
    """An event as a line: its kind and what distinguishes it."""
    names = ("destination_kind", "queue", "position", "agent", "why", "queue_exit", "outcome", "cause", "exit", "step")
    values = (getattr(event, name) for name in names if hasattr(event, name))
    return " ".join([event.kind, *(str(value) for value in values if value is not None)])
