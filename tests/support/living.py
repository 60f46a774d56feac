# SPDX-License-Identifier: EUPL-1.2
"""Waiting for conditions about processes, and processes that are the owners of others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path


async def until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Return as soon as ``condition()`` is true; fail after ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - other processes set no event
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what}") from None


def is_living(pid: int) -> bool:
    """Whether a process of this number exists and is no zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def parent_of(pid: int) -> int:
    """The parent's number; 0 if the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def descendants(root: int) -> set[int]:
    """All living processes below ``root``."""
    parents = {int(entry.name): parent_of(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    found: set[int] = set()
    level = {root}
    while level := {pid for pid, parent in parents.items() if parent in level} - found:
        found |= level
    return {pid for pid in found if is_living(pid)}


@asynccontextmanager
async def python(program: str, *arguments: str, output: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A Python process in its own process group that runs ``program``; killed at the end if it still lives."""
    with output.open("wb") as file:
        process = subprocess.Popen(  # noqa: ASYNC220 - milliseconds
            [sys.executable, "-c", program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
