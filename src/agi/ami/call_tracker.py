# SPDX-License-Identifier: EUPL-1.2
"""Observations folded into call state. Pure.

Its one rule: a pop goes up for a ring that is known and goes down at the first sign of its end, whatever else was
lost, doubled or came in another order::

    Received → Routed → CallerJoined → AgentCalled ──→ AgentConnected → ChannelGone
                   ↑         ↑              │
                   │         └─ AgentSilent, ChannelGone of the agent's leg, CallerGaveUp
                   └─ QueueReturned, Stepped: another queue, a number, an announcement

Calls are those with a `Received`. What is said of any other channel either concerns the leg of a known call, or is
a `doubt`: the observer looks at Asterisk afresh (`call_resync`), and what is then no call of ours is ignored.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from agi.ami import observations as seen
from agi.ami.call_state import CALL_LIMIT, RING_LIMIT, Call, Ring, TrackerState
from routing.core.events import (
    AgentRung,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallQueued,
    CallReceived,
    CallRouted,
    CallStepped,
    QueueLeft,
    RingEnded,
)

Folded = tuple[TrackerState, tuple[CallEvent, ...]]
_CAUSES_OF_NO_ANSWER = frozenset({17, 18, 19, 20, 21, 22, 27, 38, 41, 42})
_CAUSE_ANSWERED_ELSEWHERE = 26
_TAKEN_OUT = "WITHDRAW"  # QUEUESTATUS


def fold(state: TrackerState, observation: seen.Observation, at: datetime) -> Folded:
    """The state after this observation, and what it means for calls. Never raises."""
    match observation:
        case seen.Doubt():
            return state.with_doubt(observation.why), ()
        case seen.Received():
            return _received(state, observation, at)
        case seen.ChannelGone():
            return _gone(state, observation, at)
        case seen.ChannelUp():
            call = state.calls.get(observation.unique_id)
            return (state if call is None or call.up else state.with_call(replace(call, up=True))), ()
        case seen.DialBegun() | seen.DialEnded():
            call = state.calls.get(observation.unique_id)
            return (state if call is None else state.with_call(_dial(call, observation))), ()
        case _:
            return _of_known_call(state, observation, at)


def _of_known_call(
    state: TrackerState,
    observation: seen.Routed
    | seen.QueueReturned
    | seen.Stepped
    | seen.CallerJoined
    | seen.CallerGaveUp
    | seen.AgentCalled
    | seen.AgentConnected
    | seen.AgentSilent
    | seen.AgentDone,
    at: datetime,
) -> Folded:
    call = state.calls.get(observation.unique_id)
    if call is None:
        if observation.unique_id in state.gone or observation.unique_id in state.foreign:
            return state, ()
        return state.with_doubt(observation.unique_id), ()
    match observation:
        case seen.Routed():
            after, events = _routed(state.node, call, observation, at)
        case seen.CallerJoined():
            after, events = _joined(state.node, call, observation, at)
        case seen.QueueReturned():
            after, events = _queue_returned(state.node, call, observation, at)
        case seen.Stepped():
            after, events = _stepped(state.node, call, observation, at)
        case seen.CallerGaveUp():
            after, events = end_rings(state.node, call, at, why="abandoned")
            after = replace(after, given_up=True)
        case seen.AgentCalled():
            after, events = _agent_called(state, call, observation, at)
        case seen.AgentConnected():
            after, events = answer(state.node, call, observation, at)
        case seen.AgentSilent():
            after, events = end_ring(state.node, call, observation.agent_channel, at, why="no_answer")
        case seen.AgentDone():
            # The talk is over; what becomes of the caller (transfer, hang-up) is said by others.
            after, events = end_ring(state.node, call, observation.agent_channel, at, why="unknown")
        case _:
            assert_never(observation)
    return state.with_call(after), events


def _received(state: TrackerState, it: seen.Received, at: datetime) -> Folded:
    if it.unique_id in state.gone or it.unique_id in state.calls:
        return state, ()
    events: tuple[CallEvent, ...] = ()
    if len(state.calls) >= CALL_LIMIT:
        # More calls than one Asterisk carries: ends were lost. The oldest goes.
        oldest = min(state.calls.values(), key=lambda call: call.number)
        state, events = end_call(state, oldest.unique_id, at, outcome="unknown", cause=None)
    event = CallReceived(
        node=state.node,
        unique_id=it.unique_id,
        at=at,
        linked_id=it.linked_id,
        trunk=it.trunk,
        received=it.received,
        caller_number=it.caller_number,
    )
    return state.with_new_call(Call(unique_id=it.unique_id, linked_id=it.linked_id)), (*events, event)


def _routed(node: str, call: Call, it: seen.Routed, at: datetime) -> tuple[Call, tuple[CallEvent, ...]]:
    again = call.destination_kind is not None
    if again and not call.taken_out:
        return call, ()
    event = CallRouted(
        node=node,
        unique_id=it.unique_id,
        at=at,
        level=it.level,
        dialled_number=it.dialled_number,
        tenant=it.tenant,
        service_line=it.service_line,
        destination_kind=it.destination_kind,
        queue=it.queue,
        announcement=it.announcement,
        target=it.target,
        table_version=it.table_version,
        reasons=it.reasons,
        fallback_cause=it.fallback_cause,
        again=again,
    )
    return replace(call, destination_kind=it.destination_kind, taken_out=False, step=1), (event,)


def _joined(node: str, call: Call, it: seen.CallerJoined, at: datetime) -> tuple[Call, tuple[CallEvent, ...]]:
    if call.waiting_in == it.queue:
        return call, ()
    event = CallQueued(node=node, unique_id=it.unique_id, at=at, queue=it.queue, position=it.position)
    joined = replace(call, waiting_in=it.queue, left_queue=False, left=None, given_up=False, taken_out=False)
    return joined, (event,)


def _queue_returned(node: str, call: Call, it: seen.QueueReturned, at: datetime) -> tuple[Call, tuple[CallEvent, ...]]:
    if call.waiting_in is None and (call.left == it.queue or call.answered):
        return call, ()
    call, events = end_rings(node, call, at, why="no_answer")
    left = QueueLeft(node=node, unique_id=it.unique_id, at=at, queue=it.queue, queue_exit=it.status)
    taken_out = it.status == _TAKEN_OUT
    after = replace(call, waiting_in=None, left_queue=True, left=it.queue, given_up=False, taken_out=taken_out)
    return after, (*events, left)


def _stepped(node: str, call: Call, it: seen.Stepped, at: datetime) -> tuple[Call, tuple[CallEvent, ...]]:
    if it.step <= call.step:
        return call, ()
    # A step is entered from outside of every queue: if that was not heard, it is known now.
    events: tuple[CallEvent, ...] = ()
    late = call.waiting_in
    if late is not None:
        lost = seen.QueueReturned(unique_id=it.unique_id, queue=late, status="UNKNOWN")
        call, events = _queue_returned(node, call, lost, at)
    event = CallStepped(
        node=node,
        unique_id=it.unique_id,
        at=at,
        exit=it.exit,
        step=it.step,
        destination_kind=it.destination_kind,
        target=it.target,
    )
    return replace(call, step=it.step, left=late, taken_out=False), (*events, event)


def _agent_called(
    state: TrackerState, call: Call, it: seen.AgentCalled, at: datetime
) -> tuple[Call, tuple[CallEvent, ...]]:
    over = it.agent_channel in call.finished_rings or it.agent_channel in state.gone
    if over or call.ring(it.agent_channel) is not None or len(call.rings) >= RING_LIMIT:
        return call, ()
    # The same person cannot ring twice for one call: the earlier ring's end was lost.
    events: tuple[CallEvent, ...] = ()
    for ring in call.rings:
        if ring.agent == it.agent:
            call, ended = end_ring(state.node, call, ring.agent_channel, at, why="unknown")
            events += ended
    ring = Ring(agent_channel=it.agent_channel, agent=it.agent, queue=it.queue)
    rung = AgentRung(
        node=state.node,
        unique_id=it.unique_id,
        at=at,
        queue=it.queue,
        agent=it.agent,
        agent_channel=it.agent_channel,
    )
    return replace(call, rings=(*call.rings, ring)), (*events, rung)


def answer(node: str, call: Call, it: seen.AgentConnected, at: datetime) -> tuple[Call, tuple[CallEvent, ...]]:
    """The agent's answer; all other rings end."""
    if it.agent_channel in call.finished_rings:
        # An echo. But who talks does not wait, whatever an echo before it has said.
        return (replace(call, waiting_in=None) if call.answered and call.waiting_in == it.queue else call), ()
    event = CallAnswered(
        node=node,
        unique_id=it.unique_id,
        at=at,
        queue=it.queue,
        agent=it.agent,
        agent_channel=it.agent_channel,
    )
    call = call.without_ring(it.agent_channel)
    call, ended = end_rings(node, call, at, why="answered_elsewhere")
    return replace(call, answered=True, waiting_in=None, left_queue=False, given_up=False), (event, *ended)


