# SPDX-License-Identifier: EUPL-1.2
"""What a row's run came to, held against what its ``row.toml`` states, and written down as one line of figures."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.asterisk import PrivateAsterisk
from tests.support.faults.following import Seen
from tests.support.faults.row import Row
from tests.support.wait import until

MORE_DESCRIPTORS = 8  # a log that was opened again, a database's journal: no leak, which grows with the calls
MORE_BYTES = 64 << 20  # threads' own heaps, which stay
KEPT_BYTES = 200 << 10
"""Asterisk keeps the transactions of a call for 32 seconds behind its end. A slow leak is for scripts/bench to show."""
_CALM_SECONDS = 15.0
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process holds: open descriptors, and resident memory in bytes."""

    descriptors: int
    memory: int


def usage(pid: int) -> Usage:
    """Of a living process that belongs to anybody, if we are root, or to us."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Usage(
        descriptors=sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()), memory=pages * os.sysconf("SC_PAGE_SIZE")
    )


def asterisk_pid(pbx: PrivateAsterisk) -> int:
    """As Asterisk itself wrote it down."""
    return int((pbx.directories.root / "asterisk" / "run" / "asterisk.pid").read_text())


@dataclass(slots=True)
class Verdict:
    """Collects a row's calls between `begin` and `check`. ``figures``: where the line of figures goes, or ``None``."""

    row: Row
    figures: Path | None = None
    calls: list[Seen] = field(default_factory=list)
    more: dict[str, float] = field(default_factory=dict)
    """Further figures of the row, by a name with a unit (``restart_ms``)."""
    others: int = 0
    """Requests that were sent beside the calls that are judged: Asterisk keeps those for a while, too."""
    _pbx: PrivateAsterisk | None = None
    _processes: dict[str, int] = field(default_factory=dict)
    _before: dict[str, Usage] = field(default_factory=dict)

    def begin(self, pbx: PrivateAsterisk, **processes: int) -> None:
        """Notes what Asterisk and these processes hold now. One that is not to be compared at the end is left out."""
        self._pbx = pbx
        self._processes = {"asterisk": asterisk_pid(pbx), **processes}
        self._before = {name: usage(pid) for name, pid in self._processes.items()}

    def add(self, calls: Iterable[Seen]) -> None:
        """Calls to be judged."""
        self.calls.extend(calls)

    async def check(self) -> None:
        """Asserts all that the row states. The figures are written in any case."""
        assert self._pbx is not None, "begin() was not called"
        assert self.calls, "a row without a call shows nothing"
        faults = list(self._of_calls())
        leaked = await self._leaked_channels(self._pbx)
        faults += [f"leaked channels: {leaked}"] if leaked else []
        after = await self._calm()
        faults += self._of_processes(after)
        self._write(len(leaked), after, passed=not faults)
        assert not faults, f"{self.row.name}:\n" + "\n".join(faults)

    def fell_back_and_returned(self) -> None:
        """The service decided the first calls and the last ones, and AstDB some in between."""
        levels = [call.level for call in self.calls]
        assert "service" in levels[:10]
        assert "astdb" in levels
        assert "service" in levels[-10:]

    def _of_calls(self) -> Iterable[str]:
        lost = [call for call in self.calls if call.lost]
        if len(lost) > self.row.lost:
            yield f"{len(lost)} calls lost, {self.row.lost} allowed: " + _some(lost)
        if wrong := [call for call in self.calls if call.wrong]:
            yield f"{len(wrong)} calls went to a wrong place: " + _some(wrong)
        allowed = {*self.row.levels, "caller"}
        if level := [call for call in self.calls if not call.lost and call.level not in allowed]:
            yield f"{len(level)} calls were decided at a level that is not in {self.row.levels}: " + _some(level)
        if several := [call for call in self.calls if not call.lost and call.outcomes != 1]:
            yield f"{len(several)} calls without exactly one outcome: " + _some(several)
        if ends := [call for call in self.calls if not call.lost and call.ends != 1]:
            yield f"{len(ends)} calls without exactly one end: " + _some(ends)

    async def _leaked_channels(self, pbx: PrivateAsterisk) -> tuple[str, ...]:
        try:
            await pbx.no_channels_left()
        except AssertionError as error:
            return await pbx.ami.channels() or (str(error)[:400],)
        return ()

    async def _calm(self) -> Mapping[str, Usage]:
        """What the processes hold when they have come to rest; sockets of the last calls close a moment later."""
        after: dict[str, Usage] = {}

        def at_rest() -> bool:
            after.update({name: usage(pid) for name, pid in self._processes.items()})
            return not any("descriptors" in fault for fault in self._of_processes(after))

        try:
            await until(at_rest, deadline_seconds=_CALM_SECONDS)
        except AssertionError:
            at_rest()
        return after

    def _of_processes(self, after: Mapping[str, Usage]) -> list[str]:
        faults = []
        for name, now in after.items():
            before = self._before[name]
            if now.descriptors > before.descriptors + MORE_DESCRIPTORS:
                faults.append(f"{name} leaks descriptors: {before.descriptors} before, {now.descriptors} after")
            kept = (len(self.calls) + self.others) * KEPT_BYTES if name == "asterisk" else 0
            if now.memory > before.memory + MORE_BYTES + kept:
                faults.append(f"{name} grows: {before.memory >> 20} MiB before, {now.memory >> 20} MiB after")
        return faults

    def _write(self, leaked: int, after: Mapping[str, Usage], *, passed: bool) -> None:
        line = {
            "row": self.row.name,
            "passed": passed,
            "calls": len(self.calls),
            "lost": sum(call.lost for call in self.calls),
            "wrong": sum(call.wrong for call in self.calls),
            "levels": Counter(call.level or "none" for call in self.calls),
            "waited_ms": [round(call.waited_ms, 1) for call in self.calls if call.waited_ms is not None],
            "leaked_channels": leaked,
            "processes": {
                name: {
                    "descriptors": [self._before[name].descriptors, now.descriptors],
                    "memory_mib": [self._before[name].memory >> 20, now.memory >> 20],
                }
                for name, now in after.items()
            },
            "more": self.more,
        }
        write_line(self.figures, line)


def write_line(path: Path | None, line: Mapping[str, object]) -> None:
    """Adds a line to the file of figures; one write, so that lines of several workers do not mix."""
    if path is not None:
        with path.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")


def _some(calls: list[Seen]) -> str:
    return "".join(f"\n    {call}" for call in calls[:_SHOWN]) + ("\n    …" if len(calls) > _SHOWN else "")
