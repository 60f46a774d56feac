# SPDX-License-Identifier: EUPL-1.2
"""Messages to observations: understood completely or not believed."""

from __future__ import annotations

import pytest

from agi.ami import observations as seen
from agi.ami.messages import parse_message
from agi.ami.translate import translate

CHANNEL = (
    "Privilege: agent,all\r\nChannel: PJSIP/carrier-00000001\r\nChannelState: 6\r\nChannelStateDesc: Up\r\n"
    "CallerIDNum: <unknown>\r\nCallerIDName: x\r\nUniqueid: 1795315241.0\r\nLinkedid: 1795315241.0"
)
DESTINATION = "DestChannel: PJSIP/agent01-00000002\r\nDestUniqueid: 1795315241.1\r\nDestLinkedid: 1795315241.0"
MEMBER = "Queue: allgemein\r\nInterface: PJSIP/agent01\r\nMemberName: agent01"
ROUTED = (
    "UserEvent: CallRouted\r\nLevel: service\r\nKind: enter_queue\r\nTenant: samtgemeinde-meinersen\r\n"
    "Line: vermittlung\r\nQueue: allgemein\r\nAnnouncement: a--b--greeting\r\nTarget: \r\nDialled: %2B495372890\r\n"
    "Version: 3\r\nReasons: number.opening_hours"
)


def observe(*parts: str) -> seen.Observation | None:
    return translate(parse_message("\r\n".join(parts)))


def test_a_ring() -> None:
    assert observe("Event: AgentCalled", CHANNEL, DESTINATION, MEMBER) == seen.AgentCalled(
        unique_id="1795315241.0", agent_channel="1795315241.1", queue="allgemein", agent="agent01"
    )


def test_user_events_are_percent_decoded() -> None:
    received = "UserEvent: CallReceived\r\nTrunk: carrier\r\nReceived: 05372%2089-0\r\nCaller: %2B493023125001"
    assert observe("Event: UserEvent", CHANNEL, received) == seen.Received(
        unique_id="1795315241.0",
        linked_id="1795315241.0",
        trunk="carrier",
        received="05372 89-0",
        caller_number="+493023125001",
    )
    routed = observe("Event: UserEvent", CHANNEL, ROUTED)
    assert isinstance(routed, seen.Routed)
    assert (routed.dialled_number, routed.target, routed.table_version) == ("+495372890", None, 3)
    assert routed.reasons == ("number", "opening_hours")


STEP = "UserEvent: ChainStep\r\nExit: timeout\r\nStep: 2\r\nKind: enter_queue\r\nTarget: springer"


def test_a_step_of_the_chain() -> None:
    assert observe("Event: UserEvent", CHANNEL, STEP) == seen.Stepped(
        unique_id="1795315241.0", exit="timeout", step=2, destination_kind="enter_queue", target="springer"
    )
    number = observe("Event: UserEvent", CHANNEL, STEP.replace("enter_queue", "forward").replace("springer", ""))
    assert isinstance(number, seen.Stepped)
    assert number.target is None


@pytest.mark.parametrize(
    ("status", "answered", "cancelled"), [("ANSWER", True, False), ("CANCEL", False, True), ("BUSY", False, False)]
)
def test_how_a_dialled_number_ended(status: str, answered: bool, cancelled: bool) -> None:
    assert observe("Event: DialEnd", CHANNEL, DESTINATION, f"DialStatus: {status}") == seen.DialEnded(
        unique_id="1795315241.0", other_channel="1795315241.1", answered=answered, cancelled=cancelled
    )


def test_a_withheld_caller_is_none_and_hostile_text_is_tamed() -> None:
    received = observe(
        "Event: UserEvent",
        CHANNEL,
        f"UserEvent: CallReceived\r\nTrunk:\r\nReceived: a%00b%0D%0AUniqueid:%201.1%FF%ED%A0%80{'9' * 400}\r\nCaller:",
    )
    assert isinstance(received, seen.Received)
    assert (received.caller_number, received.trunk) == (None, None)
    assert received.received.startswith("a\ufffdb\ufffd\ufffdUniqueid: 1.1\ufffd")
    assert len(received.received) == 255
    assert received.received.isprintable()


