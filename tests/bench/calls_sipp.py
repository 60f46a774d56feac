# SPDX-License-Identifier: EUPL-1.2
"""SIPp as a carrier that offers calls at a rate, whatever becomes of them, and times each to its final answer."""

from __future__ import annotations

import asyncio
import math
import os
import secrets
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

from amtsleitung.processes import spawn
from amtsleitung.provision import sipp
from amtsleitung.telephones.folders import folder_of_a_run
from amtsleitung.telephones.sipp import filled_in
from tests.bench.figures import share
from tests.support.asterisk import free_port

SCENARIO = Path(__file__).with_name("rejected.xml")
_FOLDER = Path(tempfile.gettempdir()) / f"amtsleitung-sipp-{os.getuid()}"
_LAST_ANSWERS_SECONDS = 4
_STOP_SECONDS = 2.0
_BUFFER_BYTES = "212992"  # Linux's most; its own 64 KiB are full after a hundred answers
_DISCARD_PORT = "9"  # no media takes part


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """``milliseconds`` of every call that was answered as it must be, in the order of the answers."""

    rate: float
    offered: int
    milliseconds: tuple[float, ...]

    def at(self, part: float) -> float:
        """The time within which this part of all calls was answered; infinite if so many were not."""
        ordered = [*self.milliseconds, *(math.inf for _ in range(self.offered - len(self.milliseconds)))]
        return share(ordered, part)


async def offer(
    rate: int, seconds: float, *, source: str, target: str, dialled: str, caller: str, pids: list[int] | None = None
) -> Step:
    """Calls at this rate for so long from a trunk's address; what SIPp has not seen answered by then is not answered.

    SIPp's process is added to ``pids`` while it runs.
    """
    program = await asyncio.to_thread(sipp)
    calls = max(1, round(rate * seconds))
    with folder_of_a_run(_FOLDER) as folder:
        blanks = {"DIALLED": dialled, "CALLER": caller, "RTP_PORT": _DISCARD_PORT}
        mark = secrets.token_hex(8)
        scenario = filled_in(SCENARIO.read_text(encoding="utf-8"), blanks, mark=mark)
        (folder / "rejected.xml").write_text(scenario, encoding="utf-8")
        argv = [*program.argv_prefix, target, "-sf", "rejected.xml", "-i", source]
        argv += ["-p", str(free_port(socket.SOCK_DGRAM, address=source)), "-cid_str", f"%u-%p-{mark}@%s"]
        argv += ["-r", str(rate), "-m", str(calls), "-l", str(calls), "-nostdin", "-timer_resol", "1"]
        argv += ["-buff_size", _BUFFER_BYTES]
        argv += ["-timeout", f"{math.ceil(seconds + _LAST_ANSWERS_SECONDS)}s", "-trace_rtt", "-rtt_freq", "1"]
        child = await spawn(
            argv, env={**os.environ, **program.environment, "TERM": "dumb"}, cwd=folder, death_signal=Signals.SIGKILL
        )
        if pids is not None:
            pids[:] = [child.pid]
        drain = asyncio.create_task(_drained(child.output), name="output of sipp")
        try:
            await child.ends_within(seconds + _LAST_ANSWERS_SECONDS + _STOP_SECONDS)
        finally:
            await child.stop(((Signals.SIGKILL, _STOP_SECONDS),))
            drain.cancel()
            await asyncio.gather(drain, return_exceptions=True)
            child.close_output()
        return Step(rate=rate, offered=calls, milliseconds=_times(folder))


async def _drained(output: asyncio.StreamReader) -> None:
    """It draws its screen without end."""
    while await output.read(65_536):
        pass


def _times(folder: Path) -> tuple[float, ...]:
    """Lines ``instant;milliseconds;1`` behind a head."""
    lines = [line for log in folder.glob("*_rtt.csv") for line in log.read_text(encoding="ascii").splitlines()[1:]]
    return tuple(float(line.split(";")[1]) for line in lines)
