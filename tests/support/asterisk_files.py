# SPDX-License-Identifier: EUPL-1.2
"""The files of a private Asterisk: the repository's configuration, what is generated beside it, and tones to play."""

from __future__ import annotations

import errno
import random
import socket
import struct
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sin
from pathlib import Path

from agi.ami.address import read_ami_url
from agi.render.devices import devices_conf
from agi.render.queues import queues_conf
from agi.render.trunks import trunks_conf
from amtsleitung import provision
from amtsleitung.asterisk_home import MANAGER_USER, RTP_PORTS, Addresses, AsteriskHome
from amtsleitung.settings import Bind, CertificateFiles
from routing.core.table import Table

NODE = "node1"
PRODUCT, ORACLE = MANAGER_USER, "oracle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directories:
    """Where the private Asterisk keeps things; ``root`` is its state directory."""

    root: Path

    @property
    def etc(self) -> Path:
        return self.root / "asterisk" / "etc"

    @property
    def generated(self) -> Path:
        return self.etc / "generated"

    @property
    def sounds(self) -> Path:
        return self.root / "sounds"

    @property
    def log(self) -> Path:
        return self.root / "asterisk" / "log"


def free_port(*kinds: socket.SocketKind, address: str = "127.0.0.1") -> int:
    """A port that is free now for all ``kinds``, and out of the range that Linux takes outgoing connections from."""
    while True:
        port = random.randrange(20_000, 32_768)
        try:
            for kind in kinds:
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return port


def write_configuration(
    directories: Directories,
    table: Table,
    program: provision.Asterisk,
    devices: Mapping[str, str],
    fastagi: tuple[str, int],
    sip_port: int,
    ami_port: int,
    ami_secret: str,
    tls_port: int,
    certificate_files: CertificateFiles,
    trunk_passwords: Mapping[str, str],
) -> None:
    """The product's own files, an account that sees everything, and no wrap-up."""
    home = AsteriskHome(
        state_directory=directories.root,
        node=NODE,
        program=program,
        credentials=None,
        addresses=Addresses(
            sip=Bind(host="127.0.0.1", port=sip_port),
            sip_tls=Bind(host="127.0.0.1", port=tls_port),
            fastagi=Bind(host=fastagi[0], port=fastagi[1]),
            ami=Bind(host="127.0.0.1", port=ami_port),
            rtp_start=_free_rtp_range(),
        ),
        certificate_files=certificate_files,
    )
    home.make()
    queues = directories.etc / "queues.conf"  # the next test's call needs the same agent at once
    queues.write_text(
        queues.read_text(encoding="utf-8").replace("\nwrapuptime=10\n", "\nwrapuptime=0\n"), encoding="utf-8"
    )
    accounts = directories.generated / "manager.conf"
    accounts.write_text(
        accounts.read_text(encoding="utf-8").replace(read_ami_url(home.ami_url()).secret, ami_secret)
        # Asterisk ends an account that is slow to read: a test on a busy machine is, for a moment.
        + f"[{ORACLE}]\nsecret={ami_secret}\nread=all\nwrite=all\nwritetimeout=15000\n",
        encoding="utf-8",
    )
    write_rendered(directories, table, devices, trunk_passwords)


def write_rendered(
    directories: Directories, table: Table, devices: Mapping[str, str], trunk_passwords: Mapping[str, str]
) -> None:
    rendered = {
        "queues.conf": queues_conf(table.rows),
        "devices.conf": devices_conf(table.rows, devices),
        "trunks.conf": trunks_conf(table.rows, trunk_passwords),
    }
    for name, text in rendered.items():
        (directories.generated / name).write_text(text, encoding="utf-8")


def _free_rtp_range() -> int:
    """The first, even port of a range above all others; Asterisk itself passes over taken ones."""
    port = random.randrange(34_000, 65_000 - RTP_PORTS)
    return port - port % 2


def write_tones(sounds: Path, table: Table) -> None:
    """A tone of half a second for each announcement and for the music: what matters here is that they are played."""
    for number, name in enumerate(sorted(table.announcements)):
        _write_tone(sounds / f"{name}.wav16", hertz=400 + 20 * (number % 40), seconds=0.5)
    _write_tone(sounds / "music" / "tone.wav16", hertz=330, seconds=3)


def _write_tone(path: Path, *, hertz: int, seconds: float) -> None:
    rate = 16_000
    samples = [int(8_000 * sin(2 * pi * hertz * index / rate)) for index in range(int(rate * seconds))]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
