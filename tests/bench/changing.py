# SPDX-License-Identifier: EUPL-1.2
"""A changed row: how long it takes to make the next table, how long the router stops for it, when it is in use."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Text, cast, func, select

from routing.core.changes import RowChange
from routing.core.compile import change_table, compile_table
from routing.store import RoleUrls, Store
from routing.store.configuration import _write
from routing.store.records import Stamp
from routing.store.schema import TABLE_CHANNEL
from tests.bench.figures import Effort, Figure, Section, beside, side_by_side, spread
from tests.bench.rows import did, rows_of
from tests.support.database import server, template

_LONGEST_STOP_MILLISECONDS = 5
_LONGEST_WAY_SECONDS = 1
_DEADLINE_SECONDS = 300.0
_PLACE = 207


async def making(effort: Effort) -> Section:
    """One changed number, and one changed line, beside making the table anew."""
    rows = rows_of(effort.large)
    table = compile_table(rows, version=1)
    line = rows.service_lines[3]
    number = [
        RowChange(before=did(_PLACE), after=did(_PLACE, line="115")),
        RowChange(before=did(_PLACE, line="115"), after=did(_PLACE)),
    ]
    whole = [RowChange(before=line, after=replace(line, title="Anders")), RowChange(before=None, after=line)]

    def changed(changes: list[RowChange]) -> int:
        change_table(change_table(table, changes[:1], version=2), changes[1:], version=3)
        return 2

    def line_changed() -> int:
        change_table(table, whole[:1], version=2)
        return 1

    def anew() -> int:
        compile_table(rows, version=2)
        return 1

    works = {"number": lambda: changed(number), "line": line_changed, "anew": anew}
    times = side_by_side(works, rounds=min(5, effort.rounds))
    peer = f"compile_table, {effort.large:,} numbers"
    return Section(
        title="Making the next table",
        text=f"{effort.large:,} numbers, {len(rows.service_lines):,} lines. A change of a number leaves all lines as "
        "they are; one of a line looks at all lines for what depends on it.",
        figures=(
            beside(
                "change_table, one number",
                times["number"],
                peer,
                times["anew"],
                must=f"value <= {_LONGEST_STOP_MILLISECONDS * 1_000}",
            ),
            beside("change_table, one line", times["line"], peer, times["anew"]),
        ),
    )


async def reaching(effort: Effort) -> Section:
    """A router in a process of its own, over a real PostgreSQL."""
    rows = rows_of(effort.large)
    async with server() as postgres, template(postgres) as databases, databases.database() as urls:
        store = await Store.connect(urls.owner)
        try:
            await store.save_rows(rows, author="bench", comment="", at=datetime.now(UTC), base_version=None)
            with tempfile.TemporaryDirectory(prefix="amtsleitung-bench-") as folder:
                return await _reached(effort, store, urls, Path(folder))
        finally:
            await store.close()


async def _reached(effort: Effort, store: Store, urls: RoleUrls, folder: Path) -> Section:
    async with _router(urls, folder) as router:
        await asyncio.sleep(1)
        idle = await router.asked()
        first = await router.until(1)
        await asyncio.sleep(3)  # the old table, if there was one, is let go of by then, and the new one is kept
        after = await router.asked()
        told = [await _change(store, router, version, notify=True) for version in range(2, 2 + effort.changes)]
        few = min(5, effort.changes)
        last = 2 + effort.changes
        untold = [await _change(store, router, version, notify=False) for version in range(last, last + few)]
        line = rows_of(1).service_lines[3]
        last += few
        await _save(store, [RowChange(before=line, after=replace(line, title="Anders"))], last, notify=True)
        a_line = await router.until(last)
        last += 1
        others = range(_PLACE + 1, min(_PLACE + 202, effort.large))
        many = [RowChange(before=did(other), after=did(other, line="115")) for other in others]
        await _save(store, many, last, notify=True)
        whole = await router.until(last)
        await asyncio.sleep(3)
        let_go = await router.asked()
    async with _router(urls, folder) as router:
        await router.asked()
        from_disk = await router.until(last)
    peer = "an idle router"
    stops = {
        "the first table": _worst([first, after]),
        "a changed number": _worst(line for line, _ in [*told, *untold]),
        "a changed line": _worst([a_line]),
        f"a change of {len(many)} numbers": _worst([whole, let_go]),
        "starting from the last good table": _worst([from_disk]),
    }
    figures = []
    for name, (clock, own) in stops.items():
        figures.append(
            Figure(
                name=f"longest stop of the loop: {name}", value=own, unit="ms", peer=peer,
                peer_value=idle["own"], must=f"value <= {_LONGEST_STOP_MILLISECONDS}",
            )
        )  # fmt: skip
        figures.append(
            Figure(
                name=f"longest stop of the loop, on the clock: {name}", value=clock, unit="ms", peer=peer,
                peer_value=idle["clock"],
            )
        )  # fmt: skip
    for name, ways in (("notified", told), ("notification lost", untold)):
        seconds = [way for _, way in ways]
        figures.append(
            Figure(
                name=f"from commit to in use, {name}, median", value=statistics.median(seconds), unit="s",
                spread=spread(seconds),
            )
        )  # fmt: skip
        figures.append(
            Figure(
                name=f"from commit to in use, {name}, longest", value=max(seconds), unit="s",
                must=f"value <= {_LONGEST_WAY_SECONDS}",
            )
        )  # fmt: skip
    return Section(
        title="Reaching the router",
        text=f"A router's table in a process of its own, over a real PostgreSQL; {effort.large:,} numbers. A stop is "
        "what lies between two turns of a task that never waits. What must hold is the loop's own stop, its waiting "
        "for disks and for other processes included; on the clock there is also what the machine's processors did for "
        "others meanwhile: the bench, PostgreSQL and the process that keeps the table run beside the router.",
        figures=tuple(figures),
    )


def _worst(lines: Iterable[dict[str, float]]) -> tuple[float, float]:
    found = list(lines)
    return max(line["clock"] for line in found), max(line["own"] for line in found)


async def _change(store: Store, router: _Router, version: int, *, notify: bool) -> tuple[dict[str, float], float]:
    """The number led to another line, by this version; the router's line about it, and the seconds until then."""
    one, other = did(_PLACE), did(_PLACE, line="115")
    before, after = (one, other) if version % 2 == 0 else (other, one)
    committed = await _save(store, [RowChange(before=before, after=after)], version, notify=notify)
    line = await router.until(version)
    return line, line["at"] - committed


