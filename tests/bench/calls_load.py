# SPDX-License-Identifier: EUPL-1.2
"""What the processes that take part use meanwhile: processors, memory, open files. The rest of the machine is named.

Linux only (``/proc``); seconds are processor seconds, of all threads and of user and kernel together.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

_TICKS = os.sysconf("SC_CLK_TCK")
_NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The share of one processor that each used (``1.0`` = a whole one), and what others on the machine used."""

    shares: Mapping[str, float]
    others: float
    busiest_thread: float
    """Of Asterisk's threads."""
    lost: int
    """Datagrams that found Asterisk's SIP socket full."""
    seconds: float

    @property
    def limit(self) -> str:
        """What was at its end, for a report; empty if nothing was."""
        if self.lost:
            return f"the receive buffer of Asterisk's SIP socket, which lost {self.lost} datagrams"
        if self.busiest_thread >= _NEARLY_ALL:
            return "one thread of Asterisk, which has a processor for itself"
        if self.shares.get("service", 0) >= _NEARLY_ALL:
            return "the service, which has one thread"
        if sum(self.shares.values()) + self.others >= _NEARLY_ALL * (os.cpu_count() or 1):
            most = max(self.shares, key=lambda name: self.shares[name])
            return f"all processors of the machine, most of them by {most}"
        return ""

    def __str__(self) -> str:
        named = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items())
        return f"{named}, others on the machine {self.others:.0%}"


class Meter:
    """Counts from its making on."""

    def __init__(self, pids: Mapping[str, Sequence[int]], *, sip_port: int) -> None:
        self._pids, self._port = pids, sip_port
        self._lost = lost_datagrams(sip_port)
        self._start = monotonic()
        self._used = {name: processor_seconds(of) for name, of in pids.items()}
        self._threads = _threads(pids["Asterisk"])
        self._busy = _busy_seconds()

    def load(self, **more: float) -> Load:
        """Until now. ``more``: seconds of those that have ended meanwhile (SIPp)."""
        took = monotonic() - self._start
        used = {name: processor_seconds(of) - self._used[name] for name, of in self._pids.items()} | more
        threads = _threads(self._pids["Asterisk"])
        most = max((threads[it] - self._threads.get(it, 0.0) for it in threads), default=0.0)
        others = max(0.0, _busy_seconds() - self._busy - sum(used.values()))
        return Load(
            shares={name: seconds / took for name, seconds in used.items()}, others=others / took,
            busiest_thread=most / took, lost=lost_datagrams(self._port) - self._lost, seconds=took,
        )  # fmt: skip


def processor_seconds(pids: Iterable[int]) -> float:
    """So far; of those that still live."""
    return sum(_seconds(Path(f"/proc/{pid}/stat")) for pid in pids)


def children_seconds() -> float:
    """Of all our children that have ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def proportional_mebibytes(pid: int) -> float:
    """PSS: what is shared with others counts in parts. Raises ``OSError`` if the process is gone."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1_024
    raise AssertionError("the kernel says nothing of memory")


def open_files(pid: int) -> int:
    """How many descriptors it has."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - only their number


def lost_datagrams(port: int) -> int:
    """What the UDP sockets of this port on this machine have had no room for, since they were opened."""
    sockets = [line.split() for line in Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(int(fields[-1]) for fields in sockets if int(fields[1].rpartition(":")[2], 16) == port)


def _threads(pids: Iterable[int]) -> dict[str, float]:
    return {str(place): _seconds(place / "stat") for pid in pids for place in Path(f"/proc/{pid}/task").iterdir()}


def _seconds(stat: Path) -> float:
    """proc(5): utime and stime are the 14th and 15th field; the second, in brackets, may hold anything."""
    try:
        fields = stat.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _busy_seconds() -> float:
    """Of all processors together: everything but idle and waiting for disks."""
    fields = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS
