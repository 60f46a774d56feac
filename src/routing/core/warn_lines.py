# SPDX-License-Identifier: EUPL-1.2
"""Lines that hardly do what is meant: never open, never closed, without a number, without anybody who answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from routing.core.line import LineKey, ServiceLine
from routing.core.places import place_of
from routing.core.rows import AuthorityNumberRow, ServiceLineRow
from routing.core.table import Table
from routing.core.timeline import LOOK_AHEAD, spans
from routing.core.validity import Validity

_NAMED = 3


def line_warnings(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    """Place and sentence of every warning about a line, a group or an origin of 115."""
    rows = rows_of_lines(table.rows.service_lines)
    yield from _hours(table, rows, at)
    yield from _without_number(table, rows)
    yield from _empty_groups(table, at)
    yield from _origins(table, at)


def rows_of_lines(rows: Iterable[ServiceLineRow]) -> dict[LineKey, list[ServiceLineRow]]:
    """A line's editions."""
    found: defaultdict[LineKey, list[ServiceLineRow]] = defaultdict(list)
    for row in rows:
        found[row.tenant, row.name].append(row)
    return found


def some(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    known = sorted(set(names))
    more = len(known) - _NAMED
    return ", ".join(known[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def served_within(line: ServiceLine | None, start: datetime, end: datetime) -> bool:
    """Whether the line is served at any instant from start to end."""
    return line is not None and any(
        _overlap((edition.validity, edition.tenant.validity), start, end) for edition in line.editions
    )


def _overlap(validities: tuple[Validity, ...], start: datetime, end: datetime) -> bool:
    begins = [validity.valid_from for validity in validities if validity.valid_from is not None]
    ends = [validity.valid_to for validity in validities if validity.valid_to is not None]
    return max((start, *begins)) < min((end, *ends))


def _hours(table: Table, rows: dict[LineKey, list[ServiceLineRow]], at: datetime) -> Iterator[tuple[str, str]]:
    for key, line in table.lines.items():
        states: set[bool] = set()
        for span in spans(line, at, at + LOOK_AHEAD):
            if span.edition is not None:
                states.add(span.open)
            if len(states) > 1:
                break
        if len(states) != 1:
            continue
        hours = rows[key][-1].opening_hours
        sentence = (
            "is never open in the coming 400 days: give a window to the opening hours "
            f"{hours}, or look for a closure that does not end"
        )
        if states == {True}:
            sentence = (
                "is never closed in the coming 400 days, so nobody hears its closed words: if that is not meant, "
                f"change the opening hours {hours}"
            )
        yield place_of(rows[key][0]), sentence


def _without_number(table: Table, rows: dict[LineKey, list[ServiceLineRow]]) -> Iterator[tuple[str, str]]:
    used = {key for key, count in table.index.uses_of_line.items() if count > 0} | {table.unknown_line}
    used |= {meaning.line for meanings in table.origins.values() for meaning in meanings}
    for key in table.lines:
        if key not in used:
            sentence = "nobody reaches it: no number, no origin of 115 and no rule for unknown numbers leads to it"
            yield place_of(rows[key][0]), f"{sentence}; add a did, or take the line away"


def _empty_groups(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    staffed = {group for agent in table.rows.agents for group in agent.agent_groups}
    users: defaultdict[str, list[str]] = defaultdict(list)
    for row in table.rows.service_lines:
        if row.valid_to is None or row.valid_to > at:
            users[row.agent_group].append(place_of(row))
            for step in (*row.overflow, *row.closed):
                if step.agent_group is not None:
                    users[step.agent_group].append(place_of(row))
    for special in table.rows.special_hours:
        if special.agent_group is not None and special.valid_to > at:
            users[special.agent_group].append(place_of(special))
    for group in table.rows.agent_groups:
        if group.name not in staffed and users[group.name]:
            sentence = f"no agent is in it, and calls are sent there by {some(users[group.name])}"
            yield place_of(group), f"{sentence}: put an agent into it, or name another group there"


def _origins(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    """Of 115: lines that are not served while their origin leads to them."""
    for row in table.rows.authority_numbers:
        if row.tenant is None or row.service_line is None or (row.valid_to is not None and row.valid_to <= at):
            continue
        start = at if row.valid_from is None else max(at, row.valid_from)
        end = start + LOOK_AHEAD if row.valid_to is None else row.valid_to
        if not served_within(table.lines.get((row.tenant, row.service_line)), start, end):
            sentence = f"{row.tenant}/{row.service_line} is not served while this holds, so {_instead(row)}"
            yield place_of(row), f"{sentence}; name another line, or change when it is served"


def _instead(row: AuthorityNumberRow) -> str:
    if row.origin == "neutral":
        return "115 is answered by nobody"
    return "its callers are treated as those of any other area"
