# SPDX-License-Identifier: EUPL-1.2
"""What an AMI message can mean for a call: a closed union of values, checked and decoded.

``unique_id`` is the caller's channel, ``agent_channel`` the unique id of the channel to the agent's device.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The dialplan has a new call. ``caller_number`` is None if withheld."""

    unique_id: str
    linked_id: str
    trunk: str | None
    received: str
    caller_number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """The dialplan follows this decision; the fields are those of `routing.core.events.CallRouted`."""

    unique_id: str
    level: str
    destination_kind: str
    dialled_number: str
    tenant: str | None
    service_line: str | None
    queue: str | None
    announcement: str | None
    target: str | None
    table_version: int | None
    reasons: tuple[str, ...]
    fallback_cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReturned:
    """The caller is out of the queue, or was not let in, with this QUEUESTATUS or the dialplan's own word."""

    unique_id: str
    queue: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """The dialplan goes on with this step of the chain; the fields are those of `routing.core.events.CallStepped`."""

    unique_id: str
    exit: str
    step: int
    destination_kind: str
    target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerJoined:
    """The caller stands in the queue at this position (1 = next)."""

    unique_id: str
    queue: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerGaveUp:
    """The caller is out of the queue, unanswered: hung up, *or* the queue's time was over."""

    unique_id: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCalled:
    """The queue rings an agent's device."""

    unique_id: str
    agent_channel: str
    queue: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConnected:
    """The agent has answered and is being joined with the caller."""

    unique_id: str
    agent_channel: str
    queue: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSilent:
    """The agent's device was rung in vain."""

    unique_id: str
    agent_channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDone:
    """The agent's part in the call is over."""

    unique_id: str
    agent_channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelUp:
    """A channel was answered."""

    unique_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialBegun:
    """The caller's channel dials another one (a desk, another number, a device)."""

    unique_id: str
    other_channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialEnded:
    """The dialled channel answered (``answered``) or did not; ``cancelled``: the caller did not wait for it."""

    unique_id: str
    other_channel: str
    answered: bool
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelGone:
    """A channel has ended. ``cause``: ISDN cause (Q.850), None if Asterisk does not know one."""

    unique_id: str
    cause: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A message that must not be believed: look at Asterisk afresh. ``why`` never holds a caller's text."""

    why: str


Observation = (
    Received
    | Routed
    | QueueReturned
    | Stepped
    | CallerJoined
    | CallerGaveUp
    | AgentCalled
    | AgentConnected
    | AgentSilent
    | AgentDone
    | ChannelUp
    | DialBegun
    | DialEnded
    | ChannelGone
    | Doubt
)
