# SPDX-License-Identifier: EUPL-1.2
"""What a draft means: the rows as they will be, and rows as a user writes them on a command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amtsleitung.errors import Problem
from amtsleitung.tables import rows_of_file
from routing.config import closed_dates, merge
from routing.core.changes import DoubledRowError, RowChange, apply, difference, without_ended
from routing.core.places import PlaceError, find_row, key_fields, place_of, split_place
from routing.core.row_json import RowJsonError, field_json, read_row, row_json
from routing.core.rows import OpeningHoursRow, Row, Rows, key_of

if TYPE_CHECKING:
    from routing.store import Store, StoredDraft


async def live_or_none(store: Store) -> tuple[Rows, int]:
    """The live rows as the next version will have them, without overrides that have ended.

    None, and version 0, before the first import.
    """
    rows, version = await store.load_rows() or (Rows(), 0)
    return without_ended(rows, datetime.now(UTC)), version


async def rows_with_draft(store: Store, number: int) -> tuple[Rows, Rows]:
    """The live rows, and the same with the draft. Raises ``Problem`` of a closed one, and ConflictError."""
    draft, changes = await store.draft(number)
    require_open(draft)
    live, _version = await live_or_none(store)
    return live, apply(live, changes)


def require_open(draft: StoredDraft) -> None:
    """Raises ``Problem`` if nothing can become of the draft any more."""
    if draft.state == "published":
        version = draft.published_version
        raise Problem(f"Draft {draft.number} was published: `amtsleitung versions {version}` shows what it changed.")
    if draft.state == "discarded":
        raise Problem(f"Draft {draft.number} was discarded: make a new one with `amtsleitung draft new`.")


def changes_of_file(file: Path, live: Rows, *, whole: bool) -> tuple[RowChange, ...]:
    """What importing the file would change; ``whole``: the file is the whole configuration."""
    rows = rows_of_file(file)
    note_overrides(file, rows, live)
    after = replace(rows if whole else merge(live, rows), overrides=live.overrides)
    try:
        return difference(live, after)
    except DoubledRowError as error:
        raise Problem(f"{file}: {error}") from None


def note_overrides(file: Path, rows: Rows, live: Rows) -> None:
    """Say so on standard error if the file has overrides that are not live: no import makes them so."""
    if new := sorted({row.name for row in rows.overrides} - {row.name for row in live.overrides}):
        click.echo(
            f"amtsleitung: {file}: the override {new[0]!r} is not taken over: throw it with `amtsleitung override`.",
            err=True,
        )


async def row_at(store: Store, number: int, place: str) -> Row | None:
    """The row at this place as the draft has it, or as it is live. Raises ``Problem``."""
    _draft, changes = await store.draft(number)
    live, _version = await live_or_none(store)
    there = {(type(row), key_of(row)): row for row in live.all()}
    there |= {(type(change.row), change.key): change.row for change in changes}
    try:
        return find_row(there.values(), place)
    except PlaceError as error:
        raise Problem(str(error)) from None


def row_written(place: str, there: Row | None, pairs: Sequence[str], written: str | None) -> Row:
    """The row that ``field=value`` pairs make of the one that is there, or that they and the place describe.

    ``written`` is a whole row as JSON instead. Raises ``Problem``.
    """
    try:
        collection, _ = split_place(place)
        known = row_json(there) if there is not None else _from_place(collection, place)
        values = known if written is None else _key_of_row(known, there) | _object(written)
        values |= dict(_pair(collection, pair) for pair in pairs)
        row = read_row(collection, values, place=place_of(there) if there is not None else place)
        wanted = there or find_row([row], place)
    except (PlaceError, RowJsonError) as error:
        raise Problem(str(error)) from None
    if wanted is None or key_of(wanted) != key_of(row):
        raise Problem(f"{place}: this is another row, {place_of(row)}: name that place, and remove the old row.")
    return _with_holidays(row, there) if isinstance(row, OpeningHoursRow) else row


def _with_holidays(row: OpeningHoursRow, there: Row | None) -> OpeningHoursRow:
    """Its dates follow from its calendar with the additions and removals. As long as these stay, so do the dates."""
    if isinstance(there, OpeningHoursRow) and _holiday_rule(there) == _holiday_rule(row):
        if row.holiday_dates != there.holiday_dates:
            raise Problem(
                f"{place_of(row)}.holiday_dates: they follow from the other fields: "
                "set holiday_calendar, holiday_additions or holiday_removals."
            )
        return row
    mistakes: list[str] = []
    dates = closed_dates(*_holiday_rule(row), lambda _text, sentence: mistakes.append(sentence))
    if mistakes:
        raise Problem("\n  ".join(["nothing was changed; mend this first:", *mistakes]))
    return replace(row, holiday_dates=dates)


def _holiday_rule(row: OpeningHoursRow) -> tuple[str | None, tuple[tuple[str, str], ...], tuple[str, ...]]:
    return row.holiday_calendar, row.holiday_additions, row.holiday_removals


def _from_place(collection: str, place: str) -> dict[str, Any]:
    return {name: field_json(collection, name, text) for name, text in key_fields(place).items()}


def _key_of_row(known: dict[str, Any], there: Row | None) -> dict[str, Any]:
    return known if there is None else {name: known[name] for name in there.key_fields}


def _pair(collection: str, pair: str) -> tuple[str, Any]:
    name, equals, text = pair.partition("=")
    if not equals:
        raise Problem(f"{pair!r} is no FIELD=VALUE: write one such as title=Vermittlung or priority=5")
    return name, field_json(collection, name, text)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise Problem(f"--row is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise Problem('--row must be a JSON object with the fields of the row, such as {"title": "Vermittlung"}')
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{doubled[0]!r} is there twice")
    return dict(pairs)
