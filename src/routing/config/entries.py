# SPDX-License-Identifier: EUPL-1.2
"""A row's fields as entries of a YAML mapping, in both directions: what each noun's module builds on.

Entries are named like the row's fields, and read by the field's type; a field with a default may be left out, and is
left out when it is written. A field that looks otherwise in a file is read and written by its noun's own module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import date, datetime
from functools import cache
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

from yaml import Node, ScalarNode

from routing.config.document import Document


class Reader:
    """A document being read, and the time zone that its dates mean."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.zone_name = "Europe/Berlin"
        self.zone = ZoneInfo(self.zone_name)

    def set_zone(self, node: Node) -> None:
        self.zone_name = self.document.text(node, "timezone")
        try:
            self.zone = ZoneInfo(self.zone_name)
        except (ValueError, OSError, LookupError):
            self.document.problem(node, f"timezone: {self.zone_name!r} is no IANA time zone, such as Europe/Berlin")

    def row(
        self,
        node: Node | None,
        what: str,
        row_type: type,
        *,
        without: tuple[str, ...] = (),
        required: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
        formerly: Mapping[str, str] | None = None,
    ) -> tuple[dict[str, Any], dict[str, Node]]:
        """The values of the row's fields (except ``without``) that the mapping holds, and all its entries.

        ``required`` and ``optional`` are further entries, which the caller reads. A required value that is missing is
        a problem already; something stands for it, so that the rest is read too.
        """
        kinds = {item.name: item for item in fields(row_type) if item.name not in without}
        needed = tuple(name for name, item in kinds.items() if _is_required(item))
        others = tuple(name for name in kinds if name not in needed)
        entries = self.document.mapping(
            node, what, required=(*needed, *required), optional=(*others, *optional), formerly=formerly or {}
        )
        hints = _hints(row_type)
        values = {
            name: _READ[hints[name]](self, entries.get(name), f"{what}.{name}")
            for name in kinds
            if name in needed or name in entries
        }
        return values, entries

    def texts(self, node: Node | None, what: str) -> tuple[str, ...]:
        """A list of texts; a list of one may be written as the one."""
        return tuple(self.document.text(item, what) for item in self.one_or_several(node, what))

    def integers(self, node: Node | None, what: str) -> tuple[int, ...]:
        """A list of whole numbers; a list of one may be written as the one."""
        return tuple(self.document.integer(item, what) for item in self.one_or_several(node, what))

    def one_or_several(self, node: Node | None, what: str) -> list[Node]:
        return [node] if isinstance(node, ScalarNode) else self.document.items(node, what)

    def instant(self, node: Node | None, what: str) -> datetime | None:
        """A date (midnight in the file's zone) or an instant with its offset."""
        if node is None:
            return None
        text = self.document.text(node, what)
        try:
            if len(text) == len("2014-10-01"):
                day = date.fromisoformat(text)
                return datetime(day.year, day.month, day.day, tzinfo=self.zone)
            instant = datetime.fromisoformat(text)
        except ValueError:
            self.document.problem(node, f"{what}: write a date as 2014-10-01 or an instant with its offset")
            return None
        if instant.tzinfo is None:
            self.document.problem(node, f"{what}: {text!r} has no offset from UTC: add one, such as +01:00")
            return None
        return instant

    def _bound(self, node: Node | None, what: str) -> datetime:
        return self.instant(node, what) or datetime(1, 1, 1, tzinfo=self.zone)  # stands for what is a problem already


_READ: Mapping[Any, Callable[[Reader, Node | None, str], Any]] = {
    str: lambda reader, node, what: reader.document.text(node, what),
    str | None: lambda reader, node, what: reader.document.optional_text(node, what),
    bool: lambda reader, node, what: reader.document.truth(node, what),
    int: lambda reader, node, what: reader.document.integer(node, what),
    int | None: lambda reader, node, what: reader.document.integer(node, what),
    datetime: Reader._bound,
    datetime | None: Reader.instant,
    tuple[str, ...]: Reader.texts,
    tuple[int, ...]: Reader.integers,
}


@cache
def _hints(row_type: type) -> dict[str, Any]:
    return get_type_hints(row_type)


def _is_required(item: Field[Any]) -> bool:
    return item.default is MISSING


def written(row: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The row's fields as entries, without those that mean the same when they are left out."""
    values = {item.name: (getattr(row, item.name), item.default) for item in fields(row) if item.name not in without}
    return {name: plain(value) for name, (value, default) in values.items() if value != default}


def plain(value: Any) -> Any:
    """The value as YAML has it: instants as text with their offset, a list of one as the one."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return value[0] if len(value) == 1 else list(value)
    return value


def without_empty(mapping: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value not in (None, [], {})}


def in_order(rows: Iterable[Any], *names: str) -> list[Any]:
    """Rows by these fields, then by the beginning of their validity: editions stand one behind the other."""
    return sorted(rows, key=lambda row: (*(getattr(row, name) for name in names), *_beginning(row)))


def _beginning(row: Any) -> tuple[bool, float]:
    begins: datetime | None = getattr(row, "valid_from", None)
    return begins is not None, 0.0 if begins is None else begins.timestamp()
