# SPDX-License-Identifier: EUPL-1.2
"""The running product's processes, and what can be done to them: the lowest layer of `system_scene.SystemScene`."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from amtsleitung.postgres_cluster import ADMIN
from routing.store.address import Address
from tests.support.faults.following import Watch
from tests.support.faults.system_relay import Relay, relay
from tests.support.living import descendants, is_living, until
from tests.support.product import START_SECONDS, Started, started
from tests.support.system import System

LOCKED = ("call", "call_event", "event_counter", "configuration_version")


@dataclass(slots=True, kw_only=True)
class Processes:
    """``environments``: the settings that each service was started with. ``watch``: what the dialplan tells."""

    system: System
    owner_url: str
    environments: Mapping[str, Mapping[str, str]]
    watch: Watch | None = None
    logged: dict[str, int] = field(default_factory=dict)
    """How long each log was when the row began."""

    def watching(self) -> Watch:
        """The dialplan's events from the row's beginning on."""
        if self.watch is None:
            self.watch = Watch.from_now(self.system.ami)
        return self.watch

    def log_of(self, service: str) -> str:
        """What it has said so far."""
        return (self.system.state / "log" / f"{service}.log").read_text(encoding="utf-8", errors="replace")

    def log_since_begin(self, service: str) -> str:
        """What it has said since the row began."""
        return self.log_of(service)[self.logged.get(service, 0) :]

    async def said(self, service: str, words: str, *, times: int = 1, seconds: float = 60.0) -> None:
        """Waits until it has said this so often since the row began."""
        await until(lambda: self.log_since_begin(service).count(words) >= times, f"{service} says: {words}", seconds)

    async def until_said(self, process: Started, words: str) -> None:
        """The same of a process that was started by hand."""
        await until(lambda: words in process.said, f"it says: {words}")

    def pids(self, service: str) -> tuple[int, ...]:
        """The process and all below it."""
        pid = self.system.pid(service)
        return (pid, *descendants(pid))

    @contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """It does nothing meanwhile."""
        pids = self.pids(service)
        _signal(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(pids, signal.SIGCONT)

    @asynccontextmanager
    async def without(self, *services: str) -> AsyncIterator[None]:
        """These are dead (``kill -9``) meanwhile, and nobody starts them: so is the supervisor stopped.

        Then it starts them again, and all is as it was.
        """
        old = {service: self.system.pid(service) for service in services}
        run = self.system.run.process.pid
        _signal((run,), signal.SIGSTOP)
        try:
            for service in services:
                await self.kill(service)
            yield
        finally:
            _signal((run,), signal.SIGCONT)
            await self.restarted(old)

    async def kill(self, service: str) -> None:
        """``kill -9``, and it is dead when this returns."""
        pids = self.pids(service)
        _signal(pids, signal.SIGKILL)
        await until(lambda: not any(map(is_living, pids)), f"the end of {service}")

    async def restarted(self, old: Mapping[str, int]) -> None:
        """Waits until the supervisor has brought each back."""
        for service, pid in old.items():
            await self.system.restarted(service, pid)
        if "asterisk" in old:
            await self.heard_again()

    async def heard_again(self) -> None:
        """The oracle's connection to an Asterisk that was started anew."""
        system, watch = self.system, self.watching()
        watch.look()
        old = system.ami
        await old.close()
        system.ami = await type(old).login(system.ami_port, system.ami_user, system.ami_secret)
        vars(system.ami)["running"] = vars(old)["running"]
        watch.ami, watch.position = system.ami, 0

    @asynccontextmanager
    async def by_hand(self, service: str, *, wait: bool = True, **settings: str) -> AsyncIterator[Started]:
        """``amtsleitung serve <service>`` while the supervised one is dead (`without`), with these settings changed."""
        kept = dict(self.environments[service])
        ready = self.system.state.parent / f"{service}.by-hand"
        ready.unlink(missing_ok=True)
        words = ("serve", service, "--ready-file", str(ready))
        state = Path(kept.pop("STATE_DIR"))
        async with started(*words, state=state, **(kept | settings)) as process:
            if wait:
                await until(
                    lambda: ready.exists() or process.process.returncode is not None, f"{service} is ready",
                    START_SECONDS,
                )  # fmt: skip
                assert ready.exists(), process.said
            yield process

    @asynccontextmanager
    async def relayed(self) -> AsyncIterator[Relay]:
        """The observer's way to Asterisk leads through a relay meanwhile."""
        secret = (self.system.state / "secrets" / "manager-secret").read_text(encoding="ascii")
        async with (
            relay(self.system.ami_port) as between,
            self.without("ami"),
            self.by_hand("ami", AMI_URL=between.url(secret)) as between.observer,
        ):
            yield between

    @asynccontextmanager
    async def database_admin(self) -> AsyncIterator[asyncpg.Connection]:
        """A superuser's connection to the product's database."""
        address = Address.parse(self.owner_url)
        secret = (self.system.state / "postgres.secret").read_text(encoding="ascii").strip()
        connection = await asyncpg.connect(
            host=address.host, port=address.port, user=ADMIN, password=secret, database=address.database, timeout=10
        )
        try:
            yield connection
        finally:
            await connection.close(timeout=10)

    @asynccontextmanager
    async def tables_locked(self) -> AsyncIterator[None]:
        """Nobody else reads or writes calls, events and versions meanwhile."""
        async with self.database_admin() as admin, admin.transaction():
            await admin.execute(
                f"LOCK TABLE {', '.join(f'amtsleitung.{name}' for name in LOCKED)} IN ACCESS EXCLUSIVE MODE"
            )
            yield

    @asynccontextmanager
    async def queue_setting(self, name: str, value: str) -> AsyncIterator[None]:
        """Every queue has this setting meanwhile."""
        path = self.system.directories.etc / "queues.conf"
        before = path.read_text(encoding="utf-8")
        after, changed = re.subn(rf"^{name}=.*$", f"{name}={value}", before, count=1, flags=re.MULTILINE)
        assert changed, f"queues.conf has no {name}"
        path.write_text(after, encoding="utf-8")
        await self.system.ami.command("queue reload all")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")
            await self.system.ami.command("queue reload all")


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def settings_of(pid: int) -> dict[str, str]:
    """The settings that a service was started with."""
    lines = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    pairs = (line.split("=", 1) for line in lines if line.startswith("AMTSLEITUNG_"))
    kept_anyway = ("CACHE_DIR", "ASTERISK")
    found = {name.removeprefix("AMTSLEITUNG_"): value for name, value in pairs}
    return {name: value for name, value in found.items() if name not in kept_anyway}
