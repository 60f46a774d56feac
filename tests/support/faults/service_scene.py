# SPDX-License-Identifier: EUPL-1.2
"""Asterisk with the production dialplan, the shipped example in AstDB, and any FastAGI end on a port.

One Asterisk serves all rows of a pytest process; each row says where it asks (`asks_at`).

    await scene.asks_at(("127.0.0.1", port))
    verdict.add(await scene.calls(scene.mixed(24), rate=20))
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import unquote

from amtsleitung.tables import table_of_file
from routing.core.decide import decide
from routing.core.decision import Call
from routing.core.table import Table
from tests.support import sipp
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.faults.following import Seen, Watch, follow
from tests.support.faults.storm import HANG_UP_SECONDS, Dial, fictional_callers
from tests.support.living import until
from tests.support.product import EXAMPLE, Started, started, state_folder
from tests.support.tables import BERLIN

PROVOKED = (
    "write() returned error",  # the service closes while it is being told of the call
    "ast_json_vpack: Error building JSON", "backtrace records",  # a command that is no UTF-8
    "pjproject: ",  # of messages that are no SIP
)  # fmt: skip
START_SECONDS = 60.0
SWITCHBOARDS = ("0536128-0", "0537289-0", "0537289-500", "0537182-0", "0537182-600", "0537488-0", "0583283-0",
                "053618975-0", "05361%2027%2044-0")  # fmt: skip
_UNKNOWN = "0537289-9"  # no line of a tenant's


@dataclass(slots=True)
class ServiceScene:
    """``table`` is that of the file ``config``, which AstDB holds, too."""

    pbx: PrivateAsterisk
    config: Path
    table: Table
    opens: datetime
    closed: datetime
    _used: int = 0
    _numbers: list[str] = field(default_factory=lambda: list(fictional_callers()))

    async def asks_at(self, address: tuple[str, int]) -> None:
        """From now on the dialplan asks there."""
        host, port = address
        answer = await self.pbx.ami.action("Setvar", Variable="FASTAGI", Value=f"{host}:{port}")
        assert answer["Response"] == "Success", answer

    async def asks_nobody(self) -> None:
        """From now on nothing listens where the dialplan asks."""
        await self.asks_at(("127.0.0.1", free_port(socket.SOCK_STREAM)))

    def mixed(self, count: int) -> tuple[Dial, ...]:
        """Calls to every tenant, while their lines are open and while they are not; each caller is another one."""
        pairs = [(number, self.opens) for number in (*SWITCHBOARDS, _UNKNOWN)]
        pairs += [(number, self.closed) for number in SWITCHBOARDS if self._speaks(number)]
        return tuple(
            Dial(dialled=number, caller=self.next_caller(), at=at) for number, at in islice(cycle(pairs), count)
        )

    def dial(self, dialled: str, *, at: datetime | None = None) -> Dial:
        """One call at this instant, or while the lines are open."""
        return Dial(dialled=dialled, caller=self.next_caller(), at=at or self.opens)

    async def calls(
        self,
        dials: Sequence[Dial],
        *,
        rate: float = 20.0,
        source: str = sipp.DEMONSTRATION,
        hang_up_after: float = HANG_UP_SECONDS,
        gives_up: bool = False,
        watch: Watch | None = None,
        clock: timedelta = timedelta(0),
    ) -> tuple[Seen, ...]:
        """Makes the calls and says what became of each. ``clock``: by how much the service's is ahead."""
        return await follow(
            self.pbx, lambda _: self.table, dials, rate=rate, source=source, hang_up_after=hang_up_after,
            gives_up=gives_up, watch=watch, clock=clock,
        )  # fmt: skip

    @asynccontextmanager
    async def storming(
        self,
        dials: Sequence[Dial],
        *,
        rate: float,
        at_call: int,
        source: str = sipp.DEMONSTRATION,
        clock: timedelta = timedelta(0),
    ) -> AsyncIterator[asyncio.Task[tuple[Seen, ...]]]:
        """The calls go on while the block runs, which begins with the call of this number; await the task inside it."""
        watch = Watch.from_now(self.pbx.ami)
        going = asyncio.create_task(self.calls(dials, rate=rate, source=source, watch=watch, clock=clock), name="storm")
        try:
            await until(lambda: watch.count() >= at_call or going.done(), f"call {at_call}")
            yield going
        finally:
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)

    def next_caller(self) -> str:
        """Numbers come again after four thousand calls, when the first of them are long forgotten."""
        self._used += 1
        return self._numbers[self._used % len(self._numbers)]

    def _speaks(self, number: str) -> bool:
        """Whether it is no other side that answers there while the line is closed."""
        call = Call(dialled=unquote(number), caller=None, trunk="demonstration")
        return decide(self.table, call, self.closed).kind == "play_announcement"


@asynccontextmanager
async def service_scene(*, config: Path = EXAMPLE, provoked: tuple[str, ...] = ()) -> AsyncIterator[ServiceScene]:
    """A scene of its own; ``provoked``: parts of further error lines that its rows cause in Asterisk."""
    table = table_of_file(config)
    nobody = ("127.0.0.1", free_port(socket.SOCK_STREAM))
    async with PrivateAsterisk.start(table, fastagi=nobody, provoked=PROVOKED + provoked, with_astdb=False) as pbx:
        # Not each step of the dialplan and each variable: hundreds of events a call, which a busy machine cannot read.
        answer = await pbx.ami.action("Events", EventMask="call,user")
        assert answer["Response"] == "Success", answer
        today = datetime.now(BERLIN).replace(hour=10, minute=0, second=0, microsecond=0)
        await pbx.write_astdb(table, at=today)
        yield ServiceScene(
            pbx, config, table,
            opens=_coming(table, today, "enter_queue"), closed=_coming(table, today, "play_announcement"),
        )  # fmt: skip


@asynccontextmanager
async def real_service(
    state: Path, *arguments: str, port: int = 0, config: Path = EXAMPLE, **settings: str
) -> AsyncIterator[Started]:
    """``amtsleitung serve fastagi`` with this file, ready; its address: `address_of`."""
    state.mkdir(exist_ok=True)  # noqa: ASYNC240 - an instant
    ready = state / "ready"
    ready.unlink(missing_ok=True)
    words = ("serve", "fastagi", "--config", str(config), "--ready-file", str(ready), *arguments)
    async with started(*words, state=state, **({"FASTAGI_BIND": f"127.0.0.1:{port}"} | settings)) as service:
        await until(lambda: ready.exists() or service.process.returncode is not None, "it is ready", START_SECONDS)
        assert ready.exists(), service.said
        yield service


@asynccontextmanager
async def asked_service(scene: ServiceScene) -> AsyncIterator[Started]:
    """A service of its own, which the dialplan asks."""
    async with state_folder() as state, real_service(state, config=scene.config) as service:
        await scene.asks_at(address_of(service))
        yield service


def address_of(service: Started) -> tuple[str, int]:
    """Where it listens."""
    host, _, port = (service.state / "ready").read_text().split()[1].rpartition(":")
    return host, int(port)


def _coming(table: Table, today: datetime, kind: str) -> datetime:
    """Ten o'clock on the first coming day on which the example's switchboard does this, else today's."""
    call = Call(dialled="0537289-0", caller=None, trunk="demonstration")
    instants = (today + timedelta(days=days) for days in range(1, 30))
    return next((at for at in instants if decide(table, call, at).kind == kind), today)
