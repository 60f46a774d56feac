# SPDX-License-Identifier: EUPL-1.2
"""An embedded PostgreSQL whose whole life is ours: made, started, stopped, and gone when we are.

The postmaster is our direct child (no pg_ctl, which would daemonise it), listens on a free port of 127.0.0.1 only
and gets SIGINT, a fast shutdown, from the kernel when we die. Its own children end with it.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from signal import Signals

from amtsleitung.errors import Problem
from amtsleitung.postgres_cluster import ADMIN, PostgresCluster
from amtsleitung.privileges import Credentials
from amtsleitung.process_table import Workplace, processes_working_in
from amtsleitung.processes import free_port
from amtsleitung.service import Life, Service

_PORT_ATTEMPTS = 5
_PREDECESSOR_SECONDS = 30.0
_STATUS_LINE = 7
_TAKEN = re.compile(r"could not bind|Address already in use|could not create any TCP/IP sockets")

# For a machine of two cores that has other work. Terse, because DETAIL lines quote values, and those are personal.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a state directory's path may be longer than a socket's name can be
    "shared_buffers": "64MB",
    "max_connections": "60",
    "max_parallel_workers_per_gather": "0",
    "max_wal_size": "512MB",
    "fsync": "on",
    "full_page_writes": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "[%p] ",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_parameter_max_length_on_error": "0",
}


class EmbeddedPostgres:
    """One database cluster in ``data_directory``, served by the programs in ``bin_directory``.

    ``credentials`` (None: ourselves) owns everything below the data directory and runs the server, which refuses to
    be root. ``env`` is the programs' environment; PG… and locale variables in it are ignored. ``say`` gets the lines
    of the server's log when it is started here and not by a supervisor. One event loop, one owner.
    """

    def __init__(
        self,
        *,
        bin_directory: Path,
        data_directory: Path,
        credentials: Credentials | None,
        env: Mapping[str, str],
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._cluster = PostgresCluster(
            bin_directory=bin_directory, data_directory=data_directory, credentials=credentials, env=env
        )
        self._workplace = Workplace(directory=data_directory, command="postgres")
        self._say = say
        self._port: int | None = None
        self._life: Life | None = None

    @property
    def data_directory(self) -> Path:
        return self._cluster.data_directory

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs under `start`."""
        return self._life.child.pid if self._life and self._life.child.returncode is None else None

    @property
    def port(self) -> int:
        if self._port is None:
            self._port = free_port()
        return self._port

    @property
    def admin_url(self) -> str:
        """``postgresql://amtsleitung_admin:<secret>@127.0.0.1:<port>/postgres``: a superuser's; once prepared."""
        return f"postgresql://{ADMIN}:{self._cluster.secret()}@127.0.0.1:{self.port}/postgres"

    async def prepare(self) -> None:
        """Make the cluster if there is none, check it, and clear what a crashed run left. Raises Problem."""
        await self._cluster.make()
        await self._see_predecessor_off()

    def service(self, name: str = "postgres") -> Service:
        """The same server for a `Supervisor`, which prepares it before each start; the port stays the same."""
        data = self.data_directory
        options = [f"--{key}={value}" for key, value in {**_SETTINGS, "port": str(self.port)}.items()]
        return Service(
            name=name,
            argv=(str(self._cluster.program("postgres")), "-D", str(data), *options),
            env=self._cluster.env,
            cwd=Path("/"),
            credentials=self._cluster.credentials,
            prepare=self.prepare,
            ready=_says_ready(data / "postmaster.pid"),
            ready_seconds=120.0,  # after a crash it replays its log first
            stop=((Signals.SIGINT, 20.0), (Signals.SIGQUIT, 5.0)),
            death_signal=Signals.SIGINT,
            workplace=self._workplace,
        )

    async def start(self) -> None:
        """Return when it accepts connections; Problem, with its own last words, if it cannot."""
        if self.pid is not None:
            raise RuntimeError("this PostgreSQL was started already")
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self._life = await Life.begin(self.service(), self._say)
            try:
                await self._life.become_ready()
            except Problem as problem:
                await self.stop()
                if attempt < _PORT_ATTEMPTS and _TAKEN.search(str(problem)):
                    self._port = None  # someone took it between our look and PostgreSQL's bind
                    continue
                raise
            except BaseException:
                await self.stop()
                raise
            return

    async def stop(self) -> None:
        """End it with all its children: fast shutdown, then immediate, then SIGKILL. Fine if it does not run."""
        if self._life is not None:
            await self._life.end()
            self._life = None

    async def _see_predecessor_off(self) -> None:
        """Wait for a server whose owner was killed, and remove a lock file whose process is gone.

        PostgreSQL itself believes any living process of that number and user to be the postmaster; after a crash it
        may be a stranger. Ours is known by name and working directory.
        """
        data = self.data_directory
        try:
            async with asyncio.timeout(_PREDECESSOR_SECONDS):
                while processes_working_in(self._workplace):  # noqa: ASYNC110 - not our children: nobody tells us
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pids = ", ".join(str(pid) for pid in processes_working_in(self._workplace))
            raise Problem(
                f"Another PostgreSQL (process {pids}) is at work in {data}; stop it with SIGINT and start again."
            ) from None
        try:
            (data / "postmaster.pid").unlink(missing_ok=True)
        except OSError as error:
            raise Problem(f"Cannot remove the stale {data / 'postmaster.pid'}: {error.strerror}.") from error


def _says_ready(lock_file: Path) -> Callable[[int], Awaitable[bool]]:
    """Ready when the lock file is this postmaster's and its last line says so: what pg_ctl goes by.

    It is written once connections are accepted, and needs no client library here.
    """

    async def ready(pid: int) -> bool:
        lines = _read(lock_file).splitlines()
        return len(lines) > _STATUS_LINE and lines[0] == str(pid) and lines[_STATUS_LINE].strip() == "ready"

    return ready


def _read(path: Path) -> str:
    with open(path, encoding="utf-8", errors="replace", opener=_no_links) as file:
        return file.read(4_096)


def _no_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
