# SPDX-License-Identifier: EUPL-1.2
"""The process that starts ``keep_table`` for a router, and the router's end of it.

Whoever starts a process stops for some milliseconds, the longer the larger it is. So the router starts this small one
before it has calls to answer, and later writes a line to it.

::

    router ──a line──▶ keeper ──starts──▶ keep_table        each ends with the one before it
           ◀─Answer──         ◀──Answer──
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Literal, Self

from amtsleitung.processes import die_with_parent

KEEPING_SECONDS = 300.0
_MORE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``kept``: the file holds the live version. ``refused``: that does not compile. ``away``: no database.

    ``failed``: anything else, the disk above all. ``sentence`` says it for people; ``version`` and ``at`` (ISO 8601)
    name the version that was kept or refused.
    """

    outcome: Literal["kept", "refused", "away", "failed"]
    sentence: str = ""
    version: int = 0
    at: str = ""

    def line(self) -> bytes:
        """As it travels between the processes."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self:
        """Raises ValueError or TypeError."""
        return cls(**json.loads(line))


class Keeper:
    """The router's end; it is closed by whoever made it."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Start the process now, while nobody waits. Raises OSError."""
        # No preexec_fn: with one the whole memory map would be copied first.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "amtsleitung.keeper", str(os.getpid()),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def ask(self) -> Answer:
        """Bring the last good table up to date."""
        async with self._one_at_a_time:
            try:
                if self._process is None:
                    await self.start()
                return Answer.read(await self._answer())
            except (OSError, ValueError, TypeError) as error:  # a TimeoutError is an OSError
                await self.close()
                return Answer(outcome="failed", sentence=f"the process that keeps it is gone ({error or 'no answer'}).")
            except BaseException:
                await self.close()  # its answer would be taken for that to the next question
                raise

    async def _answer(self) -> bytes:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(KEEPING_SECONDS + _MORE_SECONDS):
            self._process.stdin.write(b"\n")
            await self._process.stdin.drain()
            return await self._process.stdout.readline()

    async def close(self) -> None:
        """End the process, and with it whatever it has started."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


def main() -> None:
    """The process."""
    die_with_parent(int(sys.argv[1]))
    while sys.stdin.buffer.readline():
        words = (sys.executable, "-m", "amtsleitung.keep_table", str(os.getpid()))
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=KEEPING_SECONDS, check=False
            )
            failed = Answer(outcome="failed", sentence=f"the process ended with status {done.returncode}.")
            said = done.stdout or failed.line()
        except subprocess.TimeoutExpired:
            said = Answer(outcome="failed", sentence=f"it took longer than {KEEPING_SECONDS:g} seconds.").line()
        except OSError as error:
            said = Answer(outcome="failed", sentence=f"no process can be started ({error.strerror}).").line()
        sys.stdout.buffer.write(said)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
