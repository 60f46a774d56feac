# SPDX-License-Identifier: EUPL-1.2
"""A database that is frozen: its connections stay open and nothing answers. The pages must be told, and soon."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from datetime import UTC, datetime

from routing.store import Store, migrate
from tests.support.api_server import reading, serving
from tests.support.database import PASSWORDS, embedded
from tests.support.living import descendants
from tests.support.stories import Story
from tests.support.tables import example_rows

# Far more than it takes, and far less than it took when the feed waited for its next read to end.
_NOTICED_SECONDS = 10


async def test_readers_are_told_and_get_what_was_recorded_afterwards() -> None:
    async with embedded() as postgres:
        urls = await migrate(postgres.admin_url, passwords=PASSWORDS)
        owner, web, router = await asyncio.gather(*map(Store.connect, (urls.owner, urls.web, urls.router)))
        await owner.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
        pid = int((postgres.data_directory / "postmaster.pid").read_text().split()[0])
        async with serving(web) as api, reading(f"{api.url}/events?agent=agent01") as reader:
            await reader.until("feed")
            story = Story(unique_id="1.1")
            await router.record(story.queued())
            frozen = [pid, *descendants(pid)]
            for process in frozen:
                os.kill(process, signal.SIGSTOP)
            try:
                async with asyncio.timeout(_NOTICED_SECONDS):
                    assert (await reader.until("feed"))[-1].data["live"] is False
                    async with reading(f"{api.url}/events?agent=agent02") as newcomer:  # is told, and need not wait
                        assert [told.kind for told in await newcomer.until("feed")] == ["feed"]
            finally:
                for process in frozen:
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGCONT)
            await router.record([story.rung()])
            heard = await reader.until("feed")
            ringing = [told.data["call"] for told in heard if told.kind == "rung"]
            ringing += [ring["call"] for told in heard if told.kind == "snapshot" for ring in told.data["ringing"]]
            if not ringing:  # it was recorded after the feed had come back
                ringing = [(await reader.until("rung"))[-1].data["call"]]
            assert {call["unique_id"] for call in ringing} == {"1.1"}
        for store in (owner, web, router):
            await store.close()
