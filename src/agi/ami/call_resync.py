# SPDX-License-Identifier: EUPL-1.2
"""Call state brought in line with a snapshot. Pure.

Its one rule: the snapshot is believed where it says something, and nothing is made up where it does not. A call that
has vanished ended as ``unknown``; a ring that is there appears exactly once, whoever saw it first; a call found
without its beginning is taken up from the dialplan's own variables, or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from agi.ami import observations as seen
from agi.ami.call_state import CALL_LIMIT, Call, Ring, TrackerState, tracking
from agi.ami.call_tracker import answer, end_call, end_ring, end_rings, fold
from agi.ami.messages import AmiMessage
from agi.ami.snapshot import Channel, Snapshot
from agi.ami.translate import translate
from routing.core.events import CallEnded, CallEvent, CallReceived, QueueLeft

_QUEUE_LEG = "AppQueue"
_FOREIGN_LIMIT = 4_000


class OpenCall(Protocol):
    """What the database knows of a call that has not ended; `routing.store.StoredCall` is one."""

    @property
    def unique_id(self) -> str: ...
    @property
    def linked_id(self) -> str | None: ...
    @property
    def kind(self) -> str | None: ...
    @property
    def queue(self) -> str | None: ...
    @property
    def ringing(self) -> tuple[str, ...]: ...
    @property
    def queued_at(self) -> datetime | None: ...
    @property
    def answered_at(self) -> datetime | None: ...


def restore(node: str, open_calls: Iterable[OpenCall]) -> TrackerState:
    """The state that an earlier process left in the database, newest call first; to be followed by a resync."""
    return tracking(node, reversed([_restored(stored) for stored in open_calls]))


def _restored(stored: OpenCall) -> Call:
    queue = stored.queue or ""
    return Call(
        unique_id=stored.unique_id,
        linked_id=stored.linked_id or stored.unique_id,
        destination_kind=stored.kind,
        waiting_in=queue if stored.queued_at is not None and stored.answered_at is None else None,
        answered=stored.answered_at is not None,
        rings=tuple(Ring(agent_channel="", agent=agent, queue=queue) for agent in stored.ringing),
    )


def end_forgotten(node: str, open_calls: Iterable[OpenCall], known: Collection[str], at: datetime) -> list[CallEvent]:
    """Ends of calls that only the database still holds to be going on."""
    return [
        CallEnded(node=node, unique_id=stored.unique_id, at=at, outcome="unknown", cause=None)
        for stored in open_calls
        if stored.unique_id not in known
    ]


def resync(
    state: TrackerState,
    snapshot: Snapshot,
    at: datetime,
    *,
    coming: Iterable[seen.Observation] = (),
) -> tuple[TrackerState, tuple[CallEvent, ...]]:
    """The state as the snapshot has it, and the events that lead there.

    ``coming``: observations heard before or while the snapshot was taken that are to be folded next: their calls
    are left to them.
    """
    later = tuple(coming)
    ending = {item.unique_id for item in later if isinstance(item, seen.ChannelGone)}
    beginning = {item.unique_id for item in later if isinstance(item, seen.Received)}
    state = replace(state, doubts=frozenset())
    events: tuple[CallEvent, ...] = ()
    for unique_id in state.in_order():
        if unique_id in snapshot.channels:
            state, more = _align(state, state.calls[unique_id], snapshot, at)
        elif unique_id not in ending:
            state, more = end_call(state, unique_id, at, outcome="unknown", cause=None)
        else:
            call, more = end_rings(state.node, state.calls[unique_id], at, why="unknown")
            state = state.with_call(call)
        events += more
    foreign = set()
    for channel in snapshot.channels.values():
        if channel.unique_id in state.calls or channel.unique_id in state.gone or channel.unique_id in beginning:
            continue
        if _is_ours(channel, snapshot) and len(state.calls) < CALL_LIMIT:
            state, more = _take_up(state, channel, snapshot, at)
            events += more
        elif not channel.variables.get("TRUNK") or channel.unique_id != channel.linked_id:
            foreign.add(channel.unique_id)
    return replace(state, foreign=frozenset(sorted(foreign)[-_FOREIGN_LIMIT:])), events


def _align(
    state: TrackerState, call: Call, snapshot: Snapshot, at: datetime
) -> tuple[TrackerState, tuple[CallEvent, ...]]:
    channel = snapshot.channels[call.unique_id]
    talking = channel.application == "Dial" and bool(channel.bridge)  # with a desk or another number
    call = replace(call, up=call.up or channel.up, connected=call.connected or talking)
    state = state.with_call(call)
    events: tuple[CallEvent, ...] = ()
    if call.destination_kind is None and (routed := _route_of(channel)) is not None:
        state, events = fold(state, routed, at)
    state, more = _align_queue(state, state.calls[call.unique_id], snapshot, at)
    events += more
    state, more = _align_agents(state, state.calls[call.unique_id], snapshot, at)
    return state, events + more


def _align_queue(
    state: TrackerState, call: Call, snapshot: Snapshot, at: datetime
) -> tuple[TrackerState, tuple[CallEvent, ...]]:
    waiting = snapshot.waiting.get(call.unique_id)
    if waiting is not None:
        joined = seen.CallerJoined(unique_id=call.unique_id, queue=waiting.queue, position=waiting.position)
        return fold(state, joined, at)
    if call.waiting_in is None or _talking_to(call, snapshot) or _answering(call, snapshot):
        return state, ()
    left = QueueLeft(node=state.node, unique_id=call.unique_id, at=at, queue=call.waiting_in, queue_exit="UNKNOWN")
    after, events = end_rings(state.node, call, at, why="unknown")
    return state.with_call(replace(after, waiting_in=None, left_queue=True, left=call.waiting_in)), (*events, left)


def _align_agents(
    state: TrackerState, call: Call, snapshot: Snapshot, at: datetime
) -> tuple[TrackerState, tuple[CallEvent, ...]]:
    events: tuple[CallEvent, ...] = ()
    ringing = _ringing(call, snapshot)
    talking = _talking_to(call, snapshot)
    if talking is not None:
        queue = next((ring.queue for ring in call.rings), call.waiting_in or _queue_of(call, snapshot))
        if queue:
            connected = seen.AgentConnected(
                unique_id=call.unique_id,
                agent_channel=talking.unique_id,
                queue=queue,
                agent=snapshot.agents[talking.interface],
            )
            call = _with_channel(call, connected.agent, talking.unique_id)
            # A restart knows that the call was answered, not on which channel: that is no second answer.
            if call.answered and not call.rings and call.waiting_in is None:
                call = call.without_ring(talking.unique_id)
            call, events = answer(state.node, call, connected, at)
    for agent_channel, agent in ringing.items():
        call = _with_channel(call, agent, agent_channel)
    for ring in call.rings:
        channel = snapshot.channels.get(ring.agent_channel)
        if ring.agent_channel not in ringing and not (channel is not None and channel.up and not channel.bridge):
            call, ended = end_ring(state.node, call, ring.agent_channel, at, why="unknown")
            events += ended
    # A ring that an echo has ended (its caller had left that queue before) is there all the same.
    still = tuple(channel for channel in call.finished_rings if channel not in ringing)
    state = state.with_call(replace(call, finished_rings=still) if len(still) < len(call.finished_rings) else call)
    for agent_channel, agent in ringing.items():
        called = seen.AgentCalled(
            unique_id=call.unique_id,
            agent_channel=agent_channel,
            queue=snapshot.waiting[call.unique_id].queue,
            agent=agent,
        )
        state, more = fold(state, called, at)
        events += more
    return state, events


def _with_channel(call: Call, agent: str, agent_channel: str) -> Call:
    """After a restart only the agent of a ring is known; this is the ring's channel."""
    rings = (
        replace(ring, agent_channel=agent_channel) if (ring.agent_channel, ring.agent) == ("", agent) else ring
        for ring in call.rings
    )
    return replace(call, rings=tuple(rings))


