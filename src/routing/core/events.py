# SPDX-License-Identifier: EUPL-1.2
"""What happened to a call, in the order in which it happened: the events that pages and logs see.

::

    received → routed → queued → rung ──→ answered → ended
                ↑         ↑         │
                │         └─ ring_ended (another agent may be rung)
                └─ queue_left, stepped (what comes next in the chain)

No event carries a telephone number: numbers stand in the call's row alone, where they can expire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar

PERSONAL_DATA_PERIOD = timedelta(days=30)
"""After this time telephone numbers leave the call's row, and the journal."""

LEVELS = ("service", "astdb", "include", "last_resort")
"""Who decides a call, in the order in which they are asked."""

FALLBACK_CAUSES = ("unreachable", "silent", "uncommitted", "no_data", "incomplete")
"""Why a level was left. The service: nothing listens or accepts; its time was over; it ended without this call's
marker. AstDB: it has no generation; its data does not reach this line or instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _CallEvent:
    """``node`` and ``unique_id`` name the caller's channel; ``at`` is an aware instant."""

    kind: ClassVar[str]
    node: str
    unique_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReceived(_CallEvent):
    """A call has reached us through a trunk. The numbers are for the call's row, not for the event's."""

    kind: ClassVar[str] = "received"
    linked_id: str
    trunk: str | None
    received: str
    caller_number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRouted(_CallEvent):
    """The decision that the dialplan follows. ``level`` says who decided.

    ``level`` is one of `LEVELS`, ``fallback_cause`` one of `FALLBACK_CAUSES`: why the level before it did not decide
    (``None``: the service did). ``destination_kind`` is one of ``decision.KINDS`` or ``last_resort``. ``reasons``
    holds rule names in order. ``again``: the caller was taken out of a queue, for the line was closed by hand, and this
    decision takes the place of the one before.
    """

    kind: ClassVar[str] = "routed"
    level: str
    dialled_number: str
    tenant: str | None
    service_line: str | None
    destination_kind: str
    queue: str | None
    announcement: str | None
    target: str | None
    table_version: int | None
    reasons: tuple[str, ...]
    fallback_cause: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQueued(_CallEvent):
    """The caller waits in a queue, at this position (1 = next)."""

    kind: ClassVar[str] = "queued"
    queue: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRung(_CallEvent):
    """An agent's device is being rung: the moment of the screen pop. ``agent_channel`` names this ring."""

    kind: ClassVar[str] = "rung"
    queue: str
    agent: str
    agent_channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RingEnded(_CallEvent):
    """The device has stopped ringing without this agent's answer: the pop is withdrawn.

    ``why``: ``no_answer``, ``answered_elsewhere``, ``abandoned``, ``unknown``.
    """

    kind: ClassVar[str] = "ring_ended"
    agent: str
    agent_channel: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered(_CallEvent):
    """An agent talks to the caller."""

    kind: ClassVar[str] = "answered"
    queue: str
    agent: str
    agent_channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLeft(_CallEvent):
    """The caller left the queue without an agent, or was not let in.

    ``queue_exit`` is Asterisk's QUEUESTATUS, or ``EXPECTEDWAIT`` (the wait would have been too long) or
    ``CLOSINGTIME`` (the line's last moment had come), or ``ABANDON`` (the caller hung up).
    """

    kind: ClassVar[str] = "queue_left"
    queue: str
    queue_exit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStepped(_CallEvent):
    """The caller was given back and goes on with a later step of the chain.

    ``exit`` is one of ``decision.CONDITIONS``, ``played`` (after an announcement) or ``closing`` (the line's last
    moment). ``step`` counts the steps from 1, the destination, and grows. ``target`` is a queue or an announcement.
    """

    kind: ClassVar[str] = "stepped"
    exit: str
    step: int
    destination_kind: str
    target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(_CallEvent):
    """The call is over.

    ``outcome`` says what became of the caller; ``cause`` is the ISDN cause (Q.850) or ``None``::

        answered    an agent talked to the caller
        connected   a desk or another number took the call
        announced   an announcement was the decision, or the last resort spoke
        rejected    a refusal was the decision, or the last resort refused
        abandoned   the caller hung up before anybody took the call, be it in greeting, queue or ringing
        unserved    nobody took the call: it left every queue unanswered, or its desk or other number was busy, out
                    of reach or did not answer (whatever was said to the caller then)
        unknown     the end was not seen
    """

    kind: ClassVar[str] = "ended"
    outcome: str
    cause: int | None


CallEvent = (
    CallReceived | CallRouted | CallQueued | AgentRung | RingEnded | CallAnswered | QueueLeft | CallStepped | CallEnded
)

PERSONAL_FIELDS = frozenset({"received", "caller_number", "dialled_number"})


def payload_of(event: CallEvent) -> Mapping[str, Any]:
    """The event as JSON-ready values without personal ones; ``at`` is ISO 8601 with offset."""
    values = {name: value for name, value in asdict(event).items() if name not in PERSONAL_FIELDS}
    return MappingProxyType(values | {"kind": event.kind, "at": event.at.isoformat()})
