# SPDX-License-Identifier: EUPL-1.2
"""The running product's configuration: versions that are published, and where each is in use by now."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from agi.render.include import include_conf, include_digest
from amtsleitung.keep_table import last_good_path
from routing.config.last_good import LastGood, LastGoodError
from routing.core.compile import compile_table
from routing.core.rows import Rows
from routing.core.table import Table
from routing.store import Store
from tests.support.faults.system_processes import Processes
from tests.support.living import until
from tests.support.wait import until as until_true


@dataclass(slots=True, kw_only=True)
class Versions(Processes):
    """``rows``: the newest version's. ``tables``: every version that was published here, as the engine has it."""

    owner: Store
    rows: Rows
    tables: dict[int, Table] = field(default_factory=dict)

    async def publish(self, rows: Rows, *, comment: str = "fault matrix") -> int:
        """The next version: whole, at once."""
        version = await self.owner.save_rows(
            rows, author="fault matrix", comment=comment, at=datetime.now(UTC), base_version=None
        )
        self.tables[version] = compile_table(rows, version=version)
        self.rows = rows
        return version

    async def learn(self, version: int) -> None:
        """Takes note of a version that was made elsewhere (an override)."""
        rows = await self.owner.rows_of_version(version)
        self.tables[version] = compile_table(rows, version=version)
        self.rows = rows

    async def in_use(self, version: int, seconds: float = 60.0) -> None:
        """Waits until the call path decides with this version and Asterisk's own database holds it."""

        def both() -> bool:
            decides = re.findall(r'event="table in use" version=(\d+)', self.log_of("fastagi"))
            published = re.findall(r"event=observer .*published=(\d+)", self.log_of("ami"))
            return [*decides, ""][-2:-1] == [*published, ""][-2:-1] == [str(version)]

        await until(both, f"version {version} is in use everywhere", seconds)

    async def decided_with(self, version: int) -> None:
        """Waits until the call path decides with it, whatever Asterisk has."""
        words = f'event="table in use" version={version} '
        await until(lambda: words in self.log_of("fastagi"), f"version {version} is decided with")

    async def published(self) -> int | None:
        """The version that the dialplan's own fallback would use."""
        generation = await self._database_get("current")
        version = await self._database_get(f"{generation}/version") if generation else ""
        return int(version) if version else None

    async def included(self, version: int, seconds: float = 120.0) -> None:
        """Waits until Asterisk has read the include that says what this version says: at most one a minute is made."""
        table = compile_table(await self.owner.rows_of_version(version), version=version)
        folder = self.system.directories.generated
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        wanted = _rules(include_conf(table, at=today))

        def is_there() -> bool:
            text = (folder / "include.conf").read_text(encoding="utf-8")
            loaded = (folder / "include-loaded").read_text(encoding="utf-8").strip()
            return loaded == include_digest(text) and _rules(text) == wanted

        await until(is_there, f"the include of version {version} is loaded", seconds)

    async def published_again(self, version: int | None, seconds: float = 60.0) -> None:
        """Waits until it would use this one."""

        async def is_there() -> bool:
            return await self.published() == version

        await until_true(is_there, deadline_seconds=seconds, what=f"AstDB holds version {version}")

    async def _database_get(self, key: str) -> str:
        shown = await self.system.ami.command(f"database get amtsleitung {key}")
        return shown.rpartition("Value:")[2].strip() if "Value:" in shown else ""

    async def kept_on_disk(self) -> Path:
        """The last good table, once the version in use is in it."""
        path = last_good_path(self.system.state)
        version = max(self.tables)

        def kept() -> bool:
            with suppress(OSError, LastGoodError), LastGood(path) as found:
                return found.kept.version == version
            return False

        await until(kept, f"version {version} is kept on disk")
        return path


def _rules(include: str) -> list[str]:
    """What it says; the order depends on the way by which a table was made."""
    told = ("; ", "exten => version,", "exten => made,")
    return sorted(line for line in include.splitlines() if not line.startswith(told))
