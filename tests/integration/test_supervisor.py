# SPDX-License-Identifier: EUPL-1.2
"""The supervisor with real processes: order, crashes, signals, and nothing left whatever happens."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import Signals
from typing import Any

import pytest

from amtsleitung.errors import Problem
from amtsleitung.happenings import Happening, ServiceCrashed, ServiceGivenUp, ServiceReady
from amtsleitung.processes import free_port
from amtsleitung.service import RestartPolicy, accepts_tcp
from amtsleitung.supervise import Ended, supervise
from amtsleitung.supervisor import Service, Supervisor, lock_state_directory
from tests.support.living import descendants, is_living, python, until

# A service that says what it gets, and takes a grandchild along that hears no polite signal.
TALKER = """
import os, signal, subprocess, sys, time
name = sys.argv[1]
def bye(number, frame):
    print(name, signal.Signals(number).name, flush=True)
    os._exit(0)
for number in (signal.SIGTERM, signal.SIGINT): signal.signal(number, bye)
subprocess.Popen(["/bin/sh", "-c", "trap '' TERM INT HUP; exec sleep 600"])
print(name, "up", flush=True)
open(sys.argv[2], "w").close()
while True: signal.pause()
"""
OWNER = """
import asyncio, json, pathlib, sys
from amtsleitung.supervise import supervise
from amtsleitung.supervisor import Service, Supervisor
from tests.integration.test_supervisor import talker
async def main():
    folder = pathlib.Path(sys.argv[1])
    supervisor = Supervisor(log_directory=folder / "log", echo=sys.stderr)
    async def body():
        for name in sys.argv[2].split(","):
            await supervisor.start(talker(name, folder))
        print("all up", json.dumps(dict(supervisor.pids())), flush=True)
        await asyncio.sleep(600)
    ended = await supervise(supervisor, body)
    print("ended by", ended.signal.name, flush=True)
