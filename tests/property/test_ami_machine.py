# SPDX-License-Identifier: EUPL-1.2
"""A whole observer's life against a model of Asterisk: events lost, doubled and out of order, links cut, looks taken.

Always: one pop for one ring, none after its call's end, no call ends twice, nothing is known of a call that never was.
After a look, once what was heard meanwhile is folded: exactly the calls and the pops that there are.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agi.ami import observations as seen
from agi.ami.call_resync import resync
from agi.ami.call_state import TrackerState
from agi.ami.call_tracker import fold
from routing.core.events import AgentRung, CallAnswered, CallEnded, CallEvent, CallReceived, QueueLeft, RingEnded
from tests.replay.recordings import START
from tests.support.model_pbx import AGENTS, ModelCall, ModelPbx

PLACES = st.integers(0, 1_000)


class Page:
    """What agents' pages would show, told of events one by one; complains about what must never be told."""

    def __init__(self) -> None:
        self.pops: dict[tuple[str, str], str] = {}
        self.received: set[str] = set()
        self.ended: set[str] = set()

    def told(self, event: CallEvent) -> None:
        call = event.unique_id
        assert call not in self.ended, f"{event.kind} after the end"
        up = [key for key in self.pops if key[0] == call]
        match event:
            case CallReceived():
                assert call not in self.received, "a call is received once"
                self.received.add(call)
            case AgentRung():
                assert (call, event.agent_channel) not in self.pops, "one ring, two pops"
                self.pops[call, event.agent_channel] = event.agent
            case RingEnded():
                assert self.pops.pop((call, event.agent_channel)) == event.agent, "a pop that is not up is withdrawn"
            case CallAnswered():
                self.pops.pop((call, event.agent_channel), None)
            case QueueLeft():
                assert not up, "a pop outlives the wait"
            case CallEnded():
                assert not up, "a pop outlives its call"
                self.ended.add(call)


class Observing(RuleBasedStateMachine):
    """``link`` holds what was said and not heard yet; ``faulty`` since something in it was not as it was said."""

    def __init__(self) -> None:
        super().__init__()
        self.link: list[seen.Observation] = []
        self.pbx = ModelPbx(say=self.link.append)
        self.state = TrackerState(node="node1")
        self.page = Page()
        self.at = START
        self.faulty = False

    def fold(self, observation: seen.Observation) -> None:
        self.at += timedelta(milliseconds=1)
        self.state, events = fold(self.state, observation, self.at)
        self.tell(events)

    def tell(self, events: tuple[CallEvent, ...]) -> None:
        for event in events:
            self.page.told(event)

    def call(self, place: int, *, routed: bool | None = None, waiting: bool | None = None) -> ModelCall | None:
        found = [
            call
            for call in self.pbx.calls.values()
            if (routed is None or call.routed == routed)
            and (waiting is None or call.waiting == waiting)
            and not (waiting is False and call.talks)
        ]
        return found[place % len(found)] if found else None

    # What happens at Asterisk.

    @initialize(calls=st.integers(0, 2))
    def before_we_came(self, calls: int) -> None:
        for place in range(calls):
            self.pbx.begin()
            self.goes_on(place)
        self.link.clear()
        self.faulty = True  # nobody has looked yet

    @rule()
    def begins(self) -> None:
        if len(self.pbx.calls) < 5:
            self.pbx.begin()

    @rule(place=PLACES)
    def goes_on(self, place: int) -> None:
        if (call := self.call(place, routed=False)) is not None:
            self.pbx.route(call)
        elif (call := self.call(place, routed=True, waiting=False)) is not None:
            self.pbx.join(call)

    @rule(place=PLACES, agent=st.sampled_from(AGENTS))
    def rings(self, place: int, agent: str) -> None:
        call = self.call(place, waiting=True)
        if call is not None and agent not in call.rings.values():
            self.pbx.ring(call, agent)

    @rule(place=PLACES, how=st.sampled_from(("fails", "is answered")))
    def a_ring(self, place: int, how: str) -> None:
        rings = [(call, leg) for call in self.pbx.calls.values() for leg in call.rings]
        if rings:
            call, leg = rings[place % len(rings)]
            (self.pbx.answer if how == "is answered" else self.pbx.ring_fails)(call, leg)

    @rule(place=PLACES)
    def waits_in_vain(self, place: int) -> None:
        if (call := self.call(place, waiting=True)) is not None:
            self.pbx.give_back(call)

    @rule(place=PLACES)
    def hangs_up(self, place: int) -> None:
        if (call := self.call(place)) is not None:
            self.pbx.hang_up(call)

    # What becomes of what it says.

    @rule(most=st.integers(1, 12))
    def is_heard(self, most: int) -> None:
        for observation in self.link[:most]:
            self.fold(observation)
        del self.link[:most]

    @precondition(lambda self: self.link)
    @rule(place=PLACES, how=st.sampled_from(("lost", "doubled", "late")))
    def is_mangled(self, place: int, how: str) -> None:
        place %= len(self.link)
        self.faulty = True
        if how == "lost":
            del self.link[place]
        elif how == "doubled":
            self.link.insert(place, self.link[place])
        else:
            self.link.insert(min(len(self.link), place + 4), self.link.pop(place))

    @rule()
    def link_is_cut(self) -> None:
        """What was on its way is gone; after the reconnect everything is looked at."""
        self.link.clear()
        self.look()

    @rule()
    def looks(self) -> None:
        """While events are on their way, as happens at a doubt; after a fault only when they have been heard."""
        if self.faulty:
            self.is_heard(len(self.link))
        self.look()

    def look(self) -> None:
        self.at += timedelta(milliseconds=1)
        self.state, events = resync(self.state, self.pbx.snapshot(), self.at, coming=self.link)
        self.tell(events)
        if self.link:  # as the observer does: echoes of before are then behind us
            self.is_heard(len(self.link))
            self.state, events = resync(self.state, self.pbx.snapshot(), self.at)
            self.tell(events)
        self.faulty = False
        routed = {unique_id for unique_id, call in self.pbx.calls.items() if call.routed}
        assert routed <= set(self.state.calls) <= set(self.pbx.calls)
        assert self.page.pops == self.pbx.pops()
        for unique_id in routed:
            ours, its = self.state.calls[unique_id], self.pbx.calls[unique_id]
            assert (ours.waiting_in is not None) == its.waiting
            assert its.talks is None or ours.answered

    @invariant()
    def nothing_is_made_up(self) -> None:
        assert set(self.state.calls) <= set(self.pbx.calls) | self.pbx.ended
        assert self.page.received <= set(self.pbx.calls) | self.pbx.ended
        assert self.page.ended <= self.pbx.ended
        rings = {(call.unique_id, ring.agent_channel) for call in self.state.calls.values() for ring in call.rings}
        assert rings == self.page.pops.keys()
        if not self.faulty and not self.link and not self.state.doubts:  # at a doubt it looks
            assert self.page.pops == self.pbx.pops()
            assert set(self.state.calls) <= set(self.pbx.calls)

    def teardown(self) -> None:
        """Everybody hangs up, unheard; after one more look every call that was received has ended, once."""
        for call in list(self.pbx.calls.values()):
            self.pbx.hang_up(call)
        self.link.clear()
        self.look()
        assert self.page.ended == self.page.received
        assert self.page.pops == {}
        assert not self.state.calls
        assert not self.state.legs


Observing.TestCase.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestObserving = Observing.TestCase
