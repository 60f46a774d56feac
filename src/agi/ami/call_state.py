# SPDX-License-Identifier: EUPL-1.2
"""What is known of the calls on one node: frozen values, bounded in number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

CALL_LIMIT = 2_000
GONE_LIMIT = 4_000
DOUBT_LIMIT = 100
RING_LIMIT = 100
_GONE_SLACK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """An agent's device that rings. ``agent_channel`` is '' if only the agent is known (after a restart)."""

    agent_channel: str
    agent: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, keyed by the caller's channel.

    ``waiting_in`` is the queue in which the caller stands. ``left_queue`` says that the last one gave the caller back,
    ``left`` which one did since the last step of the chain. ``given_up`` says that Asterisk reported the caller gone
    from the queue unanswered: either the end of the call or QUEUESTATUS follows. ``dialling`` are legs to desks
    and other numbers that are not over; ``cancelled`` says that the caller hung up while the last of them rang.
    ``step`` is the step of the chain that was entered last.
    """

    unique_id: str
    linked_id: str
    destination_kind: str | None = None
    waiting_in: str | None = None
    left_queue: bool = False
    left: str | None = None
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

    def ring(self, agent_channel: str) -> Ring | None:
        """The ring on this channel, if it still rings."""
        return next((ring for ring in self.rings if ring.agent_channel == agent_channel), None)

    def without_ring(self, agent_channel: str) -> Call:
        """The call after this ring; a late message about the ring will not bring it back."""
        finished = (*(item for item in self.finished_rings if item != agent_channel), agent_channel)[-RING_LIMIT:]
        return replace(
            self,
            rings=tuple(ring for ring in self.rings if ring.agent_channel != agent_channel),
            finished_rings=finished,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerState:
    """All calls of a node.

    ``gone`` holds channels that have ended, newest last: what is said of them later is an echo. ``doubts`` says why
    a resync is due. ``foreign`` are channels that a resync found to be no calls of ours.
    """

    node: str
    calls: Mapping[str, Call] = field(default_factory=lambda: MappingProxyType({}))
    gone: Mapping[str, None] = field(default_factory=lambda: MappingProxyType({}))
    foreign: frozenset[str] = frozenset()
    doubts: frozenset[str] = frozenset()

    def with_call(self, call: Call) -> TrackerState:
        """The state with this call put in or replaced."""
        return replace(self, calls=MappingProxyType({**self.calls, call.unique_id: call}))

    def without_call(self, unique_id: str) -> TrackerState:
        """The state after this call."""
        calls = {key: call for key, call in self.calls.items() if key != unique_id}
        return replace(self, calls=MappingProxyType(calls)).with_gone(unique_id)

    def with_gone(self, unique_id: str) -> TrackerState:
        """The state after this channel."""
        gone = {**self.gone, unique_id: None}
        if len(gone) > GONE_LIMIT + _GONE_SLACK:  # in steps: trimming on every end would copy twice
            gone = dict(list(gone.items())[-GONE_LIMIT:])
        return replace(self, gone=MappingProxyType(gone), foreign=self.foreign - {unique_id})

    def with_doubt(self, why: str) -> TrackerState:
        """The state that wants a resync."""
        if why in self.doubts or len(self.doubts) >= DOUBT_LIMIT:
            return self
        return replace(self, doubts=self.doubts | {why})

    def owner_of(self, agent_channel: str) -> Call | None:
        """The call for which this channel was made."""
        return next(
            (call for call in self.calls.values() if call.ring(agent_channel) or agent_channel in call.dialling), None
        )
