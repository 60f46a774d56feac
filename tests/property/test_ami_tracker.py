# SPDX-License-Identifier: EUPL-1.2
"""Whatever is lost, doubled or comes in another order: no crash, no pop left up, nothing without bound."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agi.ami import observations as seen
from agi.ami.call_resync import resync
from agi.ami.call_state import CALL_LIMIT, DOUBT_LIMIT, GONE_LIMIT, RING_LIMIT, TrackerState
from agi.ami.messages import AmiMessage, parse_message
from agi.ami.snapshot import Channel, Snapshot, Waiting
from agi.ami.translate import translate
from routing.core.events import AgentRung, CallAnswered, CallEnded, CallEvent, QueueLeft, RingEnded
from tests.replay.recordings import NAMES, START, folded, observations

RECORDED = {name: observations(name) for name in NAMES}


def renamed(name: str, mark: str) -> list[seen.Observation]:
    """A recording as another call: the caller's channel is <mark>1.1, the others 1.2, 1.3 …"""
    ids: dict[str, str] = {}
    found = []
    for item in RECORDED[name]:
        fields = [name for name in ("unique_id", "linked_id", "agent_channel", "other_channel") if hasattr(item, name)]
        new: dict[str, Any] = {key: ids.setdefault(getattr(item, key), f"{mark}1.{len(ids) + 1}") for key in fields}
        found.append(replace(item, **new))
    return found


@st.composite
def mangled(draw: st.DrawFn) -> tuple[seen.Observation, ...]:
    """One to three recorded calls, interleaved, with losses, doubles and a little disorder."""
    calls = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3))
    queues = [renamed(name, f"n{number}-") for number, name in enumerate(calls)]
    heard: list[seen.Observation] = []
    while any(queues):
        queue = draw(st.sampled_from([queue for queue in queues if queue]))
        item = queue.pop(0)
        match draw(st.sampled_from(("keep", "keep", "keep", "drop", "double", "late"))):
            case "keep":
                heard.append(item)
            case "double":
                heard += [item, item]
            case "late":
                queue.insert(min(len(queue), draw(st.integers(1, 5))), item)
                heard.append(queue.pop(0))
    return tuple(heard)


def pops(events: tuple[CallEvent, ...]) -> dict[tuple[str, str], str]:
    """The pops that a page would still show, and the state of the call of each."""
    up: dict[tuple[str, str], str] = {}
    ended: set[str] = set()
    for event in events:
        match event:
            case AgentRung():
                assert event.unique_id not in ended, "a pop for a call that is over"
                assert (event.unique_id, event.agent_channel) not in up, "one ring, two pops"
                up[event.unique_id, event.agent_channel] = event.agent
            case RingEnded() | CallAnswered():
                up.pop((event.unique_id, event.agent_channel), None)
            case CallEnded():
                assert event.unique_id not in ended, "a call ends once"
                ended.add(event.unique_id)
                assert not [key for key in up if key[0] == event.unique_id], "a pop outlives its call"
            case QueueLeft():
                assert not [key for key in up if key[0] == event.unique_id], "a pop outlives the wait"
    return up


def tracked(state: TrackerState) -> dict[tuple[str, str], str]:
    return {(call.unique_id, ring.agent_channel): ring.agent for call in state.calls.values() for ring in call.rings}


@given(mangled())
@settings(max_examples=300, deadline=None)
def test_no_pop_is_left_up(heard: tuple[seen.Observation, ...]) -> None:
    state, events = folded(heard)
    assert pops(events) == tracked(state)
    # The agent's leg is over: so is the pop, whatever else was lost.
    gone = {item.unique_id for item in heard if isinstance(item, seen.ChannelGone)}
    assert not [key for key in tracked(state) if key[0] in gone or key[1] in gone]


@given(mangled())
@settings(max_examples=300, deadline=None)
def test_looking_at_an_idle_asterisk_always_ends_everything(heard: tuple[seen.Observation, ...]) -> None:
    state, events = folded(heard)
    state, more = resync(state, Snapshot(channels={}, waiting={}, agents={}), START)
    assert state.calls == {}
    assert state.doubts == frozenset()
    assert pops((*events, *more)) == {}


@given(mangled(), st.lists(st.sampled_from(("waiting", "ringing", "talking")), max_size=3))
@settings(max_examples=300, deadline=None)
def test_looking_at_a_busy_asterisk_always_leads_to_what_is_there(
    heard: tuple[seen.Observation, ...], situations: list[str]
) -> None:
    state, events = folded(heard)
    snapshot = busy(situations)
    ours = {channel.unique_id for channel in snapshot.channels.values() if channel.variables}
    expected_pops = {
        (f"n{number}-1.1", f"n{number}-1.9"): "agent01"
        for number, situation in enumerate(situations)
        if situation == "ringing"
    }
    state, more = resync(state, snapshot, START)
    assert set(state.calls) == ours - set(state.gone)
    shown = {key: agent for key, agent in expected_pops.items() if key[0] in state.calls and key[1] not in state.gone}
    assert tracked(state) == shown
    assert pops((*events, *more)) == shown
    again, nothing = resync(state, snapshot, START)
    assert nothing == ()
    assert again == state


