# SPDX-License-Identifier: EUPL-1.2
"""A private real Asterisk with the repository's own configuration, for tests.

    async with PrivateAsterisk.start(table, fastagi=("127.0.0.1", port)) as pbx:
        await pbx.ami.event(UserEvent="CallRouted", Level="astdb")
        await pbx.no_channels_left()

Everything lies in a directory of its own that goes away with it; ports are free ones, on loopback only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from agi.render.astdb import COMING_DAYS, FAMILY, astdb_content
from agi.render.include import include_conf
from amtsleitung import provision
from amtsleitung.privileges import Credentials, unprivileged_user
from amtsleitung.settings import CertificateFiles
from routing.core.table import Table
from tests.support.ami_oracle import Ami
from tests.support.asterisk_files import (
    ORACLE,
    PRODUCT,
    Directories,
    free_port,
    write_configuration,
    write_rendered,
    write_tones,
)
from tests.support.tables import OPEN_AT

__all__ = ["Directories", "PrivateAsterisk", "free_port"]

START_SECONDS = 40.0
STOP_SECONDS = 10.0
LEAK_SECONDS = 10.0
_LIFE = ("Newchannel", "Hangup")


class PrivateAsterisk:
    """A running Asterisk. ``ami`` is the oracle; ``secrets`` are the devices' passwords.

    ``ami_port``, ``ami_user`` and ``ami_secret`` are for the product's own observer.
    """

    def __init__(
        self,
        *,
        directories: Directories,
        ami: Ami,
        sip_port: int,
        ami_port: int,
        ami_secret: str = "",
        secrets: Mapping[str, str],
        tls_port: int = 0,
        trunk_passwords: Mapping[str, str] | None = None,
    ) -> None:
        self.directories = directories
        self.ami = ami
        self.sip_port = sip_port
        self.ami_port = ami_port
        self.tls_port = tls_port
        self.secrets: Mapping[str, str] = secrets
        self.trunk_passwords: Mapping[str, str] = trunk_passwords or {}
        self.ami_user, self.ami_secret = PRODUCT, ami_secret

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        table: Table,
        *,
        fastagi: tuple[str, int],
        extra_dialplan: str = "",
        device_secrets: Mapping[str, str] | None = None,
        with_sounds: bool = True,
        with_astdb: bool = True,
        provoked: tuple[str, ...] = (),
        tells_steps: bool = True,
        certificate_files: CertificateFiles | None = None,
        trunk_passwords: Mapping[str, str] | None = None,
        program: provision.Asterisk | None = None,
        prepare: Callable[[Directories], None] | None = None,
    ) -> AsyncIterator[PrivateAsterisk]:
        """Starts one and stops it again; raises `AssertionError` if it logs an error, with the lines.

        ``extra_dialplan`` is added to the production dialplan, ``device_secrets`` replace random ones. Without
        ``with_sounds`` there is nothing to play, without ``with_astdb`` the fallback has no data. ``provoked``: parts
        of error lines that the test itself causes. Agents have no wrap-up, so that the next call finds them free.
        ``tells_steps``: each step of the dialplan is an event, as in no Asterisk of the product's.
        ``certificate_files`` and ``trunk_passwords`` are the operator's, for TLS and for registering trunks.
        ``program``: another Asterisk than the usual one. ``prepare`` may change the files before the start.
        """
        user = unprivileged_user()
        root = Path(tempfile.mkdtemp(prefix="amtsleitung-pbx-"))
        directories = Directories(root=root)
        devices = {agent.device: secrets.token_urlsafe(24) for agent in table.rows.agents}
        devices.update(device_secrets or {})
        sip_port = free_port(socket.SOCK_DGRAM, socket.SOCK_STREAM)  # trunks over TCP use the same number
        ami_port, tls_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
        ami_secret = secrets.token_urlsafe(24)
        if program is None:
            program = await asyncio.to_thread(provision.asterisk)
        write_configuration(
            directories, table, program, devices, fastagi, sip_port, ami_port, ami_secret, tls_port,
            certificate_files or CertificateFiles(), trunk_passwords or {},
        )  # fmt: skip
        _adapt(directories, extra_dialplan, tells_steps=tells_steps)
        if with_sounds:
            write_tones(directories.sounds, table)
        if prepare is not None:
            prepare(directories)
        _give_to(root, user)
        process = await _spawn(program, directories, user)
        ami: Ami | None = None
        try:
            ami = await _connect(process, directories, ami_port, ami_secret)
            pbx = cls(
                directories=directories, ami=ami, sip_port=sip_port, ami_port=ami_port, ami_secret=ami_secret,
                secrets=devices, tls_port=tls_port, trunk_passwords=trunk_passwords,
            )  # fmt: skip
            if with_astdb:
                await pbx.write_astdb(table)
            yield pbx
            errors = [line for line in pbx.logged("ERROR") if not any(text in line for text in provoked)]
            assert not errors, "Asterisk logged errors:\n" + "\n".join(errors)
        finally:
            if ami is not None:
                await ami.close()
            await _stop(process)
            shutil.rmtree(root, ignore_errors=True)

    async def write_astdb(
        self, table: Table, *, generation: str = "1", at: datetime = OPEN_AT, days: int = COMING_DAYS
    ) -> None:
        """The fallback's data from the day before ``at``, pointer last, as the observer writes it."""
        for path, value in astdb_content(table, at=at, days=days).flat(generation):
            await self.put(path, value)

    async def write_include(self, table: Table, *, at: datetime = OPEN_AT) -> None:
        """The generated include as the observer writes it, made at this instant, and loaded."""
        (self.directories.generated / "include.conf").write_text(include_conf(table, at=at), encoding="utf-8")
        answer = await self.ami.action("Reload", Module="pbx_config")
        assert answer["Response"] == "Success", answer

    async def put(self, key: str, value: str) -> None:
        """One value below ``amtsleitung/``."""
        answer = await self.ami.action("DBPut", Family=FAMILY, Key=key, Val=value)
        assert answer["Response"] == "Success", (key, answer)

    async def reload(self, table: Table, *, new_secrets: Mapping[str, str] | None = None) -> None:
        """Renders queues, devices and trunks anew and reloads what reads them."""
        self.secrets = {**self.secrets, **(new_secrets or {})}
        write_rendered(self.directories, table, self.secrets, self.trunk_passwords)
        modules = ("res_pjsip", "res_pjsip_endpoint_identifier_ip", "res_pjsip_outbound_registration", "app_queue")
        for module in modules:
            answer = await self.ami.action("Reload", Module=module)
            assert answer["Response"] == "Success", (module, answer)

    async def no_channels_left(self) -> None:
        """Waits until each channel seen has hung up and none exists; names those that stay."""
        end = asyncio.get_running_loop().time() + LEAK_SECONDS

        def ended() -> bool | None:
            seen = {e: {m["Uniqueid"] for m in self.ami.messages if m["Event"] == e} - {""} for e in _LIFE}
            return not seen["Newchannel"] - seen["Hangup"] or None

        await self.ami.until(ended, what="the end of every channel", deadline=LEAK_SECONDS)
        while channels := await self.ami.channels():  # an account with the product's filter sees no Newchannel
            assert asyncio.get_running_loop().time() < end, f"leaked channels: {channels}"
            with contextlib.suppress(AssertionError):
                await self.ami.event(start=len(self.ami.messages), deadline=0.2, Event="Hangup")

    @property
    def log_file(self) -> Path:
        """All that Asterisk says."""
        return self.directories.root / "output"

    def logged(self, *levels: str) -> list[str]:
        """The lines of these levels (``ERROR``, ``WARNING``) that Asterisk wrote; it writes no others."""
        text = self.log_file.read_text(encoding="utf-8", errors="replace")
        return [line for line in text.splitlines() if any(f"] {level}[" in line for level in levels)]


