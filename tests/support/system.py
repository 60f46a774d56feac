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
import json
import math
import os
import re
import shutil
import signal
import socket
import struct
import sys
import tempfile
import wave
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from amtsleitung.asterisk_console import console
from amtsleitung.run_file import RunFile, read_run_file
from amtsleitung.tables import table_of_file
from routing.store import Store
from tests.support.ami_oracle import Ami, Message
from tests.support.asterisk import Directories, PrivateAsterisk
from tests.support.living import descendants, is_living, until

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = CHECKOUT / "examples" / "service-centre-wolfsburg.yaml"
START_SECONDS = 150.0
STOP_SECONDS = 60.0
CALL_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class Started:
    """``amtsleitung …`` as a process of its own, in its own process group; ``output`` has what it said."""

    process: asyncio.subprocess.Process
    state: Path
    output: Path

    @property
    def said(self) -> str:
        """All that it has written so far, both streams."""
        return self.output.read_text(encoding="utf-8", errors="backslashreplace")

    async def ended(self, seconds: float = STOP_SECONDS) -> int:
        """Its exit status, waited for."""
        try:
            return await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            raise AssertionError(f"did not end within {seconds} s; it said:\n{self.said}") from None

    async def up(self) -> RunFile:
        """What it chose, when everything runs."""
        running: RunFile | None = None

        def is_up() -> bool:
            nonlocal running
            running = read_run_file(self.state)
            return running is not None or self.process.returncode is not None

        await until(is_up, "run.json", START_SECONDS)
        assert running is not None, f"it ended with {self.process.returncode} and said:\n{self.said}\n{self._logs()}"
        return running

    def _logs(self) -> str:
        paths = sorted((self.state / "log").glob("*.log"))
        return "\n".join(f"{path.name}:\n{path.read_text(encoding='utf-8')[-1500:]}" for path in paths)


@asynccontextmanager
async def state_folder() -> AsyncIterator[Path]:
    """A state directory that is not there yet, in a folder through which everybody may go."""
    folder = Path(tempfile.mkdtemp(prefix="amtsleitung-system-"))
    try:
        folder.chmod(0o755)  # noqa: ASYNC240 - an instant
        yield folder / "state"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environment(state: Path, **settings: str) -> dict[str, str]:
    """This process's environment with these settings (``API_BIND=…``) and no others, but for where programs are."""
    kept = ("AMTSLEITUNG_CACHE_DIR", "AMTSLEITUNG_ASTERISK")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AMTSLEITUNG_") or k in kept}
    return inherited | {f"AMTSLEITUNG_{k}": v for k, v in ({"STATE_DIR": str(state)} | settings).items()}


@asynccontextmanager
async def started(*arguments: str, state: Path, **settings: str) -> AsyncIterator[Started]:
    """``amtsleitung <arguments>``; whatever is left of it at the end is killed."""
    output = state.parent / f"{state.name}-{arguments[0]}-output"
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "amtsleitung", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=file, stderr=asyncio.subprocess.STDOUT,
            env=environment(state, **settings), cwd="/", process_group=0,
        )  # fmt: skip
    try:
        yield Started(process=process, state=state, output=output)
    finally:
        below = descendants(process.pid)
        if process.returncode is None:
            process.kill()
            await process.wait()
        for pid in filter(is_living, below):
            os.kill(pid, signal.SIGKILL)


async def command(*arguments: str, state: Path, seconds: float = 60.0, **settings: str) -> tuple[int, str, str]:
    """``amtsleitung <arguments>`` to its end: exit status, output, errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "amtsleitung", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=environment(state, **settings), cwd="/",
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(process.communicate(), seconds)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


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
            directories=Directories(root=run.state / "asterisk"),
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
        await until(lambda: self.pid(name) != old_pid, f"{name} is started again", START_SECONDS)
        return self.pid(name)


@asynccontextmanager
async def running_system(*, short_prompts: bool = False, **settings: str) -> AsyncIterator[System]:
    """A system of its own; ended with SIGTERM, after which nothing may be left of it."""
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(state_folder())
        if short_prompts:
            record_short_prompts(state / "sounds" / "recorded")
        run = await stack.enter_async_context(started("run", "--no-demonstration", state=state, **settings))
        running = await run.up()
        secret = (state / "secrets" / "manager-secret").read_text(encoding="ascii")
        ami = await _Oracle.login(_port(running.ami), "amtsleitung", secret)
        assert isinstance(ami, _Oracle)
        ami.running = running
        stack.push_async_callback(ami.close)
        store = await Store.connect(running.database_url)
        stack.push_async_callback(store.close)
        yield System(run, running, ami, secret, store, await store.device_secrets())
        await stops_cleanly(run, running, signal.SIGTERM)


async def stops_cleanly(run: Started, running: RunFile, number: signal.Signals) -> None:
    """Sends the signal; the system must end with status 0 and leave no process, no port and no ``run.json``."""
    below = descendants(run.process.pid)
    now = read_run_file(run.state)
    assert now is not None
    assert set(now.processes.values()) <= below, (now.processes, below)
    # As Ctrl-C does it: the terminal sends the signal to the whole group.
    os.killpg(run.process.pid, number)
    assert await run.ended() == 0, run.said
    assert "Traceback" not in run.said
    await nothing_left(run.state, below, running)


async def nothing_left(state: Path, pids: set[int], running: RunFile | None) -> None:
    """None of these processes lives, nothing listens where it did, and nobody takes the system for running."""
    await until(lambda: not any(map(is_living, pids)), f"the end of {pids}")
    await until(lambda: not using(state), f"the end of what uses {state}: {using(state)}")
    if running is not None:
        for address in (running.fastagi, running.ami, running.api_url.removeprefix("http://")):
            await until(lambda address=address: not _listening(address), f"nothing listens on {address}")  # type: ignore[misc]
    assert read_run_file(state) is None


def using(state: Path) -> list[int]:
    """The processes that name this state directory on their command line or work in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
                place = (entry / "cwd").readlink()
            except OSError:
                continue
            if f"{state}/".encode() in words or f"{place}/".startswith(f"{state}/"):
                found.append(int(entry.name))
    return found


def record_short_prompts(folder: Path) -> None:
    """Recordings of half a second for every prompt of the example: they replace the spoken ones."""
    for name in table_of_file(EXAMPLE).announcements:
        path = folder / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_recording(path, seconds=0.5)


def _write_recording(path: Path, *, seconds: float) -> None:
    rate = 16_000
    samples = [round(9_000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(int(rate * seconds))]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def run_json(state: Path) -> dict[str, Any]:
    """``run.json`` as it stands on disk."""
    content = json.loads((state / "run.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _listening(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, int(port))) == 0
