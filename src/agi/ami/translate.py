# SPDX-License-Identifier: EUPL-1.2
"""AMI messages to observations. Pure.

Its one rule: a message is understood completely or not believed. A repeated, unknown or missing header, or a value
out of its range, makes a `Doubt`; an event that says nothing about calls makes None. Nothing is ever guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from agi.ami.headers import KNOWN, USER_EVENTS
from agi.ami.messages import AmiMessage
from agi.ami.observations import (
    AgentCalled,
    AgentConnected,
    AgentDone,
    AgentSilent,
    CallerGaveUp,
    CallerJoined,
    ChannelGone,
    ChannelUp,
    DialBegun,
    DialEnded,
    Doubt,
    Observation,
    QueueReturned,
    Received,
    Routed,
    Stepped,
)
from routing.core.decision import CONDITIONS, KINDS
from routing.core.events import FALLBACK_CAUSES, LEVELS

TEXT_LIMIT_CHARACTERS = 255
_UP = "6"
_UNIQUE_ID = re.compile(r"[A-Za-z0-9_-]{0,100}[0-9]{1,12}\.[0-9]{1,12}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_STATUS = re.compile(r"[A-Z]{1,20}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_EXITS = (*CONDITIONS, "played", "closing")


class _DisbeliefError(Exception):
    """Says which header; never its value, which may be a caller's."""


def translate(message: AmiMessage) -> Observation | None:
    """What the message means for a call. Never raises."""
    event = message.event.lower()
    if event == "userevent":
        event = message.get("userevent").lower()
        known, readers = USER_EVENTS.get(event), _USER_READERS
    else:
        known, readers = KNOWN.get(event), _READERS
    if not event:
        return Doubt(why="a message that is neither event nor reply")
    if known is None:
        return None
    try:
        _check(message, known)
        read = readers.get(event)
        return read(message) if read is not None else None
    except _DisbeliefError as problem:
        return Doubt(why=f"{event}: {problem}")


def _check(message: AmiMessage, known: frozenset[str]) -> None:
    if message.malformed:
        raise _DisbeliefError("a line without a header's name")
    if message.repeated:
        raise _DisbeliefError("a header came twice")
    if not message.headers.keys() <= known:
        raise _DisbeliefError("a header that Asterisk does not send")


def decoded(value: str) -> str:
    """Percent-decoded UTF-8, cut to the limit, with U+FFFD for control characters and what is no UTF-8."""
    text = unquote_to_bytes(value).decode("utf-8", "replace")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)[:TEXT_LIMIT_CHARACTERS]


def _id(message: AmiMessage, name: str = "uniqueid") -> str:
    return _matching(message, name, _UNIQUE_ID)


def _name(message: AmiMessage, name: str) -> str:
    return _matching(message, name, _NAME)


def _name_or_none(message: AmiMessage, name: str) -> str | None:
    return _name(message, name) if _present(message, name) else None


def _present(message: AmiMessage, name: str) -> str:
    value = message.headers.get(name)
    if value is None:
        raise _DisbeliefError(f"{name} is missing")
    return value.strip()


def _matching(message: AmiMessage, name: str, pattern: re.Pattern[str]) -> str:
    value = _present(message, name)
    if not pattern.fullmatch(value):
        raise _DisbeliefError(f"{name} is out of range")
    return value


def _received(message: AmiMessage) -> Observation:
    return Received(
        unique_id=_id(message),
        linked_id=_id(message, "linkedid"),
        trunk=_name_or_none(message, "trunk"),
        received=decoded(_present(message, "received")),
        caller_number=decoded(_present(message, "caller")) or None,
    )


def _routed(message: AmiMessage) -> Observation:
    level, kind = _present(message, "level"), _present(message, "kind")
    if level not in LEVELS:
        raise _DisbeliefError("level is out of range")
    cause = message.get("cause").strip()
    if cause not in ("", *FALLBACK_CAUSES):
        raise _DisbeliefError("cause is out of range")
    if kind not in KINDS and kind != "last_resort":
        raise _DisbeliefError("kind is out of range")
    return Routed(
        unique_id=_id(message),
        level=level,
        destination_kind=kind,
        dialled_number=decoded(_present(message, "dialled")),
        tenant=_name_or_none(message, "tenant"),
        service_line=_name_or_none(message, "line"),
        queue=_name_or_none(message, "queue"),
        announcement=_name_or_none(message, "announcement"),
        target=decoded(_present(message, "target")) or None,
        table_version=int(_matching(message, "version", _NUMBER)) if _present(message, "version") else None,
        reasons=tuple(rule for rule in decoded(_present(message, "reasons")).split(".") if rule),
        fallback_cause=cause or None,
    )


