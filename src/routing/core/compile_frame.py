# SPDX-License-Identifier: EUPL-1.2
"""Everything of a table but its numbers: trunks, tenants, hours, lines and 115."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from routing.core.announcements import (
    SYSTEM_TEXTS,
    UNKNOWN_NUMBER,
    authority_name,
    notice_name,
    override_name,
    special_name,
)
from routing.core.check_numbers import check_validity
from routing.core.check_trunks import check_trunk
from routing.core.compile_hours import (
    Note,
    compile_hours,
    compile_notices,
    compile_overrides,
    compile_rotas,
    compile_special_hours,
    editions_of,
)
from routing.core.compile_lines import Compiled, Surroundings, compile_buildings, compile_line, inputs_of
from routing.core.compile_origins import compile_origins
from routing.core.hours import OpeningHours
from routing.core.line import LineKey, ServiceLine, Tenant
from routing.core.names import Names
from routing.core.numbers import NumberFormat, read_number
from routing.core.places import place_of
from routing.core.rows import (
    AuthorityNumberRow,
    OpeningHoursRow,
    OverrideRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    TenantRow,
    TrunkRow,
)
from routing.core.steps import Steps
from routing.core.table import OriginMeaning, Trunk
from routing.core.validity import Validity


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What was made of the rows, and of which; a later frame takes over what has not changed.

    ``forwards`` are the numbers (digits of E.164) to which calls are forwarded, each with the places that say so.
    """

    names: Names
    trunks: Mapping[str, Trunk]
    hours: Mapping[str, tuple[OpeningHours, ...]]
    hours_rows: Mapping[str, tuple[OpeningHoursRow, ...]]
    tenants: Mapping[str, tuple[Tenant, TenantRow]]
    lines: Mapping[LineKey, Compiled]
    origins: Mapping[str, tuple[OriginMeaning, ...]]
    unknown_line: LineKey | None
    buildings: Mapping[str, ServiceLine]
    announcements: Mapping[str, str]
    forwards: Mapping[str, tuple[str, ...]]


def compile_frame(rows: Rows, before: Frame | None, note: Note) -> Steps[Frame]:
    """The frame of these rows; ``before`` is one that had no problem. Every problem is noted."""
    names = _names(rows, before)
    yield
    hours_rows = _by_name(rows.opening_hours)
    hours = yield from _hours(hours_rows, before, note)
    tenants: dict[str, tuple[Tenant, TenantRow]] = {}
    for tenant in rows.tenants:
        tenants[tenant.slug] = _tenant(tenant, names, before, note), tenant
        yield
    around = Surroundings(
        names=names,
        tenants=tenants,
        hours=hours,
        special=compile_special_hours(rows.special_hours, names, note),
        overrides=compile_overrides(rows.overrides, names, note),
        notices=compile_notices(rows.notices, names, note),
        rotas=compile_rotas(rows.on_call_duties, names, note),
    )
    yield
    lines = yield from _lines(rows.service_lines, around, before, note)
    _agents(rows, names, note)
    announcements = dict(SYSTEM_TEXTS) | _dated_announcements(rows)
    forwards: defaultdict[str, list[str]] = defaultdict(list)
    yield
    for compiled in lines.values():
        announcements.update(compiled.announcements)
        for number, place in compiled.forwards:
            forwards[number].append(place)
        yield
    origins = compile_origins(rows.authority_numbers, names, note)
    for place, number in _forwards(rows):
        forwards[number.removeprefix("+")].append(place)
    return Frame(
        names=names,
        trunks={t.name: t for t in (_trunk(row, note) for row in rows.trunks) if t is not None},
        hours=hours,
        hours_rows=hours_rows,
        tenants=tenants,
        lines=lines,
        origins=origins,
        unknown_line=_unknown_line(rows, names, note),
        buildings=compile_buildings(around),
        announcements=announcements,
        forwards={number: tuple(dict.fromkeys(places)) for number, places in forwards.items()},
    )


def _names(rows: Rows, before: Frame | None) -> Names:
    """The same object as before if it is equal: lines are compared with what they were made of."""
    names = Names.of(rows)
    return before.names if before is not None and before.names == names else names


def _by_name(rows: Iterable[OpeningHoursRow]) -> Mapping[str, tuple[OpeningHoursRow, ...]]:
    found: defaultdict[str, list[OpeningHoursRow]] = defaultdict(list)
    for row in rows:
        found[row.name].append(row)
    return {
        name: tuple(sorted(items, key=lambda row: -1e12 if row.valid_from is None else row.valid_from.timestamp()))
        for name, items in found.items()
    }


