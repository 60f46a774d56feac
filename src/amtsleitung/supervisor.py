# SPDX-License-Identifier: EUPL-1.2
"""Starts services in order, keeps them running, replaces them, and ends them in reverse order with nothing left."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from amtsleitung.errors import Problem
from amtsleitung.happenings import Happening, ServiceCrashed, ServiceGivenUp, ServiceReady
from amtsleitung.process_log import ProcessLog
from amtsleitung.processes import Ending, describe_ending
from amtsleitung.service import Life, RestartPolicy, Service
from amtsleitung.state_lock import StateLock, lock_state_directory

__all__ = [
    "Happening",
    "RestartPolicy",
    "Service",
    "ServiceCrashed",
    "ServiceGivenUp",
    "ServiceReady",
    "StateLock",
    "Supervisor",
    "Vitals",
    "lock_state_directory",
]

_OWN_NAME = "supervisor"


@dataclass(slots=True)
class _Kept:
    service: Service
    life: Life | None = None
    keeper: asyncio.Task[None] | None = None
    other: Life | None = None
    """A second process for a while: a successor that gets ready, then the one that it replaced."""
    started_at: datetime | None = None
    restarts: int = 0
    """How often it was started again, by itself or when asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How one service stands: ``pid`` is ``None`` while it does not run, ``started_at`` is when it was last ready."""

    pid: int | None
    started_at: datetime | None
    restarts: int


class Supervisor:
    """Owns the processes. ``clock`` is in seconds, ``chance`` in [0, 1); both and ``sleep`` are given by tests."""

    def __init__(
        self,
        *,
        log_directory: Path | None = None,
        echo: TextIO | None = None,
        tell: Callable[[Happening], None] = lambda _happening: None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.log = ProcessLog(log_directory, echo)
        self.given_up: asyncio.Future[Problem] = asyncio.get_running_loop().create_future()
        self._tell = tell
        self._clock = clock or asyncio.get_running_loop().time
        self._sleep = sleep
        self._chance = chance
        self._hurry = asyncio.Event()
        self._stopping = False
        self._kept: dict[str, _Kept] = {}

    async def start(self, service: Service) -> int:
        """Start one service and wait until it is ready; returns its process id.

        Raises Problem, with the process's last lines, if it does not get ready; nothing of it runs then.
        """
        if self._stopping:
            raise Problem(f"{service.name} is not started: everything is being stopped.")
        if service.name in self._kept:
            raise ValueError(f"a service named {service.name} exists already")
        kept = _Kept(service)
        self._kept[service.name] = kept  # from here on `stop` ends it, whatever happens
        try:
            life = await self._begin(kept)
        except Problem:
            await self._end(kept)
            del self._kept[service.name]
            raise
        self._keep_from(kept, life)
        return life.child.pid

    async def replace(self, name: str) -> int:
        """Put a new process in the place of a service's running one; returns its id.

        Where the service knows how, the new one gets ready first, and the old one stays if it does not. Raises Problem,
        with why; a service whose old process had to end is then started again as after a crash.
        """
        kept = self._kept.get(name)
        if kept is None or self._stopping:
            raise Problem(f"{name} is not one of the services that run here: {', '.join(self._kept)}.")
        if kept.keeper is None:
            raise Problem(f"{name} is being started or replaced already: try again when it is ready.")
        keeper, kept.keeper = kept.keeper, None
        await _cancelled(keeper)
        old = kept.life if kept.started_at is not None else None  # one in mid-start has nothing to hand over
        why = ""
        try:
            if kept.service.successor_argv is None or old is None or old.child.returncode is not None:
                await self._end_life(kept)
                await self._begin(kept)
            else:
                await self._hand_over(kept, old)
        except Problem as problem:
            why = str(problem)
            raise
        finally:
            if not self._stopping:
                alive = kept.life if kept.started_at is not None else None
                self._keep_from(kept, alive, why)
        kept.restarts += 1
        assert kept.life is not None
        return kept.life.child.pid

    async def _hand_over(self, kept: _Kept, old: Life) -> None:
        name = kept.service.name
        kept.other = successor = await Life.begin(
            kept.service, lambda line: self.log.write(name, line), argv=kept.service.successor_argv
        )
        try:
            await successor.become_ready()
        except BaseException:
            await successor.end(self._hurry)
            kept.other = None
            raise
        kept.life, kept.other = successor, old
        self._on_ready(kept, successor)
        ending = await old.end(self._hurry)
        kept.other = None
        self.log.write(_OWN_NAME, f"{name} was replaced: process {old.child.pid} ended ({_how(ending)})")

    def vitals(self) -> Mapping[str, Vitals]:
        """How each service stands, in the order of their starts."""
        running = self.pids()
        return {
            name: Vitals(pid=running.get(name), started_at=kept.started_at, restarts=kept.restarts)
            for name, kept in self._kept.items()
        }

    def pids(self) -> Mapping[str, int]:
        """The process id of each service that runs at this moment, for ``run.json``."""
        lives = ((name, kept.life) for name, kept in self._kept.items())
        return {name: life.child.pid for name, life in lives if life and life.child.returncode is None}

    @property
    def hurried(self) -> asyncio.Event:
        """Set to shorten every deadline of the stopping to a second."""
        return self._hurry

    async def stop(self) -> None:
        """End every service, the last started first. No process of theirs is left afterwards."""
        self._stopping = True
        problems: list[Problem] = []
        for kept in reversed(tuple(self._kept.values())):
            try:
                await self._end(kept)
            except Problem as problem:  # the others must be ended all the same
                problems.append(problem)
        self._kept.clear()
        self.log.close()
        if problems:
            raise problems[0]

    async def _begin(self, kept: _Kept) -> Life:
        name = kept.service.name
        life = kept.life = await Life.begin(kept.service, lambda line: self.log.write(name, line))
        await life.become_ready()
        self._on_ready(kept, life)
        return life

    def _on_ready(self, kept: _Kept, life: Life) -> None:
        name = kept.service.name
        kept.started_at = datetime.now(UTC)
        self.log.write(_OWN_NAME, f"{name} is ready (process {life.child.pid})")
        self._tell(ServiceReady(name=name, pid=life.child.pid))

    async def _end(self, kept: _Kept) -> None:
        if kept.keeper is not None:
            await _cancelled(kept.keeper)
        if kept.other is not None:
            await kept.other.end(self._hurry)
            kept.other = None
        await self._end_life(kept)

    async def _end_life(self, kept: _Kept) -> None:
        life, kept.started_at = kept.life, None
        if life is None:
            return
        asked = life.child.returncode is None
        ending = await life.end(self._hurry)
        if asked:
            self.log.write(_OWN_NAME, f"{kept.service.name} stopped ({_how(ending)})")
        kept.life = None

    def _keep_from(self, kept: _Kept, life: Life | None, why: str = "") -> None:
        kept.keeper = asyncio.create_task(self._keep(kept, life, why), name=f"keeper of {kept.service.name}")
        kept.keeper.add_done_callback(self._on_keeper_done)

    async def _keep(self, kept: _Kept, alive: Life | None, why: str) -> None:
        """Start a service again each time it ends, until cancelled or at the end of the policy's patience.

        Without a life to begin with it could not be started, and ``why`` says why.
        """
        service, failures, ready_at = kept.service, 0, self._clock()
        while True:
            try:
                if alive is not None:
                    why = f"{service.name} ended by itself ({describe_ending(await alive.child.wait())})"
                    kept.started_at = None
                up_seconds = self._clock() - ready_at
                if kept.life is not None:
                    await kept.life.end(self._hurry)
                policy = service.restart
                if alive is not None and policy and up_seconds >= policy.stable_seconds:
                    failures = 0
                failures += 1
                if policy is None or (policy.attempts is not None and failures > policy.attempts):
                    self._give_up(service.name, why)
                    return
                wait_seconds = policy.wait_seconds(failures, self._chance())
                self.log.write(_OWN_NAME, f"{why}; starting it again in {wait_seconds:.1f} s")
                self._tell(ServiceCrashed(name=service.name, why=why, restart_in_seconds=wait_seconds))
                await self._sleep(wait_seconds)
                alive = None
                alive = await self._begin(kept)
                kept.restarts += 1
                ready_at = self._clock()
            except Problem as problem:
                why = str(problem)

    def _give_up(self, name: str, why: str) -> None:
        self.log.write(_OWN_NAME, f"{why}; not started again")
        if not self.given_up.done():
            path = self.log.path_of(name)
            where = f"; its log is {path}" if path else ""
            self.given_up.set_result(Problem(f"{why} and is not started again{where}."))
        self._tell(ServiceGivenUp(name=name, why=why))

    def _on_keeper_done(self, keeper: asyncio.Task[None]) -> None:
        """A keeper that broke (`tell` raised, say) keeps nothing any more: that must not go unseen."""
        if not keeper.cancelled() and (error := keeper.exception()) and not self.given_up.done():
            self.given_up.set_result(Problem(f"The {keeper.get_name()} failed ({error!r}); start again."))


def _how(ending: Ending) -> str:
    return describe_ending(ending.returncode) + (", had to be killed" if ending.forced else "")


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
