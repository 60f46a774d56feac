# SPDX-License-Identifier: EUPL-1.2
"""The whole product, started as a user starts it, and the ways to look into it.

    async with running_system() as system:
        await sipp.call(system, dialled="0537289-0", ...)
        row = await system.ended_call(unique_id)

A system is a `PrivateAsterisk` to `tests.support.sipp`; ``ami`` is the oracle beside the product's own observer, with
the same account, so what that account may not do goes over Asterisk's console.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from amtsleitung.asterisk_console import console
from amtsleitung.run_file import RunFile, read_run_file
from routing.config import read_file
from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call
from routing.store import Store
from tests.support.ami_oracle import Ami, Message
from tests.support.asterisk import Directories, PrivateAsterisk
from tests.support.living import until
from tests.support.product import (
    EXAMPLE,
    START_SECONDS,
    Started,
    command,
    record_short_prompts,
    started_behind,
    state_folder,
    stops_cleanly,
)
from tests.support.tables import BERLIN

CALL_SECONDS = 30.0


def _coming(kind: str) -> str:
    """Ten o'clock on the first day from tomorrow on at which the example's switchboard does this.

    The fallback knows the coming days alone, so no date can be written down here.
    """
    table = compile_table(read_file(EXAMPLE), version=0)
    today = datetime.now(BERLIN).replace(hour=10, minute=0, second=0, microsecond=0)
    instants = (today + timedelta(days=days) for days in range(1, 30))
    call = Call(dialled=MEINERSEN.replace("%20", " "), caller=None, trunk="carrier")
    return next(at.isoformat() for at in instants if decide(table, call, at).kind == kind)


MEINERSEN, ISENBUETTEL = "05372%2089-0", "05374%2088-0"  # switchboards, as they stand in a request's address
OPEN = _coming("enter_queue")  # the demonstration trunk's calls may say when they are
CLOSED = _coming("play_announcement")
HOLIDAY = "2026-12-25T10:00:00+01:00"  # a Friday


class _Oracle(Ami):
    """The oracle with the product's own account, which may not run console commands."""

    running: RunFile

    async def command(self, line: str) -> str:
        return await console(self.running, line)


class System(PrivateAsterisk):
    """The running product."""

    def __init__(
        self, run: Started, running: RunFile, ami: Ami, secret: str, store: Store, secrets: Mapping[str, str]
    ) -> None:
        super().__init__(
            directories=Directories(root=run.state),
            ami=ami,
            sip_port=_port(running.sip),
            ami_port=_port(running.ami),
            ami_secret=secret,
            secrets=secrets,
        )
        self.run = run
        self.store = store
        self.started_with = running

    @property
    def state(self) -> Path:
        return self.run.state

    @property
    def log_file(self) -> Path:
        return self.state / "log" / "asterisk.log"

    @property
    def running(self) -> RunFile:
        """As ``run.json`` says now."""
        found = read_run_file(self.state)
        assert found is not None, f"nothing runs any more; it said:\n{self.run.said}"
        return found

    @property
    def api_url(self) -> str:
        return self.started_with.api_url

    async def get(self, path: str) -> Any:
        """The API's answer to a GET."""
        async with httpx2.AsyncClient(base_url=self.api_url, trust_env=False, timeout=15) as client:
            answer = await client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    async def command(self, *arguments: str, seconds: float = 60.0, **settings: str) -> tuple[int, str, str]:
        """``amtsleitung <arguments>`` beside the running system: exit status, output, errors."""
        return await command(*arguments, state=self.state, seconds=seconds, **settings)

    async def received(self, caller: str, *, start: int = 0) -> Message:
        """The dialplan's word that a call with this caller's number (empty: withheld) has come."""
        return await self.ami.event(start=start, Event="UserEvent", UserEvent="CallReceived", Caller=caller)

    async def ended_call(self, unique_id: str) -> dict[str, Any]:
        """The call's row once it has its end. What must hold of every ended call is asserted."""
        row: dict[str, Any] = {}
        try:
            async with asyncio.timeout(CALL_SECONDS):
                while row.get("outcome") is None:
                    row = await self._row(unique_id) or {}
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"the call {unique_id} has not ended: {row}") from None
        times = [step["at"] for step in row["timeline"]]
        assert times == sorted(times), row["timeline"]
        assert {"received", "routed", "ended"} <= {step["what"] for step in row["timeline"]}, row["timeline"]
        assert row["expires_at"] is not None
        assert row["node"] == self.started_with.node
        return row

    async def _row(self, unique_id: str) -> dict[str, Any] | None:
        async with httpx2.AsyncClient(base_url=self.api_url, trust_env=False, timeout=15) as client:
            answer = await client.get(f"/calls/{self.started_with.node}/{unique_id}")
        return answer.json() if answer.status_code == 200 else None

    async def no_channels_left(self) -> None:
        """Waits until Asterisk itself counts none."""
        deadline = asyncio.get_running_loop().time() + 15
        while not re.search(
            r"^0 active channels", counted := await self.ami.command("core show channels count"), re.MULTILINE
        ):
            assert asyncio.get_running_loop().time() < deadline, f"leaked channels: {counted}"

    def pid(self, name: str) -> int:
        """The process id of a service as ``run.json`` has it."""
        return self.running.processes[name]

    async def restarted(self, name: str, old_pid: int) -> int:
        """The new process id of a service that was killed, when ``run.json`` has it."""
        known = (None, old_pid)  # while it is down ``run.json`` may not name it
        await until(lambda: self.running.processes.get(name) not in known, f"{name} is started again", START_SECONDS)
        return self.pid(name)


@asynccontextmanager
async def running_system(
    *, short_prompts: bool = False, prepare: Callable[[Path], tuple[str, ...]] | None = None, **settings: str
) -> AsyncIterator[System]:
    """A system of its own; ended with SIGTERM, after which nothing may be left of it.

    ``prepare`` is given the state directory, not there yet, and returns the prefix behind which it is started.
    """
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(state_folder())
        prefix = prepare(state) if prepare is not None else ()
        if short_prompts:
            record_short_prompts(state / "sounds" / "recorded")
        words = ("run", "--no-demonstration")
        run = await stack.enter_async_context(started_behind(prefix, *words, state=state, **settings))
        running = await run.up()
        secret = (state / "secrets" / "manager-secret").read_text(encoding="ascii")
        ami = await _Oracle.login(_port(running.ami), "amtsleitung", secret)
        assert isinstance(ami, _Oracle)
        ami.running = running
        stack.push_async_callback(ami.close)
        store = await Store.connect(running.database_url)
        stack.push_async_callback(store.close)
        system = System(run, running, ami, secret, store, await store.device_secrets())
        stack.push_async_callback(lambda: system.ami.close())  # another one, if Asterisk was started again
        yield system
        await stops_cleanly(run, running, signal.SIGTERM)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
