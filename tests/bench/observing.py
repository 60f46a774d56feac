# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.bench.observing PORT [URL]``: the observer and its writer as the process ``ami`` has them.

Connected to an AMI at that port of this host; the calls go to the database at ``URL``, or to nobody. Each line on
standard input is a number of call events: when so many are recorded, one line of JSON says the instant
(``time.monotonic``), the memory that is its own (PSS, MiB), and when each was recorded since the last line.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic

import structlog

from agi.ami.address import AmiAddress
from agi.ami.event_writer import EventWriter, Recorder
from agi.ami.observer import Observer
from routing.core.events import CallEvent
from routing.store import Store
from tests.bench.ami_stream import call_of
from tests.bench.proportional import proportional_mebibytes


class _Nobody:
    """Takes everything and keeps nothing."""

    async def record(self, events: Sequence[CallEvent]) -> int:
        await asyncio.sleep(0)
        return len(events)

    async def ping(self) -> None:
        """It is there."""


class _Timed:
    """A recorder that counts, and remembers when it was done if it is to."""

    def __init__(self, recorder: Recorder, *, remembers: bool) -> None:
        self._recorder = recorder
        self._remembers = remembers
        self.count = 0
        self.done: list[tuple[int, float]] = []
        self.more = asyncio.Event()

    async def record(self, events: Sequence[CallEvent]) -> int:
        last = await self._recorder.record(events)
        if self._remembers:
            at = monotonic()
            self.done += [(call_of(event.unique_id), at) for event in events]
        self.count += len(events)
        self.more.set()
        return last

    async def ping(self) -> None:
        await self._recorder.ping()


async def _main(port: int, url: str | None) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    store = None if url is None else await Store.connect(url)
    recorder = _Timed(_Nobody(), remembers=False) if store is None else _Timed(store, remembers=True)
    writer = EventWriter(recorder)
    looked = asyncio.Event()
    observer = Observer(
        address=AmiAddress(host="127.0.0.1", port=port, user="amtsleitung", secret="bench"),
        node="node1",
        sink=writer,
        clock=lambda: datetime.now(UTC),
        on_resynced=lambda resynced: looked.set() if resynced else None,
    )
    async with asyncio.TaskGroup() as group:
        works = [group.create_task(observer.run()), group.create_task(writer.run())]
        await looked.wait()
        _say({"pss": proportional_mebibytes()})
        while line := await asked.readline():
            while recorder.count < int(line):
                recorder.more.clear()
                await recorder.more.wait()
            done, recorder.done = recorder.done, []
            gc.collect()
            _say({"at": monotonic(), "pss": proportional_mebibytes(), "recorded": recorder.count, "done": done})
        for work in works:
            work.cancel()


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
