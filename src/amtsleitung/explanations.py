# SPDX-License-Identifier: EUPL-1.2
"""Tables of other times (a former version, the one live at an instant, a draft), and what decided a real call.

The same ``decide`` explains all of them. A call's numbers are personal data: once they have expired, what is left are
the codes of its reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from amtsleitung.draft_rows import rows_with_draft
from amtsleitung.errors import Problem
from amtsleitung.tables import compiled, with_store
from routing.core.decision import Call
from routing.core.table import Table

if TYPE_CHECKING:
    from routing.core.rows import Rows
    from routing.store import Store, StoredCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A real call, to be decided again: by this table, at the instant at which it was routed."""

    table: Table
    call: Call
    at: datetime
    stored: StoredCall


def table_of_version(version: int) -> Table:
    """The table of a former version. Raises ``Problem``."""

    async def work(store: Store) -> Rows:
        return await store.rows_of_version(version)

    return compiled(with_store(work), version=version, place=f"version {version}")


def table_at(at: datetime) -> Table:
    """The table that was live at this instant. Raises ``Problem`` if there was none."""

    async def work(store: Store) -> tuple[Rows, int]:
        version = await store.version_at(at)
        if version is None:
            raise Problem(f"At {at.isoformat()} nothing had been published yet: ask for a later instant.")
        return await store.rows_of_version(version.version), version.version

    rows, version = with_store(work)
    return compiled(rows, version=version, place=f"version {version}")


def table_of_draft(number: int) -> Table:
    """What the live table would be with this draft; its version is 0. Raises ``Problem``."""

    async def work(store: Store) -> Rows:
        return (await rows_with_draft(store, number))[1]

    return compiled(with_store(work), version=0, place=f"draft {number}")


def explained(name: str) -> Explained:
    """The call ``<node>/<unique_id>`` and the table by which it was decided. Raises ``Problem``."""
    node, slash, unique_id = name.partition("/")
    if not slash or not node or not unique_id:
        raise Problem(f"{name!r} names no call: write <node>/<unique_id>, as the API and the events do.")

    async def work(store: Store) -> tuple[StoredCall, Rows]:
        call = await store.call(node, unique_id)
        if call is None:
            raise Problem(f"There is no call {name}: the API's /calls lists them.")
        return call, await _rows_of(store, call, name)

    stored, rows = with_store(work)
    at = stored.routed_at
    if stored.received is None or at is None:
        codes = ", ".join(stored.reasons) or "none was recorded"
        raise Problem(
            f"The numbers of the call {name} are no longer stored, so it cannot be decided again. "
            f"Version {stored.table_version}, level {_level(stored)}; reasons: {codes}."
        )
    table = compiled(rows, version=stored.table_version or 0, place=f"version {stored.table_version}")
    call = Call(dialled=stored.received, caller=stored.caller_number, trunk=stored.trunk)
    return Explained(table=table, call=call, at=at, stored=stored)


def _level(call: StoredCall) -> str:
    because = f" ({call.fallback_cause})" if call.fallback_cause else ""
    return f"{call.level or 'unknown'}{because}"


async def _rows_of(store: Store, call: StoredCall, name: str) -> Rows:
    if call.table_version is None or call.table_version < 1:
        raise Problem(f"The call {name} was not decided by a version: level {_level(call)}.")
    return await store.rows_of_version(call.table_version)
