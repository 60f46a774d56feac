# SPDX-License-Identifier: EUPL-1.2
"""A real service whose clock is another one than Asterisk's, and what it must decide at the instants that it shows.

The clock of that one process is moved by Debian's libfaketime, while it runs; its monotonic clock stays, as it does
when an administrator or NTP moves a machine's clock. Asterisk, SIPp and this process keep the true time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from amtsleitung.provision import faketime
from tests.support import fallback, sipp
from tests.support.faults.following import by_service
from tests.support.faults.service_scene import ServiceScene, address_of, real_service
from tests.support.faults.storm import Dial
from tests.support.faults.verdict import Verdict
from tests.support.product import Started, state_folder

CLOCK = Path(__file__).with_name("clock.yaml")
LINES = ("03023125101", "04066969101", "06990009101", "08999998101")
RATE = 40.0


@dataclass(slots=True, kw_only=True)
class MovedClock:
    """``ahead``: by how much the service's clock is ahead of the true one, in whole seconds."""

    file: Path
    service: Started
    ahead: timedelta = timedelta(0)

    def show(self, at: datetime) -> None:
        """From now on it shows this instant and goes on from there."""
        self.ahead = timedelta(seconds=round((at - datetime.now(UTC)).total_seconds()))
        _write(self.file, self.ahead)


@asynccontextmanager
async def moved_service(scene: ServiceScene) -> AsyncIterator[MovedClock]:
    """The dialplan asks it until the end of the block."""
    library = await asyncio.to_thread(faketime)
    async with state_folder() as state:
        state.mkdir()
        file = state / "clock"
        _write(file, timedelta(0))
        with _preloaded(library, file):
            starting = real_service(state, config=scene.config)
            service = await starting.__aenter__()
        try:
            await scene.asks_at(address_of(service))
            yield MovedClock(file=file, service=service)
        finally:
            await starting.__aexit__(None, None, None)


async def check_instants(scene: ServiceScene, verdict: Verdict, instants: Sequence[datetime]) -> None:
    """Calls to every line at each instant: by the service's own clock, by one that the call names, and from AstDB."""
    await scene.calls(_dials(scene, None), source=sipp.CARRIER, rate=RATE)
    verdict.begin(scene.pbx)
    async with moved_service(scene) as clock:
        for at in instants:
            clock.show(at)
            verdict.add(await scene.calls(_dials(scene, None), source=sipp.CARRIER, rate=RATE, clock=clock.ahead))
        verdict.add(await scene.calls([dial for at in instants for dial in _dials(scene, at)], rate=RATE))
        assert {call.got["Kind"] for call in by_service(verdict.calls)} == {"enter_queue", "play_announcement"}
    await scene.asks_nobody()
    for at in instants:
        await fallback.write(scene.pbx, scene.table, at)
        verdict.add(await scene.calls(_dials(scene, at), rate=RATE))
    await verdict.check()


def around(*borders: datetime) -> tuple[datetime, ...]:
    """Half a minute before and behind each: the service's clock goes on while the calls come."""
    utc = (border.astimezone(UTC) for border in borders)  # where a minute more is a minute later
    return tuple(border + timedelta(seconds=seconds) for border in utc for seconds in (-30, 30))


def _dials(scene: ServiceScene, at: datetime | None) -> tuple[Dial, ...]:
    return tuple(Dial(dialled=number, caller=scene.next_caller(), at=at) for number in LINES)


@contextmanager
def _preloaded(library: Path, file: Path) -> Iterator[None]:
    """Processes started meanwhile have that clock."""
    added = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    assert not added.keys() & os.environ.keys()
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _write(file: Path, ahead: timedelta) -> None:
    """In one step: it is read at every look at the clock."""
    draft = file.with_suffix(".draft")
    draft.write_text(f"{round(ahead.total_seconds()):+d}\n", encoding="ascii")
    draft.replace(file)
