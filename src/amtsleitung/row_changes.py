# SPDX-License-Identifier: EUPL-1.2
"""Row changes as lines for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from routing.core.changes import RowChange, fields_changed
from routing.core.row_json import row_json
from routing.core.rows import Row
from routing.core.visibility import OCCUPIED, Occupied, VisibleChange, visible

ITEMS_SHOWN = 12


def changes_json(changes: Iterable[RowChange], tenant: str | None) -> list[dict[str, Any]]:
    """One object for each change, as this tenant's people see it (``None``: everything)."""
    return [
        {"row": shown.place, "change": _kind(shown), "before": _side(shown.before), "after": _side(shown.after)}
        for shown in (visible(change, tenant) for change in changes)
    ]


def changes_lines(changes: Iterable[RowChange], tenant: str | None) -> Iterator[str]:
    """The same in lines: the row, then each field that is new or other."""
    for shown in (visible(change, tenant) for change in changes):
        if shown.occupied:
            yield OCCUPIED
            continue
        yield f"{_kind(shown):<8} {shown.place}"
        yield from (f"           {line}" for line in _details(shown))


def _kind(shown: VisibleChange) -> str:
    if shown.occupied:
        return OCCUPIED
    if shown.before is None:
        return "new"
    return "gone" if shown.after is None else "changed"


def _side(side: Row | Occupied | None) -> dict[str, Any] | str | None:
    if isinstance(side, Occupied):
        return OCCUPIED
    return None if side is None else row_json(side)


def _details(shown: VisibleChange) -> Iterator[str]:
    before, after = shown.before, shown.after
    if isinstance(before, Occupied) or isinstance(after, Occupied):
        yield f"{_whole(before)} → {_whole(after)}"
    elif after is not None and before is None:
        yield from (f"{name}: {_text(value)}" for name, value in _told(after))
    elif after is not None and before is not None:
        yield from (f"{name}: {_other(old, new)}" for name, old, new in fields_changed(before, after))


def _whole(side: Row | Occupied | None) -> str:
    if isinstance(side, Occupied) or side is None:
        return OCCUPIED
    return ", ".join(f"{name}: {_text(value)}" for name, value in _told(side))


def _told(row: Row) -> Iterator[tuple[str, Any]]:
    """What the place does not tell already and is not as if it were left out."""
    usual = {item.name: item.default for item in fields(row)}
    for name, value in row_json(row).items():
        if name not in row.key_fields and getattr(row, name) != usual[name]:
            yield name, value


def _other(old: object, new: object) -> str:
    if not (isinstance(old, list) and isinstance(new, list) and max(len(old), len(new)) > ITEMS_SHOWN):
        return f"{_text(old)} → {_text(new)}"
    gone, more = [item for item in old if item not in new], [item for item in new if item not in old]
    sides = [f"{word} {_text(items)}" for word, items in (("without", gone), ("with", more)) if items]
    return ", ".join(sides) or "in another order"


def _text(value: object) -> str:
    """A long list, such as the holidays of a hundred years, by its first items."""
    if isinstance(value, list) and len(value) > ITEMS_SHOWN:
        return f"{', '.join(map(_text, value[:ITEMS_SHOWN]))} and {len(value) - ITEMS_SHOWN} more"
    return json.dumps(value, ensure_ascii=False)
