# SPDX-License-Identifier: EUPL-1.2
"""Starts services in order, keeps them running, and ends them in reverse order with nothing left.

`supervise` is the frame: it runs a body that starts services and does its work, turns SIGINT, SIGTERM and SIGHUP into
the cancellation of that body, and stops everything whichever way the body ends.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Handlers, Signals, getsignal
from typing import Any, Generic, TextIO, TypeVar

from amtsleitung.errors import Problem
from amtsleitung.happenings import Happening, ServiceCrashed, ServiceGivenUp, ServiceReady
from amtsleitung.process_log import ProcessLog
from amtsleitung.processes import describe_ending
from amtsleitung.service import Life, RestartPolicy, Service
from amtsleitung.state_lock import StateLock, lock_state_directory

__all__ = [
    "Ended",
    "Happening",
    "RestartPolicy",
    "Service",
    "ServiceCrashed",
    "ServiceGivenUp",
    "ServiceReady",
    "StateLock",
    "Supervisor",
    "lock_state_directory",
    "supervise",
]

T = TypeVar("T")
_OWN_NAME = "supervisor"
_BODY_ENDS_SECONDS = 15.0
_STOP_SIGNALS = (Signals.SIGINT, Signals.SIGTERM, Signals.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Generic[T]):
    """How a supervised body ended: with its value, or by a signal."""

    value: T | None
    signal: Signals | None


@dataclass(slots=True)
class _Kept:
    service: Service
    life: Life | None = None
    keeper: asyncio.Task[None] | None = None


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
        kept.keeper = asyncio.create_task(self._keep(kept, life), name=f"keeper of {service.name}")
        kept.keeper.add_done_callback(self._on_keeper_done)
        return life.child.pid

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
        self.log.write(_OWN_NAME, f"{name} is ready (process {life.child.pid})")
        self._tell(ServiceReady(name=name, pid=life.child.pid))
        return life

    async def _end(self, kept: _Kept) -> None:
        if kept.keeper is not None:
            kept.keeper.cancel()
            await asyncio.wait({kept.keeper})
        if kept.life is not None:
            asked = kept.life.child.returncode is None
            ending = await kept.life.end(self._hurry)
            if asked:
                forced = ", had to be killed" if ending.forced else ""
                how = describe_ending(ending.returncode)
                self.log.write(_OWN_NAME, f"{kept.service.name} stopped ({how}{forced})")
            kept.life = None

    async def _keep(self, kept: _Kept, life: Life) -> None:
        """Start a service again each time it ends, until cancelled or at the end of the policy's patience."""
        service, failures, ready_at = kept.service, 0, self._clock()
        alive: Life | None = life
        why = ""
        while True:
            try:
                if alive is not None:
                    why = f"{service.name} ended by itself ({describe_ending(await alive.child.wait())})"
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


async def supervise(supervisor: Supervisor, body: Callable[[], Coroutine[Any, Any, T]]) -> Ended[T]:
    """Run ``body``, which starts services on ``supervisor``; stop them all however it ends.

    A first SIGINT, SIGTERM or SIGHUP cancels the body and stops in order; a second one shortens the deadlines.
    Raises what the body raises, or the Problem of a service that was given up.
    """
    loop = asyncio.get_running_loop()
    received: list[Signals] = []
    work = asyncio.create_task(body(), name="supervised body")

    def on_signal(number: Signals) -> None:
        if received:
            supervisor.hurried.set()
        received.append(number)
        work.cancel()

    caught = [number for number in _STOP_SIGNALS if number != Signals.SIGHUP or not _ignored(number)]
    for number in caught:
        loop.add_signal_handler(number, on_signal, number)
    waited: set[asyncio.Future[Any]] = {work, supervisor.given_up}
    try:
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        try:
            await _to_the_end(_wind_up(supervisor, work), supervisor.hurried)
        finally:
            for number in caught:
                loop.remove_signal_handler(number)
    failure = work.exception() if work.done() and not work.cancelled() else None
    if received:
        return Ended(value=None, signal=received[0])
    if failure is not None:
        raise failure
    if supervisor.given_up.done():
        raise supervisor.given_up.result()
    return Ended(value=work.result(), signal=None)


def _ignored(number: Signals) -> bool:
    """As ``nohup`` leaves it: whoever asked for that wants us to outlive the terminal."""
    return getsignal(number) is Handlers.SIG_IGN


async def _wind_up(supervisor: Supervisor, work: asyncio.Task[Any]) -> None:
    work.cancel()
    hurry = asyncio.create_task(supervisor.hurried.wait())
    waited: set[asyncio.Future[Any]] = {work, hurry}
    await asyncio.wait(waited, timeout=_BODY_ENDS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    await supervisor.stop()


async def _to_the_end(stopping: Coroutine[Any, Any, None], hurried: asyncio.Event) -> None:
    """Await ``stopping`` even if we are cancelled meanwhile: half a stop would orphan processes."""
    task = asyncio.create_task(stopping, name="stopping")
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
            hurried.set()
    if cancelled:
        raise asyncio.CancelledError
    task.result()