asyncio.run(main())
"""
ENV = {"PATH": "/usr/bin:/bin"}
AT_MOST = 30


def shell(name: str, script: str, **more: Any) -> Service:
    return Service(name=name, argv=("/bin/sh", "-c", script), env=ENV, **more)


def talker(name: str, folder: Path) -> Service:
    """A service that is ready when it has made its file; ``never…`` is never ready."""
    flag = folder / f"{name}.up"

    async def ready(_pid: int) -> bool:
        return flag.exists() and not name.startswith("never")

    return Service(name=name, argv=(sys.executable, "-c", TALKER, name, str(flag)), env=ENV, ready=ready)


@asynccontextmanager
async def supervised(**options: Any) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(**options)
    try:
        yield supervisor
    finally:
        async with asyncio.timeout(AT_MOST):
            await supervisor.stop()


@asynccontextmanager
async def owner(folder: Path, names: str, until_said: str) -> AsyncIterator[tuple[subprocess.Popen[bytes], Path]]:
    out = folder / "out"
    async with python(OWNER, str(folder), names, output=out) as process:
        await until(lambda: until_said in out.read_text(), f"the owner says: {until_said}")
        yield process, out


async def ended(process: subprocess.Popen[bytes]) -> int:
    await until(lambda: process.poll() is not None, "the owner ends")
    assert process.returncode is not None
    return process.returncode


async def test_a_controlled_stop_goes_in_reverse_order_and_leaves_nothing(tmp_path: Path) -> None:
    async with owner(tmp_path, "one,two,three", "all up") as (process, out):
        pids = json.loads(out.read_text().split("all up")[1].splitlines()[0])
        family = descendants(process.pid)
        assert set(pids) == {"one", "two", "three"}
        assert set(pids.values()) < family
        assert len(family) >= 6
        os.kill(process.pid, signal.SIGTERM)
        assert await ended(process) == 0
        assert not any(map(is_living, family))
    lines = out.read_text().splitlines()
    assert [line for line in lines if "SIGTERM" in line] == [
        "three      | three SIGTERM",
        "two        | two SIGTERM",
        "one        | one SIGTERM",
        "ended by SIGTERM",
    ]
    assert (tmp_path / "log" / "two.log").read_text() == "two up\ntwo SIGTERM\n"


async def test_ctrl_c_on_the_whole_group_reaches_the_services_through_the_supervisor_only(tmp_path: Path) -> None:
    async with owner(tmp_path, "one,two", "all up") as (process, out):
        family = descendants(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        assert await ended(process) == 0
        assert not any(map(is_living, family))
    said = [line for line in out.read_text().splitlines() if "SIG" in line]
    assert said == ["two        | two SIGTERM", "one        | one SIGTERM", "ended by SIGINT"]


async def test_a_signal_in_the_middle_of_a_start(tmp_path: Path) -> None:
    async with owner(tmp_path, "one,never-ready,two", "never-ready up") as (process, out):
        family = descendants(process.pid)
        os.kill(process.pid, signal.SIGINT)
        assert await ended(process) == 0
        assert not any(map(is_living, family))
    said = [line.split(" | ")[-1] for line in out.read_text().splitlines() if "SIG" in line]
    assert said == ["never-ready SIGTERM", "one SIGTERM", "ended by SIGINT"]


async def test_a_killed_supervisor_leaves_no_service(tmp_path: Path) -> None:
    async with owner(tmp_path, "one,two", "all up") as (process, out):
        services = json.loads(out.read_text().split("all up")[1].splitlines()[0]).values()
        family = descendants(process.pid)
        process.kill()
        try:
            await until(lambda: not any(map(is_living, services)), "the kernel tells the services")
        finally:  # their own children are theirs to end; these here were made deaf on purpose
            for pid in filter(is_living, family - set(services)):
                os.kill(pid, signal.SIGKILL)


async def test_a_second_ctrl_c_does_not_wait_for_the_deaf(tmp_path: Path) -> None:
    deaf = shell("deaf", "trap '' TERM; echo deaf; while :; do sleep 600; done", stop=((Signals.SIGTERM, 3600),))
    supervisor = Supervisor(log_directory=tmp_path)

    async def body() -> None:
        await supervisor.start(deaf)
        await until(lambda: (tmp_path / "deaf.log").exists(), "it is deaf")
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(600)
        finally:  # the first was heard
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)

    async with asyncio.timeout(AT_MOST):
        assert await supervise(supervisor, body) == Ended(value=None, signal=Signals.SIGINT)
    assert supervisor.pids() == {}


async def test_a_body_that_ends_gives_its_value_and_stops_everything() -> None:
    supervisor = Supervisor()

    async def body() -> int:
        return await supervisor.start(shell("one", "exec sleep 600"))

    async with asyncio.timeout(AT_MOST):
        result = await supervise(supervisor, body)
    assert result.signal is None
    assert result.value is not None
    assert not is_living(result.value)


async def test_a_failing_start_is_one_sentence_and_stops_the_others() -> None:
    supervisor = Supervisor()
    pids: list[int] = []

    async def body() -> None:
        pids.append(await supervisor.start(shell("one", "exec sleep 600")))
        await supervisor.start(shell("two", "echo looking; echo 'port 5038 is taken' >&2; exit 4", ready=never))

    with pytest.raises(
        Problem, match=r"^two ended while it started \(exit status 4\); it said: looking / port 5038 is taken$"
    ):
        await asyncio.wait_for(supervise(supervisor, body), AT_MOST)
    assert not is_living(pids[0])


async def never(_pid: int) -> bool:
    return False


async def test_who_is_not_ready_in_time_is_ended() -> None:
    async with supervised() as supervisor:
        with pytest.raises(Problem, match=r"^slow was not ready within 0\.2 seconds and said nothing\.$"):
            await supervisor.start(shell("slow", "exec sleep 600", ready=never, ready_seconds=0.2))
        assert supervisor.pids() == {}


async def test_a_service_is_ready_when_its_port_answers() -> None:
    port = free_port()
    server = f"import socket; s = socket.create_server(('127.0.0.1', {port}))\nwhile True: s.accept()[0].close()"
    async with supervised() as supervisor:
        await supervisor.start(
            Service(name="port", argv=(sys.executable, "-c", server), env=ENV, ready=accepts_tcp("127.0.0.1", port))
        )
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()


class Waits:
    """A clock that only sleeping moves, and what was slept."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


async def test_a_crashing_service_is_started_with_growing_waits_until_given_up(tmp_path: Path) -> None:
    waits, told = Waits(), list[Happening]()
    policy = RestartPolicy(first_seconds=1, cap_seconds=4, attempts=4)
    supervisor = Supervisor(
        log_directory=tmp_path, tell=told.append, clock=waits.clock, sleep=waits.sleep, chance=lambda: 0.0
    )

    async def body() -> None:
        await supervisor.start(shell("weak", "sleep 0.2; exit 7", restart=policy))
        await asyncio.sleep(600)

    with pytest.raises(Problem, match=rf"^weak ended by itself \(exit status 7\) and is not .* {tmp_path}/weak.log\.$"):
        await asyncio.wait_for(supervise(supervisor, body), AT_MOST)
    assert waits.slept == [1, 2, 4, 4]
    crashed, ready = ServiceCrashed, ServiceReady
    assert [type(happening) for happening in told] == [ready, *[crashed, ready] * 4, ServiceGivenUp]
    assert len({happening.pid for happening in told if isinstance(happening, ServiceReady)}) == 5


