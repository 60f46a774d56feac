# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung doctor``: everything a running system needs, one line each, with the remedy where it fails.

It only looks: nothing is fetched, made or started.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import click

from amtsleitung.errors import Problem
from amtsleitung.keep_table import last_good_path
from amtsleitung.process_table import processes_of_session
from amtsleitung.provision import (
    Asterisk,
    NotFetchedError,
    PostgresqlPrograms,
    Program,
    asterisk,
    cache_place,
    embedded_postgresql,
    open_to_all,
    sipp,
)
from amtsleitung.run_file import RunFile, read_run_file
from amtsleitung.settings import Settings, read_settings
from amtsleitung.zone_files import ZONE, missing_zone_files
from routing.config.last_good import LastGood, LastGoodError, NoLastGoodError
from routing.core.steps import finish

NEEDED_MEGABYTES = 1_500
ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: ``remedy`` is ``None`` if it is well."""

    what: str
    seen: str
    remedy: str | None = None


def examine() -> int:
    """Prints every finding; 0 if all is well, else 1."""
    sick = 0
    for finding in _findings():
        mark = "ok " if finding.remedy is None else "BAD"
        click.echo(f"{mark}  {finding.what:<16} {finding.seen}")
        if finding.remedy is not None:
            sick += 1
            click.echo(f"     {'':<16} → {finding.remedy}")
    click.echo("All is well." if sick == 0 else f"{sick} thing(s) to mend.")
    return 0 if sick == 0 else 1


def _findings() -> Iterator[Finding]:
    try:
        settings = read_settings()
    except Problem as problem:
        yield Finding(what="settings", seen=str(problem), remedy="mend the environment; .env.example explains it")
        return
    yield _disk("state directory", settings.state_directory, "AMTSLEITUNG_STATE_DIR")
    try:
        running = read_run_file(settings.state_directory)
    except Problem as problem:
        yield Finding(what="system", seen="cannot be looked at", remedy=str(problem))
        return
    if running is None or not running.prepared:  # else these belong to other machines or containers
        yield from _needed_here(settings)
    yield _last_good(last_good_path(settings.state_directory), datetime.now(UTC))
    if running is not None:
        yield from _running(running)
        return
    yield Finding(what="system", seen=f"none runs in {settings.state_directory} (./amtsleitung run starts one)")
    if settings.database_url is not None:
        yield _database(settings.database_url)


def _needed_here(settings: Settings) -> Iterator[Finding]:
    """What ``run`` needs of this machine."""
    yield _cache()
    yield _program("asterisk", lambda: asterisk(report=_silent, fetching=False))
    yield _time_zones()
    yield _program("sipp", lambda: sipp(report=_silent, fetching=False))
    if settings.database_url is None:
        yield _program("embedded pg", lambda: embedded_postgresql(report=_silent, fetching=False))


def _running(running: RunFile) -> Iterator[Finding]:
    how = "its services are started elsewhere" if running.prepared else f"runs as process {running.pid}"
    yield Finding(what="system", seen=f"{how}, in {running.state_directory}")
    for name, pid in running.processes.items():
        yield _process(name, pid, running.logs)
    yield _port("fastagi", running.fastagi, running.logs)
    yield _port("ami", running.ami, running.logs)
    yield _api(running)
    try:
        yield _database(running.database_url)
    except Problem as problem:
        yield Finding(what="database", seen=str(problem), remedy="start the system again")


def _last_good(path: Path, at: datetime) -> Finding:
    """The table that the router starts from while the database is away; it is read as the router would read it."""
    what = "last good table"
    try:
        with LastGood(path) as file:
            kept = file.kept
            finish(file.table_steps())
    except NoLastGoodError:
        return Finding(what=what, seen="none yet; fastagi keeps one as soon as it has a table")
    except LastGoodError as error:
        return Finding(what=what, seen=str(error), remedy=f"remove {path}: fastagi keeps a new one when it starts")
    age = timedelta(seconds=round((at - kept.kept_at).total_seconds()))
    seen = f"version {kept.version} of {kept.made_at:%Y-%m-%d %H:%M} UTC, {kept.rows:,} rows, kept {age} ago"
    return Finding(what=what, seen=seen)


def _silent(_text: str) -> None:
    """Doctor says what it found, not how it looked."""


def _program(name: str, look: Callable[[], Asterisk | Program | PostgresqlPrograms]) -> Finding:
    try:
        found = look()
    except NotFetchedError:
        return Finding(what=name, seen="not fetched yet; ./amtsleitung run will")
    except Problem as problem:
        return Finding(what=name, seen="not to be had", remedy=str(problem))
    return Finding(what=name, seen=f"{found.version} ({found.origin})")


def _disk(what: str, directory: Path, variable: str) -> Finding:
    existing = _existing(directory)
    free = shutil.disk_usage(existing).free // 2**20
    seen = f"{directory}: {free:,} MiB free"
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Finding(what=what, seen=seen, remedy=f"{existing} is no folder that can be written: set {variable}")
    if free < NEEDED_MEGABYTES:
        remedy = f"make room: at least {NEEDED_MEGABYTES:,} MiB; or set {variable}"
        return Finding(what=what, seen=seen, remedy=remedy)
    return Finding(what=what, seen=seen)


def _cache() -> Finding:
    folder = cache_place()
    if os.geteuid() == 0 and not open_to_all(_existing(folder)):
        remedy = "programs from there run as an unprivileged user, who may not enter it: set AMTSLEITUNG_CACHE_DIR"
        return Finding(what="cache folder", seen=f"{folder} is closed to others", remedy=remedy)
    return _disk("cache folder", folder, "AMTSLEITUNG_CACHE_DIR")


def _existing(directory: Path) -> Path:
    return next(path for path in (directory, *directory.parents) if path.exists())


def _time_zones() -> Finding:
    if (missing := missing_zone_files()) is None:
        return Finding(what="time zones", seen=str(ZONE))
    return Finding(what="time zones", seen=missing.what, remedy=missing.remedy)


def _process(name: str, pid: int, logs: dict[str, str]) -> Finding:
    if pid in processes_of_session(pid):  # each leads one; a stranger who got its number hardly does
        return Finding(what=name, seen=f"process {pid}")
    remedy = f"look at {logs.get(name, 'the logs')}; the supervisor starts it again by itself, so ask once more"
    return Finding(what=name, seen=f"process {pid} has gone", remedy=remedy)


def _port(name: str, address: str, logs: dict[str, str]) -> Finding:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS):
            return Finding(what=f"{name} port", seen=f"{address} answers")
    except OSError as error:
        remedy = f"look at {logs.get(name, logs.get('asterisk', 'the logs'))}"
        return Finding(
            what=f"{name} port", seen=f"{address} does not answer ({error.strerror or error})", remedy=remedy
        )


def _api(running: RunFile) -> Finding:
    url = urlsplit(running.api_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        text = response.read(2_000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return Finding(what="api", seen=f"no answer ({error})", remedy=f"look at {running.logs.get('api', 'the logs')}")
    finally:
        connection.close()
    if response.status == http.client.OK:
        return Finding(what="api", seen=f"{running.api_url} is ready")
    return Finding(what="api", seen=text, remedy="see what it names; the log of api has the cause")


def _database(url: str) -> Finding:
    from routing.core.compile import compile_table
    from routing.core.rows import CompileError, Rows
    from routing.store import Store, StoreError

    async def look() -> tuple[Rows, int] | None:
        store = await Store.connect(url)
        try:
            return await store.load_rows()
        finally:
            await store.close()

    try:
        live = asyncio.run(look())
    except StoreError as error:
        return Finding(what="database", seen="cannot be used", remedy=str(error))
    if live is None:
        return Finding(what="database", seen="no configuration", remedy="import one: ./amtsleitung import FILE.yaml")
    rows, version = live
    seen = f"configuration version {version}, {len(rows.tenants)} tenants, {len(rows.dids)} numbers"
    try:
        compile_table(rows, version=version)
    except CompileError:  # made by a release that checked less: the last good table goes on
        remedy = "see what is wrong with ./amtsleitung check, and import or publish what mends it"
        return Finding(what="database", seen=f"{seen}, which does not compile and is not used", remedy=remedy)
    return Finding(what="database", seen=seen)
