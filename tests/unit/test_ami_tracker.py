# SPDX-License-Identifier: EUPL-1.2
"""The fold, case by case: what recordings do not show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from agi.ami import observations as seen
from agi.ami.call_resync import end_forgotten, restore, resync
from agi.ami.call_state import TrackerState
from agi.ami.messages import AmiMessage
from agi.ami.snapshot import Snapshot, read_snapshot
from routing.core.events import CallReceived, CallRouted
from tests.replay.recordings import START, folded, told

CALLER, LEG, OTHER = "1.1", "1.2", "1.3"
RECEIVED = seen.Received(
    unique_id=CALLER, linked_id=CALLER, trunk="carrier", received="115", caller_number="+493023125001"
)
JOINED = seen.CallerJoined(unique_id=CALLER, queue="abfall", position=2)
GAVE_UP = seen.CallerGaveUp(unique_id=CALLER, queue="abfall")
CALLED = seen.AgentCalled(unique_id=CALLER, agent_channel=LEG, queue="abfall", agent="agent01")
CONNECTED = seen.AgentConnected(unique_id=CALLER, agent_channel=LEG, queue="abfall", agent="agent01")
SILENT = seen.AgentSilent(unique_id=CALLER, agent_channel=LEG)
HUNG_UP = seen.ChannelGone(unique_id=CALLER, cause=16)
LEG_GONE = seen.ChannelGone(unique_id=LEG, cause=16)
UP = seen.ChannelUp(unique_id=CALLER)


def routed(kind: str) -> seen.Routed:
    return seen.Routed(
        unique_id=CALLER,
        level="service",
        destination_kind=kind,
        dialled_number="115",
        tenant=None,
        service_line=None,
        queue=None,
        announcement=None,
        target=None,
        table_version=1,
        reasons=(),
    )


def story(*heard: seen.Observation) -> list[str]:
    return [told(event) for event in folded(heard)[1]]


def dialled(answered: bool, *, cancelled: bool = False) -> tuple[seen.Observation, ...]:
    return (
        seen.DialBegun(unique_id=CALLER, other_channel=OTHER),
        seen.DialEnded(unique_id=CALLER, other_channel=OTHER, answered=answered, cancelled=cancelled),
    )


def stepped(step: int = 2, why: str = "timeout", kind: str = "forward") -> seen.Stepped:
    return seen.Stepped(unique_id=CALLER, exit=why, step=step, destination_kind=kind, target=None)


LEFT = seen.QueueReturned(unique_id=CALLER, queue="abfall", status="TIMEOUT")
BEHIND = (RECEIVED, routed("enter_queue"), JOINED, LEFT, stepped())


@pytest.mark.parametrize(
    ("heard", "outcome"),
    [
        ((RECEIVED,), "abandoned 16"),
        ((RECEIVED, routed("enter_queue"), UP), "abandoned 16"),
        ((RECEIVED, routed("play_announcement")), "announced 16"),
        ((RECEIVED, routed("reject")), "rejected 16"),
        ((RECEIVED, routed("last_resort")), "rejected 16"),
        ((RECEIVED, routed("last_resort"), UP), "announced 16"),
        ((RECEIVED, routed("forward"), *dialled(True)), "connected 16"),
        ((RECEIVED, routed("forward"), *dialled(False)), "unserved 16"),
        ((RECEIVED, routed("dial_extension"), dialled(True)[0]), "abandoned 16"),
        ((RECEIVED, routed("dial_extension"), *dialled(False, cancelled=True)), "abandoned 16"),
        ((*BEHIND, *dialled(True)), "connected 16"),
        ((*BEHIND, *dialled(False)), "unserved 16"),
        ((*BEHIND, *dialled(False, cancelled=True)), "abandoned 16"),
        ((*BEHIND, *dialled(False), *dialled(True)), "connected 16"),
        ((*BEHIND, *dialled(False), stepped(3, "failed", "enter_queue"), JOINED), "abandoned 16"),
        ((*BEHIND, *dialled(False), stepped(3, "failed", "enter_queue"), JOINED, CONNECTED), "answered 16"),
        ((RECEIVED, routed("enter_queue"), JOINED, *dialled(True)), "abandoned 16"),  # the queue's own leg
        ((RECEIVED, routed("play_announcement"), stepped(2, "played"), *dialled(True)), "connected 16"),
        ((RECEIVED, routed("play_announcement"), stepped(2, "played"), *dialled(False)), "unserved 16"),
    ],
)
def test_outcomes(heard: tuple[seen.Observation, ...], outcome: str) -> None:
    assert story(*heard, HUNG_UP)[-1] == f"ended {outcome}"


def test_a_step_is_told_once_and_says_that_no_queue_holds_the_caller_any_more() -> None:
    again = seen.CallerJoined(unique_id=CALLER, queue="springer", position=1)
    heard = (RECEIVED, JOINED, CALLED, stepped(kind="enter_queue"), stepped(kind="enter_queue"), LEFT, again, HUNG_UP)
    assert story(*heard)[3:] == [
        "ring_ended agent01 no_answer",
        "queue_left abfall UNKNOWN",
        "stepped enter_queue timeout 2",
        "queued springer 1",
        "queue_left springer ABANDON",
        "ended abandoned 16",
    ]


def test_every_queue_that_gives_the_caller_back_is_told_once() -> None:
    second = seen.QueueReturned(unique_id=CALLER, queue="springer", status="JOINEMPTY")
    heard = (RECEIVED, JOINED, LEFT, LEFT, stepped(kind="enter_queue"), second, second, HUNG_UP)
    assert story(*heard)[2:] == [
        "queue_left abfall TIMEOUT",
        "stepped enter_queue timeout 2",
        "queue_left springer JOINEMPTY",
        "ended unserved 16",
    ]


def test_giving_up_takes_the_pop_down_and_only_the_end_says_why() -> None:
    start = story(RECEIVED, JOINED, CALLED, GAVE_UP)
    assert start[-1] == "ring_ended agent01 abandoned"
    left = seen.QueueReturned(unique_id=CALLER, queue="abfall", status="TIMEOUT")
    assert story(RECEIVED, JOINED, GAVE_UP, left, HUNG_UP)[2:] == ["queue_left abfall TIMEOUT", "ended unserved 16"]
    assert story(RECEIVED, JOINED, GAVE_UP, HUNG_UP)[2:] == ["queue_left abfall ABANDON", "ended abandoned 16"]


def test_who_is_taken_out_of_a_queue_is_routed_once_more() -> None:
    out = seen.QueueReturned(unique_id=CALLER, queue="abfall", status="WITHDRAW")
    again = routed("play_announcement")
    before = (RECEIVED, routed("enter_queue"), JOINED, LEFT, stepped(), replace(JOINED, queue="springer"))
    _, events = folded((*before, replace(out, queue="springer"), again, again, stepped(), HUNG_UP))
    assert [told(event) for event in events][-4:] == [
        "queue_left springer WITHDRAW",
        "routed play_announcement",
        "stepped forward timeout 2",  # the new decision's own chain
        "ended unserved 16",
    ]
    assert [event.again for event in events if isinstance(event, CallRouted)] == [False, True]


def test_a_decision_told_again_is_none_unless_the_caller_was_taken_out() -> None:
    heard = (RECEIVED, routed("enter_queue"), JOINED, LEFT, routed("play_announcement"))
    assert story(*heard).count("routed play_announcement") == 0


@pytest.mark.parametrize("end", [SILENT, LEG_GONE])
def test_a_ring_whose_end_was_heard_first_never_shows(end: seen.Observation) -> None:
    assert "rung abfall agent01" not in story(RECEIVED, JOINED, end, CALLED)


def test_a_call_whose_end_was_heard_first_never_shows() -> None:
    state, events = folded((HUNG_UP, RECEIVED, JOINED, CALLED))
    assert events == ()
    assert state.doubts == frozenset()


def test_the_answer_may_be_heard_before_the_ring() -> None:
    assert story(RECEIVED, CONNECTED, CALLED) == ["received", "answered abfall agent01"]


def test_two_agents_who_answer_at_once_leave_no_pop() -> None:
    second = seen.AgentCalled(unique_id=CALLER, agent_channel=OTHER, queue="abfall", agent="agent02")
    assert story(RECEIVED, JOINED, CALLED, second, CONNECTED)[3:] == [
        "rung abfall agent02",
        "answered abfall agent01",
        "ring_ended agent02 answered_elsewhere",
    ]


def test_a_transferred_caller_may_wait_and_ring_again_and_stays_answered() -> None:
    again = seen.AgentCalled(unique_id=CALLER, agent_channel=OTHER, queue="kfz", agent="agent02")
    joined = seen.CallerJoined(unique_id=CALLER, queue="kfz", position=1)
    assert story(RECEIVED, JOINED, CALLED, CONNECTED, LEG_GONE, joined, again, HUNG_UP)[4:] == [
        "queued kfz 1",
        "rung kfz agent02",
        "ring_ended agent02 abandoned",
        "queue_left kfz ABANDON",
        "ended answered 16",
    ]


def test_a_person_rings_once_per_call() -> None:
    again = seen.AgentCalled(unique_id=CALLER, agent_channel=OTHER, queue="abfall", agent="agent01")
    assert story(RECEIVED, CALLED, again)[1:] == [
        "rung abfall agent01",
        "ring_ended agent01 unknown",
        "rung abfall agent01",
    ]


def test_what_is_said_of_an_unknown_call_is_a_doubt_and_no_pop() -> None:
    state, events = folded((CALLED,))
    assert events == ()
    assert state.doubts == {CALLER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    unique_id: str = CALLER
    linked_id: str | None = CALLER
    kind: str | None = "enter_queue"
    queue: str | None = "abfall"
    ringing: tuple[str, ...] = ()
    queued_at: datetime | None = START
    answered_at: datetime | None = None


def listed(*, up: bool = False, bridge: str = "", waiting: bool = True, variables: tuple[str, ...] = ()) -> Snapshot:
    """One caller and the leg to agent01, as Asterisk lists them."""
    caller = {"event": "CoreShowChannel", "channel": "PJSIP/carrier-01", "channelstate": "6", "bridgeid": bridge}
    leg = {"event": "CoreShowChannel", "channel": "PJSIP/agent01-02", "channelstate": "6" if up else "5"}
    return read_snapshot(
        [
            AmiMessage(headers={**caller, "uniqueid": CALLER, "linkedid": CALLER, "application": "Queue"}),
            AmiMessage(
                headers={**leg, "uniqueid": LEG, "linkedid": CALLER, "application": "AppQueue", "bridgeid": bridge}
            ),
        ],
        [AmiMessage(headers={"event": "QueueMember", "location": "PJSIP/agent01", "name": "agent01"})]
        + [AmiMessage(headers={"event": "QueueEntry", "queue": "abfall", "position": "1", "uniqueid": CALLER})]
        * waiting,
        [AmiMessage(headers={"event": "Status", "uniqueid": CALLER}, lists={"variable": variables})],
    )


def test_a_restart_goes_on_with_a_ring_that_still_rings() -> None:
    state, events = resync(restore("node1", [Stored(ringing=("agent01",))]), listed(), START)
    assert events == ()
    assert [told(event) for event in folded((CALLED, SILENT), state)[1]] == ["ring_ended agent01 no_answer"]


def test_a_restart_tells_what_happened_meanwhile() -> None:
    stored = restore("node1", [Stored(ringing=("agent01",))])
    answered = resync(stored, listed(up=True, bridge="b", waiting=False), START)[1]
    assert [told(event) for event in answered] == ["answered abfall agent01"]
    vanished = resync(stored, Snapshot(channels={}, waiting={}, agents={}), START)[1]
    assert [told(event) for event in vanished] == ["ring_ended agent01 unknown", "ended unknown"]
    talking = restore("node1", [Stored(answered_at=START)])
    assert resync(talking, listed(up=True, bridge="b", waiting=False), START)[1] == ()


@pytest.mark.parametrize(
    ("application", "bridge", "outcome"),
    [("Dial", "b", "connected"), ("Dial", "", "unserved"), ("Playback", "b", "unserved")],
)
def test_a_restart_sees_that_a_number_behind_the_queue_took_the_call(
    application: str, bridge: str, outcome: str
) -> None:
    channel = {"event": "CoreShowChannel", "channel": "PJSIP/carrier-01", "channelstate": "6", "bridgeid": bridge,
               "uniqueid": CALLER, "linkedid": CALLER, "application": application}  # fmt: skip
    snapshot = read_snapshot([AmiMessage(headers=channel)], [], [])
    state, events = resync(restore("node1", [Stored()]), snapshot, START)
    assert [told(event) for event in events] == ["queue_left abfall UNKNOWN"]
    assert told(folded((HUNG_UP,), state)[1][-1]) == f"ended {outcome} 16"


def test_calls_that_only_the_database_knows_are_ended() -> None:
    ended = end_forgotten("node1", [Stored(), Stored(unique_id="9.9")], {CALLER}, START)
    assert [(event.unique_id, told(event)) for event in ended] == [("9.9", "ended unknown")]


def test_a_call_is_taken_up_from_the_dialplans_variables_and_its_late_first_message_adds_nothing() -> None:
    variables = ("TRUNK=carrier", "RECEIVED=0537289-0", "CALLER=(null)", "LEVEL=astdb", "ROUTE_KIND=enter_queue")
    state, events = resync(TrackerState(node="node1"), listed(variables=variables), START)
    assert [told(event) for event in events] == [
        "received",
        "routed enter_queue",
        "queued abfall 1",
        "rung abfall agent01",
    ]
    assert isinstance(events[0], CallReceived)
    assert (events[0].received, events[0].caller_number) == ("0537289-0", None)
    assert folded((RECEIVED,), state)[1] == ()


@pytest.mark.parametrize(
    "variables",
    [
        (),
        ("TRUNK=(null)", "RECEIVED=1", "LEVEL=service", "ROUTE_KIND=enter_queue"),
        ("TRUNK=<b>", "RECEIVED=1", "LEVEL=service", "ROUTE_KIND=enter_queue"),
    ],
)
def test_what_is_no_call_of_ours_is_not_taken_up(variables: tuple[str, ...]) -> None:
    state, events = resync(TrackerState(node="node1"), listed(variables=variables), START)
    assert (events, dict(state.calls)) == ((), {})


def test_a_foreign_queue_call_raises_no_doubt_after_a_look() -> None:
    state, _ = resync(TrackerState(node="node1"), listed(), START)
    assert folded((CALLED, CONNECTED), state)[0].doubts == frozenset()


def test_calls_whose_beginning_or_end_is_still_to_be_folded_are_left_to_it() -> None:
    known, _ = folded((RECEIVED, JOINED, CALLED))
    nothing = Snapshot(channels={}, waiting={}, agents={})
    state, events = resync(known, nothing, START, coming=[HUNG_UP])
    assert [told(event) for event in events] == ["ring_ended agent01 unknown"]
    assert [told(event) for event in folded((HUNG_UP,), state)[1]][-1] == "ended abandoned 16"
    variables = ("TRUNK=carrier", "RECEIVED=1", "LEVEL=service", "ROUTE_KIND=enter_queue")
    assert resync(TrackerState(node="node1"), listed(variables=variables), START, coming=[RECEIVED])[1] == ()
