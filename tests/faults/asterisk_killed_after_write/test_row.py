# SPDX-License-Identifier: EUPL-1.2
"""AstDB is written to disk about a second after it was told: what came last is lost."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from routing.core.rows import DidRow
from tests.support.faults.system_rows import INFORMATION, TOWNS, head_number
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system
TRIES = 4  # Asterisk may happen to write to its disk just then


async def test_row(product: SystemScene, verdict: Verdict, tmp_path: Path) -> None:
    before = product.rows
    moved = replace(before, dids=tuple(_moved(did) for did in before.dids))
    for kills in range(1, TRIES + 1):
        version = await product.publish(moved)
        await product.published_again(version)
        old = {"asterisk": product.system.pid("asterisk")}
        await product.kill("asterisk")
        was_lost = _on_disk(product.system.directories.root / "asterisk", tmp_path / str(kills)) != str(version)
        await product.restarted(old)
        await product.published_again(version)
        if was_lost:
            break
    assert was_lost, "Asterisk has lost nothing: it was killed too late each time"
    await product.in_use(version)
    await product.begin(verdict)
    verdict.more["kills"] = kills
    async with product.without("fastagi"):
        placed = await product.storm(24, rate=10)
    seen = await product.judged(placed)
    assert {call.got["Version"] for call in seen} == {str(version)}
    await product.in_use(await product.publish(before))
    verdict.add(seen)
    await verdict.check()


def _moved(did: DidRow) -> DidRow:
    """The first town's number for information is the second one's now."""
    if (did.head_number, did.extension) == (head_number(0), INFORMATION):
        return replace(did, tenant=TOWNS[1])
    return did


def _on_disk(asterisk: Path, copy: Path) -> str:
    """The version in the database of an Asterisk that is dead; of a copy, which sqlite may mend."""
    copy.mkdir()
    for file in asterisk.rglob("astdb.sqlite3*"):
        shutil.copy2(file, copy)
    with closing(sqlite3.connect(copy / "astdb.sqlite3")) as database:

        def value(key: str) -> str:
            found = database.execute("SELECT value FROM astdb WHERE key = ?", (f"/amtsleitung/{key}",)).fetchone()
            return found[0] if found else ""

        return value(f"{value('current')}/version")
