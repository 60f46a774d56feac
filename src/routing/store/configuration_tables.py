# SPDX-License-Identifier: EUPL-1.2
"""One table for each type of configuration row, its columns made from the row's fields.

    row_id | … the row's fields … | version_from | version_to

A row is live in the versions ``version_from <= version < version_to``; ``version_to`` is null as long as it is live.
Rows are never changed and never deleted: every version can be read again. A changed row type fails the test that
compares these tables with the migrations until there is a migration for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any, NamedTuple, get_type_hints

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from routing.core.places import COLLECTIONS, place_of
from routing.core.rows import Row, StepRow
from routing.store.problems import StoreError
from routing.store.schema import metadata
from routing.store.values import UNSTORABLE, from_database, in_utc

configuration_version = Table(
    "configuration_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("author", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

device_secret = Table(
    "device_secret",
    metadata,
    Column("device", Text, primary_key=True),
    Column("secret", Text, nullable=False),
)


class _Kind(NamedTuple):
    """How values of one Python type stand in the database."""

    column: TypeEngine[Any]
    nullable: bool
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _text(value: str) -> str:
    if UNSTORABLE.search(value):
        raise ValueError("holds a character that a database cannot keep (NUL or half a surrogate pair)")
    return value


def _named_dates(value: tuple[tuple[date, str], ...]) -> list[list[str]]:
    return [[day.isoformat(), _text(name)] for day, name in value]


def _dates_named(value: list[list[str]]) -> tuple[tuple[date, str], ...]:
    return tuple((date.fromisoformat(day), name) for day, name in value)


def _steps(value: tuple[StepRow, ...]) -> list[dict[str, Any]]:
    """Whole steps, so that a field added later cannot change what an older row means."""
    return [
        {name: _text(item) if isinstance(item, str) else item for name, item in _plain(step).items()} for step in value
    ]


def _plain(step: StepRow) -> dict[str, Any]:
    return asdict(step) | {"when": [_text(item) for item in step.when]}


def _read_steps(value: list[dict[str, Any]]) -> tuple[StepRow, ...]:
    return tuple(StepRow(**{**item, "when": tuple(item["when"])}) for item in value)


def _optional(kind: _Kind) -> _Kind:
    def encode(value: Any) -> Any:
        return None if value is None else kind.encode(value)

    return kind._replace(nullable=True, encode=encode)


_TEXT = _Kind(Text(), False, _text, _same)
_INTEGER = _Kind(Integer(), False, _same, _same)
_INSTANT = _Kind(DateTime(timezone=True), False, in_utc, from_database)
_KINDS: Mapping[Any, _Kind] = {
    str: _TEXT,
    str | None: _optional(_TEXT),
    bool: _Kind(Boolean(), False, _same, _same),
    int: _INTEGER,
    int | None: _optional(_INTEGER),
    datetime: _INSTANT,
    datetime | None: _optional(_INSTANT),
    tuple[int, ...]: _Kind(ARRAY(Integer()), False, list, tuple),
    tuple[StepRow, ...]: _Kind(JSONB(), False, _steps, _read_steps),
    tuple[str, ...]: _Kind(ARRAY(Text()), False, lambda value: [_text(item) for item in value], tuple),
    tuple[tuple[int, int, int], ...]: _Kind(
        JSONB(), False, lambda value: [list(item) for item in value], lambda value: tuple(map(tuple, value))
    ),
    tuple[tuple[str, str], ...]: _Kind(
        JSONB(),
        False,
        lambda value: [[_text(item) for item in pair] for pair in value],
        lambda value: tuple((first, second) for first, second in value),
    ),
    tuple[tuple[date, str], ...]: _Kind(JSONB(), False, _named_dates, _dates_named),
}


class RowTable:
    """A row type with its table and the way between the two."""

    def __init__(self, row_type: type[Row], collection: str) -> None:
        hints = get_type_hints(row_type)
        self.row_type = row_type
        self.collection = collection
        """The field of `Rows` that holds these rows."""
        self._kinds = {item.name: _KINDS[hints[item.name]] for item in fields(row_type)}
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", row_type.__name__.removesuffix("Row")).lower()
        self.table = Table(
            name,
            metadata,
            Column("row_id", BigInteger, Identity(always=True), primary_key=True),
            *(Column(item, kind.column, nullable=kind.nullable) for item, kind in self._kinds.items()),
            Column(
                "version_from",
                Integer,
                ForeignKey(configuration_version.c.version, name=f"fk_{name}_version_from"),
                nullable=False,
            ),
            Column("version_to", Integer, ForeignKey(configuration_version.c.version, name=f"fk_{name}_version_to")),
            CheckConstraint("version_to > version_from", name="versions"),
        )
        # Null is a value here: two dids of one number without valid_from are the same did.
        Index(
            f"uq_{name}_live",
            *(self.table.c[key] for key in row_type.key_fields),
            unique=True,
            postgresql_where=self.table.c.version_to.is_(None),
            postgresql_nulls_not_distinct=True,
        )
        # What changed between two versions is found without reading what did not.
        Index(f"ix_{name}_version_from", self.table.c.version_from)
        ended = self.table.c.version_to
        Index(f"ix_{name}_version_to", ended, postgresql_where=ended.is_not(None))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that are the row's fields."""
        return tuple(self._kinds)

    def encode(self, row: Row) -> dict[str, Any]:
        """The row's columns, in one form: equal rows give equal columns. Raises StoreError, with the place."""
        columns = {}
        for name, kind in self._kinds.items():
            try:
                columns[name] = kind.encode(getattr(row, name))
            except ValueError as error:
                place = ascii(f"{place_of(row)}.{name}")[1:-1]
                raise StoreError(f"{place} {error}: correct it and save again.") from None
        return columns

    def decode(self, columns: Mapping[str, Any]) -> Row:
        """The row that was encoded; instants in UTC."""
        values: dict[str, Any] = {
            name: None if columns[name] is None else kind.decode(columns[name]) for name, kind in self._kinds.items()
        }
        return self.row_type(**values)

    def key(self, columns: Mapping[str, Any]) -> tuple[object, ...]:
        return tuple(columns[name] for name in self.row_type.key_fields)


ROW_TABLES = tuple(RowTable(row_type, collection) for collection, row_type in COLLECTIONS.items())
ROW_TABLE_OF = {table.collection: table for table in ROW_TABLES}
