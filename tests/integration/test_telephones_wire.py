# SPDX-License-Identifier: EUPL-1.2
"""SIPp as caller and telephone, against a socket that reads what it sends: all of it is said there and nowhere else."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from amtsleitung.telephones import place, registered, remove_left_over
from tests.support.living import descendants, is_living, python, until

CALLER = "+493023125071"
HOSTILE = '0537289-0"<&]]> [call_id] @SECRET@ \\x41\r\nX-Forged: ü'
ONE_LINE = HOSTILE.partition("\r")[0]
KILLED = """
import asyncio, pathlib, sys
from amtsleitung.telephones import place
async def main():
    async with place(sip=sys.argv[1], source="127.0.0.1", dialled="0537289-0", caller="+493023125071", headers={},
                     directory=pathlib.Path(sys.argv[2]), talk_seconds=60, deadline_seconds=60):
        await asyncio.Event().wait()
asyncio.run(main())
"""


class Registrar(asyncio.DatagramProtocol):
    """Keeps what comes; asks a REGISTER for its password and takes any, says nothing to an INVITE."""

    def __init__(self) -> None:
        self.transport: asyncio.DatagramTransport | None = None
        self.heard: list[str] = []
        self.command_lines: list[str] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode()
        self.heard.append(text)
        self.command_lines += [words for pid in descendants(os.getpid()) if "scenario.xml" in (words := argv(pid))]
        if text.startswith("REGISTER"):
            kept = "".join(
                f"{line}\r\n" for line in text.split("\r\n") if re.match("(Via|From|To|Call-ID|CSeq):", line)
            )
            asks = 'WWW-Authenticate: Digest realm="r",nonce="n",algorithm=MD5\r\n'
            says = "200 OK\r\n" if "Authorization:" in text else f"401 Unauthorized\r\n{asks}"
            assert self.transport is not None
            self.transport.sendto(f"SIP/2.0 {says}{kept}Content-Length: 0\r\n\r\n".encode(), addr)


@asynccontextmanager
async def registrar() -> AsyncIterator[tuple[Registrar, str]]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Registrar, local_addr=("127.0.0.1", 0))
    protocol.transport = transport
    try:
        yield protocol, f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


def argv(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.mark.parametrize("secret", ["00ff4711" * 6, 'a"b]c d,e=f\\x41<&]]>@DEVICE@'])
async def test_a_password_is_used_and_stands_on_no_command_line(tmp_path: Path, secret: str) -> None:
    async with registrar() as (heard, sip):
        await registered(sip=sip, device="agent01", secret=secret, port=0, directory=tmp_path / "sipp")
    given = dict(
        re.findall(r'(\w+)="?([^",\r]+)', next(t for t in heard.heard if "Authorization:" in t).split("Digest")[1])
    )
    first = hashlib.md5(f"agent01:r:{secret}".encode(), usedforsecurity=False).hexdigest()
    second = hashlib.md5(f"REGISTER:{given['uri']}".encode(), usedforsecurity=False).hexdigest()
    response = hashlib.md5(f"{first}:n:{second}".encode(), usedforsecurity=False).hexdigest()
    assert (given["username"], given["response"]) == ("agent01", response)
    assert heard.command_lines
    assert not [words for words in heard.command_lines if secret in words or "agent01" in words]


async def test_a_call_says_what_was_asked_and_its_caller_stands_on_no_command_line(tmp_path: Path) -> None:
    async with (
        registrar() as (heard, sip),
        place(
            sip=sip, source="127.0.0.1", dialled=HOSTILE, caller=CALLER, headers={"X-Amtsleitung-At": ONE_LINE},
            directory=tmp_path / "sipp", talk_seconds=1, deadline_seconds=30,
        ) as placed,
    ):  # fmt: skip
        await until(lambda: heard.heard, "the INVITE")
        (folder,) = (tmp_path / "sipp").iterdir()
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)]
        await until(lambda: CALLER in placed.run.messages, "SIPp's own record of it")
    assert modes == [0o700, 0o700]
    lines = heard.heard[0].split("\r\n")
    assert lines[0] == f"INVITE sip:{quote(HOSTILE, safe='')}@{sip} SIP/2.0"
    assert "X-Forged: ü" not in lines[1:]
    (at,) = (line for line in lines if line.startswith("X-Amtsleitung-At: "))
    assert at == f"X-Amtsleitung-At: {ONE_LINE}"
    assert any(line.startswith(f"From: <sip:{CALLER}@127.0.0.1>;tag=") for line in lines)
    assert heard.command_lines
    assert not [words for words in heard.command_lines if CALLER[1:] in words]
    assert list((tmp_path / "sipp").iterdir()) == []


async def test_what_a_killed_call_left_is_removed_and_what_is_in_use_stays(tmp_path: Path) -> None:
    sipp = tmp_path / "sipp"
    async with registrar() as (heard, sip):
        async with python(KILLED, sip, str(sipp), output=tmp_path / "output") as owner:
            await until(lambda: heard.heard, (tmp_path / "output").read_text())
            (folder,) = sipp.iterdir()
            remove_left_over(sipp)
            assert "493023125071" in (folder / "scenario.xml").read_text()
            below = descendants(owner.pid)
            owner.send_signal(signal.SIGKILL)
            await until(lambda: not any(map(is_living, below)), "the end of SIPp")
        assert list(sipp.iterdir()) == [folder]
        async with place(
            sip=sip, source="127.0.0.1", dialled="1", caller=None, headers={}, directory=sipp, talk_seconds=1,
            deadline_seconds=30,
        ):  # fmt: skip
            assert not folder.exists()
            assert len(list(sipp.iterdir())) == 1
    remove_left_over(tmp_path / "never made")