def end_ring(
    node: str, call: Call, agent_channel: str, at: datetime, *, why: str
) -> tuple[Call, tuple[CallEvent, ...]]:
    """The call without this ring, and the event if it did ring."""
    ring = call.ring(agent_channel)
    after = call.without_ring(agent_channel)
    if ring is None:
        return after, ()
    event = RingEnded(
        node=node, unique_id=call.unique_id, at=at, agent=ring.agent, agent_channel=ring.agent_channel, why=why
    )
    return after, (event,)


def end_rings(node: str, call: Call, at: datetime, *, why: str) -> tuple[Call, tuple[CallEvent, ...]]:
    """The call without any ring."""
    events: tuple[CallEvent, ...] = ()
    for ring in call.rings:
        call, ended = end_ring(node, call, ring.agent_channel, at, why=why)
        events += ended
    return call, events


def _dial(call: Call, it: seen.DialBegun | seen.DialEnded) -> Call:
    """Legs to desks and other numbers; queues report their own legs better."""
    if call.waiting_in is not None:
        return call
    others = tuple(channel for channel in call.dialling if channel != it.other_channel)
    if isinstance(it, seen.DialBegun):
        return replace(call, dialling=(*others, it.other_channel)[-RING_LIMIT:], dialled=True, cancelled=False)
    connected = call.connected or it.answered
    return replace(call, dialling=others, dialled=True, connected=connected, cancelled=it.cancelled)