def _legs(call: Call, snapshot: Snapshot) -> list[Channel]:
    """Channels that a queue made to agents' devices for this call."""
    linked_id = snapshot.channels[call.unique_id].linked_id
    return [
        channel
        for channel in snapshot.channels.values()
        if channel.unique_id != call.unique_id
        and channel.linked_id == linked_id
        and channel.application == _QUEUE_LEG
        and channel.interface in snapshot.agents
    ]


def _ringing(call: Call, snapshot: Snapshot) -> Mapping[str, str]:
    """Agents rung for this call, by the channel. Only a caller who waits can have any."""
    if call.unique_id not in snapshot.waiting:
        return {}
    legs = (leg for leg in _legs(call, snapshot) if not leg.up and not leg.bridge)
    return {leg.unique_id: snapshot.agents[leg.interface] for leg in legs}


def _talking_to(call: Call, snapshot: Snapshot) -> Channel | None:
    bridge = snapshot.channels[call.unique_id].bridge
    legs = (leg for leg in _legs(call, snapshot) if leg.up and bridge and leg.bridge == bridge)
    return next(legs, None)


def _answering(call: Call, snapshot: Snapshot) -> bool:
    """Whether an agent has answered and is about to be joined with the caller."""
    return any(leg.up and not leg.bridge for leg in _legs(call, snapshot))


