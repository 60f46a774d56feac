# SPDX-License-Identifier: EUPL-1.2
"""The observer and the publisher on a real Asterisk, with the product's own account and the production dialplan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agi.ami.address import AmiAddress
from agi.ami.astdb import AstDbCopy
from agi.ami.astdb_entries import AstDbEntries
from agi.ami.client import AmiConnection
from agi.ami.observer import Observer
from agi.ami.publisher import Publisher
from agi.render.astdb import astdb_content
from routing.core.events import CallEvent
from tests.integration.test_ami_observer import Database, clock, running
from tests.support import sipp
from tests.support.asterisk import PrivateAsterisk
from tests.support.fake_fastagi import FakeFastAgi
from tests.support.tables import OPEN_AT, example_table
from tests.support.wait import until

pytestmark = pytest.mark.system

ROUTE = {
    "KIND": "enter_queue",
    "TENANT": "samtgemeinde-isenbuettel",
    "LINE": "vermittlung",
    "QUEUE": "allgemein",
    "ANNOUNCEMENT": "samtgemeinde-isenbuettel--vermittlung--greeting",
    "DISPLAY": "Isenb%C3%BCttel",
    "DIALLED": "%2B495374880",
    "VERSION": "7",
    "REASONS": "number.open",
}
BEGINNING = ("received", "routed enter_queue allgemein", "queued allgemein 1", "rung allgemein agent01")


class Sink(Database):
    """Events at once, without a writer between."""

    def put(self, events: Sequence[CallEvent]) -> None:
        self.events += events


@pytest.fixture(scope="module")
async def pbx() -> AsyncIterator[PrivateAsterisk]:
    async with FakeFastAgi.start() as fake:
        fake.behaviour = ROUTE
        async with PrivateAsterisk.start(example_table(), fastagi=fake.address) as running_pbx:
            yield running_pbx


def address(pbx: PrivateAsterisk) -> AmiAddress:
    return AmiAddress(host="127.0.0.1", port=pbx.ami_port, user=pbx.ami_user, secret=pbx.ami_secret)


def observer(pbx: PrivateAsterisk, sink: Sink, looked: asyncio.Event) -> Observer:
    return Observer(
        address=address(pbx),
        node="node1",
        sink=sink,
        clock=clock,
        on_resynced=lambda resynced: looked.set() if resynced else None,
    )


async def test_a_real_call_becomes_events(pbx: PrivateAsterisk) -> None:
    sink, looked = Sink(), asyncio.Event()
    following = observer(pbx, sink, looked)
    async with running(asyncio.create_task(following.run())):
        async with asyncio.timeout(20):
            await looked.wait()
        async with sipp.telephone(pbx, "agent01", hang_up_after=0.3):
            await sipp.call(pbx, dialled="0537488-0", expect=200)
        await until(lambda: len(sink.events) >= len(BEGINNING) + 2)
        assert following.state.doubts == frozenset()
    assert sink.told() == (*BEGINNING, "answered allgemein agent01", "ended answered 16")
    await pbx.no_channels_left()


async def test_an_observer_that_starts_during_a_call_shows_its_pop_once(pbx: PrivateAsterisk) -> None:
    first, second = Sink(), Sink()
    looked = asyncio.Event()
    async with sipp.telephone(pbx, "agent02", answers_after=3.0, hang_up_after=0.3):
        calling = asyncio.create_task(sipp.call(pbx, dialled="0537488-0", expect=200))
        async with running(asyncio.create_task(observer(pbx, first, looked).run())):
            await until(lambda: len(first.events) == len(BEGINNING))
        async with running(asyncio.create_task(observer(pbx, second, asyncio.Event()).run())):
            await until(lambda: len(second.events) >= len(BEGINNING) + 2)
            await calling
    expected = (*BEGINNING[:3], "rung allgemein agent02", "answered allgemein agent02", "ended answered 16")
    assert first.told() == expected[:4]
    assert second.told() == expected
    assert first.events[0].unique_id == second.events[0].unique_id
    await pbx.no_channels_left()


async def test_the_products_account_may_do_what_publishing_needs(pbx: PrivateAsterisk, tmp_path: Path) -> None:
    table = replace(example_table(), announcements={"unknown-number": "Guten Tag."})
    (tmp_path / "asterisk" / "etc" / "generated").mkdir(parents=True)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    await publisher.write_files(table, pbx.secrets)
    async with await AmiConnection.open(address(pbx), clock=clock) as connection:
        copy = AstDbCopy(connection, grace_seconds=0)
        generation = await publisher.apply(connection, copy, table, at=OPEN_AT)
        wanted = dict(astdb_content(table, at=OPEN_AT).flat(str(generation)))
        assert await AstDbEntries(connection).tree() == wanted
        # What an Asterisk lost, or somebody altered, comes back with the next look.
        text = next(path for path in wanted if path.startswith("text/"))
        entries = AstDbEntries(connection)
        await entries.remove(text)
        await entries.put("text/0123456789abcdef", "nobody's")
        await publisher.compare(copy, table, at=OPEN_AT)
        await copy.tidy()
        assert await entries.tree() == wanted
        await entries.remove_tree("text")
        assert await AstDbCopy(connection).write(astdb_content(table, at=OPEN_AT)) == generation
        assert await entries.tree() == wanted
