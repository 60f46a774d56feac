# SPDX-License-Identifier: EUPL-1.2
"""Changes of rows: the difference of two configurations, its application to a third, and its reverse.

A change says what it expects (``before``). Where something else stands by now it does not fit: a conflict, which is
named and never guessed away. A row that is already as the change wants it is no conflict.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, get_type_hints

from routing.core.places import COLLECTIONS, collection_of, place_of
from routing.core.row_json import row_json
from routing.core.rows import Row, Rows, key_of

_SHOWN_CHARACTERS = 80
_INSTANTS = {
    row_type: tuple(name for name, hint in get_type_hints(row_type).items() if hint in (datetime, datetime | None))
    for row_type in COLLECTIONS.values()
}
"""The fields of each row type that are instants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One row that is new (``before`` is ``None``), gone (``after`` is ``None``) or changed; both have one key."""

    before: Row | None
    after: Row | None

    @property
    def row(self) -> Row:
        """The row after the change or, where it is gone, before it."""
        row = self.before if self.after is None else self.after
        assert row is not None, "a change has a row"
        return row

    @property
    def collection(self) -> str:
        """The field of `Rows` that holds the row."""
        return collection_of(self.row)

    @property
    def key(self) -> tuple[object, ...]:
        """The row's key, its instants in UTC."""
        return key_of(in_utc(self.row))

    @property
    def place(self) -> str:
        """Where the row stands, for people."""
        return place_of(self.row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A change that does not fit: another row than ``change.before`` stands there (``live``), or none."""

    change: RowChange
    live: Row | None

    @property
    def sentence(self) -> str:
        """What the change expected, and what is live now."""
        before = self.change.before
        if self.live is None:
            return "is no longer there, and this change was made to it"
        if before is None:
            return "is there already, and this change adds it"
        different = [
            f"{name} is now {_shown(now)}, and this change was made to {_shown(then)}"
            for name, then, now in fields_changed(before, self.live)
        ]
        return "; ".join(different)

    def __str__(self) -> str:
        return f"{self.change.place}: {self.sentence}"


class ConflictError(Exception):
    """Changes do not fit what is live; ``conflicts`` lists all of them."""

    def __init__(self, conflicts: tuple[Conflict, ...]) -> None:
        super().__init__("; ".join(map(str, conflicts)))
        self.conflicts = conflicts


class DoubledRowError(Exception):
    """Two rows have one key, so that no change can mean one of them."""


def in_utc(row: Row) -> Row:
    """The same row with its instants in UTC: only so are equal rows always equal.

    In the hour that a clock shows twice, instants of different zones are never equal to Python.
    """
    changed: dict[str, Any] = {}
    for name in _INSTANTS[type(row)]:
        value: datetime | None = getattr(row, name)
        if value is not None and value.tzinfo is not None and value.tzinfo is not UTC:
            with suppress(OverflowError):  # at the calendar's ends; whoever keeps the row refuses it
                changed[name] = value.astimezone(UTC)
    return replace(row, **changed) if changed else row


def difference(before: Rows, after: Rows) -> tuple[RowChange, ...]:
    """The changes that make ``before`` into ``after``, in the order of row types. Raises DoubledRowError."""
    found: list[RowChange] = []
    for collection in COLLECTIONS:
        old, new = _by_key(getattr(before, collection)), _by_key(getattr(after, collection))
        found += [RowChange(before=row, after=new.get(key)) for key, row in old.items() if new.get(key) != row]
        found += [RowChange(before=None, after=row) for key, row in new.items() if key not in old]
    return tuple(found)


def apply(rows: Rows, changes: Iterable[RowChange]) -> Rows:
    """``rows`` with the changes made, one after the other. Raises ConflictError with all that do not fit."""
    touched: dict[str, dict[tuple[object, ...], Row]] = {}
    conflicts = []
    for change in changes:
        if change.collection not in touched:
            touched[change.collection] = _by_key(getattr(rows, change.collection))
        there = touched[change.collection]
        live = there.get(change.key)
        before, after = (row and in_utc(row) for row in (change.before, change.after))
        if live not in (before, after):
            conflicts.append(Conflict(change=change, live=live))
        elif after is None:
            there.pop(change.key, None)
        else:
            there[change.key] = after
    if conflicts:
        raise ConflictError(tuple(conflicts))
    collections: dict[str, Any] = {name: tuple(there.values()) for name, there in touched.items()}
    return replace(rows, **collections)


def without_ended(rows: Rows, at: datetime) -> Rows:
    """The rows without the overrides that have ended at ``at``: nobody need take them away."""
    return replace(rows, overrides=tuple(row for row in rows.overrides if row.valid_to > at))


def reverse(changes: Iterable[RowChange]) -> tuple[RowChange, ...]:
    """The changes that undo these."""
    return tuple(RowChange(before=change.after, after=change.before) for change in reversed(tuple(changes)))


def fields_changed(before: Row, after: Row) -> tuple[tuple[str, Any, Any], ...]:
    """Name, old and new value (as JSON) of each field in which two rows of one type differ."""
    old, new = row_json(in_utc(before)), row_json(in_utc(after))
    return tuple((name, old[name], new[name]) for name in new if old[name] != new[name])


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _by_key(rows: Iterable[Row]) -> dict[tuple[object, ...], Row]:
    found: dict[tuple[object, ...], Row] = {}
    for row in map(in_utc, rows):
        if key_of(row) in found:
            raise DoubledRowError(f"{place_of(row)} is there twice: remove one of the two.")
        found[key_of(row)] = row
    return found
