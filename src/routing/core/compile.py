# SPDX-License-Identifier: EUPL-1.2
"""Rows → table. Every problem is listed with its row; a configuration with one problem yields no table."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from routing.core.announcements import (
    SYSTEM_TEXTS,
    agent_phrase,
    closed_name,
    closed_text,
    greeting_name,
    greeting_text,
    special_name,
)
from routing.core.checks import check_names, check_number_block, check_trunk
from routing.core.compile_hours import Scope, compile_forward, compile_hours, compile_special_hours
from routing.core.hours import OpeningHours, Schedule, SpecialHours
from routing.core.numbers import MAXIMUM_E164_DIGITS, NumberFormat, ShortCode, read_number
from routing.core.rows import CompileError, DidRow, Problem, Rows, ServiceLineRow, TrunkRow
from routing.core.table import Desks, Did, ServiceLine, Table, Tenant, Trunk, Validity

MAXIMUM_DESK_DIGITS = 6
_AREA_CODE = re.compile(r"[1-9][0-9]{1,4}")


def compile_table(rows: Rows, *, version: int) -> Table:
    """The table these rows mean. Raises ``CompileError`` with all problems."""
    return _Compiler(rows).table(version)


class _Compiler:
    """Collects problems while it resolves names; one pass per type of row."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.problems: list[Problem] = list(check_names(rows))
        self.lines: dict[tuple[str, str], ServiceLine] = {}
        self.announcements: dict[str, str] = dict(SYSTEM_TEXTS)
        self.special: Mapping[Scope, tuple[SpecialHours, ...]] = {}

    def table(self, version: int) -> Table:
        rows = self.rows
        tenants = {row.slug: self._tenant(row.slug, row.name, row.valid_from, row.valid_to) for row in rows.tenants}
        trunks = {t.name: t for t in filter(None, (self._trunk(row) for row in rows.trunks))}
        hours = {h.name: h for h in filter(None, (compile_hours(row, self._problem) for row in rows.opening_hours))}
        self.special = compile_special_hours(rows, self._problem)
        self._special_announcements()
        for row in rows.service_lines:
            self._line(row, tenants, hours)
        desks = self._desks(tenants)
        dids = self._dids()
        self._no_way_back(dids)
        areas, neutral = self._authority_number()
        self._agents()
        if self.problems:
            raise CompileError(tuple(self.problems))
        return Table(
            version=version,
            rows=rows,
            dids=MappingProxyType(dids),
            desks=MappingProxyType(desks),
            desk_digits=tuple(sorted({item.digits for item in desks.values()})),
            areas=MappingProxyType(areas),
            neutral=neutral,
            lines=MappingProxyType(self.lines),
            trunks=MappingProxyType(trunks),
            announcements=MappingProxyType(self.announcements),
        )

    def _problem(self, place: str, sentence: str) -> None:
        self.problems.append(Problem(place=place, sentence=sentence))

    def _validity(self, place: str, valid_from: datetime | None, valid_to: datetime | None) -> Validity:
        for name, value in (("valid_from", valid_from), ("valid_to", valid_to)):
            if value is not None and value.tzinfo is None:
                self._problem(place, f"{name} has no offset from UTC: add one, such as +01:00")
                return Validity()
        if valid_from is not None and valid_to is not None and valid_from >= valid_to:
            self._problem(place, "valid_to must lie after valid_from")
        return Validity(valid_from=valid_from, valid_to=valid_to)

    def _tenant(self, slug: str, name: str, valid_from: datetime | None, valid_to: datetime | None) -> Tenant:
        return Tenant(slug=slug, name=name, validity=self._validity(f"tenants[{slug}]", valid_from, valid_to))

    def _trunk(self, row: TrunkRow) -> Trunk | None:
        problems = tuple(check_trunk(row))
        if problems:
            self.problems.extend(problems)
            return None
        return Trunk(
            name=row.name,
            number_format=NumberFormat(row.number_format),
            has_other_route=row.has_other_route,
            demonstration=row.demonstration,
        )

    def _line(self, row: ServiceLineRow, tenants: dict[str, Tenant], hours: dict[str, OpeningHours]) -> None:
        place = f"service_lines[{row.tenant}/{row.name}]"
        tenant, opening = tenants.get(row.tenant), hours.get(row.opening_hours)
        groups = {group.name for group in self.rows.agent_groups}
        if tenant is None:
            self._problem(place, f"there is no tenant {row.tenant!r}")
        if row.opening_hours not in {item.name for item in self.rows.opening_hours}:
            self._problem(place, f"there are no opening hours {row.opening_hours!r}")
        if row.agent_group not in groups:
            self._problem(place, f"there is no agent group {row.agent_group!r}")
        forward = compile_forward(place, row.closed_forward_number, row.closed_forward_trunk, self.rows, self._problem)
        validity = self._validity(place, row.valid_from, row.valid_to)
        if tenant is None or opening is None:
            return
        line = ServiceLine(
            tenant=tenant,
            name=row.name,
            title=row.title,
            schedule=Schedule(hours=opening, special=self._special_of(row)),
            queue=row.agent_group,
            greeting=greeting_name(row.tenant, row.name),
            closed=closed_name(row.tenant, row.name),
            agent_phrase=row.agent_phrase or agent_phrase(tenant.name, row.title),
            closed_forward_number=forward,
            closed_forward_trunk=row.closed_forward_trunk,
            validity=validity,
        )
        self.lines[row.tenant, row.name] = line
        self.announcements[line.greeting] = row.greeting_text or greeting_text(tenant.name)
        self.announcements[line.closed] = row.closed_text or closed_text(tenant.name, opening)

    def _special_of(self, row: ServiceLineRow) -> tuple[SpecialHours, ...]:
        """The most specific first: the line's own, its tenant's, those of its hours."""
        scopes: tuple[Scope, ...] = (
            ("line", row.tenant, row.name),
            ("tenant", row.tenant),
            ("hours", row.opening_hours),
        )
        return tuple(special for scope in scopes for special in self.special.get(scope, ()))

    def _special_announcements(self) -> None:
        for row in self.rows.special_hours:
            if row.announcement_text is not None:
                self.announcements[special_name(row.name)] = row.announcement_text

    def _desks(self, tenants: dict[str, Tenant]) -> dict[str, Desks]:
        desks: dict[str, Desks] = {}
        trunks = {trunk.name for trunk in self.rows.trunks}
        for row in self.rows.number_blocks:
            place = f"number_blocks[{row.head_number}]"
            self.problems.extend(check_number_block(row))
            tenant = tenants.get(row.tenant)
            if tenant is None:
                self._problem(place, f"there is no tenant {row.tenant!r}")
            if (row.desk_digits is None) != (row.desk_trunk is None):
                self._problem(place, "desk extensions need both their number of digits and a trunk")
            if row.desk_trunk is not None and row.desk_trunk not in trunks:
                self._problem(place, f"there is no trunk {row.desk_trunk!r}")
            if row.desk_digits is None or row.desk_trunk is None or tenant is None:
                continue
            if not 1 <= row.desk_digits <= MAXIMUM_DESK_DIGITS:
                self._problem(place, f"a desk extension has 1 to {MAXIMUM_DESK_DIGITS} digits, not {row.desk_digits}")
            head = row.head_number.removeprefix("+")
            if len(head) + row.desk_digits > MAXIMUM_E164_DIGITS:
                self._problem(place, f"nobody can dial its desks: a number has at most {MAXIMUM_E164_DIGITS} digits")
            desks[head] = Desks(tenant=tenant, head=head, digits=row.desk_digits, trunk=row.desk_trunk)
        return desks

    def _dids(self) -> dict[str, tuple[Did, ...]]:
        found: dict[str, list[tuple[DidRow, Did]]] = defaultdict(list)
        blocks = {row.head_number for row in self.rows.number_blocks}
        for row in self.rows.dids:
            place = f"dids[{row.head_number}-{row.extension}]"
            if row.head_number not in blocks:
                self._problem(place, f"there is no number block {row.head_number!r}")
            if row.extension and not (row.extension.isascii() and row.extension.isdigit()):
                self._problem(place, f"the extension {row.extension!r} may hold digits only")
                continue
            self._reachable(place, row)
            validity = self._validity(place, row.valid_from, row.valid_to)
            line = self._find_line(place, row.tenant, row.service_line)
            if line is None:
                continue
            digits = row.head_number.removeprefix("+") + row.extension
            for other, did in found[digits]:
                if did.validity.overlaps(validity):
                    self._problem(place, f"the same number already leads to {other.tenant}/{other.service_line}")
            found[digits].append((row, Did(line=line, validity=validity, extension=row.extension)))
        return {digits: tuple(did for _, did in entries) for digits, entries in found.items()}

    def _no_way_back(self, dids: dict[str, tuple[Did, ...]]) -> None:
        """A forward to a number of ours would come in again by the carrier, closed again, for ever."""
        forwards = [
            (f"service_lines[{line.tenant.slug}/{line.name}]", line.closed_forward_number)
            for line in self.lines.values()
        ]
        forwards += [
            (f"special_hours[{special.name}]", special.forward_number)
            for specials in self.special.values()
            for special in specials
        ]
        for place, number in forwards:
            if number is not None and number.removeprefix("+") in dids:
                self._problem(place, f"{number} is a number of ours: the forward would come back")

    def _reachable(self, place: str, row: DidRow) -> None:
        written = row.head_number + row.extension
        number = read_number(written, number_format=NumberFormat.E164)
        if isinstance(number, ShortCode):
            self._problem(place, f"{number} is a short code: 110 and 112 are never ours, 115 has its own section")
        elif str(number) != written:
            self._problem(place, f"nobody can dial {written}: a number has at most {MAXIMUM_E164_DIGITS} digits")

    def _find_line(self, place: str, tenant: str, name: str) -> ServiceLine | None:
        line = self.lines.get((tenant, name))
        if line is None and (tenant, name) not in {(row.tenant, row.name) for row in self.rows.service_lines}:
            self._problem(place, f"there is no service line {tenant}/{name}")
        return line

    def _authority_number(self) -> tuple[dict[str, ServiceLine], ServiceLine | None]:
        areas: dict[str, ServiceLine] = {}
        neutral: ServiceLine | None = None
        for row in self.rows.authority_numbers:
            place = f"authority_numbers[{row.area_code or 'neutral'}]"
            line = self._find_line(place, row.tenant, row.service_line)
            if row.area_code == "":
                neutral = line
            elif not _AREA_CODE.fullmatch(row.area_code):
                self._problem(place, f"{row.area_code!r} is no area code: 2 to 5 digits without the leading 0")
            elif line is not None:
                areas[row.area_code] = line
        if self.rows.authority_numbers and not any(row.area_code == "" for row in self.rows.authority_numbers):
            self._problem("authority_numbers", "the neutral line is missing: callers without a known area need it")
        return areas, neutral

    def _agents(self) -> None:
        groups = {group.name for group in self.rows.agent_groups}
        devices: dict[str, str] = {}
        for row in self.rows.agents:
            place = f"agents[{row.name}]"
            for group in row.agent_groups:
                if group not in groups:
                    self._problem(place, f"there is no agent group {group!r}")
            if (other := devices.setdefault(row.device, row.name)) != row.name:
                self._problem(place, f"the device {row.device!r} already belongs to {other}")
