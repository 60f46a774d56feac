# SPDX-License-Identifier: EUPL-1.2
"""The call log: events folded into calls, the queries that read them, and the end of personal data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from routing.core.events import (
    AgentRung,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallQueued,
    CallReceived,
    CallRouted,
    QueueLeft,
    RingEnded,
    payload_of,
)
from routing.store import Store, StoreError

NODE = "node1"
T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CALLER = "+493023125001"
MEINERSEN = "samtgemeinde-meinersen"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def received(unique_id: str = "1.1", *, seconds: float = 0, caller: str | None = CALLER) -> CallReceived:
    return CallReceived(
        node=NODE,
        unique_id=unique_id,
        at=at(seconds),
        linked_id=unique_id,
        trunk="carrier",
        received="05372890",
        caller_number=caller,
    )


def routed(unique_id: str = "1.1", *, seconds: float = 0.1, tenant: str | None = MEINERSEN) -> CallRouted:
    return CallRouted(
        node=NODE,
        unique_id=unique_id,
        at=at(seconds),
        level="service",
        dialled_number="+495372890",
        tenant=tenant,
        service_line="vermittlung" if tenant else None,
        destination_kind="enter_queue",
        queue="allgemein",
        announcement="greeting-1",
        target=None,
        table_version=3,
        reasons=("did", "open"),
    )


def queued(seconds: float = 2) -> CallQueued:
    return CallQueued(node=NODE, unique_id="1.1", at=at(seconds), queue="allgemein", position=1)


def rung(agent: str, channel: str, seconds: float) -> AgentRung:
    return AgentRung(node=NODE, unique_id="1.1", at=at(seconds), queue="allgemein", agent=agent, agent_channel=channel)


def ring_ended(agent: str, channel: str, seconds: float) -> RingEnded:
    return RingEnded(node=NODE, unique_id="1.1", at=at(seconds), agent=agent, agent_channel=channel, why="no_answer")


def answered(agent: str, channel: str, seconds: float) -> CallAnswered:
    return CallAnswered(
        node=NODE, unique_id="1.1", at=at(seconds), queue="allgemein", agent=agent, agent_channel=channel
    )


def ended(unique_id: str = "1.1", *, seconds: float = 60, outcome: str = "answered") -> CallEnded:
    return CallEnded(node=NODE, unique_id=unique_id, at=at(seconds), outcome=outcome, cause=16)


WHOLE_CALL: tuple[CallEvent, ...] = (
    received(),
    routed(),
    queued(),
    rung("agent01", "PJSIP/agent01-1", 3),
    ring_ended("agent01", "PJSIP/agent01-1", 13),
    rung("agent02", "PJSIP/agent02-2", 14),
    answered("agent02", "PJSIP/agent02-2", 17),
    ended(),
)


async def test_a_whole_call_stands_in_its_row(store: Store) -> None:
    assert await store.record(WHOLE_CALL) == len(WHOLE_CALL)
    call = await store.call(NODE, "1.1")
    assert call is not None
    assert (call.trunk, call.received, call.caller_number) == ("carrier", "05372890", CALLER)
    assert (call.tenant, call.service_line, call.kind) == (MEINERSEN, "vermittlung", "enter_queue")
    assert (call.level, call.queue, call.announcement, call.target) == ("service", "allgemein", "greeting-1", None)
    assert (call.table_version, call.reasons, call.dialled_number) == (3, ("did", "open"), "+495372890")
    assert (call.agent, call.ringing, call.outcome, call.cause) == ("agent02", (), "answered", 16)
    assert (call.received_at, call.routed_at, call.queued_at) == (at(0), at(0.1), at(2))
    assert (call.rung_at, call.answered_at, call.ended_at) == (at(3), at(17), at(60))
    assert call.expires_at == T0 + timedelta(days=30)


async def test_events_carry_their_payload_and_no_number(store: Store) -> None:
    await store.record(WHOLE_CALL)
    events = await store.events_after(0)
    assert [event.seq for event in events] == list(range(1, len(WHOLE_CALL) + 1))
    assert [event.kind for event in events] == [event.kind for event in WHOLE_CALL]
    assert events[5].payload == dict(payload_of(WHOLE_CALL[5]))
    assert not any(number in str(events) for number in (CALLER, "05372890", "+495372890"))
    assert [event.seq for event in await store.events_after(3, limit=2)] == [4, 5]


@pytest.mark.parametrize("cut", range(len(WHOLE_CALL) + 1))
async def test_recording_again_adds_nothing_wherever_the_first_try_was_cut(store: Store, cut: int) -> None:
    await store.record(WHOLE_CALL[:cut])
    assert await store.record([*WHOLE_CALL, *WHOLE_CALL]) == len(WHOLE_CALL)
    in_parts = await store.call(NODE, "1.1")
    berlin = timezone(timedelta(hours=1))
    again = [replace(event, at=event.at.astimezone(berlin)) for event in WHOLE_CALL]
    assert await store.record(again) == len(WHOLE_CALL)
    assert await store.call(NODE, "1.1") == in_parts
    assert in_parts is not None
    assert in_parts.agent == "agent02"


@pytest.mark.parametrize("first", WHOLE_CALL[1:], ids=lambda event: event.kind)
async def test_a_call_whose_beginning_was_lost_has_a_row_with_what_is_known(store: Store, first: CallEvent) -> None:
    await store.record([first])
    call = await store.call(NODE, "1.1")
    assert call is not None
    assert (call.received_at, call.caller_number, call.caller_withheld) == (None, None, False)
    assert call.expires_at == first.at + timedelta(days=30)
    assert await store.calls() == (call,)


async def test_pops_come_and_go(store: Store) -> None:
    async def up() -> dict[str, bool]:
        return {agent: bool(await store.ringing(agent)) for agent in ("agent01", "agent02")}

    await store.record([received(), routed(), queued(), rung("agent01", "a-1", 3), rung("agent02", "b-1", 3)])
    assert await up() == {"agent01": True, "agent02": True}
    # The second ring begins before the first one's end is told.
    await store.record([rung("agent01", "a-2", 4), ring_ended("agent01", "a-1", 4)])
    assert await up() == {"agent01": True, "agent02": True}
    await store.record([ring_ended("agent01", "a-2", 5)])
    assert await up() == {"agent01": False, "agent02": True}
    call = await store.call(NODE, "1.1")
    assert call is not None
    assert (call.agent, call.ringing) == ("agent02", ("agent02",))
    await store.record([QueueLeft(node=NODE, unique_id="1.1", at=at(6), queue="allgemein", queue_exit="TIMEOUT")])
    assert await up() == {"agent01": False, "agent02": False}


async def test_an_ended_call_rings_no_more(store: Store) -> None:
    await store.record([received(), rung("agent01", "a-1", 3), ended(outcome="abandoned", seconds=4)])
    await store.record([rung("agent01", "a-2", 5)])
    assert await store.ringing("agent01") == ()
    call = await store.call(NODE, "1.1")
    assert call is not None
    assert (call.agent, call.outcome) == (None, "abandoned")


async def test_calls_come_newest_first_by_page_and_tenant(store: Store) -> None:
    for number in range(5):
        tenant = "stadt-wolfsburg" if number % 2 else "landkreis-gifhorn"
        unique_id = f"1.{number}"
        await store.record([received(unique_id, seconds=number), routed(unique_id, seconds=number, tenant=tenant)])
    assert [call.unique_id for call in await store.calls()] == ["1.4", "1.3", "1.2", "1.1", "1.0"]
    assert [call.unique_id for call in await store.calls(limit=2, before=at(3))] == ["1.2", "1.1"]
    assert [call.unique_id for call in await store.calls(tenant="stadt-wolfsburg")] == ["1.3", "1.1"]


async def test_open_calls_are_one_nodes_own(store: Store) -> None:
    elsewhere = replace(received("1.3"), node="node2")
    await store.record([received("1.1"), received("1.2"), ended("1.2"), elsewhere])
    assert [call.unique_id for call in await store.open_calls(NODE)] == ["1.1"]
    assert [call.unique_id for call in await store.open_calls("node2")] == ["1.3"]
    assert await store.call("node2", "1.1") is None


async def test_hostile_text_is_kept_and_stops_nobody(store: Store) -> None:
    hostile = "0\0537\ud8002'; DROP TABLE call; --\U0001f4de%s{}"
    await store.record([replace(received(caller=hostile), received=hostile), replace(routed(), dialled_number=hostile)])
    call = await store.call(NODE, "1.1")
    assert call is not None
    assert (
        call.received
        == call.caller_number
        == call.dialled_number
        == hostile.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    )


async def test_a_withheld_number_is_known_to_be_withheld(store: Store) -> None:
    await store.record([received(caller=None)])
    call = await store.call(NODE, "1.1")
    assert call is not None
    assert (call.caller_number, call.caller_withheld) == (None, True)


async def test_what_callers_sent_goes_when_its_time_has_come(store: Store) -> None:
    await store.record([received("1.1"), routed("1.1"), received("1.2"), routed("1.2", tenant=None)])
    await store.record([received("1.3", caller=None, seconds=1)], expires_after=timedelta(days=2))
    assert await store.expire_personal_data(at(0) + timedelta(days=2)) == 0
    assert await store.expire_personal_data(at(1) + timedelta(days=2)) == 1
    assert await store.expire_personal_data(at(1) + timedelta(days=2)) == 0
    assert await store.expire_personal_data(at(0) + timedelta(days=30)) == 2
    ours, nobodys, withheld = [await store.call(NODE, f"1.{number}") for number in (1, 2, 3)]
    assert ours is not None
    assert nobodys is not None
    assert withheld is not None
    for call in (ours, nobodys, withheld):
        assert (call.received, call.caller_number) == (None, None)
    assert (ours.dialled_number, nobodys.dialled_number) == ("+495372890", None)
    assert (ours.caller_withheld, withheld.caller_withheld) == (False, True)
    # What is still to be told of the call brings nothing back.
    await store.record([ended("1.1")])
    told = await store.call(NODE, "1.1")
    assert told is not None
    assert (told.caller_number, told.outcome) == (None, "answered")


async def test_a_time_without_a_zone_is_refused_and_nothing_recorded(store: Store) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        await store.record([received(), replace(routed(), at=datetime(2026, 11, 23, 9, 0))])  # noqa: DTZ001
    assert await store.last_seq() == 0


async def test_the_web_role_reads_calls_and_writes_none(store: Store, web_store: Store) -> None:
    await store.record([received()])
    assert [call.unique_id for call in await web_store.calls()] == ["1.1"]
    assert len(await web_store.events_after(0)) == 1
    with pytest.raises(StoreError, match="does not allow"):
        await web_store.record([ended()])
    with pytest.raises(StoreError, match="does not allow"):
        await web_store.expire_personal_data(at(0))


async def test_a_call_is_received_once_and_ends_once_whenever_that_is_told(store: Store) -> None:
    await store.record([received(), routed(), ended(seconds=60)])
    again: list[CallEvent] = [
        received(seconds=5, caller=None),
        routed(seconds=5, tenant=None),
        ended(seconds=90, outcome="unknown"),
    ]
    assert await store.record(again) == 3
    call = await store.call(NODE, "1.1")
    assert call is not None
    assert (call.caller_number, call.tenant, call.outcome, call.ended_at) == (CALLER, MEINERSEN, "answered", at(60))
    await store.record([*again, received("1.2"), *again, received("1.2", seconds=9)])
    assert [event.unique_id for event in await store.events_after(3)] == ["1.2"]


async def test_who_was_taken_out_of_a_queue_has_a_second_decision_which_the_row_tells(store: Store) -> None:
    closed = replace(
        routed(seconds=9),
        again=True,
        destination_kind="play_announcement",
        queue=None,
        reasons=("did", "override_closed"),
    )
    await store.record([received(), routed(), queued(), closed, replace(closed, at=at(10)), routed(seconds=11)])
    await store.record([replace(closed, at=at(12))])
    decisions = [event.payload["again"] for event in await store.events_after(0) if event.kind == "routed"]
    assert decisions == [False, True]
    call = await store.call(NODE, "1.1")
    assert call is not None
    assert (call.kind, call.reasons) == ("play_announcement", ("did", "override_closed"))
    assert (call.queue, call.routed_at, call.queued_at) == ("allgemein", at(0.1), at(2))


async def test_the_last_resort_may_follow_a_decision_once_and_nothing_follows_the_last_resort(store: Store) -> None:
    last_resort = replace(routed(seconds=1, tenant=None), level="last_resort", destination_kind="last_resort")
    await store.record([received(), routed(), last_resort, replace(last_resort, at=at(2)), routed(seconds=3)])
    assert [event.payload.get("level") for event in await store.events_after(1)] == ["service", "last_resort"]
    await store.record([routed(seconds=4)])
    call = await store.call(NODE, "1.1")
    assert call is not None
    assert (call.level, call.kind) == ("last_resort", "last_resort")
    await store.record([replace(last_resort, unique_id="1.2"), routed("1.2", seconds=5)])
    assert [event.payload.get("level") for event in await store.events_after(3)] == ["last_resort"]


async def test_gaps_are_filled_only_where_no_routing_is_recorded(store: Store) -> None:
    await store.record([received("1.1"), routed("1.1"), received("1.2")])
    told = [(received(name, seconds=5), routed(name, seconds=5), ended(name)) for name in ("1.1", "1.2", "1.3")]
    events = [event for call in told for event in call]
    assert await store.fill_gaps(events) == 2
    assert await store.fill_gaps(events) == 0
    assert [(event.unique_id, event.kind) for event in await store.events_after(3)] == [
        ("1.2", "routed"),
        ("1.2", "ended"),
        ("1.3", "received"),
        ("1.3", "routed"),
        ("1.3", "ended"),
    ]
