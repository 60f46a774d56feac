# SPDX-License-Identifier: EUPL-1.2
"""Other ways to look a call up, each as fast as it can be: no rules, only the finished answer under the number.

``func_odbc`` asks one row of a PostgreSQL through two kept connections; ``CURL()`` an HTTP service that does nothing
but answer; and FastAGI itself a server that does nothing else either, which is the most that any can reach.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from agi.fastagi.variables import OK
from amtsleitung.provision import Asterisk, asterisk, postgresql_odbc
from routing.store.address import Address
from tests.bench.calls_dialplan import COLUMNS, looked_up
from tests.support.asterisk import Directories
from tests.support.database import Server

ODBC, CURL, BARE = "odbc", "curl", "bare"
_QUERY = f"SELECT {','.join(COLUMNS)} FROM route WHERE number = '${{SQL_ESC(${{ARG1}})}}'"  # noqa: S608 - names of ours
_ROWS = 1_000
_CONNECTIONS = 8
_DEADLINE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """``steps`` of the dialplan ask it; ``prepare`` changes Asterisk's files before its start; ``pids`` answer."""

    steps: tuple[str, ...]
    prepare: Callable[[Directories], None]
    pids: tuple[int, ...]
    program: Asterisk | None = None


@asynccontextmanager
async def odbc_peer(postgres: Server, number: str, values: Mapping[str, str]) -> AsyncIterator[Peer]:
    """One row for each number, found by its primary key."""
    driver = await asyncio.to_thread(lambda: postgresql_odbc(asterisk()))
    name = postgres.new_name()
    await postgres.admin.execute(f"CREATE DATABASE {name}")
    address = replace(postgres.address, database=name)
    await _fill(address, number, values)

    def prepare(directories: Directories) -> None:
        etc = directories.etc
        (etc / "res_odbc.conf").write_text(
            f"[bench]\nenabled=yes\ndsn=bench\nusername={address.user}\npassword={address.password}\n"
            f"pre-connect=yes\nmax_connections={_CONNECTIONS}\n"
        )
        (etc / "func_odbc.conf").write_text(f"[LOOKUP]\ndsn=bench\nreadsql={_QUERY}\n")
        _load(directories, "res_odbc_transaction", "res_odbc", "func_odbc")

    with tempfile.TemporaryDirectory(prefix="amtsleitung-bench-") as folder:
        sources = Path(folder) / "odbc.ini"
        sources.write_text(f"[bench]\nDriver={driver.driver}\n")
        Path(folder).chmod(0o755)  # noqa: ASYNC240 - an instant. Asterisk runs as another user
        environment = {
            "ODBCINI": str(sources),
            # the driver leaves to libpq what the source does not say
            "PGHOST": address.host, "PGPORT": str(address.port), "PGDATABASE": name,
        }  # fmt: skip
        program = replace(driver.asterisk, environment={**driver.asterisk.environment, **environment})
        yield Peer(steps=looked_up("${ODBC_LOOKUP(${RECEIVED})}"), prepare=prepare, pids=(), program=program)


async def _fill(address: Address, number: str, values: Mapping[str, str]) -> None:
    database = await asyncpg.connect(**address.arguments(), timeout=10, command_timeout=60)
    try:
        columns = ", ".join(f"{name} text NOT NULL" for name in COLUMNS)
        await database.execute(f"CREATE TABLE route (number text PRIMARY KEY, {columns})")
        row = tuple(values.values())
        numbers = [number, *(f"0537289{place:04d}" for place in range(_ROWS - 1))]
        await database.copy_records_to_table("route", records=[(it, *row) for it in numbers])
        await database.execute("ANALYZE route")
    finally:
        await database.close(timeout=10)


@asynccontextmanager
async def curl_peer(postgres: Server, number: str, values: Mapping[str, str]) -> AsyncIterator[Peer]:
    """A process that answers every request with the same line."""
    async with _answering("calls_http", ",".join(values.values())) as (process, port):

        def prepare(directories: Directories) -> None:
            _load(directories, "res_curl", "func_curl")

        function = f"${{CURL(http://127.0.0.1:{port}/route?dialled=${{RECEIVED}})}}"
        yield Peer(steps=looked_up(function), prepare=prepare, pids=(process.pid,))


@asynccontextmanager
async def bare_peer(postgres: Server, number: str, values: Mapping[str, str]) -> AsyncIterator[Peer]:
    """A process that answers every dialogue with the same line, but for the channel's name in the marker."""
    pairs = ",".join(f"{name}={value}" for name, value in values.items()).replace("%", "%%")
    async with _answering("calls_answering", f'EXEC MSet "{pairs},{OK}=v1-%s"\n') as (process, port):
        yield Peer(steps=(f"AGI(agi://127.0.0.1:{port}/)",), prepare=lambda _: None, pids=(process.pid,))


@asynccontextmanager
async def _answering(module: str, answer: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.bench.{module}", answer,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_DEADLINE_SECONDS):
            port = int(await process.stdout.readline())
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _load(directories: Directories, *modules: str) -> None:
    """Production loads none of these."""
    path = directories.etc / "modules.conf"
    text = path.read_text(encoding="utf-8")
    for module in modules:
        line = f"noload={module}.so\n"
        assert line in text, module
        text = text.replace(line, "")
    path.write_text(text, encoding="utf-8")
