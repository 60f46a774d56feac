# SPDX-License-Identifier: EUPL-1.2
"""An Asterisk as far as calls through queues go: what is the case, what it says of it, and what it answers when asked.

::

    new ─▶ received ─▶ routed ─▶ waiting ◀─▶ ringing ─▶ talking ─▶ over
                                    └─ given back ─▶ waiting …

Everything that it says is true when it is said; whether and when anybody hears it is the test's business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agi.ami import observations as seen
from agi.ami.snapshot import Channel, Snapshot, Waiting

AGENTS = ("agent01", "agent02", "agent03")
QUEUE = "allgemein"


@dataclass(slots=True, kw_only=True)
class ModelCall:
    """``rings`` and ``talks`` are legs to agents, by channel."""

    unique_id: str
    routed: bool = False
    waiting: bool = False
    rings: dict[str, str] = field(default_factory=dict)
    talks: tuple[str, str] | None = None


@dataclass(slots=True, kw_only=True)
class ModelPbx:
    """``say`` gets each message as it is sent."""

    say: Callable[[seen.Observation], None]
    calls: dict[str, ModelCall] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    _channels: int = 0

    def _channel(self) -> str:
        self._channels += 1
        return f"node1-1795000000.{self._channels}"

    def begin(self) -> None:
        call = ModelCall(unique_id=self._channel())
        self.calls[call.unique_id] = call
        self.say(
            seen.Received(
                unique_id=call.unique_id, linked_id=call.unique_id, trunk="carrier", received="1", caller_number=None
            )
        )

    def route(self, call: ModelCall) -> None:
        call.routed = True
        self.say(
            seen.Routed(
                unique_id=call.unique_id, level="service", destination_kind="enter_queue", dialled_number="1",
                tenant=None, service_line=None, queue=QUEUE, announcement=None, target=None, table_version=1,
                reasons=(),
            )
        )  # fmt: skip

    def join(self, call: ModelCall) -> None:
        call.waiting = True
        self.say(seen.CallerJoined(unique_id=call.unique_id, queue=QUEUE, position=1))

    def ring(self, call: ModelCall, agent: str) -> None:
        leg = self._channel()
        call.rings[leg] = agent
        self.say(seen.AgentCalled(unique_id=call.unique_id, agent_channel=leg, queue=QUEUE, agent=agent))
        self.say(seen.DialBegun(unique_id=call.unique_id, other_channel=leg))

    def ring_fails(self, call: ModelCall, leg: str) -> None:
        del call.rings[leg]
        self.say(seen.DialEnded(unique_id=call.unique_id, other_channel=leg, answered=False))
        self.say(seen.ChannelGone(unique_id=leg, cause=19))
        self.say(seen.AgentSilent(unique_id=call.unique_id, agent_channel=leg))

    def answer(self, call: ModelCall, leg: str) -> None:
        agent = call.rings.pop(leg)
        others, call.rings = call.rings, {}
        call.talks, call.waiting = (leg, agent), False
        self.say(seen.ChannelUp(unique_id=leg))
        for other in others:
            self.say(seen.ChannelGone(unique_id=other, cause=26))
        self.say(seen.AgentConnected(unique_id=call.unique_id, agent_channel=leg, queue=QUEUE, agent=agent))

    def give_back(self, call: ModelCall) -> None:
        """The queue's time is over."""
        self._leave_queue(call)
        self.say(seen.QueueReturned(unique_id=call.unique_id, queue=QUEUE, status="TIMEOUT"))

    def hang_up(self, call: ModelCall) -> None:
        """The caller does, whatever is the case; who talked or was rung is free again."""
        if call.waiting:
            self._leave_queue(call)
        if call.talks is not None:
            leg, _ = call.talks
            self.say(seen.AgentDone(unique_id=call.unique_id, agent_channel=leg))
            self.say(seen.ChannelGone(unique_id=leg, cause=16))
        del self.calls[call.unique_id]
        self.ended.add(call.unique_id)
        self.say(seen.ChannelGone(unique_id=call.unique_id, cause=16))

    def _leave_queue(self, call: ModelCall) -> None:
        self.say(seen.CallerGaveUp(unique_id=call.unique_id, queue=QUEUE))
        for leg in call.rings:
            self.say(seen.ChannelGone(unique_id=leg, cause=0 or None))
        call.rings, call.waiting = {}, False

    def pops(self) -> dict[tuple[str, str], str]:
        """What agents' pages should show: (call, channel) → agent."""
        return {(call.unique_id, leg): agent for call in self.calls.values() for leg, agent in call.rings.items()}

    def snapshot(self) -> Snapshot:
        """What it answers when it is asked."""
        channels: dict[str, Channel] = {}
        for call in self.calls.values():
            bridge = f"bridge-{call.unique_id}" if call.talks else ""
            channels[call.unique_id] = self._caller(call, bridge)
            for leg, agent in call.rings.items():
                channels[leg] = _leg(leg, call, agent, bridge="")
            if call.talks:
                channels[call.talks[0]] = _leg(*(call.talks[0], call, call.talks[1]), bridge=bridge)
        waiting = {
            call.unique_id: Waiting(unique_id=call.unique_id, queue=QUEUE, position=1)
            for call in self.calls.values()
            if call.waiting
        }
        return Snapshot(channels=channels, waiting=waiting, agents={f"PJSIP/{agent}": agent for agent in AGENTS})

    def _caller(self, call: ModelCall, bridge: str) -> Channel:
        variables = {"TRUNK": "carrier", "RECEIVED": "1", "CALLER": ""}
        if call.routed:
            variables |= {"LEVEL": "service", "ROUTE_KIND": "enter_queue", "ROUTE_QUEUE": QUEUE, "ROUTE_DIALLED": "1"}
        return Channel(
            unique_id=call.unique_id, linked_id=call.unique_id, interface="PJSIP/carrier", up=call.routed,
            bridge=bridge, application="Queue" if call.waiting or call.talks else "AGI", variables=variables,
        )  # fmt: skip


def _leg(leg: str, call: ModelCall, agent: str, *, bridge: str) -> Channel:
    return Channel(
        unique_id=leg, linked_id=call.unique_id, interface=f"PJSIP/{agent}", up=bool(bridge), bridge=bridge,
        application="AppQueue", variables={},
    )  # fmt: skip
