# SPDX-License-Identifier: EUPL-1.2
"""What each of the product's processes weighs with a large table: started as the product starts them.

``fastagi``, ``ami`` and ``api`` in turn, with a real PostgreSQL and an AMI that takes everything.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from routing.store import RoleUrls, Store
from tests.bench.figures import Effort, Figure, Section
from tests.bench.proportional import proportional_mebibytes
from tests.bench.rows import rows_of
from tests.support.database import server, template
from tests.support.fake_ami import FakeAmi, fake_ami
from tests.support.living import descendants
from tests.support.product import started

_MOST_MEBIBYTES = 200
_DEADLINE_SECONDS = 300.0
_LOOK_SECONDS = 0.1
_MOST_CHANGE = 0.02


async def processes(effort: Effort) -> Section:
    """One after the other, over one database."""
    quiet = 4.0 if effort.large >= 10_000 else 0.3
    async with server() as postgres, template(postgres) as databases, databases.database() as urls:
        store = await Store.connect(urls.owner)
        try:
            at = datetime.now(UTC)
            await store.save_rows(rows_of(effort.large), author="bench", comment="", at=at, base_version=None)
        finally:
            await store.close()
        with tempfile.TemporaryDirectory(prefix="amtsleitung-bench-") as folder:
            weights = {
                name: await _weight(name, urls, Path(folder) / name, quiet) for name in ("fastagi", "ami", "api")
            }
    figures = []
    for name, (settled, most) in weights.items():
        figures.append(
            Figure(
                name=f"memory of {name}, {effort.large:,} numbers", value=settled, unit="MiB",
                must=f"value <= {_MOST_MEBIBYTES}",
            )
        )  # fmt: skip
        figures.append(Figure(name=f"memory of {name} while it starts, at most", value=most, unit="MiB"))
    return Section(
        title="Memory of the processes",
        text=f"A table of {effort.large:,} numbers. A process's proportional share (PSS): when it has its table "
        f"(`ami`: when Asterisk has it) and has not grown or shrunk for {quiet:g} seconds, and the most that "
        "was seen until then, processes that it starts included.",
        figures=tuple(figures),
    )


async def _weight(name: str, urls: RoleUrls, state: Path, quiet_seconds: float) -> tuple[float, float]:
    """What it weighs at last, and the most on the way there."""
    await asyncio.to_thread(state.mkdir)
    ready = state / "ready"
    async with fake_ami(secret="bench") as fake:
        settings = {
            "DATABASE_URL": urls.web if name == "api" else urls.router,
            "AMI_URL": f"ami://bench:bench@127.0.0.1:{fake.port}",
            "FASTAGI_BIND": "127.0.0.1:0",
            "API_BIND": "127.0.0.1:0",
        }
        async with started("serve", name, "--ready-file", str(ready), state=state, **settings) as run:
            most = settled = 0.0
            quiet_since = begun = monotonic()
            while not _has_its_table(name, ready, fake) or monotonic() - quiet_since < quiet_seconds:
                await asyncio.sleep(_LOOK_SECONDS)
                assert run.process.returncode is None, run.said
                assert monotonic() - begun < _DEADLINE_SECONDS, run.said
                now = proportional_mebibytes(run.process.pid)
                most = max(most, now + sum(map(_mebibytes_if_living, descendants(run.process.pid))))
                if abs(now - settled) > _MOST_CHANGE * settled:
                    settled, quiet_since = now, monotonic()
            return settled, most


def _has_its_table(name: str, ready: Path, fake: FakeAmi) -> bool:
    # An observer is ready when it has spoken every sentence, which takes minutes and is no matter of memory.
    return "amtsleitung/current" in fake.database if name == "ami" else ready.exists()


def _mebibytes_if_living(pid: int) -> float:
    try:
        return proportional_mebibytes(pid)
    except (OSError, AssertionError):
        return 0.0