async def test_a_stable_time_forgives() -> None:
    waits, told = Waits(), list[Happening]()
    policy = RestartPolicy(first_seconds=1, cap_seconds=64, stable_seconds=100)
    options = {"tell": told.append, "clock": waits.clock, "sleep": waits.sleep, "chance": lambda: 0.0}
    async with supervised(**options) as supervisor:
        await supervisor.start(shell("weak", "exec sleep 600", restart=policy))
        for lived in (5, 5, 500, 5):
            pid, before = supervisor.pids()["weak"], len(told)
            waits.time += lived
            os.kill(pid, signal.SIGKILL)
            await until(lambda before=before: len(told) == before + 2, "crashed and ready")  # type: ignore[misc]
    assert waits.slept == [1, 2, 1, 2]
    assert all("signal SIGKILL" in happening.why for happening in told if isinstance(happening, ServiceCrashed))


async def test_what_a_crashed_service_leaves_is_gone_before_the_next_starts() -> None:
    waits, told = Waits(), list[Happening]()
    script = "(trap '' TERM; exec sleep 600) & exec sleep 601"
    async with supervised(tell=told.append, clock=waits.clock, sleep=waits.sleep) as supervisor:
        first = await supervisor.start(shell("family", script))
        await until(lambda: descendants(first), "it has a child")
        children = descendants(first)
        os.kill(first, signal.SIGKILL)
        await until(lambda: len(told) == 3, "crashed and ready again")
        assert not any(map(is_living, children))
        family = descendants(supervisor.pids()["family"])
    assert not any(map(is_living, family))


async def test_a_stop_during_a_long_wait_starts_nothing_more() -> None:
    told = list[Happening]()
    policy = RestartPolicy(first_seconds=3600, cap_seconds=3600)
    async with supervised(tell=told.append) as supervisor:
        pid = await supervisor.start(shell("weak", "exec sleep 600", restart=policy))
        os.kill(pid, signal.SIGKILL)
        await until(lambda: len(told) == 2, "crashed")
    assert [type(happening) for happening in told] == [ServiceReady, ServiceCrashed]
    with pytest.raises(Problem, match="everything is being stopped"):
        await supervisor.start(shell("late", "exec sleep 600"))


async def test_log_lines_carry_the_name_and_lose_their_escapes(tmp_path: Path) -> None:
    echo = io.StringIO()
    async with supervised(log_directory=tmp_path / "log", echo=echo) as supervisor:
        await supervisor.start(shell("fastagi", r"printf 'M\303\274ller \033[31m\nlast'; exec sleep 600"))
        await until(lambda: "fastagi    | Müller" in echo.getvalue(), "the first line")
    assert "fastagi    | Müller \\x1b[31m\nfastagi    | last\n" in echo.getvalue().replace(
        next(line for line in echo.getvalue().splitlines() if "is ready" in line) + "\n", ""
    )
    assert (tmp_path / "log" / "fastagi.log").read_text() == "Müller \\x1b[31m\nlast\n"
    assert (tmp_path / "log" / "fastagi.log").stat().st_mode & 0o777 == 0o600


async def test_a_listener_that_breaks_does_not_go_unseen() -> None:
    def tell(happening: Happening) -> None:
        if isinstance(happening, ServiceCrashed):
            raise OSError("disk full")

    async with supervised(tell=tell) as supervisor:
        os.kill(await supervisor.start(shell("one", "exec sleep 600")), signal.SIGKILL)
        assert "disk full" in str(await asyncio.wait_for(supervisor.given_up, AT_MOST))


async def test_one_state_directory_one_system(tmp_path: Path) -> None:
    holder = (
        "import pathlib, signal, sys\nfrom amtsleitung.supervisor import lock_state_directory\n"
        "lock = lock_state_directory(pathlib.Path(sys.argv[1]))\nprint('locked', flush=True)\nsignal.pause()"
    )
    out = tmp_path / "out"
    async with python(holder, str(tmp_path), output=out) as process:
        await until(lambda: "locked" in out.read_text(), "the other has the lock")
        with pytest.raises(Problem, match=rf"already running as process {process.pid} in .*AMTSLEITUNG_STATE_DIR"):
            lock_state_directory(tmp_path)
        process.kill()
        await ended(process)
        with lock_state_directory(tmp_path):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
            with pytest.raises(Problem, match=f"process {os.getpid()}"):
                lock_state_directory(tmp_path)
        lock_state_directory(tmp_path).close()
    with pytest.raises(Problem, match="Cannot open"):
        lock_state_directory(tmp_path / "missing")
