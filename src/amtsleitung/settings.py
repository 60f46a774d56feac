# SPDX-License-Identifier: EUPL-1.2
"""Every setting, from the environment; ``.env.example`` documents them for people.

A setting of ``Settings`` may also be given as a file: ``AMTSLEITUNG_DATABASE_URL_FILE`` names a file that holds the
value, so that secrets need not stand in an environment.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from amtsleitung.errors import Problem
from amtsleitung.provision import cache_folder

PREFIX = "AMTSLEITUNG_"
CHECKOUT = Path(__file__).resolve().parents[2]
MAXIMUM_PORT = 65_535
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """An address to listen on; port 0 lets the machine choose a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """The operator's own PEM files for SIP over TLS: ``certificate`` (chain) and ``private_key``, or neither."""

    certificate: Path | None = None
    private_key: Path | None = None
    authorities: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says, with the defaults filled in. ``None`` = found or chosen at start."""

    state_directory: Path
    node: str
    database_url: str | None
    sip_bind: Bind
    sip_tls_bind: Bind
    fastagi_bind: Bind
    api_bind: Bind
    ami_url: str | None
    api_hosts: tuple[str, ...]
    certificates: CertificateFiles
    trunk_passwords: Path


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this environment. Raises ``Problem`` naming the variable and the remedy."""
    reader = _Reader(environment)
    state_directory = _state_directory(reader.value("STATE_DIR"))
    return Settings(
        state_directory=state_directory,
        node=reader.node(),
        database_url=reader.value("DATABASE_URL"),
        sip_bind=reader.bind("SIP_BIND"),
        sip_tls_bind=reader.bind("SIP_TLS_BIND"),
        fastagi_bind=reader.bind("FASTAGI_BIND"),
        api_bind=reader.bind("API_BIND"),
        ami_url=reader.value("AMI_URL"),
        api_hosts=tuple((reader.value("API_HOSTS") or "127.0.0.1,localhost").split(",")),
        certificates=CertificateFiles(
            certificate=reader.path("SIP_CERTIFICATE"),
            private_key=reader.path("SIP_PRIVATE_KEY"),
            authorities=reader.path("SIP_AUTHORITIES"),
        ),
        trunk_passwords=reader.path("TRUNK_PASSWORDS") or state_directory / "secrets",
    )


def without_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for others: none of our settings, which may be secrets, and none of the files they name."""
    return {name: value for name, value in environment.items() if not name.startswith(PREFIX)}


@dataclass(frozen=True, slots=True)
class _Reader:
    environment: Mapping[str, str]

    def value(self, name: str) -> str | None:
        variable = PREFIX + name
        plain, file = self.environment.get(variable) or None, self.environment.get(f"{variable}_FILE")
        if not file:
            return plain
        if plain is not None:
            raise Problem(f"{variable} and {variable}_FILE are both set: unset one of the two.")
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise Problem(f"{variable}_FILE names {file}, which cannot be read: check the path.") from error
        if not text:
            raise Problem(f"{variable}_FILE names {file}, which is empty: write the value into it.")
        return text

    def path(self, name: str) -> Path | None:
        """What is a file's or folder's name itself: it has no ``_FILE`` form."""
        text = self.environment.get(PREFIX + name)
        return Path(text).absolute() if text else None

    def node(self) -> str:
        """It begins every unique id of a call, and stands in addresses."""
        text = self.value("NODE") or "node1"
        if not _NODE.fullmatch(text):
            raise Problem(f"{PREFIX}NODE is {text!r}: write at most 40 letters, digits and hyphens, such as node1.")
        return text

    def bind(self, name: str) -> Bind:
        text = self.value(name) or "127.0.0.1:0"
        host, colon, port = text.rpartition(":")
        if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > MAXIMUM_PORT:
            raise Problem(f"{PREFIX}{name} is {text!r}: write an address and a port, such as 127.0.0.1:8080.")
        return Bind(host=host, port=int(port))


def _state_directory(text: str | None) -> Path:
    """``.state`` in the checkout; as root below the cache folder, since Asterisk and PostgreSQL run as ``nobody``."""
    if text is not None:
        return Path(text).absolute()
    if os.geteuid() != 0:
        return CHECKOUT / ".state"
    digest = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:10]
    return cache_folder() / "state" / f"{CHECKOUT.name}-{digest}"