def _gone(state: TrackerState, it: seen.ChannelGone, at: datetime) -> Folded:
    if it.unique_id in state.calls:
        call = state.calls[it.unique_id]
        return end_call(state, it.unique_id, at, outcome=outcome_of(call), cause=it.cause)
    owners = state.owners_of(it.unique_id)
    state = state.with_gone(it.unique_id)
    events: tuple[CallEvent, ...] = ()
    for owner in owners:
        after, ended = end_ring(state.node, owner, it.unique_id, at, why=_why_leg_ended(owner, it.cause))
        after = replace(after, dialling=tuple(channel for channel in after.dialling if channel != it.unique_id))
        state = state.with_call(after)
        events += ended
    return state, events


def _why_leg_ended(call: Call, cause: int | None) -> str:
    if call.answered or cause == _CAUSE_ANSWERED_ELSEWHERE:
        return "answered_elsewhere"
    if cause in _CAUSES_OF_NO_ANSWER:
        return "no_answer"
    # The queue took the ring back before its time: the caller has gone, and that is about to be said.
    return "abandoned"


def end_call(state: TrackerState, unique_id: str, at: datetime, *, outcome: str, cause: int | None) -> Folded:
    """The call is over: its pops first, then its queue, then itself."""
    call = state.calls[unique_id]
    why = "unknown" if outcome == "unknown" else "abandoned"
    call, events = end_rings(state.node, call, at, why=why)
    if call.waiting_in is not None and outcome != "unknown":
        events += (QueueLeft(node=state.node, unique_id=unique_id, at=at, queue=call.waiting_in, queue_exit="ABANDON"),)
    end = CallEnded(node=state.node, unique_id=unique_id, at=at, outcome=outcome, cause=cause)
    return state.without_call(unique_id), (*events, end)


def outcome_of(call: Call) -> str:
    """How a call that ends now has ended; the words are those of `CallEnded`."""
    if call.answered:
        return "answered"
    if call.waiting_in is not None:
        return "abandoned"
    if call.connected:
        return "connected"
    if call.dialling or call.cancelled:
        return "abandoned"
    if call.left_queue or call.dialled:
        return "unserved"
    match call.destination_kind:
        case "play_announcement":
            return "announced"
        case "reject":
            return "rejected"
        case "last_resort":
            return "announced" if call.up else "rejected"
        case _:  # in a queue's greeting, before a number was dialled, or before any decision
            return "abandoned"
