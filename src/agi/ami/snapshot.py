# SPDX-License-Identifier: EUPL-1.2
"""What Asterisk says is the case right now, asked with three actions. The lists are not of one instant.

``CoreShowChannels`` and ``Status`` (with the dialplan's variables) give the channels, ``QueueStatus`` who waits and
which device belongs to which agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agi.ami.client import AmiConnection, AmiReply
from agi.ami.messages import AmiMessage
from agi.ami.protocol import AmiDisconnectedError

SNAPSHOT_SECONDS = 10.0
#: Variables that the dialplan sets on a caller's channel (docs/dialplan-contract.md).
VARIABLES = (
    "TRUNK",
    "RECEIVED",
    "CALLER",
    "LEVEL",
    "FALLBACK_CAUSE",
    "ROUTE_KIND",
    "ROUTE_TENANT",
    "ROUTE_LINE",
    "ROUTE_QUEUE",
    "ROUTE_ANNOUNCEMENT",
    "ROUTE_TARGET",
    "ROUTE_DIALLED",
    "ROUTE_VERSION",
    "ROUTE_REASONS",
    "QUEUE",
)
_UP = "6"
_UNSET = "(null)"  # so does Asterisk write a variable that a channel does not have


class SnapshotError(Exception):
    """Asterisk does not (yet) tell; ask again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """``interface`` is the channel's name without its number, as queues know it: ``PJSIP/agent01``."""

    unique_id: str
    linked_id: str
    interface: str
    up: bool
    bridge: str
    application: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A caller in a queue; position from 1."""

    unique_id: str
    queue: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Channels and waiting callers by the channel's unique id; agents by the interface of their device."""

    channels: Mapping[str, Channel]
    waiting: Mapping[str, Waiting]
    agents: Mapping[str, str]


async def take_snapshot(connection: AmiConnection) -> Snapshot:
    """Raises SnapshotError, AmiTimeoutError, AmiDisconnectedError."""
    channels = await _ask(connection, "CoreShowChannels", {})
    queues = await _ask(connection, "QueueStatus", {})
    status = await _ask(connection, "Status", {"Variables": ",".join(VARIABLES), "AllVariables": "false"})
    return read_snapshot(channels.items, queues.items, status.items)


async def _ask(connection: AmiConnection, action: str, headers: Mapping[str, str]) -> AmiReply:
    reply = await connection.act(action, headers, deadline_seconds=SNAPSHOT_SECONDS, as_list=True)
    if not reply.success:
        raise SnapshotError(f"Asterisk refuses the AMI action {action} ({reply.message})")
    return reply


def read_snapshot(
    channels: Sequence[AmiMessage], queues: Sequence[AmiMessage], status: Sequence[AmiMessage]
) -> Snapshot:
    """Pure. Raises AmiDisconnectedError if a list cannot be believed."""
    variables = {item.get("uniqueid"): read_variables(item) for item in status if item.event == "Status"}
    found: dict[str, Channel] = {}
    for item in channels:
        if item.event == "CoreShowChannel":
            channel = _channel(item, variables)
            found[channel.unique_id] = channel
    waiting: dict[str, Waiting] = {}
    agents: dict[str, str] = {}
    for item in queues:
        if item.event == "QueueEntry":
            entry = _entry(item)
            waiting[entry.unique_id] = entry
        elif item.event == "QueueMember":
            agents[_needed(item, "location")] = _needed(item, "name")
    return Snapshot(channels=found, waiting=waiting, agents=agents)


def _channel(item: AmiMessage, variables: Mapping[str, Mapping[str, str]]) -> Channel:
    unique_id = _needed(item, "uniqueid")
    return Channel(
        unique_id=unique_id,
        linked_id=_needed(item, "linkedid"),
        interface=_needed(item, "channel").rpartition("-")[0],
        up=item.get("channelstate") == _UP,
        bridge=item.get("bridgeid"),
        application=item.get("application"),
        variables=variables.get(unique_id, {}),
    )


def _entry(item: AmiMessage) -> Waiting:
    position = _needed(item, "position")
    if not position.isdecimal():
        raise AmiDisconnectedError("Asterisk's list of waiting callers has a position that is no number")
    return Waiting(unique_id=_needed(item, "uniqueid"), queue=_needed(item, "queue"), position=int(position))


def read_variables(item: AmiMessage) -> dict[str, str]:
    """The variables in an item of ``Status``; those that the channel does not have are left out."""
    pairs = [line.partition("=") for line in item.lists.get("variable", ())]
    if "variable" in item.headers:
        pairs.append(item.headers["variable"].partition("="))
    return {name: value for name, equals, value in pairs if equals and value and value != _UNSET}


def _needed(item: AmiMessage, name: str) -> str:
    value = item.get(name)
    if not value:
        raise AmiDisconnectedError(f"Asterisk's list has an entry without {name}")
    return value
