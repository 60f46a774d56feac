# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung prepare``: all that must be there before the services start, where somebody else starts them.

Containers are that somebody (``docker/compose.yaml``). Every step may be repeated, also while the services run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agi.ami.publisher import Publisher, PublishError
from amtsleitung.asterisk_home import Addresses, AsteriskHome
from amtsleitung.database import configuration, import_example_if_empty, migrate_database
from amtsleitung.errors import Problem
from amtsleitung.logs import configure_logs
from amtsleitung.privileges import private_directory
from amtsleitung.provision import Asterisk
from amtsleitung.run_file import ELSEWHERE, RunFile, write_private, write_run_file
from amtsleitung.settings import Bind, Settings, read_settings
from amtsleitung.supervisor import lock_state_directory
from routing.store import RoleUrls

AMI = Bind(host="127.0.0.1", port=5038)
RTP_START = 20_000
TLS_PORT = 5061  # where TLS is expected unless a setting says otherwise
PROGRAM = Asterisk(argv_prefix=(), version="", origin=ELSEWHERE, module_directory=None, data_directory=None)
#: A container's own: it lives as long as anybody there can ask for it.
FIRST_PROCESS = 1


def prepare(*, keys: Path | None, say: Callable[[str], None]) -> None:
    """Database, Asterisk's home, ``run.json``; with ``keys`` each service's secrets in a folder of its own there.

    Starts nothing. Raises ``Problem``.
    """
    configure_logs(level=logging.WARNING)
    settings = read_settings()
    if settings.database_url is None:
        raise Problem("AMTSLEITUNG_DATABASE_URL is not set: name the database, as postgresql://user:secret@host/name.")
    for name, bind in (("SIP", settings.sip_bind), ("FASTAGI", settings.fastagi_bind), ("API", settings.api_bind)):
        if bind.port == 0:
            raise Problem(f"AMTSLEITUNG_{name}_BIND names no port: every service must know it beforehand.")
    private_directory(settings.state_directory, None)
    with lock_state_directory(settings.state_directory):
        asyncio.run(_prepare(settings, settings.database_url, keys, say))


async def _prepare(settings: Settings, database_url: str, keys: Path | None, say: Callable[[str], None]) -> None:
    urls = await migrate_database(database_url, settings.state_directory)
    version = await import_example_if_empty(urls.owner)
    say(f"The database is up to date, configuration version {version}.")
    home = AsteriskHome(
        state_directory=settings.state_directory,
        node=settings.node,
        program=PROGRAM,
        credentials=None,
        addresses=Addresses(
            sip=settings.sip_bind,
            sip_tls=settings.sip_tls_bind if settings.sip_tls_bind.port else replace(settings.sip_bind, port=TLS_PORT),
            fastagi=settings.fastagi_bind,
            ami=AMI,
            rtp_start=RTP_START,
        ),
        certificate_files=settings.certificates,
    )
    home.make()
    await publish(home, urls.owner, settings.trunk_passwords)
    say("Asterisk's configuration and prompts are written.")
    if keys is not None:
        _hand_out(keys, urls, home.ami_url())
    write_run_file(settings.state_directory, _run_file(settings, home))


async def publish(home: AsteriskHome, database_url: str, trunk_passwords: Path) -> None:
    """What the observer keeps up to date is there before Asterisk first looks for it. Raises ``Problem``."""
    table, device_secrets = await configuration(database_url)
    publisher = Publisher(
        state_directory=home.state_directory,
        node=home.node,
        recorded=home.state_directory / "sounds" / "recorded",
        trunk_passwords=trunk_passwords,
    )
    try:
        await publisher.write_files(table, device_secrets)
    except PublishError as error:
        raise Problem(str(error)) from error


def _hand_out(keys: Path, urls: RoleUrls, ami_url: str) -> None:
    """No service sees another one's secrets: each is given its own folder alone."""
    secrets = {
        "fastagi": {"database.url": urls.router},
        "ami": {"database.url": urls.router, "ami.url": ami_url},
        "api": {"database.url": urls.web},
    }
    for service, files in secrets.items():
        folder = private_directory(keys / service, None)
        for name, secret in files.items():
            try:
                write_private(folder / name, secret + "\n")
            except OSError as error:
                raise Problem(f"{folder / name} cannot be written ({error.strerror}): choose other --keys.") from error


def _run_file(settings: Settings, home: AsteriskHome) -> RunFile:
    api_url = f"http://{settings.api_bind}"
    return RunFile(
        pid=FIRST_PROCESS,
        node=settings.node,
        state_directory=str(settings.state_directory),
        sip=str(settings.sip_bind),
        fastagi=str(settings.fastagi_bind),
        ami=str(AMI),
        api_url=api_url,
        agent_page=f"{api_url}/agent/agent01",
        database="the database of AMTSLEITUNG_DATABASE_URL",
        database_url_file=str(settings.state_directory / "secrets" / "database-owner.url"),
        asterisk=home.program.origin,
        asterisk_version=home.program.version,
        processes={},
        logs={},
    )
