# SPDX-License-Identifier: EUPL-1.2
"""A router as a process of its own, asked as Asterisk asks it; and a way to its database that can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from routing.store.address import Address
from tests.support.asterisk_agi import ACCEPTED, chosen, environment, route_script
from tests.support.product import Started, started
from tests.support.wait import until

SECONDS = 30.0


@asynccontextmanager
async def router(state: Path, url: str) -> AsyncIterator[Started]:
    """``serve fastagi`` with this database, on a free port; not necessarily ready."""
    ready = state / "ready"
    ready.unlink(missing_ok=True)
    async with started("serve", "fastagi", "--ready-file", str(ready), state=state, DATABASE_URL=url) as service:
        yield service


async def is_ready(service: Started) -> None:
    """Wait until it answers calls."""
    ready = service.state / "ready"
    await until(
        lambda: ready.exists() or service.process.returncode is not None, deadline_seconds=SECONDS, what="it is ready"
    )
    assert ready.exists(), service.said


async def ask(service: Started, dialled: str) -> dict[str, str]:
    """The variables that it sets for a call to this number."""
    host, _, port = (service.state / "ready").read_text().split()[1].rpartition(":")
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(environment(route_script(dialled)))
            line = await reader.readline()
            writer.write(ACCEPTED)
            await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
    return chosen(line)


async def decides_by(service: Started, dialled: str, version: int) -> dict[str, str]:
    """Wait until it decides this call by that version; the variables of that decision."""
    values: dict[str, str] = {}

    async def it_does() -> bool:
        nonlocal values
        values = await ask(service, dialled)
        return values["ROUTE_VERSION"] == str(version)

    await until(it_does, deadline_seconds=SECONDS, what=f"version {version}")
    return values


@dataclass(slots=True)
class Way:
    """A port that leads to a database server, as long as it is open."""

    address: Address
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def url(self, url: str) -> str:
        """The same database, by this way."""
        return replace(Address.parse(url), host="127.0.0.1", port=self.port).url()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Nobody listens there any more, and every connection ends."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = self.address
        if address.host.startswith("/"):
            there = await asyncio.open_unix_connection(f"{address.host}/.s.PGSQL.{address.port}")
        else:
            there = await asyncio.open_connection(address.host, address.port)
        self._writers |= {writer, there[1]}
        await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        self._writers -= {writer, there[1]}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
    writer.close()
