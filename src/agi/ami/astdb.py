# SPDX-License-Identifier: EUPL-1.2
"""The dialplan's own copy of the decisions, put into Asterisk's database over the AMI.

::

    amtsleitung/current        7                 the pointer, switched last
    amtsleitung/7/<key path>   <value>           one whole generation, complete before anybody looks at it
    amtsleitung/6/…                              removed after a grace: a call may be reading it

Asterisk writes its database to disk about a second later, so everything is written again on every connect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from agi.ami.client import AmiConnection, AmiTimeoutError
from agi.ami.protocol import AmiDisconnectedError

FAMILY = "amtsleitung"
POINTER = "current"
VALUE_LIMIT_BYTES = 900
KEY_LIMIT_BYTES = 200  # Asterisk: 256 with the family
GRACE_SECONDS = 1.0
_WINDOW = 64
_LEFTOVERS = 3
_DEADLINE_SECONDS = 10.0


class AstDbError(Exception):
    """Asterisk did not take an entry, or the entry is none."""


async def write_generation(connection: AmiConnection, entries: Mapping[str, str]) -> int:
    """Write all entries (key path below the generation → value), then switch the pointer; the new generation.

    Raises AstDbError, AmiTimeoutError, AmiDisconnectedError; the pointer is then as it was.
    """
    for key, value in entries.items():
        _check(key, value)
    generation = await _current(connection) + 1
    # What an interrupted attempt has left under this number must not mix in.
    await _remove(connection, generation)
    pending = iter(entries.items())
    failed: list[BaseException] = []
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(_WINDOW, len(entries))):
                group.create_task(_put_all(connection, f"{FAMILY}/{generation}", pending))
    except* (AstDbError, AmiTimeoutError, AmiDisconnectedError) as errors:
        failed.extend(errors.exceptions)
    if failed:
        raise failed[0]
    await _put(connection, FAMILY, POINTER, str(generation))
    return generation


async def remove_older(connection: AmiConnection, generation: int, *, grace_seconds: float = GRACE_SECONDS) -> None:
    """Remove the generations before this one, once no call can be reading them."""
    await asyncio.sleep(grace_seconds)
    for older in range(max(1, generation - _LEFTOVERS), generation):
        await _remove(connection, older)


async def _put_all(connection: AmiConnection, family: str, pending: Iterator[tuple[str, str]]) -> None:
    # Workers share one iterator: each key is written once, and at most _WINDOW are on their way.
    for key, value in pending:
        await _put(connection, family, key, value)


async def _put(connection: AmiConnection, family: str, key: str, value: str) -> None:
    reply = await connection.act(
        "DBPut", {"Family": family, "Key": key, "Val": value}, deadline_seconds=_DEADLINE_SECONDS
    )
    if not reply.success:
        raise AstDbError(f"Asterisk does not take the database entry {family}/{key} ({reply.message})")


async def _current(connection: AmiConnection) -> int:
    reply = await connection.act(
        "DBGet", {"Family": FAMILY, "Key": POINTER}, deadline_seconds=_DEADLINE_SECONDS, as_list=True
    )
    values = [item.get("val") for item in reply.items if item.event == "DBGetResponse"]
    return int(values[0]) if values and values[0].isdecimal() and len(values[0]) < 10 else 0


async def _remove(connection: AmiConnection, generation: int) -> None:
    # An error only says that there is nothing to remove.
    await connection.act("DBDelTree", {"Family": f"{FAMILY}/{generation}"}, deadline_seconds=_DEADLINE_SECONDS)


def _check(key: str, value: str) -> None:
    if not key or len(key.encode()) > KEY_LIMIT_BYTES or any(ord(c) < 33 for c in key):
        raise AstDbError(f"{key!r} cannot be a key of Asterisk's database")
    if len(value.encode()) > VALUE_LIMIT_BYTES or any(ord(c) < 32 for c in value):
        raise AstDbError(f"the value of {key} is longer than {VALUE_LIMIT_BYTES} bytes or holds a control character")
