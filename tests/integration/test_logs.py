# SPDX-License-Identifier: EUPL-1.2
"""A service whose standard error is blocked or full: it answers every call, and it ends when it is asked to."""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.integration.test_hand_over import dialogue
from tests.support.product import EXAMPLE, environment
from tests.support.wait import until

CALLS = 400
SECONDS = 30.0


@asynccontextmanager
async def serving(folder: Path, errors: int) -> AsyncIterator[tuple[subprocess.Popen[bytes], int]]:
    """``serve fastagi`` with this standard error: the process, and its port."""
    ready = folder / "ready"
    process = subprocess.Popen(  # noqa: ASYNC220 - milliseconds
        [sys.executable, "-m", "amtsleitung", "serve", "fastagi", "--config", EXAMPLE, "--ready-file", ready],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env=environment(folder),
        cwd="/",
    )
    try:
        await until(ready.exists, deadline_seconds=SECONDS, what="it is ready")
        yield process, int(ready.read_text().rpartition(":")[2])
        process.terminate()
        await until(lambda: process.poll() is not None, deadline_seconds=SECONDS, what="it ends")
        assert process.returncode == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


async def calls_are_answered(port: int) -> None:
    for _ in range(CALLS // 20):
        assert await asyncio.gather(*(dialogue(port) for _ in range(20))) == ["whole"] * 20


async def test_a_blocked_standard_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4_096)
    try:
        async with serving(tmp_path, writing) as (_, port):
            await calls_are_answered(port)
            assert select.select([], [writing], [], 0)[1] == [], "it stood all the time"
    finally:
        os.close(reading)
        os.close(writing)


async def test_a_standard_error_that_halts_and_goes_on(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4_096)
    said = bytearray()

    def read() -> None:
        said.extend(os.read(reading, 65_536))

    try:
        async with serving(tmp_path, writing) as (_, port):
            os.close(writing)
            await calls_are_answered(port)
            asyncio.get_running_loop().add_reader(reading, read)
            await until(lambda: said.count(b"call routed") == CALLS, deadline_seconds=SECONDS, what="all is told")
        lines = said.decode().splitlines()
        assert [line for line in lines if not line.startswith("timestamp=")] == [], "every line is whole"
        times = [line.split()[0] for line in lines]
        assert times == sorted(times)
    finally:
        asyncio.get_running_loop().remove_reader(reading)
        os.close(reading)


async def test_a_full_disk(tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        async with serving(tmp_path, full) as (_, port):
            await calls_are_answered(port)
    finally:
        os.close(full)
