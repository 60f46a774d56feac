# SPDX-License-Identifier: EUPL-1.2
"""The configuration as the other rooms see it: versions, drafts, overrides, people's names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from routing.core.changes import RowChange
from routing.core.rows import OverrideRow, Row, Rows
from routing.store import configuration, drafts, people, publishing, versions
from routing.store.pool import Pool
from routing.store.records import Stamp, StoredDraft, StoredVersion


class ConfigurationStore(Pool):
    """What concerns the configuration, one transaction for each call. Every method may raise StoreError."""

    async def load_rows(self) -> tuple[Rows, int] | None:
        """The live configuration and its version; ``None`` if nothing was ever saved."""
        async with self._transaction(isolation_level="REPEATABLE READ") as connection:
            return await configuration.load_rows(connection)

    async def live_version(self) -> int | None:
        """The version that `load_rows` would give."""
        async with self._transaction() as connection:
            return await configuration.live_version(connection)

    async def save_rows(self, rows: Rows, *, author: str, comment: str, at: datetime, base_version: int | None) -> int:
        """Make ``rows`` the live configuration; returns its version, which is the live one if nothing differs.

        ``base_version`` is the version that the change was made to (0: an empty database); StoreError if it is no
        longer live. ``None`` replaces whatever is live. Overrides stay as they are live, whatever ``rows`` say of
        them. Devices seen for the first time get a secret each.
        """
        stamp = Stamp(author=author, comment=comment, at=at)
        async with self._transaction() as connection:
            return await configuration.save_rows(connection, rows, stamp, base_version=base_version)

    async def device_secrets(self) -> Mapping[str, str]:
        """The secret with which each device registers. Not for the web role."""
        async with self._transaction() as connection:
            return await configuration.device_secrets(connection)

    async def versions(self, *, limit: int = 50, newest: int | None = None) -> tuple[StoredVersion, ...]:
        """Versions, newest first; only up to ``newest``."""
        async with self._transaction() as connection:
            return await versions.versions(connection, limit, newest)

    async def version(self, number: int) -> StoredVersion | None:
        """The version of this number."""
        async with self._transaction() as connection:
            return await versions.one_version(connection, number)

    async def version_at(self, at: datetime) -> StoredVersion | None:
        """The version that was live at this instant; ``None`` before the first."""
        async with self._transaction() as connection:
            return await versions.version_at(connection, at)

    async def rows_of_version(self, version: int) -> Rows:
        """The whole configuration as it was in this version."""
        async with self._transaction() as connection:
            return await versions.rows_of_version(connection, version)

    async def changes_of_version(self, version: int) -> tuple[RowChange, ...]:
        """What this version changed."""
        async with self._transaction() as connection:
            return await versions.changes_of_version(connection, version)

    async def changes_between(self, old: int, new: int) -> tuple[RowChange, ...]:
        """What makes the version ``old`` into ``new``, which may be the older one; 0 is the empty configuration."""
        async with self._transaction() as connection:
            return await versions.changes_between(connection, old, new)

    async def changes_since(self, version: int) -> tuple[tuple[RowChange, ...], int]:
        """What changed since a version (0: everything), and the newest version, which it leads to.

        It costs by what changed, not by what is there. StoreError if ``version`` is newer than the newest.
        """
        async with self._transaction() as connection:
            return await versions.changes_since(connection, version)

    async def few_changes(self, old: int, new: int, *, at_most: int) -> tuple[RowChange, ...] | None:
        """What makes the version ``old`` into the later ``new``; ``None`` if more than ``at_most`` rows changed."""
        async with self._transaction() as connection:
            return await versions.few_changes(connection, old, new, at_most)

    async def create_draft(
        self, changes: Iterable[RowChange], *, title: str, author: str, at: datetime, base_version: int
    ) -> int:
        """A new draft of changes (there may be none yet) to this version; its number. It may hold no override."""
        async with self._transaction() as connection:
            return await drafts.create(
                connection, changes, title=title, author=author, at=at, base_version=base_version
            )

    async def drafts(self, *, closed: bool = False) -> tuple[StoredDraft, ...]:
        """The open drafts; with ``closed`` the published and discarded ones too."""
        async with self._transaction() as connection:
            return await drafts.drafts(connection, closed=closed)

    async def draft(self, number: int) -> tuple[StoredDraft, tuple[RowChange, ...]]:
        """A draft and its changes."""
        async with self._transaction() as connection:
            return await drafts.one(connection, number)

    async def set_in_draft(self, number: int, row: Row, *, author: str, at: datetime) -> None:
        """The draft adds this row, or changes to it the one that is live under its key."""
        async with self._transaction() as connection:
            await drafts.edit(connection, number, row, "set", author=author, at=at)

    async def remove_in_draft(self, number: int, row: Row, *, author: str, at: datetime) -> None:
        """The draft removes the row that is live under this row's key, or no longer adds it."""
        async with self._transaction() as connection:
            await drafts.edit(connection, number, row, "remove", author=author, at=at)

    async def undo_in_draft(self, number: int, row: Row, *, author: str, at: datetime) -> None:
        """The draft leaves the row with this row's key as it is live."""
        async with self._transaction() as connection:
            await drafts.edit(connection, number, row, "undo", author=author, at=at)

    async def discard_draft(self, number: int, *, author: str, at: datetime) -> None:
        """Close the draft; nothing comes of it."""
        async with self._transaction() as connection:
            await drafts.discard(connection, number, author=author, at=at)

    async def publish(self, number: int, *, author: str, comment: str, at: datetime) -> int:
        """Make the draft's changes to whatever is live by now, as one version, and close it; the version.

        Without a comment the draft's title is it. Nothing happens on StoreError, on ConflictError (rows are live that
        the draft does not expect) and on CompileError (the rows have errors).
        """
        async with self._transaction() as connection:
            return await publishing.publish(connection, number, Stamp(author=author, comment=comment, at=at))

    async def roll_back_version(
        self, version: int, *, title: str, author: str, at: datetime, chosen: Iterable[RowChange] | None = None
    ) -> int:
        """A draft that undoes what a version changed, or the ``chosen`` of its changes; its number.

        Overrides are left alone. What has changed again since then is a conflict when the draft is published.
        """
        async with self._transaction() as connection:
            undo = await versions.changes_of_version(connection, version) if chosen is None else chosen
            return await drafts.roll_back(connection, undo, title=title, author=author, at=at, base_version=version)

    async def roll_back_to(self, version: int, *, title: str, author: str, at: datetime) -> int:
        """A draft that undoes everything since a version, but for overrides; its number."""
        async with self._transaction() as connection:
            changes, newest = await versions.changes_since(connection, version)
            return await drafts.roll_back(connection, changes, title=title, author=author, at=at, base_version=newest)

    async def throw_override(self, row: OverrideRow, *, at: datetime, comment: str | None = None) -> int:
        """Add an override to what is live, at once, as a version of its own by the override's author; the version.

        Without a comment the override's reason is it. Raises CompileError if the override does not fit the rows.
        """
        stamp = Stamp(author=row.author, comment=row.reason if comment is None else comment, at=at)
        async with self._transaction() as connection:
            return await publishing.throw_override(connection, row, stamp)

    async def end_override(self, name: str, *, author: str, comment: str, at: datetime) -> int:
        """Take an override away at once, as a version of its own; the version."""
        async with self._transaction() as connection:
            return await publishing.end_override(connection, name, Stamp(author=author, comment=comment, at=at))

    async def people(self) -> Mapping[str, str]:
        """The names of people by their login names."""
        async with self._transaction() as connection:
            return await people.people(connection)

    async def set_person(self, login: str, name: str) -> None:
        """Give a person a name, or another one."""
        async with self._transaction() as connection:
            await people.set_person(connection, login, name)

    async def erase_person(self, login: str) -> bool:
        """Forget a person's name; whether there was one."""
        async with self._transaction() as connection:
            return await people.erase_person(connection, login)
