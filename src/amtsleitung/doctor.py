# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung doctor``: everything a running system needs, one line each, with the remedy where it fails."""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from amtsleitung.errors import Problem
from amtsleitung.provision import asterisk, embedded_postgresql, sipp
from amtsleitung.run_file import RunFile, read_run_file
from amtsleitung.settings import Settings, read_settings

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
    yield _disk(settings.state_directory)
    yield _program("asterisk", lambda: _said(asterisk(report=_silent)))
    yield _program("sipp", lambda: _said(sipp(report=_silent)))
    if settings.database_url is None:
        yield _program("embedded pg", lambda: _said(embedded_postgresql(report=_silent)))
    running = read_run_file(settings.state_directory)
    if running is None:
        yield Finding(what="system", seen=f"none runs in {settings.state_directory} (./amtsleitung run starts one)")
        if settings.database_url is not None:
            yield _database(settings, settings.database_url)
        return
    yield Finding(what="system", seen=f"runs as process {running.pid} in {running.state_directory}")
    yield from _running(settings, running)


def _running(settings: Settings, running: RunFile) -> Iterator[Finding]:
    for name, pid in running.processes.items():
        alive = Path(f"/proc/{pid}").exists()
        yield Finding(
            what=name,
            seen=f"process {pid}" + ("" if alive else " has gone; the supervisor may have started it again"),
        )
    yield _port("fastagi", running.fastagi, running.logs)
    yield _port("ami", running.ami, running.logs)
    yield _api(running)
    try:
        yield _database(settings, running.database_url)
    except Problem as problem:
        yield Finding(what="database", seen=str(problem), remedy="start the system again")


def _silent(_text: str) -> None:
    """Doctor says what it found, not how it looked."""


def _said(program: object) -> str:
    return f"{getattr(program, 'version', '')} ({getattr(program, 'origin', '')})"


def _program(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what=name, seen=look())
    except Problem as problem:
        return Finding(what=name, seen="not to be had", remedy=str(problem))


def _disk(directory: Path) -> Finding:
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    free = shutil.disk_usage(existing).free // 2**20
    seen = f"{directory}: {free:,} MiB free"
    if not os.access(existing, os.W_OK):
        return Finding(
            what="state directory", seen=seen, remedy=f"{existing} cannot be written: set AMTSLEITUNG_STATE_DIR"
        )
    if free < NEEDED_MEGABYTES:
        return Finding(what="state directory", seen=seen, remedy=f"make room: at least {NEEDED_MEGABYTES:,} MiB")
    return Finding(what="state directory", seen=seen)


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


def _database(settings: Settings, url: str) -> Finding:
    from routing.store import Store, StoreError

    async def look() -> str:
        store = await Store.connect(url)
        try:
            live = await store.load_rows()
        finally:
            await store.close()
        if live is None:
            return ""
        return f"configuration version {live[1]}, {len(live[0].tenants)} tenants, {len(live[0].dids)} numbers"

    try:
        seen = asyncio.run(look())
    except StoreError as error:
        return Finding(what="database", seen="cannot be used", remedy=str(error))
    if not seen:
        return Finding(what="database", seen="no configuration", remedy="import one: ./amtsleitung import FILE.yaml")
    return Finding(what="database", seen=seen)
