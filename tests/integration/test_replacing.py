# SPDX-License-Identifier: EUPL-1.2
"""Replacing a service's process: the successor first where it can be, and what becomes of a successor that cannot."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from amtsleitung.errors import Problem
from amtsleitung.happenings import Happening, ServiceCrashed, ServiceReady
from amtsleitung.process import says_ready
from amtsleitung.service import RestartPolicy
from amtsleitung.supervisor import Service, Supervisor
from tests.support.living import is_living, until

ENV = {"PATH": "/usr/bin:/bin"}
# Writes down when it is ready and when it ends; does as its words say.
PROGRAM = """
import os, pathlib, signal, sys
folder, words = pathlib.Path(sys.argv[1]), sys.argv[2:]
def note(what):
    with (folder / "notes").open("a") as file:
        file.write(f"{os.getpid()} {what}\\n")
def bye(number, frame):
    note("ends")
    os._exit(0)
signal.signal(signal.SIGTERM, bye)
note("begins " + " ".join(words))
if (folder / "broken").exists():
    print("no table", flush=True)
    sys.exit(4)
if not (folder / "hangs").exists():
    note("ready")
    (folder / "ready").write_text(f"{os.getpid()} here")
while True:
    signal.pause()
"""


def program(folder: Path, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", PROGRAM, str(folder), *words)


@asynccontextmanager
async def kept(folder: Path, *, overlapping: bool, **more: Any) -> AsyncIterator[tuple[Supervisor, list[Happening]]]:
    told: list[Happening] = []
    supervisor = Supervisor(log_directory=folder / "log", tell=told.append)
    try:
        await supervisor.start(
            Service(
                name="service",
                argv=program(folder),
                env=ENV,
                ready=says_ready(folder / "ready"),
                restart=RestartPolicy(first_seconds=0.05),
                successor_argv=program(folder, "--take-over") if overlapping else None,
                **more,
            )
        )
        yield supervisor, told
    finally:
        async with asyncio.timeout(60):
            await supervisor.stop()


def notes(folder: Path) -> list[str]:
    return (folder / "notes").read_text().splitlines()


async def test_the_successor_is_ready_before_the_old_one_is_ended(tmp_path: Path) -> None:
    async with kept(tmp_path, overlapping=True) as (supervisor, told):
        old = supervisor.pids()["service"]
        new = await supervisor.replace("service")
        assert supervisor.pids() == {"service": new}
        assert notes(tmp_path)[2:] == [f"{new} begins --take-over", f"{new} ready", f"{old} ends"]
        assert [happening.pid for happening in told if isinstance(happening, ServiceReady)] == [old, new]
        assert not is_living(old)
        assert supervisor.vitals()["service"].restarts == 1
        # The successor is kept as the first was: it is started again, and not as somebody's successor.
        os.kill(new, signal.SIGKILL)
        await until(lambda: len(told) == 4, "started again")
        assert isinstance(told[2], ServiceCrashed)
        assert notes(tmp_path)[-2].endswith(" begins ")
        assert supervisor.vitals()["service"].restarts == 2


async def test_without_a_way_to_overlap_the_old_one_ends_first(tmp_path: Path) -> None:
    async with kept(tmp_path, overlapping=False) as (supervisor, _):
        old = supervisor.pids()["service"]
        new = await supervisor.replace("service")
        assert notes(tmp_path)[2:] == [f"{old} ends", f"{new} begins ", f"{new} ready"]


@pytest.mark.parametrize(("flag", "why"), [("broken", "exit status 4.*no table"), ("hangs", "not ready within 1 sec")])
async def test_a_successor_that_does_not_get_ready_leaves_the_old_one(flag: str, why: str, tmp_path: Path) -> None:
    async with kept(tmp_path, overlapping=True, ready_seconds=1.0) as (supervisor, told):
        old = supervisor.pids()["service"]
        (tmp_path / flag).touch()
        with pytest.raises(Problem, match=why):
            await supervisor.replace("service")
        assert supervisor.pids() == {"service": old}
        assert is_living(old)
        assert len(told) == 1
        (tmp_path / flag).unlink()
        assert not any(map(is_living, others(tmp_path, old)))
        # And it is still kept.
        os.kill(old, signal.SIGKILL)
        await until(lambda: len(told) == 3, "started again")


def others(folder: Path, but: int) -> set[int]:
    return {int(line.split()[0]) for line in notes(folder)} - {but}


async def test_a_service_that_had_to_end_first_and_cannot_start_is_tried_again(tmp_path: Path) -> None:
    async with kept(tmp_path, overlapping=False) as (supervisor, told):
        (tmp_path / "broken").touch()
        with pytest.raises(Problem, match="no table"):
            await supervisor.replace("service")
        assert supervisor.pids() == {}
        await until(lambda: len(told) >= 2, "another try is told")
        (tmp_path / "broken").unlink()
        await until(lambda: supervisor.pids() and supervisor.vitals()["service"].started_at, "it runs again")


async def test_a_service_that_waits_to_be_started_again_is_started_at_once(tmp_path: Path) -> None:
    told: list[Happening] = []
    supervisor = Supervisor(log_directory=tmp_path, tell=told.append)
    policy = RestartPolicy(first_seconds=3600, cap_seconds=3600)
    try:
        service = Service(
            name="service",
            argv=program(tmp_path),
            env=ENV,
            ready=says_ready(tmp_path / "ready"),
            restart=policy,
            successor_argv=program(tmp_path, "--take-over"),
        )
        old = await supervisor.start(service)
        os.kill(old, signal.SIGKILL)
        await until(lambda: len(told) == 2, "it waits")
        assert await supervisor.replace("service") == supervisor.pids()["service"]
        assert notes(tmp_path)[-2].endswith(" begins "), "there is nobody to take over from"
    finally:
        await supervisor.stop()


async def test_one_replacement_at_a_time_and_none_of_a_stranger(tmp_path: Path) -> None:
    async with kept(tmp_path, overlapping=True) as (supervisor, _):
        first = asyncio.create_task(supervisor.replace("service"))
        await asyncio.sleep(0)
        with pytest.raises(Problem, match="already"):
            await supervisor.replace("service")
        assert await first == supervisor.pids()["service"]
        with pytest.raises(Problem, match="not one of the services that run here: service"):
            await supervisor.replace("other")


async def test_a_stop_in_the_middle_of_it_leaves_nothing(tmp_path: Path) -> None:
    async with kept(tmp_path, overlapping=True) as (supervisor, _):
        (tmp_path / "hangs").touch()
        replacing = asyncio.create_task(supervisor.replace("service"))
        await until(lambda: len(notes(tmp_path)) == 3, "the successor begins")
        replacing.cancel()
        await asyncio.wait({replacing})
        await supervisor.stop()
        assert not any(map(is_living, others(tmp_path, 0)))