async def _save(store: Store, changes: list[RowChange], version: int, *, notify: bool) -> float:
    """As `Store.publish` saves, but without reading all rows first; the instant just before the commit."""
    async with store._transaction() as connection:
        await _write(connection, changes, Stamp(author="bench", comment="", at=datetime.now(UTC)), version)
        if notify:
            await connection.execute(select(func.pg_notify(TABLE_CHANNEL, cast(str(version), Text))))
        return time.monotonic()


@dataclass(slots=True)
class _Router:
    process: asyncio.subprocess.Process

    async def asked(self) -> dict[str, float]:
        """What it says when it is asked, and from then on it follows the database."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        return await self._line()

    async def until(self, version: int) -> dict[str, float]:
        while True:
            line = await self._line()
            if line["version"] == version:
                return line

    async def _line(self) -> dict[str, float]:
        assert self.process.stdout is not None
        async with asyncio.timeout(_DEADLINE_SECONDS):
            said: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return said


@asynccontextmanager
async def _router(urls: RoleUrls, folder: Path) -> AsyncIterator[_Router]:
    settings = {"AMTSLEITUNG_DATABASE_URL": urls.router, "AMTSLEITUNG_STATE_DIR": str(folder)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.router", str(folder),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={**os.environ, **settings},
    )  # fmt: skip
    try:
        router = _Router(process)
        await router._line()
        yield router
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
