# SPDX-License-Identifier: EUPL-1.2
"""Every recording leads to exactly the events that a page must see."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agi.ami.call_resync import resync
from agi.ami.observations import Doubt
from agi.ami.snapshot import Snapshot
from routing.core.events import AgentRung, CallAnswered, CallReceived, CallRouted, RingEnded
from tests.replay.recordings import NAMES, START, folded, observations, told

QUEUED = ("received", "routed enter_queue allgemein", "queued allgemein 1")
EMPTY = ("received", "routed enter_queue allgemein", "queue_left allgemein JOINEMPTY")
RUNG = (*QUEUED, "rung allgemein agent01")

EXPECTED = {
    "answered": (*RUNG, "answered allgemein agent01", "ended answered 16"),
    "agent_hangs_up": (*RUNG, "answered allgemein agent01", "ended answered 16"),
    "abandoned": (*RUNG, "ring_ended agent01 abandoned", "queue_left allgemein ABANDON", "ended abandoned"),
    "no_answer_then_other": (
        *RUNG,
        "ring_ended agent01 no_answer",
        "rung allgemein agent02",
        "answered allgemein agent02",
        "ended answered 16",
    ),
    "busy_then_other": (
        *RUNG,
        "ring_ended agent01 no_answer",
        "rung allgemein agent02",
        "answered allgemein agent02",
        "ended answered 16",
    ),
    "answered_elsewhere": (
        "received",
        "routed enter_queue alle",
        "queued alle 1",
        "rung alle agent02",
        "rung alle agent01",
        "ring_ended agent01 answered_elsewhere",
        "answered alle agent02",
        "ended answered 16",
    ),
    "queue_timeout": (
        *RUNG,
        "ring_ended agent01 no_answer",
        "queue_left allgemein TIMEOUT",
        "ended unserved 16",
    ),
    "join_empty": ("received", "routed enter_queue leer", "queue_left leer JOINEMPTY", "ended unserved 16"),
    "blind_transfer": (*RUNG, "answered allgemein agent01", "ended answered 16"),
    "desk": ("received", "routed dial_extension", "ended connected 16"),
    "desk_abandoned": ("received", "routed dial_extension", "ended abandoned 127"),
    "announcement": ("received", "routed play_announcement", "ended announced 16"),
    "overflow_answered": (
        *RUNG,
        "ring_ended agent01 no_answer",
        "queue_left allgemein TIMEOUT",
        "stepped enter_queue timeout 2",
        "queued springer 1",
        "rung springer agent02",
        "answered springer agent02",
        "ended answered 16",
    ),
    "overflow_announcement": (*EMPTY, "stepped play_announcement no_agent 2", "ended unserved 16"),
    "overflow_forward": (*EMPTY, "stepped forward no_agent 2", "ended connected 16"),
    "overflow_forward_abandoned": (*EMPTY, "stepped forward no_agent 2", "ended abandoned"),
    "expected_wait": (
        "received",
        "routed enter_queue gespraech",
        "queue_left gespraech EXPECTEDWAIT",
        "stepped play_announcement expected_wait 2",
        "ended unserved 16",
    ),
    "closing_time": (
        *RUNG,
        "ring_ended agent01 no_answer",
        "queue_left allgemein CLOSINGTIME",
        "stepped play_announcement closing 2",
        "ended unserved 16",
    ),
    "on_call_busy": ("received", "routed play_announcement", "stepped forward played 2", "ended unserved 16"),
    # Made by tests/replay/record.py, which says what happens.
    "full": (
        "received",
        "routed enter_queue eng",
        "queued eng 1",
        "rung eng agent03",
        "received",
        "routed enter_queue eng",
        "queue_left eng FULL",
        "ended unserved 16",
        "ring_ended agent03 abandoned",
        "queue_left eng ABANDON",
        "ended abandoned",
    ),
    "leave_empty": (
        *RUNG,
        "ring_ended agent01 no_answer",
        "queue_left allgemein LEAVEEMPTY",
        "ended unserved 16",
    ),
    "phone_off": (
        *RUNG,
        "ring_ended agent01 no_answer",
        "queue_left allgemein LEAVEEMPTY",
        "ended unserved 16",
    ),
    "withdrawn": (*RUNG, "ring_ended agent01 no_answer", "queue_left allgemein WITHDRAW", "ended unserved 16"),
    "both_answer": (
        "received",
        "routed enter_queue alle",
        "queued alle 1",
        "rung alle agent02",
        "rung alle agent01",
        "answered alle agent02",
        "ring_ended agent01 answered_elsewhere",
        "ended answered 16",
    ),
    "reload_while_talking": (*RUNG, "answered allgemein agent01", "ended answered 16"),
    "withheld": (*RUNG, "answered allgemein agent01", "ended answered 16"),
    "astdb": (*RUNG, "answered allgemein agent01", "ended answered 16"),
    "cancelled": ("received", "ended abandoned 127"),
    "greeting_abandoned": ("received", "routed enter_queue allgemein", "ended abandoned"),
    "rejected": ("received", "routed reject", "ended rejected 1"),
    "last_resort": ("received", "routed last_resort", "ended announced 16"),
}
LEVELS = {"astdb": "astdb", "last_resort": "last_resort"}  # of all others: service


def test_every_recording_has_its_expectation() -> None:
    assert set(NAMES) == set(EXPECTED)


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_leads_to_its_events(name: str) -> None:
    heard = observations(name)
    assert not [item for item in heard if isinstance(item, Doubt)]
    state, events = folded(heard)
    assert tuple(told(event) for event in events) == EXPECTED[name]
    assert state.calls == {}
    assert state.doubts == frozenset()


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_heard_twice_says_nothing_new(name: str) -> None:
    heard = observations(name)
    state, events = folded(heard)
    assert folded(heard, state)[1] == ()
    doubled = tuple(item for item in heard for _ in range(2))
    assert [told(event) for event in folded(doubled)[1]] == [told(event) for event in events]


@pytest.mark.parametrize("name", NAMES)
def test_wherever_asterisk_dies_every_call_ends_once_and_every_pop_goes_down(name: str) -> None:
    """Asterisk is killed after any of its messages, and started anew: the look finds nothing."""
    heard = observations(name)
    nothing = Snapshot(channels={}, waiting={}, agents={})
    for cut in range(len(heard) + 1):
        state, events = folded(heard[:cut])
        state, more = resync(state, nothing, START + timedelta(hours=1))
        assert (dict(state.calls), dict(state.legs), state.doubts) == ({}, {}, frozenset())
        told_of = [*events, *more]
        received = sorted(event.unique_id for event in told_of if event.kind == "received")
        assert sorted(event.unique_id for event in told_of if event.kind == "ended") == received
        up: set[str] = set()
        for event in told_of:
            match event:
                case AgentRung():
                    up.add(event.agent_channel)
                case RingEnded() | CallAnswered():
                    up.discard(event.agent_channel)
        assert up == set()


@pytest.mark.parametrize("name", NAMES)
def test_who_decided_is_told(name: str) -> None:
    routed = [event for event in folded(observations(name))[1] if isinstance(event, CallRouted)]
    assert {event.level for event in routed} <= {LEVELS.get(name, "service")}
    assert len(routed) == len({event.unique_id for event in routed})


def test_a_withheld_number_is_none() -> None:
    received = folded(observations("withheld"))[1][0]
    assert isinstance(received, CallReceived)
    assert received.caller_number is None


def test_the_numbers_are_those_of_the_call() -> None:
    received, routed = folded(observations("answered"))[1][:2]
    assert isinstance(received, CallReceived)
    assert isinstance(routed, CallRouted)
    assert (received.trunk, received.received, received.caller_number) == ("carrier", "053728901", "+493023125001")
    assert (routed.tenant, routed.service_line, routed.level) == ("samtgemeinde-meinersen", "vermittlung", "service")
    assert routed.reasons == ("number", "opening_hours")
