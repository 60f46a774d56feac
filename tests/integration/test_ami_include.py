# SPDX-License-Identifier: EUPL-1.2
"""The include is written and loaded when it says something new, and never for nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from agi.ami.address import AmiAddress
from agi.ami.client import AmiConnection
from agi.ami.include_file import INCLUDE, IncludeFile
from agi.ami.publisher import Publisher, PublishError
from agi.ami.publishing import Publishing
from routing.core.rows import OverrideRow
from routing.core.table import Table
from tests.integration.test_ami_publisher import Database, folder, reloads
from tests.integration.test_ami_publisher import table as small_table
from tests.support.fake_ami import FakeAmi, fake_ami
from tests.support.tables import OPEN_AT, example_table
from tests.support.wait import until as until_within

until = partial(until_within, deadline_seconds=60)  # to make the music alone takes seconds on a busy machine


async def connected(fake: FakeAmi) -> AmiConnection:
    return await AmiConnection.open(
        AmiAddress(host="127.0.0.1", port=fake.port, user="u", secret=fake.secret), clock=lambda: datetime.now(UTC)
    )


def closed(version: int) -> Table:
    override = OverrideRow(
        name="storm", opens=False, reason="r", author="a", valid_from=OPEN_AT, valid_to=OPEN_AT + timedelta(hours=1)
    )
    return example_table(version=version, overrides=(override,))


async def test_it_is_written_and_loaded_only_when_it_says_something_new(tmp_path: Path) -> None:
    generated = folder(tmp_path)
    include = IncludeFile(generated)
    async with fake_ami() as fake, await connected(fake) as connection:
        assert not await include.load(connection)  # nothing there yet
        assert await include.write(example_table(version=1), at=OPEN_AT)
        assert await include.load(connection)
        assert not await include.write(example_table(version=2), at=OPEN_AT)
        assert not await IncludeFile(generated).load(connection)
        assert await include.write(closed(3), at=OPEN_AT)
        assert await include.load(connection)
        assert reloads(fake) == ["pbx_config", "pbx_config"]
        # One that was cut off is written again.
        path = generated / INCLUDE
        path.write_text(path.read_text(encoding="utf-8")[:500], encoding="utf-8")
        assert not await include.load(connection)
        assert await include.write(closed(3), at=OPEN_AT)


async def test_a_text_that_came_and_went_unloaded_is_not_taken_for_the_loaded_one(tmp_path: Path) -> None:
    # An Asterisk that starts between the two has read the one in the middle.
    include = IncludeFile(folder(tmp_path))
    async with fake_ami() as fake, await connected(fake) as connection:
        await include.write(example_table(version=1), at=OPEN_AT)
        assert await include.load(connection)
        await include.write(closed(2), at=OPEN_AT)
        await include.write(example_table(version=3), at=OPEN_AT)
        assert await include.load(connection)
        assert not await include.load(connection)


async def test_a_refused_reload_is_told_and_tried_again(tmp_path: Path) -> None:
    include = IncludeFile(folder(tmp_path))
    await include.write(example_table(), at=OPEN_AT)
    async with fake_ami(refuse={"Reload"}) as fake, await connected(fake) as connection:
        with pytest.raises(PublishError, match="did not reload its dialplan"):
            await include.load(connection)
        fake.refuse.clear()
        assert await include.load(connection)


async def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "generated").write_text("in the way")
    with pytest.raises(PublishError, match="cannot be written"):
        await IncludeFile(tmp_path / "generated").write(example_table(), at=OPEN_AT)


async def test_it_is_made_anew_each_day(tmp_path: Path) -> None:
    generated = folder(tmp_path)
    now = OPEN_AT
    publishing = Publishing(
        Publisher(state_directory=tmp_path, node="node1"), Database(), clock=lambda: now, refresh_seconds=0.05,
        include_seconds=0.0,
    )  # fmt: skip
    loaded = generated / "include-loaded"
    async with fake_ami() as fake, await connected(fake) as connection:
        publishing.use_table(small_table())
        publishing.use_connection(connection)
        running = asyncio.create_task(publishing.run())
        await until(loaded.exists)
        first = loaded.read_text()
        now += timedelta(days=40)  # holidays have passed
        await until(lambda: loaded.read_text() not in (first, ""))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert reloads(fake).count("pbx_config") == 2
