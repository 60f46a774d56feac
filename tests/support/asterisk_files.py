# SPDX-License-Identifier: EUPL-1.2
"""The files of a private Asterisk: the repository's configuration, what is generated beside it, and tones to play."""

from __future__ import annotations

import shutil
import socket
import struct
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sin
from pathlib import Path

from agi.render.devices import devices_conf
from agi.render.queues import queues_conf
from agi.render.trunks import trunks_conf
from amtsleitung import provision
from routing.core.table import Table

REPOSITORY = Path(__file__).resolve().parents[2]
RTP_PORTS = 200
NODE = "node1"
PRODUCT, ORACLE = "amtsleitung", "oracle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directories:
    """Where the private Asterisk keeps things."""

    root: Path

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def generated(self) -> Path:
        return self.etc / "generated"

    @property
    def sounds(self) -> Path:
        return self.root / "sounds"

    @property
    def log(self) -> Path:
        return self.root / "log"


def free_port(kind: socket.SocketKind, address: str = "127.0.0.1") -> int:
    """A port that is free now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
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
) -> None:
    shutil.copytree(REPOSITORY / "asterisk", directories.etc)
    queues = directories.etc / "queues.conf"  # the next test's call needs the same agent at once
    queues.write_text(
        queues.read_text(encoding="utf-8").replace("\nwrapuptime=10\n", "\nwrapuptime=0\n"), encoding="utf-8"
    )
    for name in ("generated", "../run", "../spool", "../lib", "../log", "../sounds/music"):
        (directories.etc / name).resolve().mkdir(parents=True, exist_ok=True)
    root = directories.root
    (directories.etc / "asterisk.conf").write_text(
        "[directories]\n"
        f"astetcdir => {directories.etc}\nastmoddir => {program.module_directory}\n"
        f"astdatadir => {program.data_directory}\nastagidir => {program.data_directory}/agi-bin\n"
        f"astvarlibdir => {root}/lib\nastdbdir => {root}/lib\nastkeydir => {root}/lib\n"
        f"astspooldir => {root}/spool\nastrundir => {root}/run\nastlogdir => {directories.log}\n"
        f"astcachedir => {root}/run\n"
        f"[options]\nsystemname = {NODE}\nlive_dangerously = no\nhideconnect = yes\n",
        encoding="utf-8",
    )
    first_rtp = _free_rtp_range()
    host, port = fastagi
    generated = {
        "globals.conf": f"FASTAGI={host}:{port}\nSOUNDS={directories.sounds}\nNODE={NODE}\n",
        "transport.conf": f"[transport-udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{sip_port}\n",
        "manager.conf": f"[general]\nport={ami_port}\nbindaddr=127.0.0.1\n"
        # The product's account, and one that sees everything.
        f"[{PRODUCT}]\nsecret={ami_secret}\nread=system,call,agent,user,reporting\n"
        "write=system,call,agent,user,config,reporting\n"
        f"[{ORACLE}]\nsecret={ami_secret}\nread=all\nwrite=all\n",
        "rtp.conf": f"[general]\nrtpstart={first_rtp}\nrtpend={first_rtp + RTP_PORTS - 1}\n",
        "music.conf": f"directory={directories.sounds}/music\n",
    }
    for name, text in generated.items():
        (directories.generated / name).write_text(text, encoding="utf-8")
    write_rendered(directories, table, devices)


def write_rendered(directories: Directories, table: Table, devices: Mapping[str, str]) -> None:
    rendered = {
        "queues.conf": queues_conf(table.rows),
        "devices.conf": devices_conf(table.rows, devices),
        "trunks.conf": trunks_conf(table.rows),
    }
    for name, text in rendered.items():
        (directories.generated / name).write_text(text, encoding="utf-8")


def _free_rtp_range() -> int:
    """The first, even port of a range that starts free; Asterisk itself passes over taken ones."""
    port = free_port(socket.SOCK_DGRAM)
    return min(max(10_000, port - port % 2), 65_000 - RTP_PORTS)


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
