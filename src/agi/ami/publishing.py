# SPDX-License-Identifier: EUPL-1.2
"""When something is published: a new table, a new connection to Asterisk, and once in a while anyway.

Files are written as soon as there is a table, connected or not. Every few hours everything is looked at again even if
nothing has changed: whatever was lost or altered on the other side comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from agi.ami.astdb import AstDbError, remove_older
from agi.ami.client import AmiConnection, AmiTimeoutError
from agi.ami.protocol import AmiDisconnectedError
from agi.ami.publisher import Publisher, PublishError
from routing.core.table import Table

REFRESH_SECONDS = 6 * 3600.0
RETRY_SECONDS = 5.0
SECRETS_SECONDS = 10.0

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
        on_published: Callable[[int], None] = lambda _version: None,
        retry_seconds: float = RETRY_SECONDS,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        """``on_published`` gets a table's version when a running Asterisk has all of it."""
        self._publisher = publisher
        self._secrets = secrets
        self._on_published = on_published
        self._retry_seconds = retry_seconds
        self._refresh_seconds = refresh_seconds
        self._table: Table | None = None
        self._connection: AmiConnection | None = None
        self._due = asyncio.Event()

    def use_table(self, table: Table) -> None:
        """Publish this one from now on."""
        self._table = table
        self._due.set()

    def use_connection(self, connection: AmiConnection | None) -> None:
        """Publish to this Asterisk from now on; None: to nobody."""
        self._connection = connection
        if connection is not None:
            self._due.set()

    async def run(self) -> None:
        """Until cancelled."""
        wait_seconds = self._refresh_seconds
        while True:
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            wait_seconds = self._refresh_seconds if await self._publish() else self._retry_seconds

    async def _publish(self) -> bool:
        """Whether all was done that could be done now."""
        table, connection = self._table, self._connection
        if table is None:
            return True
        try:
            async with asyncio.timeout(SECRETS_SECONDS):
                secrets = await self._secrets.device_secrets()
            await self._publisher.write_files(table, secrets)
            if connection is None:
                return True
            generation = await self._publisher.apply(connection, table)
            self._on_published(table.version)
            await remove_older(connection, generation)
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
