# SPDX-License-Identifier: EUPL-1.2
"""Hypothesis strategies for any rows at all: they need not mean anything, only have keys of their own."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime, timedelta, timezone
from typing import Any, get_args, get_type_hints

from hypothesis import strategies as st

from routing.core.changes import in_utc
from routing.core.rows import Rows, StepRow, key_of

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
_ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=_ZONES)  # noqa: DTZ001, bounds are naive
_INTEGERS = st.integers(-(2**31) + 1, 2**31 - 1)


def any_rows(
    *, texts: st.SearchStrategy[str] = TEXTS, instants: st.SearchStrategy[datetime] = INSTANTS, overrides: bool = True
) -> st.SearchStrategy[Rows]:
    """Rows of every type. With few ``texts`` and ``instants``, two of them often have rows of one key."""
    values: dict[Any, st.SearchStrategy[Any]] = {
        str: texts,
        str | None: st.none() | texts,
        bool: st.booleans(),
        int: _INTEGERS,
        int | None: st.none() | _INTEGERS,
        datetime: instants,
        datetime | None: st.none() | instants,
        tuple[str, ...]: st.lists(texts, max_size=3).map(tuple),
        tuple[int, ...]: st.lists(_INTEGERS, max_size=3).map(tuple),
        tuple[tuple[int, int, int], ...]: st.lists(st.tuples(*[st.integers(0, 1440)] * 3), max_size=3).map(tuple),
        tuple[tuple[str, str], ...]: st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
        tuple[tuple[date, str], ...]: st.lists(st.tuples(st.dates(), texts), max_size=3).map(tuple),
    }

    def built(row_type: type) -> st.SearchStrategy[Any]:
        hints = get_type_hints(row_type)
        return st.builds(row_type, **{item.name: values[hints[item.name]] for item in fields(row_type)})

    values[tuple[StepRow, ...]] = st.lists(built(StepRow), max_size=3).map(tuple)
    collections = {
        name: st.lists(built(get_args(hint)[0]), max_size=3, unique_by=lambda row: key_of(in_utc(row))).map(tuple)
        for name, hint in get_type_hints(Rows).items()
        if overrides or name != "overrides"
    }
    return st.builds(Rows, **collections)


def same(one: Rows, other: Rows) -> bool:
    """Equal but for the order of rows and the zones of instants."""
    return all(
        {in_utc(row) for row in getattr(one, item.name)} == {in_utc(row) for row in getattr(other, item.name)}
        for item in fields(Rows)
    )
