# SPDX-License-Identifier: EUPL-1.2
"""Parts of the running product die or hang in the middle of calls: callers notice nothing, nobody is told wrong."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from tests.support import sipp
from tests.support.api_server import reading
from tests.support.living import descendants, until
from tests.support.system import MEINERSEN, OPEN, System

pytestmark = pytest.mark.system


@contextmanager
def hanging(pids: Iterable[int]) -> Iterator[None]:
    """These processes do nothing meanwhile; those that were not killed go on afterwards."""
    pids = tuple(pids)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            if pid in descendants(os.getpid()):
                with suppress(ProcessLookupError):  # killed by the test, and reaped just now
                    os.kill(pid, signal.SIGCONT)


async def call(system: System, *, at: str = OPEN, **wanted: Any) -> str:
    """A call to Meinersen's switchboard; its unique id."""
    start = len(system.ami.messages)
    await sipp.call(system, dialled=MEINERSEN, at=at, source=sipp.DEMONSTRATION, **wanted)
    (received,) = system.ami.user_events("CallReceived", start=start)
    return received["Uniqueid"]


def routed(system: System, unique_id: str) -> dict[str, str]:
    """The decision that the dialplan says it followed."""
    (event,) = [message for message in system.ami.user_events("CallRouted") if message["Uniqueid"] == unique_id]
    return {name: event[name] for name in ("Level", "Kind", "Tenant", "Line", "Queue", "Reasons")}


async def kinds(system: System, unique_id: str) -> list[str]:
    """All that was told about a call, in order."""
    events = await system.store.events_after(0, limit=10_000)
    return [event.kind for event in events if event.unique_id == unique_id]


async def test_a_service_that_hangs_and_dies_is_replaced_by_the_dialplan_and_then_by_the_supervisor(
    system: System,
) -> None:
    fastagi = system.pid("fastagi")
    by_service = await call(system, at=OPEN, expect=200, hang_up_after=0.1)
    with hanging([fastagi]):
        by_dialplan = await call(system, at=OPEN, expect=200, hang_up_after=0.1)
        os.kill(fastagi, signal.SIGKILL)
    expected = routed(system, by_service)
    assert expected["Level"] == "service"
    assert routed(system, by_dialplan) == expected | {"Level": "astdb"}
    row, other = await system.ended_call(by_dialplan), await system.ended_call(by_service)
    same = ("tenant", "service_line", "kind", "queue", "announcement", "reasons", "dialled_number", "table_version")
    assert [row[name] for name in same] == [other[name] for name in same]
    assert (row["level"], other["level"]) == ("astdb", "service")
    await system.restarted("fastagi", fastagi)
    assert routed(system, await call(system, expect=200, hang_up_after=0.1))["Level"] == "service"


async def test_without_a_database_calls_are_routed_and_told_later(system: System) -> None:
    postgres = system.pid("postgres")
    async with sipp.telephone(system, "agent09", hang_up_after=0.1) as phone:
        with hanging([postgres, *descendants(postgres)]):
            unique_id = await call(system, expect=200)
            await system.ami.event(Event="AgentConnect", Uniqueid=unique_id)
        assert phone.invites
    assert routed(system, unique_id)["Level"] == "service"
    row = await system.ended_call(unique_id)
    assert (row["outcome"], row["agent"], row["level"]) == ("answered", "agent09", "service")
    assert await kinds(system, unique_id) == ["received", "routed", "queued", "rung", "answered", "ended"]


async def test_without_pages_calls_are_answered_all_the_same(system: System) -> None:
    api = system.pid("api")
    os.kill(api, signal.SIGKILL)
    async with sipp.telephone(system, "agent10", hang_up_after=0.1):
        unique_id = await call(system, expect=200)
    await system.restarted("api", api)
    row = await system.ended_call(unique_id)
    assert (row["outcome"], row["agent"]) == ("answered", "agent10")


async def test_an_observer_that_is_killed_while_an_agent_is_rung_tells_the_call_to_its_end_and_no_pop_twice(
    system: System,
) -> None:
    ami = system.pid("ami")
    async with (
        reading(f"{system.api_url}/events?agent=agent11") as events,
        sipp.telephone(system, "agent11", answers_after=9.0, hang_up_after=0.5),
    ):
        calling = asyncio.create_task(call(system, expect=200))
        await events.until("rung")
        os.kill(ami, signal.SIGKILL)
        await system.restarted("ami", ami)
        told = [event.kind for event in await events.until("ended")]
        unique_id = await calling
    assert told == ["answered", "ended"]
    row = await system.ended_call(unique_id)
    assert (row["outcome"], row["agent"]) == ("answered", "agent11")
    assert await kinds(system, unique_id) == ["received", "routed", "queued", "rung", "answered", "ended"]


async def test_a_call_that_ends_while_nobody_looks_leaves_no_ghost(system: System) -> None:
    ami = system.pid("ami")
    async with (
        reading(f"{system.api_url}/events?agent=agent12") as events,
        sipp.telephone(system, "agent12", answers_after=None),
    ):
        calling = asyncio.create_task(call(system, expect=200, hang_up_after=2.5))
        await events.until("rung")
        with hanging([ami]):
            unique_id = await calling
            await system.no_channels_left()
            os.kill(ami, signal.SIGKILL)
        told = [event.kind for event in await events.until("ended")]
        await system.restarted("ami", ami)
    assert told == ["ring_ended", "ended"]
    row = await system.ended_call(unique_id)
    assert (row["outcome"], row["ringing"]) == ("unknown", [])
    assert await system.store.open_calls(system.started_with.node) == ()


async def test_the_observers_files_are_those_that_asterisk_uses(system: System) -> None:
    """After everything above: what the restarted parts have in hand is one and the same table."""
    await until(lambda: "agent22" in _queues(system), "the queues are on disk")
    assert "agent22" in await system.ami.command("queue show kfz")
    assert f"amtsleitung/{await _generation(system)}/version" in await system.ami.command("database show amtsleitung")


def _queues(system: System) -> str:
    return (system.directories.generated / "queues.conf").read_text(encoding="utf-8")


async def _generation(system: System) -> str:
    shown = await system.ami.command("database get amtsleitung current")
    return shown.rpartition("Value:")[2].strip()
