# SPDX-License-Identifier: EUPL-1.2
"""The probe (`tests.bench.calls_probe`) as a process of its own, so that the bench's own work does not delay it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

UNANSWERED = 2_000_000.0
_SPARE_SECONDS = 30.0
_LONGEST_ANSWER_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks it for one series after the other."""

    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        return self.process.pid

    async def series(
        self, *, source: str, target: str, dialled: str, caller: str, rate: int, seconds: float
    ) -> tuple[float, ...]:
        """Microseconds from each INVITE to its final answer; `UNANSWERED` where none came in so long."""
        asked = {
            "source": source, "target": target, "dialled": dialled, "caller": caller, "rate": rate, "seconds": seconds,
        }  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(seconds + _SPARE_SECONDS):
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            said = json.loads(await self.process.stdout.readline())
        return tuple(UNANSWERED if found is None else float(found) for found in said)


@asynccontextmanager
async def probing() -> AsyncIterator[Probe]:
    """Started, and ended with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.calls_probe",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_ANSWER_BYTES,
    )  # fmt: skip
    try:
        yield Probe(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
