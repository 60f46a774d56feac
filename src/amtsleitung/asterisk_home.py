# SPDX-License-Identifier: EUPL-1.2
"""Asterisk's private home below the state directory: the repository's configuration, and this machine's addresses.

::

    asterisk/etc/            the repository's asterisk/, copied at each start (Asterisk runs as nobody)
    asterisk/etc/generated/  addresses and secrets (here), queues, devices and trunks (agi.ami)
    asterisk/{var,run,log,spool}
    sounds/                  prompts and music (agi.ami)

As root all below ``asterisk/`` belongs to the user who runs Asterisk, folders 0700 and files 0600.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from urllib.parse import quote

from agi.ami.files import write_if_changed
from amtsleitung.errors import Problem
from amtsleitung.privileges import Credentials, first_barrier, private_directory
from amtsleitung.provision import Asterisk
from amtsleitung.service import Service
from amtsleitung.settings import CHECKOUT, Bind, CertificateFiles

SECRET_BYTES = 24
RTP_PORTS = 400
MANAGER_USER = "amtsleitung"
# What the observer needs and no more: no console commands, no originated calls, no dialplan changes.
MANAGER_READS = "system,call,agent,user,reporting"
MANAGER_WRITES = "system,call,agent,user,config,reporting"
PUBLISHED = ("queues.conf", "devices.conf", "trunks.conf", "include.conf")
OLDER_LOGS = ("messages.log", "messages.log.1", "security.log")
CERTIFICATE, KEY, AUTHORITIES = "sip-certificate.pem", "sip-key.pem", "sip-authorities.pem"
_SECRETS_KEPT = "manager-secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where this node listens; every one on loopback unless the settings say otherwise."""

    sip: Bind
    sip_tls: Bind
    fastagi: Bind
    ami: Bind
    rtp_start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskHome:
    """One Asterisk's directories and what runs in them."""

    state_directory: Path
    node: str
    program: Asterisk
    credentials: Credentials | None
    addresses: Addresses
    certificate_files: CertificateFiles = field(default_factory=CertificateFiles)

    @property
    def root(self) -> Path:
        return self.state_directory / "asterisk"

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def generated(self) -> Path:
        return self.etc / "generated"

    @property
    def sounds(self) -> Path:
        return self.state_directory / "sounds"

    def ami_url(self) -> str:
        """``ami://user:secret@host:port`` of the one manager account."""
        return manager_url(str(self.addresses.ami), self._secret())

    def make(self) -> None:
        """Makes the directories and writes every file that does not come from the database. Raises ``Problem``."""
        try:
            self._make()
        except OSError as error:
            raise Problem(
                f"{error.filename or self.root} cannot be written ({error.strerror}): "
                "set AMTSLEITUNG_STATE_DIR to a folder that can be written."
            ) from error
        if barrier := first_barrier(self.root, self.credentials):
            name = self.credentials.name if self.credentials else "this user"
            raise Problem(f"{name}, who runs Asterisk, may not enter {barrier}: set AMTSLEITUNG_STATE_DIR elsewhere.")

    def _make(self) -> None:
        for name in ("etc", "var", "run", "log", "spool"):
            private_directory(self.root / name, self.credentials)
        private_directory(self.generated, self.credentials)
        for folder in (self.sounds, self.sounds / "music"):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)  # holds no secret
        for name in OLDER_LOGS:  # with callers' numbers, and nobody would cut them any more
            (self.root / "log" / name).unlink(missing_ok=True)
        for path in sorted((CHECKOUT / "asterisk").rglob("*.conf")):
            copy = self.etc / path.relative_to(CHECKOUT / "asterisk")
            private_directory(copy.parent, self.credentials)
            write_if_changed(copy, path.read_text(encoding="utf-8"))
        write_if_changed(self.etc / "asterisk.conf", self._asterisk_conf())
        for name, text in self._generated_files().items():
            write_if_changed(self.generated / name, text)
        for name in PUBLISHED:  # Asterisk refuses a configuration whose includes are missing
            if not (self.generated / name).exists():
                write_if_changed(self.generated / name, "")

    def _asterisk_conf(self) -> str:
        var = self.root / "var"
        directories = {
            "astetcdir": self.etc,
            "astmoddir": self.program.module_directory,
            "astvarlibdir": var,
            "astdbdir": var,
            "astkeydir": var,
            "astdatadir": self.program.data_directory,
            "astagidir": var,
            "astspooldir": self.root / "spool",
            "astrundir": self.root / "run",
            "astlogdir": self.root / "log",
            "astcachedir": self.root / "run",
        }
        lines = ["[directories]", *(f"{name} => {path}" for name, path in directories.items() if path is not None)]
        lines += ["[options]", f"systemname = {self.node}", "live_dangerously = no", "hideconnect = yes"]
        return "\n".join(lines) + "\n"

    def _generated_files(self) -> dict[str, str]:
        addresses = self.addresses
        return {
            "globals.conf": f"FASTAGI={addresses.fastagi}\nSOUNDS={self.sounds}\nNODE={self.node}\n",
            "transport.conf": self._transport_conf(),
            **self._certificates(),
            "rtp.conf": f"[general]\nrtpstart={addresses.rtp_start}\nrtpend={addresses.rtp_start + RTP_PORTS - 1}\n",
            "music.conf": f"directory={self.sounds}/music\n",
            "manager.conf": (
                f"[general]\nbindaddr={addresses.ami.host}\nport={addresses.ami.port}\n"
                f"[{MANAGER_USER}]\nsecret={self._secret()}\n"
                f"deny=0.0.0.0/0.0.0.0\npermit=127.0.0.1/255.255.255.255\n"
                f"read={MANAGER_READS}\nwrite={MANAGER_WRITES}\n"
            ),
        }

    def _transport_conf(self) -> str:
        """UDP, and how to listen for the rest: Asterisk does so only where a trunk needs it (``agi.render.trunks``)."""
        sip, tls, files = self.addresses.sip, self.addresses.sip_tls, self.generated
        return (
            f"[transport-udp]\ntype=transport\nprotocol=udp\nbind={sip}\n\n"
            f"[tcp-listener](!)\ntype=transport\nprotocol=tcp\nbind={sip}\n\n"
            f"[tls-listener](!)\ntype=transport\nprotocol=tls\nbind={tls}\nverify_server=yes\n"
            f"cert_file={files / CERTIFICATE}\npriv_key_file={files / KEY}\nca_list_file={files / AUTHORITIES}\n"
        )

    def _certificates(self) -> dict[str, str]:
        from amtsleitung.certificates import sip_certificates  # what only reads this home needs no cryptography

        found = sip_certificates(
            self.certificate_files,
            state_directory=self.state_directory,
            node=self.node,
            host=self.addresses.sip_tls.host,
        )
        return {CERTIFICATE: found.certificate, KEY: found.private_key, AUTHORITIES: found.authorities}

    def _secret(self) -> str:
        path = private_directory(self.state_directory / "secrets", None) / _SECRETS_KEPT
        try:
            return path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            secret = secrets.token_urlsafe(SECRET_BYTES)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secret)
            return secret

    def service(self) -> Service:
        """Asterisk as the supervisor starts it: in the foreground, unprivileged, ready when it says so itself.

        Warnings and errors come on its output (``logger.conf``), without colours (``-n``).
        """
        return Service(
            name="asterisk",
            argv=(*self.program.argv_prefix, "-f", "-n", "-C", str(self.etc / "asterisk.conf")),
            env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "HOME": "/", **self.program.environment},
            cwd=Path("/"),
            credentials=self.credentials,
            ready=self._ready,
            ready_seconds=60.0,
            stop=((Signals.SIGTERM, 10.0),),
            death_signal=Signals.SIGKILL,
        )

    async def _ready(self, _pid: int) -> bool:
        """Asterisk opens the manager's port early; ``core waitfullybooted`` answers when modules are loaded."""
        import asyncio

        process = await asyncio.create_subprocess_exec(
            *self.program.argv_prefix,
            "-C",
            str(self.etc / "asterisk.conf"),
            "-rx",
            "core waitfullybooted",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "HOME": "/", **self.program.environment},
        )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        return b"fully booted" in output.lower()


def manager_url(address: str, secret: str) -> str:
    """``ami://user:secret@host:port`` for the one manager account."""
    return f"ami://{MANAGER_USER}:{quote(secret, safe='')}@{address}"


def kept_manager_url(state_directory: Path, address: str) -> str:
    """The same for an Asterisk whose home was made earlier, from its secret's file. Raises ``Problem``."""
    path = state_directory / "secrets" / _SECRETS_KEPT
    try:
        return manager_url(address, path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror}): start the system again.") from error