def busy(situations: list[str]) -> Snapshot:
    """One call per situation; the caller may be known, the agent's leg is a new one."""
    channels, waiting = {}, {}
    for number, situation in enumerate(situations):
        caller, leg = f"n{number}-1.1", f"n{number}-1.9"
        bridge = f"b{number}" if situation == "talking" else ""
        variables = {
            "TRUNK": "carrier", "RECEIVED": "053728901", "CALLER": "", "LEVEL": "service",
            "ROUTE_KIND": "enter_queue", "ROUTE_QUEUE": "allgemein", "ROUTE_DIALLED": "%2B495372890",
        }  # fmt: skip
        channels[caller] = Channel(
            unique_id=caller, linked_id=caller, interface="PJSIP/carrier", up=True, bridge=bridge,
            application="Queue", variables=variables,
        )  # fmt: skip
        if situation != "talking":
            waiting[caller] = Waiting(unique_id=caller, queue="allgemein", position=number + 1)
        if situation != "waiting":
            channels[leg] = Channel(
                unique_id=leg, linked_id=caller, interface="PJSIP/agent01", up=bool(bridge), bridge=bridge,
                application="AppQueue", variables={},
            )  # fmt: skip
    return Snapshot(channels=channels, waiting=waiting, agents={"PJSIP/agent01": "agent01"})


IDS = st.integers(0, 400).map(lambda number: f"1.{number}")


@given(st.lists(st.tuples(st.sampled_from(range(6)), IDS, IDS), max_size=400))
@settings(max_examples=50, deadline=None)
def test_the_state_is_bounded(steps: list[tuple[int, str, str]]) -> None:
    makers = (
        lambda a, b: seen.Received(unique_id=a, linked_id=a, trunk=None, received="", caller_number=None),
        lambda a, b: seen.AgentCalled(unique_id=a, agent_channel=b, queue="q", agent=b),
        lambda a, b: seen.DialBegun(unique_id=a, other_channel=b),
        lambda a, b: seen.ChannelGone(unique_id=a, cause=None),
        lambda a, b: seen.AgentSilent(unique_id=a, agent_channel=b),
        lambda a, b: seen.Doubt(why=a),
    )
    state, events = folded(tuple(makers[kind](a, b) for kind, a, b in steps))
    assert len(state.doubts) <= DOUBT_LIMIT
    for call in state.calls.values():
        assert max(len(call.rings), len(call.finished_rings), len(call.dialling)) <= RING_LIMIT
    assert pops(events) == tracked(state)


def test_calls_and_their_graves_are_bounded() -> None:
    received = (
        seen.Received(unique_id=f"1.{n}", linked_id=f"1.{n}", trunk=None, received="", caller_number=None)
        for n in range(CALL_LIMIT + 10)
    )
    state, events = folded(tuple(received))
    assert len(state.calls) == CALL_LIMIT
    assert [event.unique_id for event in events if isinstance(event, CallEnded)] == [f"1.{n}" for n in range(10)]
    state, _ = folded(tuple(seen.ChannelGone(unique_id=f"2.{n}", cause=None) for n in range(GONE_LIMIT + 1000)), state)
    assert GONE_LIMIT <= len(state.gone) <= GONE_LIMIT + 500


@given(st.text(alphabet=string.printable + "äß\0\ud7ff", max_size=300))
def test_no_text_makes_the_translation_raise(text: str) -> None:
    for start in ("", "Event: UserEvent\r\nUserEvent: CallReceived\r\n", "Event: AgentCalled\r\n", "Event: Hangup\r\n"):
        translate(parse_message(start + text))


def plainly_parsed(text: str) -> AmiMessage:
    """The definition of `parse_message`, line by line and without any haste."""
    headers: dict[str, str] = {}
    lists: dict[str, tuple[str, ...]] = {}
    repeated, malformed = set(), False
    for line in text.split("\r\n"):
        name, colon, value = line.partition(":")
        key = name.strip().lower()
        if not colon or not key or any(control in line for control in "\r\n\0"):
            malformed = True
        elif key in ("variable", "output", "chanvariable", "destchanvariable"):
            lists[key] = (*lists.get(key, ()), value.removeprefix(" "))
        elif key in headers:
            repeated.add(key)
        else:
            headers[key] = value.removeprefix(" ")
    return AmiMessage(headers=headers, lists=lists, repeated=frozenset(repeated), malformed=malformed)


LINES = st.text(alphabet="aA: \t\0\r\nä", max_size=8) | st.sampled_from(
    ("Variable: a=b", "Uniqueid: 1.1", "a: b: c", "A:b")
)


@given(st.lists(LINES, max_size=8))
@settings(max_examples=500)
def test_haste_changes_nothing_in_what_is_read(lines: list[str]) -> None:
    text = "\r\n".join(lines)
    assert parse_message(text) == plainly_parsed(text)
