# SPDX-License-Identifier: EUPL-1.2
"""When something is published: a new table, a new connection to Asterisk, and once in a while anyway.

Files are written as soon as there is a table, connected or not. Every few minutes everything is looked at again even
if nothing has changed: whatever was lost or altered on the other side comes back, and the dialplan's own database gets
the days that have come nearer. Tables that come faster than they can be published do not queue up: the newest wins.

The include is made beside all that, each day and soon after a table has changed, but not again within a minute: to
load it Asterisk reads its whole dialplan again.

Sounds are written beside all that, too: to speak those of many new lines takes minutes, and what is thrown meanwhile
(an override with words of its own) begins anew with its own words first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

import structlog

from agi.ami.astdb import GRACE_SECONDS, AstDbCopy, AstDbError
from agi.ami.client import AmiConnection, AmiTimeoutError
from agi.ami.include_file import IncludeFile
from agi.ami.protocol import AmiDisconnectedError
from agi.ami.publisher import Publisher, PublishError
from routing.core.table import Table

REFRESH_SECONDS = 300.0
RETRY_SECONDS = 5.0
SECRETS_SECONDS = 10.0
INCLUDE_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class Secrets(Protocol):
    """Where the devices' secrets are; `routing.store.Store` is one."""

    async def device_secrets(self) -> Mapping[str, str]:
        """Device → secret."""


class Publishing:
    """`run` in one task; `use_table` and `use_connection` from anywhere."""

    def __init__(
        self,
        publisher: Publisher,
        secrets: Secrets,
        *,
        clock: Callable[[], datetime],
        on_published: Callable[[int], None] = lambda _version: None,
        retry_seconds: float = RETRY_SECONDS,
        refresh_seconds: float = REFRESH_SECONDS,
        include_seconds: float = INCLUDE_SECONDS,
    ) -> None:
        """``clock``: the time, aware. ``on_published`` gets a table's version when a running Asterisk has all of it."""
        self._publisher = publisher
        self._secrets = secrets
        self._clock = clock
        self._on_published = on_published
        self._retry_seconds = retry_seconds
        self._refresh_seconds = refresh_seconds
        self._include_seconds = include_seconds
        self._include = IncludeFile(publisher.generated)
        self._table: Table | None = None
        self._connection: AmiConnection | None = None
        self._copy: AstDbCopy | None = None
        self._compared: AstDbCopy | None = None
        self._compared_at = 0.0
        self._applied: Table | None = None
        self._spoken: Table | None = None
        self._held: tuple[Table, datetime] | None = None
        self._due = asyncio.Event()
        self._unspoken = asyncio.Event()
        self._untidy = asyncio.Event()
        self._unheld = asyncio.Event()

    def use_table(self, table: Table) -> None:
        """Publish this one from now on."""
        self._table = table
        for event in (self._due, self._unspoken, self._unheld):
            event.set()

    def use_connection(self, connection: AmiConnection | None) -> None:
        """Publish to this Asterisk from now on; None: to nobody."""
        self._connection = connection
        self._copy = None if connection is None else AstDbCopy(connection)
        if connection is not None:
            self._due.set()
            self._unheld.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self._due, self._publish))
            group.create_task(self._repeat(self._unspoken, self._speak))
            group.create_task(self._repeat(self._unheld, self._hold))
            group.create_task(self._tidy())

    async def _repeat(self, due: asyncio.Event, work: Callable[[Table], Awaitable[None]]) -> None:
        wait_seconds = self._refresh_seconds
        while True:
            try:
                async with asyncio.timeout(wait_seconds):
                    await due.wait()
            except TimeoutError:
                pass
            due.clear()
            wait_seconds = self._refresh_seconds if await self._done(work) else self._retry_seconds

    async def _done(self, work: Callable[[Table], Awaitable[None]]) -> bool:
        """Whether all was done that could be done now."""
        table = self._table
        if table is None:
            return True
        try:
            await work(table)
        except (PublishError, AstDbError) as error:
            _log.error("Asterisk does not have the newest table", problem=str(error), version=table.version)
            return False
        except (AmiTimeoutError, AmiDisconnectedError) as error:
            _log.warning("Asterisk does not have the newest table yet", problem=str(error), version=table.version)
            return False
        except Exception as error:  # whatever the store raises: the table on disk goes on serving
            _log.error("the table cannot be published now", problem=f"{type(error).__name__}: {error}")
            return False
        return True

    async def _publish(self, table: Table) -> None:
        connection, copy = self._connection, self._copy
        problem: Exception | None = None
        try:
            async with asyncio.timeout(SECRETS_SECONDS):
                secrets = await self._secrets.device_secrets()
        except Exception as error:  # whatever the store raises: the dialplan's data needs no secrets
            problem = error
        else:
            await self._publisher.write_settings(table, secrets)
        if connection is not None and copy is not None:
            await self._write_database(connection, copy, table)
        if problem is not None:
            raise problem
        if connection is not None:
            self._applied = table
            self._tell(table)

    async def _write_database(self, connection: AmiConnection, copy: AstDbCopy, table: Table) -> None:
        await self._publisher.apply(connection, copy, table, at=self._clock())
        now = asyncio.get_running_loop().time()
        if self._compared is not copy or now >= self._compared_at + self._refresh_seconds:
            if self._compared is copy:  # the first look was part of the first write
                await self._publisher.compare(copy, table, at=self._clock())
            self._compared, self._compared_at = copy, now
        if copy.untidy:
            self._untidy.set()

    async def _tidy(self) -> None:
        """What no call can be reading any more is removed beside the publishing, which need not wait for it."""
        while True:
            await self._untidy.wait()
            self._untidy.clear()
            await asyncio.sleep(GRACE_SECONDS)
            copy = self._copy
            if copy is None:
                continue
            try:
                await copy.tidy()
            except (AstDbError, AmiTimeoutError, AmiDisconnectedError) as error:
                _log.warning("Asterisk's database is not tidied now", problem=str(error))
                continue
            if copy.untidy:
                self._untidy.set()

    async def _hold(self, table: Table) -> None:
        """The include, for each table and each day."""
        today = self._clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self._held != (table, today):
            await self._include.write(table, at=today)
            self._held = table, today
        connection = self._connection
        if connection is not None and await self._include.load(connection):
            await asyncio.sleep(self._include_seconds)

    async def _speak(self, table: Table) -> None:
        await self._publisher.write_sounds(table, go_on=lambda: self._table is table)
        if self._table is table:
            self._spoken = table
            self._tell(table)

    def _tell(self, table: Table) -> None:
        if self._applied is table and self._spoken is table:
            self._on_published(table.version)