def _queue_returned(message: AmiMessage) -> Observation:
    # Queue() leaves the status empty when it does not know the queue.
    status = _matching(message, "status", _STATUS) if _present(message, "status") else "UNKNOWN"
    return QueueReturned(unique_id=_id(message), queue=_name(message, "queue"), status=status)


def _stepped(message: AmiMessage) -> Observation:
    exit_, kind = _present(message, "exit"), _present(message, "kind")
    if exit_ not in _EXITS:
        raise _DisbeliefError("exit is out of range")
    if kind not in KINDS:
        raise _DisbeliefError("kind is out of range")
    return Stepped(
        unique_id=_id(message),
        exit=exit_,
        step=int(_matching(message, "step", _NUMBER)),
        destination_kind=kind,
        target=_name_or_none(message, "target"),
    )


def _joined(message: AmiMessage) -> Observation:
    position = int(_matching(message, "position", _NUMBER))
    return CallerJoined(unique_id=_id(message), queue=_name(message, "queue"), position=position)


def _gave_up(message: AmiMessage) -> Observation:
    return CallerGaveUp(unique_id=_id(message), queue=_name(message, "queue"))


def _agent_called(message: AmiMessage) -> Observation:
    return AgentCalled(
        unique_id=_id(message),
        agent_channel=_id(message, "destuniqueid"),
        queue=_name(message, "queue"),
        agent=_name(message, "membername"),
    )


def _agent_connected(message: AmiMessage) -> Observation:
    return AgentConnected(
        unique_id=_id(message),
        agent_channel=_id(message, "destuniqueid"),
        queue=_name(message, "queue"),
        agent=_name(message, "membername"),
    )


def _agent_silent(message: AmiMessage) -> Observation:
    return AgentSilent(unique_id=_id(message), agent_channel=_id(message, "destuniqueid"))


def _agent_done(message: AmiMessage) -> Observation | None:
    # After some transfers the agent's channel is gone and Asterisk leaves the Dest headers out.
    if "destuniqueid" not in message.headers:
        return None
    return AgentDone(unique_id=_id(message), agent_channel=_id(message, "destuniqueid"))


def _state(message: AmiMessage) -> Observation | None:
    return ChannelUp(unique_id=_id(message)) if _present(message, "channelstate") == _UP else None


def _dial_begun(message: AmiMessage) -> Observation | None:
    # Without the caller's side it is a call that Asterisk itself started.
    if "uniqueid" not in message.headers:
        return None
    return DialBegun(unique_id=_id(message), other_channel=_id(message, "destuniqueid"))


def _dial_ended(message: AmiMessage) -> Observation | None:
    if "uniqueid" not in message.headers:
        return None
    status = _present(message, "dialstatus")
    return DialEnded(
        unique_id=_id(message),
        other_channel=_id(message, "destuniqueid"),
        answered=status == "ANSWER",
        cancelled=status == "CANCEL",
    )


def _gone(message: AmiMessage) -> Observation:
    cause = int(_matching(message, "cause", _NUMBER))
    return ChannelGone(unique_id=_id(message), cause=cause if 0 < cause < 128 else None)


_Reader = Callable[[AmiMessage], Observation | None]
_USER_READERS: dict[str, _Reader] = {
    "callreceived": _received,
    "callrouted": _routed,
    "queueexit": _queue_returned,
    "chainstep": _stepped,
}
_READERS: dict[str, _Reader] = {
    "queuecallerjoin": _joined,
    "queuecallerabandon": _gave_up,
    "agentcalled": _agent_called,
    "agentconnect": _agent_connected,
    "agentringnoanswer": _agent_silent,
    "agentcomplete": _agent_done,
    "newstate": _state,
    "dialbegin": _dial_begun,
    "dialend": _dial_ended,
    "hangup": _gone,
}
