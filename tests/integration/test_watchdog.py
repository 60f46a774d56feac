# SPDX-License-Identifier: EUPL-1.2
"""The watchdog with real processes: what it ends, what it leaves alone, and that nothing of it stays."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import Signals

import pytest

from amtsleitung.happenings import Happening, ServiceCrashed, ServiceReady
from amtsleitung.process import says_ready
from amtsleitung.service import RestartPolicy
from amtsleitung.supervisor import Service, Supervisor
from tests.support.living import descendants, is_living, until

# A service as ours are, whose loop does what its standard signals tell it.
SERVICE = """
import asyncio, pathlib, signal, sys, time
from amtsleitung.process import run_service, say_ready
folder = pathlib.Path(sys.argv[1])
def block(seconds):
    time.sleep(seconds)
    (folder / "blocked").touch()
async def main(stop):
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, block, float(sys.argv[3]))
    if "slow" in sys.argv:
        time.sleep(1.5)
    say_ready(folder / "ready", "here")
    await stop.wait()
run_service(main, patience_seconds=float(sys.argv[2]))
"""
PATIENCE = 1.0
PROGRAM = "watchdog_process.py"


@asynccontextmanager
async def served(
    folder: Path, *words: str, patience: float = PATIENCE, blocks: float = 60.0
) -> AsyncIterator[tuple[Supervisor, list[Happening]]]:
    told: list[Happening] = []
    supervisor = Supervisor(log_directory=folder / "log", tell=told.append)
    try:
        await supervisor.start(
            Service(
                name="service",
                argv=(sys.executable, "-c", SERVICE, str(folder), str(patience), str(blocks), *words),
                ready=says_ready(folder / "ready"),
                ready_seconds=60,
                death_signal=Signals.SIGKILL,
                restart=RestartPolicy(first_seconds=0.05),
            )
        )
        yield supervisor, told
    finally:
        await supervisor.stop()


def watchdog_of(pid: int) -> int:
    found = [child for child in descendants(pid) if PROGRAM in Path(f"/proc/{child}/cmdline").read_bytes().decode()]
    assert len(found) == 1, found
    return found[0]


async def watching(pid: int) -> int:
    """The watchdog of this process, when it has begun."""
    watchdog = watchdog_of(pid)
    await until(lambda: "anon_inode:[pidfd]" in descriptors(watchdog), "it watches")
    return watchdog


def log_of(folder: Path) -> str:
    file = folder / "log" / "service.log"
    return file.read_text() if file.exists() else ""


async def started_again(told: list[Happening], supervisor: Supervisor, old: int) -> None:
    await until(lambda: len(told) == 3, "it is ended and started again")
    _, crashed, ready = told
    assert isinstance(crashed, ServiceCrashed)
    assert "signal SIGKILL" in crashed.why
    assert isinstance(ready, ServiceReady)
    assert supervisor.pids()["service"] == ready.pid != old


async def test_a_blocked_loop_is_the_end_and_the_log_says_where_it_stood(tmp_path: Path) -> None:
    async with served(tmp_path) as (supervisor, told):
        pid = supervisor.pids()["service"]
        watchdog = watchdog_of(pid)
        os.kill(pid, signal.SIGUSR1)
        await started_again(told, supervisor, pid)
        assert not is_living(pid)
        assert not is_living(watchdog)
        assert watchdog_of(supervisor.pids()["service"]) != watchdog
    said = log_of(tmp_path)
    assert re.search(rf'event="the event loop stood still: .*" pid={pid} seconds=1$', said, re.MULTILINE), said
    assert "in block" in said


async def test_a_stopped_process_is_ended_too(tmp_path: Path) -> None:
    async with served(tmp_path) as (supervisor, told):
        pid = supervisor.pids()["service"]
        os.kill(pid, signal.SIGSTOP)
        await started_again(told, supervisor, pid)


async def test_one_that_is_busy_for_less_than_its_patience_lives(tmp_path: Path) -> None:
    async with served(tmp_path, patience=3.0, blocks=1.0) as (supervisor, told):
        pid = supervisor.pids()["service"]
        for _ in range(2):
            os.kill(pid, signal.SIGUSR1)
            await until((tmp_path / "blocked").exists, "it was busy")
            (tmp_path / "blocked").unlink()
        assert supervisor.pids()["service"] == pid
        assert [type(happening) for happening in told] == [ServiceReady]


async def test_start_up_is_not_watched(tmp_path: Path) -> None:
    async with served(tmp_path, "slow", patience=0.5) as (supervisor, told):
        assert len(told) == 1
        assert is_living(supervisor.pids()["service"])


async def test_a_pause_of_the_watchdog_is_nobodys_end(tmp_path: Path) -> None:
    """Longer than its patience, alone and with its parent, as a paused container does it."""
    async with served(tmp_path) as (supervisor, told):
        pid = supervisor.pids()["service"]
        watchdog = await watching(pid)
        for halted in ((watchdog,), (watchdog, pid)):
            for process in halted:
                os.kill(process, signal.SIGSTOP)
            await _time_passes(tmp_path, 2 * PATIENCE)
            for process in halted:
                os.kill(process, signal.SIGCONT)
            # It goes on watching: it takes its beats again, and lets time pass with its parent alive.
            await _time_passes(tmp_path, 2 * PATIENCE)
            assert is_living(pid)
            assert is_living(watchdog)
        assert [type(happening) for happening in told] == [ServiceReady]
        os.kill(pid, signal.SIGSTOP)
        await started_again(told, supervisor, pid)


async def _time_passes(folder: Path, seconds: float) -> None:
    """As another process sees it: a file's age is the condition."""
    mark = folder / "mark"
    mark.touch()
    reference = folder / "reference"

    def is_old() -> bool:
        reference.touch()
        return reference.stat().st_mtime - mark.stat().st_mtime >= seconds

    await until(is_old, f"{seconds} s pass")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGABRT])
