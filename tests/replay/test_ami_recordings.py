# SPDX-License-Identifier: EUPL-1.2
"""Every recording leads to exactly the events that a page must see."""

from __future__ import annotations

import pytest

from agi.ami.observations import Doubt
from routing.core.events import CallReceived, CallRouted
from tests.replay.recordings import NAMES, folded, observations, told

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
}


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


def test_the_numbers_are_those_of_the_call() -> None:
    received, routed = folded(observations("answered"))[1][:2]
    assert isinstance(received, CallReceived)
    assert isinstance(routed, CallRouted)
    assert (received.trunk, received.received, received.caller_number) == ("carrier", "053728901", "+493023125001")
    assert (routed.tenant, routed.service_line, routed.level) == ("samtgemeinde-meinersen", "vermittlung", "service")
    assert routed.reasons == ("number", "opening_hours")
