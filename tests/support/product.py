# SPDX-License-Identifier: EUPL-1.2
"""The product as processes: started as a user starts it, ended as a user ends it, and nothing left of it."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from amtsleitung.run_file import RunFile, read_run_file
from amtsleitung.tables import table_of_file
from routing.core.table import Table
from tests.support.living import descendants, is_living, until

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = CHECKOUT / "examples" / "service-centre-wolfsburg.yaml"
START_SECONDS = 150.0
STOP_SECONDS = 60.0


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
    async with started_behind((), *arguments, state=state, **settings) as process:
        yield process


@asynccontextmanager
async def started_behind(
    prefix: tuple[str, ...], *arguments: str, state: Path, **settings: str
) -> AsyncIterator[Started]:
    """The same behind the words of a program that becomes it."""
    output = state.parent / f"{state.name}-{arguments[0]}-output"
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *prefix, sys.executable, "-m", "amtsleitung", *arguments,
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


def record_short_prompts(folder: Path, table: Table | None = None) -> None:
    """Recordings of half a second for every prompt (left out: of the example): they replace the spoken ones."""
    for name in (table or table_of_file(EXAMPLE)).announcements:
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


def _listening(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, int(port))) == 0
