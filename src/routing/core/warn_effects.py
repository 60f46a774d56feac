# SPDX-License-Identifier: EUPL-1.2
"""Closures, openings and notices that change nothing for anybody, and rotas with nobody on duty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from routing.core.hours import Duty
from routing.core.line import Edition, OnCall, ServiceLine
from routing.core.places import place_of
from routing.core.rows import NoticeRow, OpeningHoursRow, SpecialHoursRow
from routing.core.table import Table
from routing.core.timeline import spans
from routing.core.warn_lines import served_within

ROTA_DAYS = 60


def effect_warnings(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    """Place and sentence of every warning about what has no effect, or nobody behind it."""
    for special in table.rows.special_hours:
        if special.valid_to > at:
            yield from _special(table, special, max(at, special.valid_from))
    for notice in table.rows.notices:
        if notice.valid_to > at:
            yield from _notice(table, notice, max(at, notice.valid_from))
    used = {row.opening_hours for row in table.rows.service_lines} | {row.building_hours for row in table.rows.tenants}
    unused: dict[str, OpeningHoursRow] = {row.name: row for row in table.rows.opening_hours if row.name not in used}
    for row in unused.values():
        yield place_of(row), "no line and no building has these hours: give them to one, or take them away"
    for rota in table.rows.on_call_rotas:
        yield from _rota(table, rota.name, place_of(rota), at)


def _special(table: Table, row: SpecialHoursRow, start: datetime) -> Iterator[tuple[str, str]]:
    lines = _concerned(table, row)
    place, verb = place_of(row), "opens" if row.opens else "closes"
    if not lines:
        yield place, f"{verb} nothing: no line has what it holds for; name another scope, or take it away"
        return
    served = [line for line in lines if served_within(line, start, row.valid_to)]
    if not served or any(_has_effect(line, row, start) for line in served):
        return
    own = any(value is not None for value in (row.announcement_text, row.forward_number, row.agent_group))
    if own:
        why = "other special hours or overrides go before it all the time"
    else:
        why = f"its lines are {'open' if row.opens else 'closed'} then anyway"
    yield place, f"{verb} nothing: {why}; change its times, or take it away"


def _has_effect(line: ServiceLine, row: SpecialHoursRow, start: datetime) -> bool:
    own = any(value is not None for value in (row.announcement_text, row.forward_number, row.agent_group))
    without = replace(line, special=tuple(item for item in line.special if item.name != row.name), memo={})
    for span in spans(line, start, row.valid_to):
        special = span.special
        if special is None or special.author is not None or special.name != row.name:
            continue
        if own or any(other.open is not span.open for other in spans(without, span.start, span.end)):
            return True
    return False


def _notice(table: Table, row: NoticeRow, start: datetime) -> Iterator[tuple[str, str]]:
    lines = _concerned(table, row)
    if not lines:
        yield place_of(row), "nobody hears it: no line has what it holds for; name another scope, or take it away"
        return
    served = [line for line in lines if served_within(line, start, row.valid_to)]
    if served and not any(_heard(line, row.name, start, row.valid_to) for line in served):
        yield place_of(row), "nobody hears it: its lines are closed all the time; change its times, or take it away"


def _heard(line: ServiceLine, name: str, start: datetime, end: datetime) -> bool:
    return any(span.open and any(notice.name == name for notice in span.notices) for span in spans(line, start, end))


def _concerned(table: Table, row: SpecialHoursRow | NoticeRow) -> list[ServiceLine]:
    """The lines for which it holds; counters have lines of their own."""
    items = (*table.lines.values(), *table.buildings.values())
    if isinstance(row, SpecialHoursRow):
        return [line for line in items if any(item.name == row.name for item in line.special)]
    return [line for line in items if any(item.name == row.name for item in line.notices)]


def _rota(table: Table, rota: str, place: str, at: datetime) -> Iterator[tuple[str, str]]:
    """The first time at which a closed line would call somebody who is not there."""
    end = at + timedelta(days=ROTA_DAYS)
    found: list[tuple[datetime, datetime, str]] = []
    for line in table.lines.values():
        if any(_calls(edition, rota) for edition in line.editions):
            gap = _gap(line, rota, at, end)
            if gap is not None:
                found.append((*gap, "/".join(line.key)))
    if found:
        start, until, name = min(found)
        duty = f"nobody is on duty from {_local(table, name, start)} to {_local(table, name, until)}"
        yield place, f"{duty}, while {name} is closed and calls this rota: add a duty"


def _gap(line: ServiceLine, rota: str, at: datetime, end: datetime) -> tuple[datetime, datetime] | None:
    gaps = list(_gaps(line.rotas.get(rota, ()), at, end))
    place = 0
    for span in spans(line, at, end) if gaps else ():
        while place < len(gaps) and gaps[place][1] <= span.start:
            place += 1
        if place == len(gaps):
            return None
        if span.edition is not None and not span.open and _calls(span.edition, rota) and gaps[place][0] < span.end:
            return max(gaps[place][0], span.start), min(gaps[place][1], span.end)
    return None


def _gaps(duties: tuple[Duty, ...], at: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Duties stand in the order of their beginning."""
    for duty in duties:
        if at < duty.start:
            yield at, min(duty.start, end)
        at = max(at, duty.end)
        if at >= end:
            return
    yield at, end


def _calls(edition: Edition, rota: str) -> bool:
    return any(isinstance(link.target, OnCall) and link.target.rota == rota for link in edition.closed_chain)


def _local(table: Table, name: str, at: datetime) -> str:
    tenant, line = name.split("/")
    hours = table.lines[tenant, line].editions[-1].hours
    return at.astimezone(hours[-1].timezone).isoformat() if hours else at.isoformat()