def _hours(
    rows: Mapping[str, tuple[OpeningHoursRow, ...]], before: Frame | None, note: Note
) -> Steps[Mapping[str, tuple[OpeningHours, ...]]]:
    found: dict[str, tuple[OpeningHours, ...]] = {}
    for name, editions in rows.items():
        yield
        if before is not None and before.hours_rows.get(name) == editions:
            found[name] = before.hours[name]
            continue
        made = tuple(hours for hours in (compile_hours(row, note) for row in editions) if hours is not None)
        if len(made) == len(editions):
            editions_of([(f"opening_hours[{name}]", hours.validity) for hours in made], note)
            found[name] = made
    return found


def _tenant(row: TenantRow, names: Names, before: Frame | None, note: Note) -> Tenant:
    place = place_of(row)
    problems = list(check_validity(place, row.valid_from, row.valid_to))
    for problem in problems:
        note(problem.place, problem.sentence)
    if row.building_hours is not None and row.building_hours not in names.hours:
        note(place, f"there are no opening hours {row.building_hours!r}")
    tenant = Tenant(
        slug=row.slug,
        name=row.name,
        validity=Validity() if problems else Validity(valid_from=row.valid_from, valid_to=row.valid_to),
    )
    known = before.tenants.get(row.slug) if before is not None else None
    return known[0] if known is not None and known[0] == tenant else tenant


def _lines(
    rows: Sequence[ServiceLineRow], around: Surroundings, before: Frame | None, note: Note
) -> Steps[Mapping[LineKey, Compiled]]:
    editions: defaultdict[LineKey, list[ServiceLineRow]] = defaultdict(list)
    for row in rows:
        editions[row.tenant, row.name].append(row)
        yield
    found: dict[LineKey, Compiled] = {}
    for key, of_line in editions.items():
        known = before.lines.get(key) if before is not None else None
        if known is not None and known.inputs == inputs_of(of_line, around):
            found[key] = known
        elif (compiled := compile_line(of_line, around, note)) is not None:
            found[key] = compiled
        yield
    return found


def _trunk(row: TrunkRow, note: Note) -> Trunk | None:
    problems = tuple(problem for problem in check_trunk(row) if not problem.warning)
    for problem in problems:
        note(problem.place, problem.sentence)
    if problems:
        return None
    return Trunk(
        name=row.name,
        number_format=NumberFormat(row.number_format),
        has_other_route=row.has_other_route,
        demonstration=row.demonstration,
        own_prefix=row.own_prefix,
        area_code=row.area_code,
        trusts_diversion=row.trusts_diversion,
        recognise_by=row.recognise_by,
    )


def _agents(rows: Rows, names: Names, note: Note) -> None:
    devices: dict[str, str] = {}
    for row in rows.agents:
        place = f"agents[{row.name}]"
        for group in row.agent_groups:
            if group not in names.groups:
                note(place, f"there is no agent group {group!r}")
        if (other := devices.setdefault(row.device, row.name)) != row.name:
            note(place, f"the device {row.device!r} already belongs to {other}")


def _unknown_line(rows: Rows, names: Names, note: Note) -> LineKey | None:
    for row in rows.centre:
        tenant, line = row.unknown_number_tenant, row.unknown_number_service_line
        if tenant is None and line is None:
            return None
        if tenant is None or line is None:
            note(place_of(row), "unknown numbers lead to a line by both its tenant and its service_line")
        elif (tenant, line) not in names.lines:
            note(place_of(row), f"there is no service line {tenant}/{line}")
        else:
            return tenant, line
    return None


def _dated_announcements(rows: Rows) -> dict[str, str]:
    # Overrides first, in this order they are spoken: what was thrown a moment ago is needed now.
    found = {override_name(row.name): row.announcement_text for row in rows.overrides}
    found |= {special_name(row.name): row.announcement_text for row in rows.special_hours}
    found |= {notice_name(row.name): row.announcement_text for row in rows.notices}
    found |= {authority_name(row): row.announcement_text for row in rows.authority_numbers}
    for centre in rows.centre:
        found[UNKNOWN_NUMBER] = centre.unknown_number_text
    return {name: text for name, text in found.items() if text is not None}


def _forwards(rows: Rows) -> Iterator[tuple[str, str]]:
    """Where a forward stands that is no line's own, and its number (E.164 with plus)."""
    found: tuple[SpecialHoursRow | OverrideRow | AuthorityNumberRow, ...] = (
        *rows.special_hours,
        *rows.overrides,
        *rows.authority_numbers,
    )
    for row in found:
        if row.forward_number is not None:
            yield place_of(row), str(read_number(row.forward_number, number_format=NumberFormat.E164))
    for duty in rows.on_call_duties:
        yield place_of(duty), duty.number
