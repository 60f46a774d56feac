# SPDX-License-Identifier: EUPL-1.2
"""Where a row stands, as people write it, and which row stands there.

service_lines[stadt-x/vermittlung/2026-10-01T00:00:00+02:00]
└collection─┘ └────── the key, without what is None ──────┘
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import get_args, get_type_hints

from routing.core.rows import Row, Rows, key_of

COLLECTIONS: Mapping[str, type[Row]] = {name: get_args(hint)[0] for name, hint in get_type_hints(Rows).items()}
"""The row type of each field of `Rows`."""

_NAMES = {row_type: name for name, row_type in COLLECTIONS.items()}


class PlaceError(Exception):
    """The text names no row, or several; ``str(error)`` says what to write."""


def collection_of(row: Row) -> str:
    """The field of `Rows` that holds such rows."""
    return _NAMES[type(row)]


def place_of(row: Row) -> str:
    """Where the row stands: ``service_lines[stadt-x/vermittlung]``."""
    return f"{collection_of(row)}[{'/'.join(map(_shown, _parts(row)))}]"


def split_place(text: str) -> tuple[str, tuple[str, ...]]:
    """The collection and the parts of the key that a place names. Raises PlaceError."""
    collection, bracket, rest = text.strip().partition("[")
    if not bracket or not rest.endswith("]"):
        raise PlaceError(f"{text!r} is no place of a row: write it as service_lines[stadt-x/vermittlung]")
    if collection not in COLLECTIONS:
        raise PlaceError(f"{text!r}: there are no {collection!r}; known are {', '.join(COLLECTIONS)}")
    return collection, tuple(rest[:-1].split("/"))


def find_row(rows: Iterable[Row], place: str) -> Row | None:
    """The row that stands at this place; ``None`` if none does.

    Instants and ranks at the end of a key may be left out where only one row begins like that: the one edition of a
    line, for example. An empty part says that there is none: ``service_lines[stadt-x/vermittlung/]``.
    Raises PlaceError if the text is no place, or if several rows stand there.
    """
    collection, parts = split_place(place)
    candidates = [row for row in rows if isinstance(row, COLLECTIONS[collection])]
    for row in candidates:
        if place_of(row) == place.strip() or _is(_parts(row), parts) or _is((*_parts(row), ""), parts):
            return row
    found = [row for row in candidates if _begins(_parts(row), parts)]
    if len(found) > 1:
        several = ", ".join(sorted(place_of(row) for row in found)[:5])
        raise PlaceError(f"{place}: several rows stand there: say which ({several})")
    return found[0] if found else None


def key_fields(place: str) -> dict[str, str]:
    """What a place says of the key of a row that is not there yet: text by field. Raises PlaceError."""
    collection, parts = split_place(place)
    hints = get_type_hints(COLLECTIONS[collection])
    names = list(COLLECTIONS[collection].key_fields)
    values: dict[str, str] = {}
    for part in parts:
        if not part and names and type(None) in get_args(hints[names[0]]):
            continue
        while names and type(None) in get_args(hints[names[0]]) and _is_instant(part) != _holds_instants(hints, names):
            names.pop(0)  # a part of the key that is None is not written
        if not names:
            raise PlaceError(f"{place}: too long: the key of {collection} is {'/'.join(_key(collection))}")
        values[names.pop(0)] = part
    if missing := [name for name in names if type(None) not in get_args(hints[name])]:
        raise PlaceError(f"{place}: {missing[0]} is missing: the key of {collection} is {'/'.join(_key(collection))}")
    return values


def _key(collection: str) -> tuple[str, ...]:
    return COLLECTIONS[collection].key_fields


def _holds_instants(hints: Mapping[str, object], names: list[str]) -> bool:
    return datetime in get_args(hints[names[0]])


def _parts(row: Row) -> tuple[object, ...]:
    return tuple(part for part in key_of(row) if part is not None)


def _shown(part: object) -> str:
    return part.isoformat() if isinstance(part, datetime) else str(part)


def _is(key: tuple[object, ...], parts: tuple[str, ...]) -> bool:
    return len(key) == len(parts) and all(map(_equal, key, parts))


def _begins(key: tuple[object, ...], parts: tuple[str, ...]) -> bool:
    left_out = key[len(parts) :]
    return _is(key[: len(parts)], parts) and not any(isinstance(part, str) for part in left_out)


def _equal(part: object, text: str) -> bool:
    """Whether the text means this part of a key; an instant may be written with any offset."""
    if isinstance(part, datetime) and part.tzinfo is not None and _is_instant(text):
        return not datetime.fromisoformat(text) - part
    return _shown(part) == text


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