def _adapt(directories: Directories, dialplan: str, *, tells_steps: bool) -> None:
    if tells_steps:
        manager = directories.etc / "manager.conf"
        text = manager.read_text(encoding="utf-8").replace("=Newexten,VarSet", "=VarSet")
        manager.write_text(text, encoding="utf-8")
    with (directories.etc / "extensions.conf").open("a", encoding="utf-8") as file:
        file.write("\n" + dialplan)


def _give_to(root: Path, user: Credentials | None) -> None:
    if user is None:
        return
    for path in (root, *root.rglob("*")):
        os.chown(path, user.user_id, user.group_id)


async def _spawn(
    program: provision.Asterisk, directories: Directories, user: Credentials | None
) -> asyncio.subprocess.Process:
    command = [*program.argv_prefix, "-C", str(directories.etc / "asterisk.conf"), "-f", "-n"]
    as_user = {} if user is None else {"user": user.user_id, "group": user.group_id, "extra_groups": []}
    with (directories.root / "output").open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **program.environment, "HOME": str(directories.root)},
            cwd=directories.root,
            start_new_session=True,
            **as_user,  # type: ignore[arg-type]
        )


async def _connect(process: asyncio.subprocess.Process, directories: Directories, port: int, secret: str) -> Ami:
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                assert process.returncode is None, _last_words(directories)
                with contextlib.suppress(OSError):
                    return await Ami.login(port, ORACLE, secret)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 0.1)
    except TimeoutError:
        raise AssertionError(f"Asterisk did not start in {START_SECONDS} s. {_last_words(directories)}") from None


def _last_words(directories: Directories) -> str:
    return "Asterisk said:\n" + (directories.root / "output").read_text(encoding="utf-8", errors="replace")[-3000:]


async def _stop(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
