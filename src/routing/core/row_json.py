# SPDX-License-Identifier: EUPL-1.2
"""Rows as plain JSON and back: what a draft keeps and what the command line takes.

Writing gives every field, so that a default which changes later cannot change what was written. Reading is strict:
an unknown field or a value of another type is refused with its place; a field that is missing has its default.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, get_type_hints

from routing.core.places import COLLECTIONS
from routing.core.rows import Row, StepRow

_LARGEST_INTEGER = 2**31 - 1  # what a database's integer holds
_SHOWN_CHARACTERS = 60


class RowJsonError(Exception):
    """The value is no such row; ``str(error)`` names the place and what is expected."""


class _NotThis(Exception):
    """The value is not of its field's type; ``inside`` is the place within it."""

    def __init__(self, sentence: str = "", inside: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.inside = inside


class _Kind(NamedTuple):
    """How values of one Python type stand in JSON; ``read`` raises _NotThis.

    On a command line a value that is ``written_plainly`` is no JSON but the text itself.
    """

    expected: str
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    written_plainly: bool = False
    optional: bool = False


def row_json(row: Row | StepRow) -> dict[str, Any]:
    """The row as values that ``json.dumps`` takes; instants are ISO 8601 with their offset."""
    return {name: kind.write(getattr(row, name)) for name, kind in _FIELDS[type(row)].items()}


def read_row(collection: str, value: object, *, place: str) -> Row:
    """The row of this collection that ``value`` means; ``place`` is its name in errors. Raises RowJsonError."""
    try:
        return COLLECTIONS[collection](**_read_fields(COLLECTIONS[collection], value))
    except _NotThis as error:
        raise RowJsonError(f"{place}{error.inside}: {error.sentence}") from None


def field_json(collection: str, name: str, text: str) -> Any:
    """What ``name=text`` on a command line means, as JSON: a text or an instant as it is, ``null``, else JSON.

    Raises RowJsonError.
    """
    kinds = _FIELDS[COLLECTIONS[collection]]
    if name not in kinds:
        raise RowJsonError(f"{collection} have no field {name!r}; they have {', '.join(kinds)}")
    kind = kinds[name]
    if text == "null" and kind.optional:
        return None
    if kind.written_plainly:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        shown = text[:_SHOWN_CHARACTERS]
        raise RowJsonError(f"{name}={shown!r}: expected {kind.expected}, written as JSON") from None


def _read_fields(row_type: type[Row | StepRow], value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _NotThis(f"expected an object with fields, not {_shown(value)}")
    kinds = _FIELDS[row_type]
    if unknown := sorted(str(name) for name in value if name not in kinds):
        raise _NotThis(f"unknown field {unknown[0]!r}; known are {', '.join(kinds)}")
    if missing := [item.name for item in fields(row_type) if item.name not in value and item.default is MISSING]:
        raise _NotThis(f"the field {missing[0]!r} is missing")
    return {name: _read(kinds[name], item, f".{name}") for name, item in value.items()}


def _read(kind: _Kind, value: object, inside: str) -> Any:
    try:
        return kind.read(value)
    except _NotThis as error:
        sentence = error.sentence or f"expected {kind.expected}, not {_shown(value)}"
        raise _NotThis(sentence, inside + error.inside) from None


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _same(value: Any) -> Any:
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _NotThis
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise _NotThis
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST_INTEGER:
        raise _NotThis
    return value


def _instant(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(_text(value))
        at.astimezone(UTC)  # the calendar's first and last hours have no UTC
    except (ValueError, OverflowError):
        raise _NotThis from None
    if at.tzinfo is None:
        raise _NotThis
    return at


def _day(value: object) -> date:
    try:
        return date.fromisoformat(_text(value))
    except ValueError:
        raise _NotThis from None


def _step(value: object) -> StepRow:
    return StepRow(**_read_fields(StepRow, value))


def _items(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _NotThis
    return value


def _list(kind: _Kind, several: str) -> _Kind:
    def write(value: tuple[Any, ...]) -> list[Any]:
        return [kind.write(item) for item in value]

    def read(value: object) -> tuple[Any, ...]:
        return tuple(_read(kind, item, f"[{number}]") for number, item in enumerate(_items(value)))

    return _Kind(f"a list of {several}", write, read)


def _group(*kinds: _Kind, expected: str) -> _Kind:
    """A list of a fixed length, each item of its own kind."""

    def write(value: tuple[Any, ...]) -> list[Any]:
        return [kind.write(item) for kind, item in zip(kinds, value, strict=True)]

    def read(value: object) -> tuple[Any, ...]:
        items = _items(value)
        if len(items) != len(kinds):
            raise _NotThis
        return tuple(
            _read(kind, item, f"[{number}]") for number, (kind, item) in enumerate(zip(kinds, items, strict=True))
        )

    return _Kind(expected, write, read)


def _optional(kind: _Kind) -> _Kind:
    return _Kind(
        f"{kind.expected} or null",
        lambda value: None if value is None else kind.write(value),
        lambda value: None if value is None else kind.read(value),
        kind.written_plainly,
        True,
    )


_TEXT = _Kind("a text", _same, _text, written_plainly=True)
_INTEGER = _Kind("a whole number", _same, _integer)
_INSTANT = _Kind(
    "an instant with its offset, such as 2026-11-23T10:00+01:00", datetime.isoformat, _instant, written_plainly=True
)
_DAY = _Kind("a date, such as 2026-12-24", date.isoformat, _day)
_KINDS: Mapping[Any, _Kind] = {
    str: _TEXT,
    str | None: _optional(_TEXT),
    bool: _Kind("true or false", _same, _truth),
    int: _INTEGER,
    int | None: _optional(_INTEGER),
    datetime: _INSTANT,
    datetime | None: _optional(_INSTANT),
    tuple[int, ...]: _list(_INTEGER, "whole numbers"),
    tuple[str, ...]: _list(_TEXT, "texts"),
    tuple[StepRow, ...]: _list(_Kind("a step", row_json, _step), "steps"),
    tuple[tuple[int, int, int], ...]: _list(
        _group(_INTEGER, _INTEGER, _INTEGER, expected="weekday, start minute and end minute"), "windows"
    ),
    tuple[tuple[str, str], ...]: _list(_group(_TEXT, _TEXT, expected="a date and a name"), "dates with names"),
    tuple[tuple[date, str], ...]: _list(_group(_DAY, _TEXT, expected="a date and a name"), "dates with names"),
}
_FIELDS: Mapping[object, Mapping[str, _Kind]] = {
    row_type: {name: _KINDS[hint] for name, hint in get_type_hints(row_type).items() if name != "key_fields"}
    for row_type in (*COLLECTIONS.values(), StepRow)
}
