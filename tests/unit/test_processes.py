# SPDX-License-Identifier: EUPL-1.2
"""Starting and ending single processes: nothing is left, whatever they do."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from signal import Signals

import pytest

from amtsleitung.errors import Problem
from amtsleitung.process_log import MAX_LINE_BYTES, PERIOD_SECONDS, ProcessLog, harmless, lines_of
from amtsleitung.processes import (
    Child,
    Credentials,
    describe_ending,
    first_barrier,
    free_port,
    free_udp_port,
    private_directory,
    spawn,
    unprivileged_user,
)
from amtsleitung.service import RestartPolicy
from tests.support.living import descendants, is_living, python, until

ENV = {"PATH": "/usr/bin:/bin"}
DEAF = """
import signal, sys, time
for n in (signal.SIGTERM, signal.SIGINT): signal.signal(n, signal.SIG_IGN)
print("deaf", flush=True)
while True: signal.pause()
"""
OWNER = """
import asyncio, pathlib, signal, sys
from amtsleitung.processes import spawn
async def main():
    child = await spawn(["/bin/sh", "-c", "exec sleep 600"], env={"PATH": "/usr/bin:/bin"}, cwd=pathlib.Path("/"),
                        death_signal=signal.SIGTERM)
    print(child.pid, flush=True)
    await child.wait()
