# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.bench.router STATE``: a router's table in a process of its own, and how long it stops its loop.

The database is that of AMTSLEITUNG_DATABASE_URL. One line of JSON at the start, for each table, and for each line on
standard input: the instant (``time.monotonic``), the version in use, and the longest stops since the line before, in
milliseconds: on the clock (``clock``), and without the time in which the process could run but the machine ran others
(``own``).
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path

import structlog

from amtsleitung.database_table import DatabaseTable
from amtsleitung.settings import read_settings
from routing.core.table import Table


class _Probe:
    """Turns with the loop as often as it can: what lies between two turns is what a call would wait."""

    def __init__(self) -> None:
        self.clock = self.own = 0.0
        self._delays = os.open("/proc/thread-self/schedstat", os.O_RDONLY)

    def _now(self) -> tuple[float, float, float, int]:
        """The clock, and of this thread: the processor's time, the time it waited for one, how often it slept."""
        delay = int(os.pread(self._delays, 100, 0).split()[1]) / 1e9  # proc(5), schedstat
        return time.perf_counter(), time.thread_time(), delay, resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw

    async def run(self) -> None:
        before = self._now()
        while True:
            await asyncio.sleep(0)
            now = self._now()
            clock, processor, delay, slept = (one - other for one, other in zip(now, before, strict=True))
            # Who never slept has waited for nothing but a processor.
            own = clock - delay if slept else processor
            self.clock, self.own = max(self.clock, clock), max(self.own, own)
            before = now

    def say(self, version: int) -> None:
        found = {"at": time.monotonic(), "version": version}
        found |= {"clock": self.clock * 1_000, "own": self.own * 1_000}
        self.clock = self.own = 0.0
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


async def _main(state: Path) -> None:
    settings = read_settings()
    assert settings.database_url is not None
    probe, version = _Probe(), 0

    def in_use(table: Table) -> None:
        nonlocal version
        version = table.version
        probe.say(version)

    async with DatabaseTable.opened(settings.database_url, state, on_table=in_use) as table:
        loop = asyncio.get_running_loop()
        asked = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(probe.run())]
            probe.say(version)
            while await asked.readline():
                probe.say(version)
                if len(tasks) == 1:
                    tasks.append(group.create_task(table.run()))
            for task in tasks:
                task.cancel()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    asyncio.run(_main(Path(sys.argv[1])))