async def test_it_is_gone_when_its_parent_is(number: signal.Signals, tmp_path: Path) -> None:
    async with served(tmp_path) as (supervisor, told):
        pid = supervisor.pids()["service"]
        watchdog = await watching(pid)
        os.kill(pid, number)
        await until(lambda: not is_living(pid), "the parent ends")
        await until(lambda: not is_living(watchdog), "the watchdog ends with it", 5)
        assert len(told) >= 1


async def test_it_is_gone_even_if_it_was_halted(tmp_path: Path) -> None:
    async with served(tmp_path) as (supervisor, _):
        pid = supervisor.pids()["service"]
        watchdog = await watching(pid)
        os.kill(watchdog, signal.SIGSTOP)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not is_living(watchdog), "the kernel ends it")


async def test_signals_for_the_whole_group_reach_it_and_do_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as (supervisor, told):
        pid = supervisor.pids()["service"]
        watchdog = await watching(pid)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(watchdog, number)
        os.kill(pid, signal.SIGSTOP)
        await started_again(told, supervisor, pid)


async def test_a_killed_watchdog_is_replaced(tmp_path: Path) -> None:
    async with served(tmp_path) as (supervisor, told):
        pid = supervisor.pids()["service"]
        first = await watching(pid)
        os.kill(first, signal.SIGKILL)
        await until(lambda: "another one is started" in log_of(tmp_path), "the loss is told")
        await until(lambda: descendants(pid) - {first}, "another one")
        assert watchdog_of(pid) != first
        os.kill(pid, signal.SIGSTOP)
        await started_again(told, supervisor, pid)


async def test_it_is_small_and_holds_nothing_of_its_parent(tmp_path: Path) -> None:
    async with served(tmp_path) as (supervisor, _):
        watchdog = await watching(supervisor.pids()["service"])
        held = descriptors(watchdog)
        assert "socket" not in held
        assert held.keys() == {"/dev/null", "pipe", "anon_inode:[pidfd]"}, held
        assert held["pipe"] == 2, "standard error and the beats"
        assert resident_kilobytes(watchdog) < 20_000


def descriptors(pid: int) -> dict[str, int]:
    """What a process holds open, by kind."""
    kinds: dict[str, int] = {}
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        kind = str(entry.readlink())
        kind = kind if kind.startswith(("/", "anon_inode")) else kind.partition(":")[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def resident_kilobytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])