asyncio.run(main())
"""


@asynccontextmanager
async def running(*argv: str, credentials: Credentials | None = None) -> AsyncIterator[Child]:
    child = await spawn(argv, env=ENV, cwd=Path("/"), death_signal=Signals.SIGKILL, credentials=credentials)
    try:
        yield child
    finally:
        await child.stop(())
        child.close_output()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def said(child: Child) -> list[str]:
    async with asyncio.timeout(20):
        return [line async for line in lines_of(child.output)]


async def test_output_of_both_streams_and_exit_status() -> None:
    async with running("/bin/sh", "-c", "echo one; echo two >&2; exit 3") as child:
        assert await said(child) == ["one", "two"]
        assert await asyncio.wait_for(child.wait(), 20) == 3


async def test_a_child_is_its_own_session_and_has_no_input() -> None:
    async with running("/bin/sh", "-c", "cat; cut -d' ' -f6 /proc/$$/stat") as child:
        assert [int(line) for line in await said(child)] == [child.pid]


async def test_ignored_signals_are_not_passed_on() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        async with running("/bin/sleep", "600") as child:
            ending = await child.stop([(Signals.SIGINT, 20)])
    finally:
        signal.signal(signal.SIGINT, before)
    assert (ending.returncode, ending.forced) == (-signal.SIGINT, False)


async def test_who_does_not_listen_is_killed() -> None:
    async with running(sys.executable, "-c", DEAF) as child:
        assert (await asyncio.wait_for(child.output.readline(), 20)) == b"deaf\n"
        ending = await child.stop([(Signals.SIGTERM, 0.05), (Signals.SIGINT, 0.05)])
        assert (ending.returncode, ending.forced) == (-signal.SIGKILL, True)
        assert (await child.stop()).returncode == -signal.SIGKILL  # again: harmless


async def test_hurry_shortens_a_long_deadline() -> None:
    hurry = asyncio.Event()
    async with running(sys.executable, "-c", DEAF) as child:
        await asyncio.wait_for(child.output.readline(), 20)
        stopping = asyncio.create_task(child.stop([(Signals.SIGTERM, 3600)], hurry=hurry))
        hurry.set()
        assert (await asyncio.wait_for(stopping, 20)).forced


async def test_what_a_leader_leaves_behind_is_killed() -> None:
    async with running("/bin/sh", "-c", "(trap '' TERM HUP; sleep 600) & echo $!") as child:
        orphan = int(await asyncio.wait_for(child.output.readline(), 20))
        await asyncio.wait_for(child.wait(), 20)  # although the orphan holds the output open
        assert is_living(orphan)
        assert orphan in (await child.stop()).leftovers
        assert not is_living(orphan)


async def test_a_killed_owner_takes_its_child_along(tmp_path: Path) -> None:
    async with python(OWNER, output=tmp_path / "out") as owner:
        await until(lambda: (tmp_path / "out").read_text().endswith("\n"), "the owner tells its child")
        child = int((tmp_path / "out").read_text())
        assert child in descendants(owner.pid)
        owner.kill()
        await until(lambda: not is_living(child), "the child ends with its owner")


async def test_a_program_that_is_missing_is_one_sentence() -> None:
    before = open_files()
    with pytest.raises(Problem, match="Cannot start /nonexistent/program in /: No such file"):
        await spawn(["/nonexistent/program"], env=ENV, cwd=Path("/"), death_signal=Signals.SIGTERM)
    await asyncio.sleep(0)  # the closed pipe's transport ends in the next turn
    assert open_files() <= before


async def test_another_thread_may_not_fork() -> None:
    caught: list[BaseException] = []

    def elsewhere() -> None:
        try:
            asyncio.run(spawn(["/bin/true"], env=ENV, cwd=Path("/"), death_signal=Signals.SIGTERM))
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


async def test_root_becomes_nobody_and_keeps_no_group() -> None:
    who = unprivileged_user()
    assert (who is None) == (os.geteuid() != 0)
    async with running("/bin/cat", "/proc/self/status", credentials=who) as child:
        status = dict(line.split(":", 1) for line in await said(child))
    ids = {int(number) for key in ("Uid", "Gid") for number in status[key].split()}
    assert 0 not in ids
    if who is not None:
        assert {int(number) for number in status["Groups"].split()} == {who.group_id}


def test_private_directory_and_the_way_to_it(tmp_path: Path) -> None:
    who = unprivileged_user()
    made = private_directory(tmp_path / "a" / "b", who)
    assert made.stat().st_mode & 0o777 == 0o700
    assert (made.parent.stat().st_mode & 0o777) == (0o711 if who else 0o700)
    assert private_directory(made, who) == made
    stranger = Credentials(user_id=4_000_001, group_id=4_000_001, name="stranger")
    tmp_path.chmod(0o711)
    assert first_barrier(made, stranger) is not None
    made.parent.chmod(0o700)
    made.chmod(0o755)
    assert first_barrier(made, None) is None
    barrier = first_barrier(made, stranger)
    assert barrier in {made.parent, *made.parent.parents}


def test_a_private_directory_is_never_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(Problem, match="AMTSLEITUNG_STATE_DIR"):
        private_directory(tmp_path / "link", unprivileged_user())
    assert (tmp_path / "real").stat().st_uid == os.getuid()


@pytest.mark.parametrize(("find", "kind"), [(free_port, socket.SOCK_STREAM), (free_udp_port, socket.SOCK_DGRAM)])
def test_free_ports_can_be_bound(find: Callable[[], int], kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", find()))


def test_endings_in_words() -> None:
    assert [describe_ending(code) for code in (0, 3, -9, -200)] == [
        "exit status 0",
        "exit status 3",
        "signal SIGKILL",
        "signal 200",
    ]


def test_back_off_grows_to_its_cap_and_jitters_downwards() -> None:
    policy = RestartPolicy(first_seconds=0.5, cap_seconds=8)
    assert [policy.wait_seconds(n, 0.0) for n in range(1, 8)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert policy.wait_seconds(3, 0.999) == pytest.approx(1, abs=0.01)
    assert policy.wait_seconds(100_000, 0.0) == 8


def test_log_lines_cannot_steer_a_terminal() -> None:
    assert harmless("Isenbüttel\t\x1b[2J\r\x9b1m\u202e".encode() + b"\xff") == (
        "Isenbüttel\t\\x1b[2J\\r\\x9b1m\\u202e\\xff"
    )


async def test_lines_are_bounded_and_the_last_one_counts() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"a" * (2 * MAX_LINE_BYTES + 5) + b"\r\n\nlast")
    stream.feed_eof()
    assert [len(line) for line in [line async for line in lines_of(stream)]] == [
        MAX_LINE_BYTES,
        MAX_LINE_BYTES,
        5,
        0,
        4,
    ]


def test_a_full_log_file_moves_aside_and_a_lost_disk_loses_lines_only(tmp_path: Path) -> None:
    log = ProcessLog(tmp_path / "log", None, max_file_bytes=10)
    for number in range(5):  # seven bytes each: every second one fills a file
        log.write("ami", f"line {number}")
    log.close()
    stored = {path.name: path.read_text() for path in (tmp_path / "log").iterdir()}
    assert stored == {"ami.log.1": "line 2\nline 3\n", "ami.log": "line 4\n"}
    (tmp_path / "file").write_text("")
    ProcessLog(tmp_path / "file", None).write("ami", "nowhere to go")


def stored_in(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


def last_written(path: Path, at: float) -> None:
    os.utime(path, (at, at))


def test_no_log_line_outlives_two_periods_of_a_system_that_runs(tmp_path: Path) -> None:
    begin, day = 3_000.0 * PERIOD_SECONDS, PERIOD_SECONDS / 7
    clock = [begin + 6.99 * day]
    log = ProcessLog(tmp_path, None, clock=lambda: clock[-1])
    for name in ("ami", "fastagi"):
        log.write(name, f"{name} 1")
        last_written(tmp_path / f"{name}.log", clock[-1])
    clock.append(begin + 7 * day)  # a minute's lines must not make the file one of the new period
    log.write("ami", "ami 2")
    last_written(tmp_path / "ami.log", clock[-1])
    assert stored_in(tmp_path) == {
        "ami.log": "ami 2\n", "ami.log.1": "ami 1\n", "fastagi.log.1": "fastagi 1\n"
    }  # fmt: skip
    clock.append(begin + 13.98 * day)
    log.write("ami", "ami 3")
    assert stored_in(tmp_path)["fastagi.log.1"] == "fastagi 1\n"
    last_written(tmp_path / "ami.log", clock[-1])
    clock.append(begin + 14 * day)  # the one that says nothing any more is not forgotten either
    log.write("ami", "ami 4")
    assert stored_in(tmp_path) == {"ami.log": "ami 4\n", "ami.log.1": "ami 2\nami 3\n"}
    log.close()


def test_a_start_removes_what_a_run_of_long_ago_left(tmp_path: Path) -> None:
    now = 3_000.5 * PERIOD_SECONDS
    for name, age in {
        "ami.log": 1.0,
        "ami.log.1": 1.0,
        "api.log": 0.6,
        "asterisk.log": 0.4,
        "asterisk.log.1": 0.9,
    }.items():
        (tmp_path / name).write_text(name)
        last_written(tmp_path / name, now - age * PERIOD_SECONDS)
    (tmp_path / "notes").write_text("not ours")
    last_written(tmp_path / "notes", 0)
    ProcessLog(tmp_path, None, clock=lambda: now)
    assert stored_in(tmp_path) == {
        "api.log.1": "api.log", "asterisk.log": "asterisk.log", "asterisk.log.1": "asterisk.log.1", "notes": "not ours"
    }  # fmt: skip


def test_a_halted_terminal_halts_nobody() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "r") as reader, os.fdopen(write_end, "w") as writer:
        log = ProcessLog(None, writer)
        for _ in range(200):  # far more than a pipe holds
            log.write("api", "x" * 3_000)
        assert reader.readline().startswith("api        | xxx")
        while os.read(read_end, 65_536).count(b"\n") > 20:
            pass
        log.write("api", "again")
        assert "lines were not shown" in os.read(read_end, 65_536).decode()


def test_a_reader_that_has_gone_does_not_change_the_exit_status() -> None:
    program = (
        "import sys; from amtsleitung.process_log import offer; sys.stdin.readline(); "
        "[offer(sys.stdout, 'x' * 100) for _ in range(3)]"
    )
    reading, writing = os.pipe()
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=writing) as process:
        os.close(reading)
        os.close(writing)
        process.communicate(b"\n", timeout=30)
    assert process.returncode == 0
