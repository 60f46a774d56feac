# SPDX-License-Identifier: EUPL-1.2
"""The system's process table (Linux ``/proc``): what belongs to a session or works in a directory."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_SWEEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """A directory private to one service, and the name of its processes: a person's shell in there is not one."""

    directory: Path
    command: str


def processes_of_session(session: int) -> list[int]:
    """Living processes (no zombies) whose session is ``session``, its leader included."""
    return [pid for pid in _all() if _session_of(pid) == session]


def processes_working_in(workplace: Workplace) -> list[int]:
    """Living processes of that name whose current directory is the workplace, as far as we may see."""
    return [pid for pid in _all() if _works_in(pid, workplace) and _session_of(pid) is not None]


def command_of(pid: int) -> str:
    """The kernel's name of a process (at most 15 characters); empty if it is gone."""
    try:
        return (_PROC / str(pid) / "comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return ""


async def kill_leftovers(session: int, workplace: Workplace | None) -> tuple[int, ...]:
    """SIGKILL whatever a dead session leader left behind; returns the processes that were still there.

    Daemons that made their own session (PostgreSQL's children do) are found by ``workplace``. Gives up after 5 seconds.
    """
    found: set[int] = set()
    try:
        async with asyncio.timeout(_SWEEP_SECONDS):
            while left := _leftovers(session, workplace):
                found.update(left)
                for pid in left:
                    _kill_if(pid, session, workplace)
                await asyncio.sleep(0.02)
    except TimeoutError:
        pass
    return tuple(sorted(found))


def _leftovers(session: int, workplace: Workplace | None) -> set[int]:
    left = set(processes_of_session(session))
    if workplace is not None:
        left.update(processes_working_in(workplace))
    return left - {os.getpid()}


def _kill_if(pid: int, session: int, workplace: Workplace | None) -> None:
    """Kill ``pid`` if it is still what we found: the pidfd is opened first, then the question asked again."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if _session_of(pid) == session or (workplace is not None and _works_in(pid, workplace)):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except OSError:
        pass  # gone meanwhile, or another user's: then it is not ours
    finally:
        os.close(pidfd)


def _all() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _works_in(pid: int, workplace: Workplace) -> bool:
    if command_of(pid) != workplace.command[:15]:
        return False
    try:
        return (_PROC / str(pid) / "cwd").samefile(workplace.directory)
    except OSError:
        return False


def _session_of(pid: int) -> int | None:
    """The session of a living process; None for a zombie or a process that is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # pid (name, which may hold spaces and brackets) state parent group session …
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[3])
