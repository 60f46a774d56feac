# SPDX-License-Identifier: EUPL-1.2
"""One SIPp process: a scenario with its blanks filled in, a private directory, an end that is certain.

SIPp waits for ever unless it is told otherwise, so every run has a number of calls and a deadline. Numbers and
passwords go into the scenario's file alone: everybody on the machine may read a command line.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from types import MappingProxyType

from amtsleitung.processes import Child, spawn
from amtsleitung.provision import sipp
from amtsleitung.telephones.folders import folder_of_a_run

SCENARIOS = Path(__file__).with_name("scenarios")
RTPMAPS = {"g722": (9, "G722/8000"), "alaw": (8, "PCMA/8000"), "ulaw": (0, "PCMU/8000")}
WIDEBAND = ("g722", "alaw")
MARK_BYTES = 8
_SILENT_SECONDS = 5.0
_BLANK = re.compile(r"@([A-Z_]+)@")
_BRANCH = re.compile(r"\[branch(?:-\d+)?\]")
_NOT_PLAIN = re.compile(rb"[^A-Za-z0-9.,:;+*/=_~-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SippRun:
    """A running SIPp. ``messages`` are the SIP messages so far, as they went over the wire."""

    child: Child
    directory: Path

    @property
    def messages(self) -> str:
        return _text(self.directory / "messages.log")

    @property
    def complaint(self) -> str:
        """What SIPp says about a run that failed."""
        lines = (_text(self.directory / "errors.log") + _text(self.directory / "output")).strip().splitlines()
        return lines[-1] if lines else "it said nothing"


@asynccontextmanager
async def start_sipp(
    scenario: str,
    *,
    blanks: Mapping[str, str],
    directory: Path,
    address: str,
    port: int,
    remote: str | None,
    calls: int,
    deadline_seconds: float,
    scenarios: Path = SCENARIOS,
    options: tuple[str, ...] = (),
    files: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[SippRun]:
    """Runs a scenario from ``address:port`` to ``remote`` (``None``: waits for calls); it is ended on leaving.

    ``blanks`` replace ``@NAME@`` in the scenario; what is not ours among them is `plain`. Below ``directory`` the run
    has a folder of its own while it lasts, with these ``files`` in it. ``options`` are SIPp's own, and the last word.
    Raises ``Problem`` if SIPp is not to be had.
    """
    program = await asyncio.to_thread(sipp)
    with folder_of_a_run(directory) as folder:
        mark = secrets.token_hex(MARK_BYTES)
        _write(folder / "scenario.xml", filled_in(_text(scenarios / f"{scenario}.xml"), blanks, mark=mark))
        for name, text in files.items():
            _write(folder / name, text)
        argv = [*program.argv_prefix, *((remote,) if remote else ()), "-sf", "scenario.xml"]
        argv += ["-i", address, "-p", str(port), "-m", str(calls), "-l", "10", "-nostdin", *options]
        argv += ["-cid_str", f"%u-%p-{mark}@%s"]
        argv += ["-timeout", f"{int(deadline_seconds)}s", "-timeout_error"]
        argv += ["-trace_msg", "-message_file", "messages.log", "-trace_err", "-error_file", "errors.log"]
        child = await spawn(
            argv,
            env={**os.environ, **program.environment, "TERM": "dumb"},
            cwd=folder,
            death_signal=Signals.SIGKILL,
        )
        drain = asyncio.create_task(_drain(child, folder / "output"), name=f"output of sipp {scenario}")
        try:
            yield SippRun(child=child, directory=folder)
        finally:
            await child.stop(((Signals.SIGKILL, _SILENT_SECONDS),))
            drain.cancel()
            await asyncio.gather(drain, return_exceptions=True)
            child.close_output()


def filled_in(text: str, blanks: Mapping[str, str], *, mark: str) -> str:
    """The scenario with its blanks replaced, and ``mark`` in every branch parameter.

    SIPp makes branches of its process id, which in a container is always the same: Asterisk would take the next run's
    requests for repetitions of the last one's, and not answer.
    """
    marked = _BRANCH.sub(rf"\g<0>-{mark}", text)
    return _BLANK.sub(lambda blank: blanks.get(blank[1], blank[0]), marked)


def plain(text: str) -> str:
    """``text`` for a blank, to be sent as it is: SIPp reads ``\\xNN`` as that byte, and nothing of XML (which would end
    the section) or of SIPp's own (keywords in brackets, quotes, line ends) is left in it."""
    return _NOT_PLAIN.sub(lambda found: b"\\x%02X" % found[0][0], text.encode()).decode("ascii")


async def _drain(child: Child, path: Path) -> None:
    """SIPp draws its screen without end; the last of it is kept for a complaint."""
    while block := await child.output.read(65_536):
        _write(path, block.decode("utf-8", "replace")[-4_000:])


def media_blanks(offer: tuple[str, ...] = WIDEBAND) -> dict[str, str]:
    """The blanks that name the codecs offered."""
    known = [RTPMAPS[name] for name in offer]
    return {
        "PAYLOADS": " ".join(str(payload) for payload, _ in known),
        "RTPMAPS": "\n".join(f"a=rtpmap:{payload} {name}" for payload, name in known),
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="backslashreplace")
    except FileNotFoundError:
        return ""
