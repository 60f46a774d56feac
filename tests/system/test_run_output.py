# SPDX-License-Identifier: EUPL-1.2
"""A terminal that has gone or stands still must not take the telephones with it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from amtsleitung.run_file import RunFile, read_run_file
from tests.support.product import START_SECONDS, environment, state_folder
from tests.support.wait import until

pytestmark = pytest.mark.system

CRASH_SECONDS = 60.0


@asynccontextmanager
async def running_into_a_pipe(state: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int, int]]:
    """``run --no-demonstration`` with its output into a pipe: the process, and both ends, once it is up."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "amtsleitung", "run", "--no-demonstration",
        stdin=asyncio.subprocess.DEVNULL, stdout=writing, stderr=asyncio.subprocess.DEVNULL,
        env=environment(state), cwd="/", process_group=0,
    )  # fmt: skip
    try:
        await until(lambda: read_run_file(state) is not None, deadline_seconds=START_SECONDS, what="the system is up")
        yield process, reading, writing
    finally:
        process.send_signal(signal.SIGTERM)  # with the pipe as the test left it: that must not hold up the end either
        status = await asyncio.wait_for(process.wait(), CRASH_SECONDS)
        for end in (reading, writing):
            with suppress(OSError):
                os.close(end)
        assert status == 0


def running(state: Path) -> RunFile:
    found = read_run_file(state)
    assert found is not None
    return found


async def api_crashes_and_comes_back(state: Path) -> None:
    before = dict(running(state).processes)
    os.kill(before["api"], signal.SIGKILL)
    await until(
        lambda: running(state).processes["api"] != before["api"],
        deadline_seconds=CRASH_SECONDS,
        what="api is started again",
    )
    now = dict(running(state).processes)
    del now["api"], before["api"]
    assert now == before  # nothing else was touched


def fill(writing: int) -> None:
    """Writes until the pipe takes no more; the pipe stays a blocking one, as a terminal is."""
    while select.select((), (writing,), (), 0)[1]:
        os.write(writing, b"." * select.PIPE_BUF)


async def test_a_closed_terminal_ends_nothing() -> None:
    async with state_folder() as state, running_into_a_pipe(state) as (_, reading, writing):
        os.close(reading)
        os.close(writing)
        await api_crashes_and_comes_back(state)


async def test_a_halted_terminal_holds_up_nothing() -> None:
    async with state_folder() as state, running_into_a_pipe(state) as (_, _, writing):
        fill(writing)
        await api_crashes_and_comes_back(state)
