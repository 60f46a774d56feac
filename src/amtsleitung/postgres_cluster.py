# SPDX-License-Identifier: EUPL-1.2
"""A PostgreSQL data directory: made whole or not at all, its secret kept, its version checked.

    postgres.secret        the superuser's password, 0600, ours
    postgres/              the data directory, 0700, the server's user's
    postgres.new-…/        an initdb under way or interrupted; removed by the next start

``initdb`` works in the third and the result is renamed, so a data directory that exists is a complete one.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from signal import Signals

from amtsleitung.errors import Problem
from amtsleitung.privileges import Credentials, first_barrier, private_directory
from amtsleitung.processes import describe_ending
from amtsleitung.service import Life, Service

ADMIN = "amtsleitung_admin"
_OLDEST_MAJOR = 15
_BUILT_IN_LOCALE_MAJOR = 17
_INITDB_SECONDS = 120.0
_VERSION_SECONDS = 20.0
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")


class PostgresCluster:
    """See `EmbeddedPostgres` for the parameters."""

    def __init__(
        self, *, bin_directory: Path, data_directory: Path, credentials: Credentials | None, env: Mapping[str, str]
    ) -> None:
        self.bin_directory = bin_directory
        self.data_directory = data_directory.resolve()
        self.credentials = credentials
        passed = {key: env[key] for key in _PASSED_ON if key in env}
        self.env: Mapping[str, str] = {**passed, "HOME": "/", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        self._secret_file = self.data_directory.with_name(f"{self.data_directory.name}.secret")
        self._unfinished = f"{self.data_directory.name}.new-"

    def program(self, name: str) -> Path:
        return self.bin_directory / name

    def secret(self) -> str:
        """The superuser's password (URL-safe characters). Raises Problem if it is missing."""
        try:
            return self._secret_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError) as error:
            raise Problem(
                f"The database's password file {self._secret_file} cannot be read; restore it, "
                f"or move {self.data_directory} away to begin with an empty database."
            ) from error

    async def make(self) -> None:
        """Make the cluster unless there is one; check the one there is. Raises Problem."""
        self._check_way()
        major = await self._major()
        version_file = self.data_directory / "PG_VERSION"
        if version_file.exists():
            self._check_version(version_file.read_text(encoding="ascii", errors="replace").strip(), major)
            self.secret()
            return
        if self.data_directory.is_dir() and any(self.data_directory.iterdir()):
            raise Problem(
                f"{self.data_directory} is neither empty nor a PostgreSQL data directory; "
                "move it away, or set AMTSLEITUNG_STATE_DIR to another folder."
            )
        await self._initialise(major)

    def _check_way(self) -> None:
        for path in (self.program("postgres"), self.program("initdb")):
            if not path.is_file():
                raise Problem(f"{path} is missing: PostgreSQL's programs are not installed there.")
        for path in (self.bin_directory, self.data_directory):
            barrier = first_barrier(path, self.credentials)
            if barrier is not None and barrier != self.data_directory:
                who = self.credentials.name if self.credentials else "this user"
                raise Problem(
                    f"PostgreSQL runs as the user {who}, who may not enter {barrier} on the way to {path}; "
                    "choose a folder below directories that everybody may pass (mode 711 or 755)."
                )

    async def _major(self) -> int:
        words = await self._run("postgres", "--version", seconds=_VERSION_SECONDS)
        found = re.search(r"\(PostgreSQL\) (\d+)", words)
        if found is None:
            raise Problem(f"{self.program('postgres')} does not say which version of PostgreSQL it is: {words[:200]}")
        major = int(found[1])
        if major < _OLDEST_MAJOR:
            raise Problem(f"{self.program('postgres')} is PostgreSQL {major}; {_OLDEST_MAJOR} or newer is needed.")
        return major

    def _check_version(self, cluster: str, program: int) -> None:
        if cluster != str(program):
            raise Problem(
                f"The database in {self.data_directory} was made by PostgreSQL {cluster or 'of an unknown version'}, "
                f"but the installed one is {program}: dump it with the old version and restore it, "
                f"or move that folder away to begin with an empty database."
            )

    async def _initialise(self, major: int) -> None:
        data = self.data_directory
        work: Path | None = None
        try:
            # The parents first, passable for the server's user; the data directory itself comes by renaming.
            private_directory(data, self.credentials)
            for leftover in data.parent.glob(f"{self._unfinished}*"):
                shutil.rmtree(leftover, ignore_errors=True)  # an orphan may just be dying in there
            work = Path(tempfile.mkdtemp(prefix=self._unfinished, dir=data.parent))
            private_directory(work, self.credentials)
            secret = secrets.token_urlsafe(24)
            password_file = self._write_secret(work / "password", secret, self.credentials)
            made = work / "data"
            await self._run("initdb", *_initdb_options(made, password_file, major), seconds=_INITDB_SECONDS)
            # The secret first: a data directory without its secret would be of no use, the reverse is harmless.
            self._write_secret(work / "secret", secret, None).replace(self._secret_file)
            made.replace(data)
            _flush(data.parent)
        except OSError as error:
            raise Problem(f"Cannot make a database in {data}: {error.strerror}.") from error
        finally:
            if work is not None:
                shutil.rmtree(work, ignore_errors=True)

    def _write_secret(self, path: Path, secret: str, owner: Credentials | None) -> Path:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
            if owner is not None:
                os.fchown(descriptor, owner.user_id, owner.group_id)
            file.flush()
            os.fsync(descriptor)
        return path

    async def _run(self, program: str, *arguments: str, seconds: float) -> str:
        """Run one of PostgreSQL's programs to its end; its output. Killed with us, and if we are cancelled."""
        said: list[str] = []
        service = Service(
            name=program,
            argv=(str(self.program(program)), *arguments),
            env=self.env,
            credentials=self.credentials,
            stop=(),
            # Nothing to tidy up: the next start removes what initdb left, and its children end with its pipes.
            death_signal=Signals.SIGKILL,
            restart=None,
        )
        life = await Life.begin(service, said.append)
        try:
            ended = await life.child.ends_within(seconds)
        finally:
            ending = await life.end()
        if not ended:
            raise Problem(f"{program} did not end within {seconds:g} seconds.")
        if ending.returncode != 0:
            raise Problem(f"{program} failed ({describe_ending(ending.returncode)}): {_complaint(said)}")
        return "\n".join(said)


def _initdb_options(data: Path, password_file: Path, major: int) -> list[str]:
    options = [
        f"--pgdata={data}",
        f"--username={ADMIN}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--data-checksums",
    ]
    if major >= _BUILT_IN_LOCALE_MAJOR:  # upper and lower case then do not depend on the machine's C library
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return options


def _complaint(lines: list[str]) -> str:
    """The lines that say what went wrong, else the last ones."""
    telling = [line for line in lines if re.search(r"\b(error|fatal|panic)\b", line, re.IGNORECASE)]
    return " / ".join((telling or [line for line in lines if line])[-3:]) or "it said nothing"


def _flush(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
