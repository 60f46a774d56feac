# SPDX-License-Identifier: EUPL-1.2
"""A real call through the running system, told step by step, and judged against ``decide``.

The caller and the agent's telephone are SIPp; what happened is read where everybody reads it, from the API's event
stream. The judgement needs no knowledge of its own: the same pure function said beforehand where the call must go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from amtsleitung.asterisk_console import queue_shows_free
from amtsleitung.call_trace import CallTrace
from amtsleitung.database import configuration
from amtsleitung.errors import Problem
from amtsleitung.event_stream import EventStream
from amtsleitung.processes import free_udp_port
from amtsleitung.run_file import RunFile
from amtsleitung.telephones import place, registered, sipp_directory, telephone
from routing.core.decide import decide
from routing.core.decision import Call, Decision, EnterQueue
from routing.core.rows import TrunkRow
from routing.core.table import Table
from routing.core.timeline import next_opening

DIALLED = "05372 89-0"
CALLER = "+493023125001"  # kept free for fiction by the Bundesnetzagentur
RING_SECONDS = 1.5
TALK_SECONDS = 1.5
CALL_SECONDS = 90.0
PHONE_SECONDS = 15.0
EXIT_UNEXPECTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A call to place: ``at`` moves the decision's clock, ``None`` leaves it alone."""

    dialled: str
    caller: str | None
    at: datetime | None
    agent: str | None = None


async def demonstrate(running: RunFile, *, say: Callable[[str], None]) -> bool:
    """The demonstration call, and outside the hours a second one at the next opening. Whether all was as expected."""
    table, secrets = await configuration(running.database_url)
    say(f'Demonstration: a call to {DIALLED} from {CALLER}; to repeat it: ./amtsleitung call "{DIALLED}"')
    wanted = Wanted(dialled=DIALLED, caller=CALLER, at=None)
    decision = _expected(table, wanted)
    good = await _carry_out(running, table, secrets, wanted, say=say)
    if decision.kind == "enter_queue" or decision.tenant is None or decision.service_line is None:
        return good
    line = table.lines[decision.tenant, decision.service_line]
    opening = next_opening(line, decision.at)
    if opening is None:
        return good
    hours = line.edition_near(opening).hours_at(opening)
    opening = opening.astimezone(hours.timezone if hours is not None else UTC)
    say("")
    say(f"Outside the service hours. The same call at the next opening, {opening.isoformat()}:")
    return (
        await _carry_out(running, table, secrets, Wanted(dialled=DIALLED, caller=CALLER, at=opening), say=say) and good
    )


def place_call(*, dialled: str, caller: str | None, at: datetime | None, agent: str | None) -> int:
    """``amtsleitung call``: the exit status. Raises ``Problem``."""
    from amtsleitung.run import running_system

    running = running_system()
    wanted = Wanted(dialled=dialled, caller=caller, at=at, agent=agent)

    async def work() -> bool:
        table, secrets = await configuration(running.database_url)
        return await _carry_out(running, table, secrets, wanted, say=click.echo)

    return 0 if asyncio.run(work()) else EXIT_UNEXPECTED


def _expected(table: Table, wanted: Wanted) -> Decision:
    call = Call(dialled=wanted.dialled, caller=wanted.caller, trunk=_trunk(table).name)
    return decide(table, call, wanted.at or datetime.now(UTC))


def _trunk(table: Table) -> TrunkRow:
    for row in table.rows.trunks:
        if row.demonstration:
            return row
    raise Problem("No trunk is marked 'demonstration: true', so no call can be placed from here: add one (127.…).")


async def _carry_out(
    running: RunFile, table: Table, secrets: dict[str, str], wanted: Wanted, *, say: Callable[[str], None]
) -> bool:
    decision, trunk = _expected(table, wanted), _trunk(table)
    async with AsyncExitStack() as stack:
        agent = _agent(table, decision, wanted.agent)
        everything = await stack.enter_async_context(EventStream(running.api_url))
        page = await stack.enter_async_context(EventStream(running.api_url, agent=agent)) if agent else None
        if agent is not None and isinstance(decision.destination, EnterQueue):
            await _agents_telephone(stack, running, table, secrets, agent, decision.destination.queue)
        headers = {"X-Amtsleitung-At": wanted.at.isoformat()} if wanted.at else {}
        trace = CallTrace(running=running, table=table, decision=decision, agent=agent, say=say)
        placed = await stack.enter_async_context(
            place(
                sip=running.sip,
                source=trunk.address.partition(":")[0],
                dialled=wanted.dialled,
                caller=wanted.caller,
                headers=headers,
                directory=sipp_directory(Path(running.state_directory)),
                talk_seconds=CALL_SECONDS,
                deadline_seconds=CALL_SECONDS,
            )
        )
        verdict = await trace.follow(everything, page, trunk=trunk.name, deadline_seconds=CALL_SECONDS)
        if decision.kind != "forward":  # what a foreign PBX answers is not ours to judge
            await placed.over(deadline_seconds=PHONE_SECONDS)
    for sentence in verdict:
        say(f"  unexpected: {sentence}")
    say("As expected." if not verdict else "Not as expected.")
    return not verdict


def _agent(table: Table, decision: Decision, wanted: str | None) -> str | None:
    """Whose telephone answers: the one asked for, else the first of the queue's group."""
    if not isinstance(decision.destination, EnterQueue):
        return None
    queue = decision.destination.queue
    members = sorted(row.name for row in table.rows.agents if queue in row.agent_groups)
    if wanted is not None and wanted not in members:
        raise Problem(f"The agent {wanted!r} is not in the group {queue!r}: choose one of {', '.join(members)}.")
    return wanted or (members[0] if members else None)


async def _agents_telephone(
    stack: AsyncExitStack, running: RunFile, table: Table, secrets: dict[str, str], agent: str, queue: str
) -> None:
    device = next(row.device for row in table.rows.agents if row.name == agent)
    port, directory = free_udp_port(), sipp_directory(Path(running.state_directory))
    # One after the other from the same port: Asterisk calls back where a registration came from.
    await registered(sip=running.sip, device=device, secret=secrets[device], port=port, directory=directory)
    await stack.enter_async_context(
        telephone(
            address="127.0.0.1",
            port=port,
            directory=directory,
            ring_seconds=RING_SECONDS,
            talk_seconds=TALK_SECONDS,
            deadline_seconds=CALL_SECONDS,
        )
    )
    await queue_shows_free(running, queue=queue, agent=agent, deadline_seconds=PHONE_SECONDS)
