# SPDX-License-Identifier: EUPL-1.2
"""One service: how its process is started, known to be ready, ended and started again."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals

from amtsleitung.errors import Problem
from amtsleitung.privileges import Credentials
from amtsleitung.process_log import lines_of
from amtsleitung.process_table import Workplace
from amtsleitung.processes import Child, Ending, describe_ending, spawn

_POLL_SECONDS = 0.05
_ONE_QUESTION_SECONDS = 5.0
_LAST_WORDS_SECONDS = 1.0
_TAIL_LINES = 20
_TOLD_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """Waits between restarts: ``first_seconds``, doubled each time up to ``cap_seconds``, less up to half by chance.

    A process that stayed up for ``stable_seconds`` starts from the first wait again. ``attempts`` failures in a row
    are the end of it; None: never give up.
    """

    first_seconds: float = 0.5
    cap_seconds: float = 30.0
    stable_seconds: float = 60.0
    attempts: int | None = None

    def wait_seconds(self, failures: int, chance: float) -> float:
        """The wait after the ``failures``-th failure in a row (from 1); ``chance`` is in [0, 1)."""
        # The exponent is bounded: a service that fails for days must not make a number too large for a float.
        whole = min(self.cap_seconds, self.first_seconds * 2.0 ** min(failures - 1, 64))
        return whole * (1.0 - chance / 2.0)


async def ready_at_once(_pid: int) -> bool:
    """For a program that has nothing to wait for."""
    return True


def accepts_tcp(host: str, port: int) -> Callable[[int], Awaitable[bool]]:
    """Ready when a TCP connection to ``host:port`` is accepted."""

    async def ready(_pid: int) -> bool:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            return False
        writer.close()
        return True

    return ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the supervisor must know of one process.

    ``env`` is its whole environment. ``prepare`` runs before each start. ``ready`` is asked with the process id until
    it says yes; an OSError means not yet. ``stop`` is the ladder of signals with their deadlines in seconds, SIGKILL
    follows by itself. ``workplace`` finds descendants that left the session. ``successor_argv`` is the command line of
    one that can get ready beside the running one and take over from it; without it that one must end first.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path = Path("/")
    credentials: Credentials | None = None
    prepare: Callable[[], Awaitable[None]] | None = None
    ready: Callable[[int], Awaitable[bool]] = ready_at_once
    ready_seconds: float = 20.0
    stop: tuple[tuple[Signals, float], ...] = ((Signals.SIGTERM, 10.0),)
    death_signal: Signals = Signals.SIGTERM
    restart: RestartPolicy | None = RestartPolicy()
    workplace: Workplace | None = None
    successor_argv: tuple[str, ...] | None = None


class Life:
    """One life of a service's process, from fork to the last of its descendants."""

    def __init__(self, service: Service, child: Child, say: Callable[[str], None]) -> None:
        self.service = service
        self.child = child
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._say = say
        self._pump = asyncio.create_task(self._carry_output(), name=f"output of {service.name}")

    @classmethod
    async def begin(cls, service: Service, say: Callable[[str], None], *, argv: tuple[str, ...] | None = None) -> Life:
        """Prepare and start the process; ``say`` gets each line of its output. Raises Problem.

        ``argv``: its command line, if it is not the service's usual one.
        """
        if service.prepare is not None:
            await service.prepare()
        child = await spawn(
            argv or service.argv,
            env=service.env,
            cwd=service.cwd,
            death_signal=service.death_signal,
            credentials=service.credentials,
        )
        return cls(service, child, say)

    async def become_ready(self) -> None:
        """Return when the service says that it is ready; Problem if its process ends first or the time is over."""
        service = self.service
        try:
            async with asyncio.timeout(service.ready_seconds):
                while not await self._is_ready():
                    if await self.child.ends_within(_POLL_SECONDS):
                        break
        except TimeoutError:
            raise Problem(
                f"{service.name} was not ready within {service.ready_seconds:g} seconds{self._told()}"
            ) from None
        if self.child.returncode is not None:
            await self._hear_last_words()
            raise Problem(
                f"{service.name} ended while it started ({describe_ending(self.child.returncode)}){self._told()}"
            )

    async def _is_ready(self) -> bool:
        try:
            async with asyncio.timeout(_ONE_QUESTION_SECONDS):
                return await self.service.ready(self.child.pid)
        except OSError:  # a TimeoutError is one too
            return False

    async def end(self, hurry: asyncio.Event | None = None) -> Ending:
        """Stop the process if it still runs, kill what it left behind, and hear its last words."""
        service = self.service
        try:
            return await self.child.stop(service.stop, hurry=hurry, workplace=service.workplace)
        finally:
            await self._hear_last_words()

    async def _carry_output(self) -> None:
        async for line in lines_of(self.child.output):
            if line:
                self.tail.append(line)
            self._say(line)

    async def _hear_last_words(self) -> None:
        # Bounded: something else may hold the pipe's other end.
        await asyncio.wait({self._pump}, timeout=_LAST_WORDS_SECONDS)
        self.child.close_output()
        await asyncio.wait({self._pump}, timeout=_LAST_WORDS_SECONDS)

    def _told(self) -> str:
        words = " / ".join(list(self.tail)[-_TOLD_LINES:])
        return f"; it said: {words}" if words else " and said nothing."
