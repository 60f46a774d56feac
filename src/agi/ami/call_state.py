# SPDX-License-Identifier: EUPL-1.2
"""What is known of the calls on one node: frozen values, bounded in number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from agi.ami.persistent import PersistentMap, RecentSet

CALL_LIMIT = 2_000
GONE_LIMIT = 4_000
DOUBT_LIMIT = 100
RING_LIMIT = 100
_GONE_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """An agent's device that rings. ``agent_channel`` is '' if only the agent is known (after a restart)."""

    agent_channel: str
    agent: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, keyed by the caller's channel.

    ``waiting_in`` is the queue in which the caller stands. ``left_queue`` says that the last one gave the caller
    back, ``left`` which one did since the last step of the chain, ``taken_out`` that it was told to: a decision may
    follow. ``given_up`` says that Asterisk reported the caller gone from the queue unanswered: either the end of the
    call or QUEUESTATUS follows. ``dialling`` are legs to desks and other numbers that are not over; ``cancelled``
    says that the caller hung up while the last of them rang. ``step`` is the step of the chain that was entered last.
    ``number`` counts the calls as they were taken up.
    """

    unique_id: str
    linked_id: str
    number: int = 0
    destination_kind: str | None = None
    waiting_in: str | None = None
    left_queue: bool = False
    left: str | None = None
    taken_out: bool = False
    given_up: bool = False
    answered: bool = False
    up: bool = False
    rings: tuple[Ring, ...] = ()
    finished_rings: tuple[str, ...] = ()
    dialling: tuple[str, ...] = ()
    connected: bool = False
    dialled: bool = False
    cancelled: bool = False
    step: int = 1

    @property
    def legs(self) -> set[str]:
        """The channels that were made for this call and are not over, so far as they are known."""
        return {ring.agent_channel for ring in self.rings if ring.agent_channel} | set(self.dialling)

    def ring(self, agent_channel: str) -> Ring | None:
        """The ring on this channel, if it still rings."""
        return next((ring for ring in self.rings if ring.agent_channel == agent_channel), None)

    def without_ring(self, agent_channel: str) -> Call:
        """The call after this ring; a late message about the ring will not bring it back."""
        rings = tuple(ring for ring in self.rings if ring.agent_channel != agent_channel)
        finished = self.finished_rings
        if agent_channel not in finished:
            finished = (*finished, agent_channel)[-RING_LIMIT:]
        elif len(rings) == len(self.rings):
            return self
        return replace(self, rings=rings, finished_rings=finished)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerState:
    """All calls of a node. Make a new one with `tracking`, others with its own methods, which keep ``legs`` right.

    ``legs`` finds the calls for which a channel was made. ``gone`` holds channels that have ended: what is said of them
    later is an echo. ``doubts`` says why a resync is due. ``foreign`` are channels that a resync found to be no calls
    of ours. ``begun`` counts the calls taken up so far.
    """

    node: str
    calls: PersistentMap[Call] = field(default_factory=PersistentMap)
    legs: PersistentMap[tuple[str, ...]] = field(default_factory=PersistentMap)
    gone: RecentSet = field(default_factory=lambda: RecentSet(limit=GONE_LIMIT, chunk=_GONE_CHUNK))
    foreign: frozenset[str] = frozenset()
    doubts: frozenset[str] = frozenset()
    begun: int = 0

    def with_new_call(self, call: Call) -> TrackerState:
        """The state with a call that was not there."""
        return replace(self, begun=self.begun + 1).with_call(replace(call, number=self.begun))

    def with_call(self, call: Call) -> TrackerState:
        """The state with this call put in or replaced."""
        before = self.calls.get(call.unique_id)
        if before is call:
            return self
        legs = self.legs
        if before is None:
            legs = _claimed(legs, call.legs, call.unique_id)
        elif before.rings is not call.rings or before.dialling is not call.dialling:
            was, now = before.legs, call.legs
            legs = _claimed(_let_go(legs, was - now, call.unique_id), now - was, call.unique_id)
        return replace(self, calls=self.calls.put(call.unique_id, call), legs=legs)

    def without_call(self, unique_id: str) -> TrackerState:
        """The state after this call."""
        legs = _let_go(self.legs, self.calls[unique_id].legs, unique_id)
        return replace(self, calls=self.calls.without(unique_id), legs=legs).with_gone(unique_id)

    def with_gone(self, unique_id: str) -> TrackerState:
        """The state after this channel."""
        foreign = self.foreign - {unique_id} if unique_id in self.foreign else self.foreign
        return replace(self, gone=self.gone.put(unique_id), foreign=foreign)

    def with_doubt(self, why: str) -> TrackerState:
        """The state that wants a resync."""
        if why in self.doubts or len(self.doubts) >= DOUBT_LIMIT:
            return self
        return replace(self, doubts=self.doubts | {why})

    def owners_of(self, leg: str) -> tuple[Call, ...]:
        """The calls for which this channel was made: one, unless Asterisk was misheard."""
        return tuple(self.calls[unique_id] for unique_id in self.legs.get(leg, ()))

    def in_order(self) -> list[str]:
        """The calls' unique ids, the one taken up first before the others."""
        return [call.unique_id for call in sorted(self.calls.values(), key=lambda call: call.number)]


def tracking(node: str, calls: Iterable[Call]) -> TrackerState:
    """A state with these calls and nothing else."""
    state = TrackerState(node=node)
    for call in calls:
        state = state.with_new_call(call)
    return state


_Legs = PersistentMap[tuple[str, ...]]


def _claimed(legs: _Legs, channels: Iterable[str], unique_id: str) -> _Legs:
    for channel in channels:
        legs = legs.put(channel, (*legs.get(channel, ()), unique_id))
    return legs


def _let_go(legs: _Legs, channels: Iterable[str], unique_id: str) -> _Legs:
    for channel in channels:
        others = tuple(owner for owner in legs[channel] if owner != unique_id)
        legs = legs.put(channel, others) if others else legs.without(channel)
    return legs
