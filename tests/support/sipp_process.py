# SPDX-License-Identifier: EUPL-1.2
"""One SIPp process: its scenario, its files, its end; and an ear for the sound that is sent to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from amtsleitung import provision

SCENARIOS = Path(__file__).with_name("scenarios")
RTPMAPS = {"g722": (9, "G722/8000"), "alaw": (8, "PCMA/8000"), "ulaw": (0, "PCMU/8000")}
_LOUD_DISTINCT_BYTES = 8


class Ear(asyncio.DatagramProtocol):
    """Receives RTP. ``packets`` by payload type; ``loud``: those that are no silence."""

    def __init__(self) -> None:
        self.packets: Counter[int] = Counter()
        self.loud = 0

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) > 12:
            self.packets[data[1] & 0x7F] += 1
            self.loud += len(set(data[12:])) > _LOUD_DISTINCT_BYTES


async def start_sipp(
    directory: Path,
    scenario: str,
    values: Mapping[str, str],
    keys: Mapping[str, str],
    *,
    address: str,
    port: int,
    remote: str | None,
    calls: int,
    deadline: float,
    more: tuple[str, ...] = (),
) -> asyncio.subprocess.Process:
    text = (SCENARIOS / f"{scenario}.xml").read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    (directory / "scenario.xml").write_text(text, encoding="utf-8")
    program = await asyncio.to_thread(provision.sipp)
    command = [
        *program.argv_prefix, *((remote,) if remote else ()), "-sf", "scenario.xml", "-i", address, "-p", str(port),
        "-m", str(calls), "-l", "10", "-nostdin", "-timeout", f"{int(deadline)}s", "-timeout_error",
        "-trace_msg", "-message_file", "messages.log", "-trace_err", "-error_file", "errors.log",
        *(part for name, value in keys.items() for part in ("-key", name, value)), *more,
    ]  # fmt: skip
    with (directory / "output").open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **program.environment, "TERM": "dumb"},
        )


@asynccontextmanager
async def ended(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def private_directory() -> AsyncIterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="amtsleitung-sipp-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@asynccontextmanager
async def media_ear(address: str) -> AsyncIterator[tuple[Ear, int]]:
    loop = asyncio.get_running_loop()
    transport, ear = await loop.create_datagram_endpoint(Ear, local_addr=(address, 0))
    try:
        yield ear, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def media(offer: tuple[str, ...]) -> Mapping[str, str]:
    known = [RTPMAPS[name] for name in offer]
    return {
        "PAYLOADS": " ".join(str(payload) for payload, _ in known),
        "RTPMAPS": "\n".join(f"a=rtpmap:{payload} {name}" for payload, name in known),
    }


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="backslashreplace")
    except FileNotFoundError:
        return ""