def test_an_unknown_queue_has_an_empty_status() -> None:
    found = observe("Event: UserEvent", CHANNEL, "UserEvent: QueueExit\r\nQueue: allgemein\r\nStatus: ")
    assert found == seen.QueueReturned(unique_id="1795315241.0", queue="allgemein", status="UNKNOWN")


@pytest.mark.parametrize(
    "parts",
    [
        ("Event: AgentCalled", CHANNEL, DESTINATION, MEMBER, "Uniqueid: 1.1"),  # twice
        ("Event: AgentCalled", CHANNEL, DESTINATION, MEMBER, "X-Smuggled: 1"),  # unknown
        ("Event: AgentCalled", CHANNEL, DESTINATION, MEMBER, "smuggled"),  # no header
        ("Event: AgentCalled", CHANNEL, MEMBER),  # missing
        ("Event: AgentCalled", CHANNEL, DESTINATION, "Queue: all gemein\r\nInterface: x\r\nMemberName: a"),
        ("Event: AgentCalled", CHANNEL, DESTINATION, "Queue: a\r\nInterface: x\r\nMemberName: <b>"),
        ("Event: AgentConnect", CHANNEL, MEMBER),
        ("Event: QueueCallerJoin", CHANNEL, "Queue: allgemein\r\nPosition: first"),
        ("Event: Hangup", CHANNEL, "Cause: ten"),
        ("Event: Hangup", CHANNEL.replace("Uniqueid: 1795315241.0", "Uniqueid: x"), "Cause: 16"),
        ("Event: UserEvent", CHANNEL, ROUTED.replace("service", "devil")),
        ("Event: UserEvent", CHANNEL, ROUTED.replace("enter_queue", "format_disk")),
        ("Event: UserEvent", CHANNEL, ROUTED.replace("Version: 3", "Version: -3")),
        ("Event: UserEvent", CHANNEL, "UserEvent: CallReceived\r\nTrunk: carrier\r\nReceived: 1"),
        ("Event: UserEvent", CHANNEL, STEP.replace("timeout", "boredom")),
        ("Event: UserEvent", CHANNEL, STEP.replace("Step: 2", "Step: two")),
        ("Event: UserEvent", CHANNEL, STEP.replace("enter_queue", "format_disk")),
        ("Event: UserEvent", CHANNEL, STEP.replace("springer", "+4930 1")),
        ("CallerIDName: the rest of a message that was split", CHANNEL),
    ],
)
def test_what_cannot_be_believed_is_a_doubt(parts: tuple[str, ...]) -> None:
    found = observe(*parts)
    assert isinstance(found, seen.Doubt)
    assert "smuggled" not in found.why.lower()


@pytest.mark.parametrize("event", ["Newexten", "VarSet", "RTCPSent", "BridgeEnter", "UserEvent\r\nUserEvent: Other"])
def test_what_says_nothing_about_calls_is_nothing(event: str) -> None:
    assert observe(f"Event: {event}", "Anything: goes", "Anything: twice") is None


def test_variables_may_come_often_and_channels_without_caller_are_no_call() -> None:
    assert observe("Event: Hangup", CHANNEL, "ChanVariable: A=1", "ChanVariable: B=2", "Cause: 0") == seen.ChannelGone(
        unique_id="1795315241.0", cause=None
    )
    assert observe("Event: DialEnd", DESTINATION, "DialStatus: ANSWER") is None
    assert observe("Event: Newstate", CHANNEL.replace("State: 6", "State: 5")) is None
    assert observe("Event: Newstate", CHANNEL) == seen.ChannelUp(unique_id="1795315241.0")
