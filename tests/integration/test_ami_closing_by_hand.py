# SPDX-License-Identifier: EUPL-1.2
"""Waiting callers of a line that is closed by hand: who is taken out, and who is left in peace."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agi.ami.address import AmiAddress
from agi.ami.client import AmiConnection
from agi.ami.closing_by_hand import TRIES, ClosingByHand, closed_meanwhile
from routing.core.compile import compile_table
from routing.core.rows import OverrideRow
from routing.core.table import Table
from tests.support.fake_ami import FakeAmi, fake_ami
from tests.support.tables import OPEN_AT, example_rows
from tests.support.wait import until

MEINERSEN = {"ROUTE_TENANT": "samtgemeinde-meinersen", "ROUTE_LINE": "vermittlung", "ROUTE_REASONS": "number.open"}
ISENBUETTEL = MEINERSEN | {"ROUTE_TENANT": "samtgemeinde-isenbuettel"}
AT = OPEN_AT.astimezone(UTC)


def table(*, begins: datetime = AT - timedelta(minutes=1), opens: bool = False) -> Table:
    """Meinersen is closed (or opened) by hand for an hour."""
    override = OverrideRow(
        name="alarm", opens=opens, reason="Feueralarm", author="test", valid_from=begins,
        valid_to=begins + timedelta(hours=1), tenant="samtgemeinde-meinersen",
    )  # fmt: skip
    return compile_table(replace(example_rows(), overrides=(override,)), version=1)


@pytest.mark.parametrize(
    ("variables", "closed"),
    [
        (MEINERSEN, True),
        (ISENBUETTEL, False),
        (MEINERSEN | {"ROUTE_REASONS": "number.override_closed"}, False),
        (MEINERSEN | {"AT": "2026-11-23T10%3A00%3A00%2B01%3A00"}, False),
        (MEINERSEN | {"ROUTE_LINE": "gone"}, False),
        ({}, False),
    ],
)
def test_only_a_decision_that_knew_nothing_of_the_override_is_over(variables: dict[str, str], closed: bool) -> None:
    assert closed_meanwhile(table(), variables, AT) is closed


@pytest.mark.parametrize("wanted", [table(begins=AT + timedelta(minutes=1)), table(opens=True)])
def test_an_override_that_has_not_begun_or_opens_takes_nobody_out(wanted: Table) -> None:
    assert not closed_meanwhile(wanted, MEINERSEN, AT)


@asynccontextmanager
async def looking(fake: FakeAmi, wanted: Table) -> AsyncIterator[ClosingByHand]:
    """The task, often."""
    address = AmiAddress(user="amtsleitung", secret=fake.secret, host="127.0.0.1", port=fake.port)
    closing = ClosingByHand(node="node1", clock=lambda: AT, look_seconds=0.01)
    async with await AmiConnection.open(address, clock=lambda: AT) as connection:
        closing.use_table(wanted)
        closing.use_connection(connection)
        task = asyncio.create_task(closing.run())
        try:
            yield closing
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def waits(fake: FakeAmi, **callers: dict[str, str]) -> None:
    """These callers wait in the queue ``allgemein``."""
    fake.lists["QueueStatus"] = [
        {"Event": "QueueEntry", "Queue": "allgemein", "Position": "1", "Channel": f"PJSIP/{name}", "Uniqueid": name}
        for name in callers
    ]
    fake.lists["Status"] = [
        {"Event": "Status", "Channel": f"PJSIP/{name}", "Uniqueid": name}
        | {"Variable": "\r\nVariable: ".join(f"{key}={value}" for key, value in variables.items())}
        for name, variables in callers.items()
    ]


def withdrawn(fake: FakeAmi) -> list[tuple[str, str, str]]:
    return [
        (action["Queue"], action["Caller"], action["WithdrawInfo"])
        for action in fake.actions
        if action["Action"] == "QueueWithdrawCaller"
    ]


async def test_those_who_wait_are_taken_out_by_their_channel_and_the_others_stay() -> None:
    async with fake_ami() as fake:
        waits(fake, one=MEINERSEN, other=ISENBUETTEL)
        async with looking(fake, table()):
            await until(lambda: len(withdrawn(fake)) == TRIES, what="it is taken out")
            looks = fake.names().count("Status")
            await until(lambda: fake.names().count("Status") > looks + 3, what="it looks on")
        # Asterisk here forgets to do it; it is asked a few times, and then left alone.
        assert withdrawn(fake) == [("allgemein", "PJSIP/one", "closed")] * TRIES


async def test_who_is_sent_back_to_the_queue_again_and_again_is_left_in_it_in_the_end() -> None:
    """The answer knows nothing of the override: greeted once more, the caller waits again."""
    async with fake_ami() as fake:
        waits(fake, one=MEINERSEN, other=ISENBUETTEL)
        everybody, looks = fake.lists["QueueStatus"], itertools.count()

        def greeted(action: str) -> None:
            """At every other look, the first one too: whom the greeting keeps may be alone with it."""
            if action == "QueueStatus":
                fake.lists[action] = [everybody[1:], everybody, [], everybody][next(looks) % 4]

        fake.before_list = greeted
        async with looking(fake, table()):
            await until(lambda: fake.names().count("QueueStatus") > 8 * TRIES, what="it looks on")
        assert withdrawn(fake) == [("allgemein", "PJSIP/one", "closed")] * TRIES


async def test_as_long_as_nothing_is_closed_by_hand_asterisk_is_asked_nothing() -> None:
    async with fake_ami() as fake:
        waits(fake, one=MEINERSEN)
        async with looking(fake, table(begins=AT + timedelta(hours=5))) as closing:
            await until(lambda: closing.looks > 3, what="it has looked")
        assert fake.names() == ["Login"]
