# SPDX-License-Identifier: EUPL-1.2
"""Entries of Asterisk's database below one family, over the AMI: put, listed and removed, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from agi.ami.client import AmiConnection, AmiTimeoutError
from agi.ami.protocol import AmiDisconnectedError
from agi.render.astdb import FAMILY
from agi.render.astdb_items import MAXIMUM_VALUE_BYTES

KEY_LIMIT_BYTES = 200  # Asterisk: 256 with the family
WORKERS = 64
DATABASE_SECONDS = 10.0
LIST_SECONDS = 60.0

T = TypeVar("T")


class AstDbError(Exception):
    """Asterisk did not take an entry, or the entry is none."""


class AstDbEntries:
    """Paths are those below the family. ``writes`` counts the entries put. All raise AstDbError and as `act`."""

    def __init__(self, connection: AmiConnection, *, family: str = FAMILY) -> None:
        self._connection = connection
        self._family = family
        self.writes = 0

    async def get(self, path: str) -> str:
        """One value; '' if there is none."""
        reply = await self._connection.act(
            "DBGet", {"Family": self._family, "Key": path}, deadline_seconds=DATABASE_SECONDS, as_list=True
        )
        return next((item.get("val") for item in reply.items if item.event == "DBGetResponse"), "")

    async def tree(self, path: str = "") -> Mapping[str, str]:
        """All entries below a path, by their paths; none if Asterisk does not know how to list."""
        below = f"{self._family}/{path}" if path else self._family
        reply = await self._connection.act(
            "DBGetTree", {"Family": below}, deadline_seconds=LIST_SECONDS, as_list=True
        )  # fmt: skip
        start = f"/{self._family}/"
        return {
            item.get("key").removeprefix(start): item.get("val")
            for item in reply.items
            if item.event == "DBGetTreeResponse"
        }

    async def put(self, path: str, value: str) -> None:
        """Put one."""
        _check(path, value)
        reply = await self._connection.act(
            "DBPut", {"Family": self._family, "Key": path, "Val": value}, deadline_seconds=DATABASE_SECONDS
        )
        if not reply.success:
            raise AstDbError(f"Asterisk does not take the database entry {self._family}/{path} ({reply.message})")
        self.writes += 1

    async def put_all(self, entries: Sequence[tuple[str, str]]) -> None:
        """Put all, in no order. Nothing is sent if one of them is none."""
        for path, value in entries:
            _check(path, value)
        await self.each(entries, lambda entry: self.put(*entry))

    async def remove(self, path: str) -> None:
        """Remove one, if it is there."""
        await self._connection.act(
            "DBDel", {"Family": self._family, "Key": path}, deadline_seconds=DATABASE_SECONDS
        )  # fmt: skip

    async def remove_tree(self, path: str) -> None:
        """Remove all below a path, if there is anything."""
        await self._connection.act(
            "DBDelTree", {"Family": f"{self._family}/{path}"}, deadline_seconds=DATABASE_SECONDS
        )  # fmt: skip

    async def each(self, items: Sequence[T], work: Callable[[T], Awaitable[None]]) -> None:
        """Have it done with each, some at a time. The first failure ends it."""
        pending = iter(items)
        failed: list[BaseException] = []
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(WORKERS, len(items))):
                    group.create_task(_work(pending, work))
        except* (AstDbError, AmiTimeoutError, AmiDisconnectedError) as errors:
            failed.extend(errors.exceptions)
        if failed:
            raise failed[0]


async def _work(pending: Iterator[T], work: Callable[[T], Awaitable[None]]) -> None:
    # Workers share one iterator: each item is done once, and at most WORKERS are on their way.
    for item in pending:
        await work(item)


def _check(path: str, value: str) -> None:
    if not path or len(path.encode()) > KEY_LIMIT_BYTES or any(ord(c) < 33 for c in path):
        raise AstDbError(f"{path!r} cannot be a key of Asterisk's database")
    if len(value.encode()) > MAXIMUM_VALUE_BYTES or any(ord(c) < 32 for c in value):
        raise AstDbError(f"the value of {path} is longer than {MAXIMUM_VALUE_BYTES} bytes or holds a control character")