def _queue_of(call: Call, snapshot: Snapshot) -> str:
    """The queue that the caller entered last; the decision's own where the dialplan has not got there."""
    variables = snapshot.channels[call.unique_id].variables
    return variables.get("QUEUE", "") or variables.get("ROUTE_QUEUE", "")


def _is_ours(channel: Channel, snapshot: Snapshot) -> bool:
    """A caller's channel from a trunk, far enough on its way that its first message will not come any more."""
    variables = channel.variables
    begun = channel.unique_id in snapshot.waiting or _marked(channel)
    return bool(variables.get("TRUNK")) and "RECEIVED" in variables and channel.unique_id == channel.linked_id and begun


def _marked(channel: Channel) -> bool:
    """Whether the dialplan has begun to follow a decision."""
    return bool(channel.variables.get("LEVEL") and channel.variables.get("ROUTE_KIND"))


def _take_up(
    state: TrackerState, channel: Channel, snapshot: Snapshot, at: datetime
) -> tuple[TrackerState, tuple[CallEvent, ...]]:
    # The variables go through the same checks as the message that was missed.
    found = _translated(
        channel,
        "CallReceived",
        {"trunk": "TRUNK", "received": "RECEIVED", "caller": "CALLER"},
    )
    if not isinstance(found, seen.Received):
        return state, ()
    state, events = fold(state, found, at)
    call = state.calls.get(channel.unique_id)
    if call is None or not any(isinstance(event, CallReceived) for event in events):
        return state, events
    state, more = _align(state, call, snapshot, at)
    return state, events + more


def _route_of(channel: Channel) -> seen.Routed | None:
    if not _marked(channel):
        return None
    names = ["kind", "tenant", "line", "queue", "announcement", "target", "dialled", "version", "reasons"]
    variables = {name: f"ROUTE_{name.upper()}" for name in names} | {"level": "LEVEL", "cause": "FALLBACK_CAUSE"}
    found = _translated(channel, "CallRouted", variables)
    return found if isinstance(found, seen.Routed) else None


def _translated(channel: Channel, name: str, variables: Mapping[str, str]) -> seen.Observation | None:
    values = {header: channel.variables.get(variable, "") for header, variable in variables.items()}
    ids = {"uniqueid": channel.unique_id, "linkedid": channel.linked_id}
    return translate(AmiMessage(headers={"event": "UserEvent", "userevent": name, **ids, **values}))
