# SPDX-License-Identifier: EUPL-1.2
"""Where does a call go, and why? The one rule: ``decide`` is pure, total and explains every step.

The order of the rules, first match wins:

1. the dialled text is read as a number (trunk's format); 110 and 112 are rejected
2. 115: by the dialled area code, else by the caller's, else the neutral line
3. a configured number of ours, valid at this instant
4. a desk extension of a tenant's block
5. unknown number

A line found by 2 or 3 is then asked for its opening hours.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from routing.core.announcements import UNKNOWN_NUMBER
from routing.core.decision import (
    Call,
    Decision,
    Destination,
    DialExtension,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Reason,
    Reject,
)
from routing.core.hours import Closed, Open, hours_at
from routing.core.numbers import (
    E164,
    NumberFormat,
    ShortCode,
    Unreadable,
    is_mobile,
    read_number,
    significant_digits,
)
from routing.core.table import Desks, Did, ServiceLine, Table, Trunk

CAUSE_UNALLOCATED = 1  # Q.850: unallocated number, SIP 404
CAUSE_NO_ROUTE_HERE = 42  # Q.850: switching equipment congestion, SIP 503: the carrier tries its next route
AREA_CODE_DIGITS = (5, 4, 3, 2)


def decide(table: Table, call: Call, at: datetime) -> Decision:
    """The way of ``call`` at the instant ``at`` (aware). Never raises, whatever the texts hold."""
    trunk = table.trunks.get(call.trunk) if call.trunk is not None else None
    number_format = trunk.number_format if trunk else NumberFormat.NATIONAL
    number = read_number(call.dialled, number_format=number_format)
    match number:
        case Unreadable(why=why):
            first = _reason("unreadable_number", f"The dialled text is not a telephone number ({why}).", why=why)
            return _unknown(table, call, at, trunk, call.dialled, (first,))
        case ShortCode(code="115"):
            return _authority_number(table, call, at, trunk, number, number_format)
        case ShortCode(code=code):
            reason = _reason("emergency_number", f"{code} is an emergency number and never ours to take.", code=code)
            return _decision(table, at, str(number), None, Reject(cause=CAUSE_NO_ROUTE_HERE), (reason,))
        case E164():
            return _public_number(table, call, at, trunk, number)
        case _:
            assert_never(number)


def _public_number(table: Table, call: Call, at: datetime, trunk: Trunk | None, number: E164) -> Decision:
    reasons: list[Reason] = []
    for did in table.dids.get(number.digits, ()):
        if did.validity.contains(at) and did.line.valid_at(at):
            reasons.append(
                _reason(
                    "number",
                    f"{number} is the line {did.line.name} of {did.line.tenant.name}.",
                    number=str(number),
                    tenant=did.line.tenant.slug,
                    service_line=did.line.name,
                )
            )
            return _line(table, at, str(number), did.line, tuple(reasons))
        reasons.append(_not_valid(did, number))
    if desks := _desks(table, number):  # before and after a line's time its extension is a desk like the others
        return _desk(table, at, trunk, call, number, desks, tuple(reasons))
    return _unknown(table, call, at, trunk, str(number), tuple(reasons))


def _desks(table: Table, number: E164) -> Desks | None:
    for digits in table.desk_digits:  # the shortest extension leaves the longest, most specific head
        found = table.desks.get(number.digits[:-digits])
        if found is not None and found.digits == digits:
            return found
    return None


def _desk(
    table: Table,
    at: datetime,
    trunk: Trunk | None,
    call: Call,
    number: E164,
    desks: Desks,
    reasons: tuple[Reason, ...],
) -> Decision:
    extension = number.digits.removeprefix(desks.head)
    if not desks.tenant.validity.contains(at):
        reason = _reason(
            "not_valid",
            f"{desks.tenant.name} is not served at this instant.",
            number=str(number),
            tenant=desks.tenant.slug,
        )
        return _unknown(table, call, at, trunk, str(number), reasons or (reason,))
    reason = _reason(
        "desk_extension",
        f"{extension} behind +{desks.head} is a desk of {desks.tenant.name}, whose own telephones take the call.",
        head_number=f"+{desks.head}",
        extension=extension,
        trunk=desks.trunk,
    )
    destination = DialExtension(extension=extension, number=str(number), trunk=desks.trunk)
    return _decision(table, at, str(number), desks.tenant.slug, destination, (*reasons, reason))


def _authority_number(
    table: Table, call: Call, at: datetime, trunk: Trunk | None, number: ShortCode, number_format: NumberFormat
) -> Decision:
    dialled = str(number)
    if table.neutral is None or not table.neutral.valid_at(at):
        reason = _reason("not_valid", "115 is not served at this instant.", number="115")
        return _unknown(table, call, at, trunk, dialled, (reason,))
    if number.area_code is not None:
        line, why = table.areas.get(number.area_code), "other_area"
        area: str | None = number.area_code
        origin = "dialled"
    else:
        area, why = _caller_area(table, call.caller, number_format)
        line, origin = table.areas.get(area) if area else None, "caller"
    if line is not None and not line.valid_at(at):
        line, why = None, "not_valid"
    if line is not None and area is not None:
        reason = _reason(
            "authority_area",
            f"115 from the area 0{area} ({origin} number) is answered for {line.tenant.name}.",
            area_code=area,
            origin=origin,
            tenant=line.tenant.slug,
        )
        return _line(table, at, dialled, line, (reason,))
    parameters = {"why": why, "origin": origin} | ({"area_code": area} if area else {})
    reason = _reason("authority_neutral", f"115 is answered neutrally: {_NEUTRAL[why]}.", **parameters)
    return _line(table, at, dialled, table.neutral, (reason,))


_NEUTRAL = {
    "other_area": "the area belongs to no tenant",
    "withheld": "the caller's number is withheld",
    "mobile": "a mobile number has no area",
    "foreign": "the caller's number is a foreign one",
    "unreadable": "the caller's number cannot be read",
    "not_valid": "the area's tenant is not served at this instant",
}


def _caller_area(table: Table, caller: str | None, number_format: NumberFormat) -> tuple[str | None, str]:
    if caller is None:
        return None, "withheld"
    number = read_number(caller, number_format=number_format)
    if not isinstance(number, E164):
        return None, "unreadable"
    significant = significant_digits(number)
    if significant is None:
        return None, "foreign"
    if is_mobile(number):
        return None, "mobile"
    for digits in AREA_CODE_DIGITS:
        if significant[:digits] in table.areas and len(significant) > digits:
            return significant[:digits], "other_area"
    return None, "other_area"


def _line(table: Table, at: datetime, dialled: str, line: ServiceLine, reasons: tuple[Reason, ...]) -> Decision:
    state = hours_at(line.schedule, at)
    match state:
        case Open():
            reason = _open(line, state)
            destination: Destination = EnterQueue(queue=line.queue, announcement=line.greeting)
        case Closed():
            reason = _closed(line, state)
            destination = _closed_destination(line, state)
        case _:
            assert_never(state)
    return _decision(table, at, dialled, line.tenant.slug, destination, (*reasons, reason), line.name)


def _closed_destination(line: ServiceLine, state: Closed) -> Destination:
    """A closure's own forward or words come before the line's."""
    special = state.special
    if special is not None and special.forward_number is not None and special.forward_trunk is not None:
        return Forward(number=special.forward_number, trunk=special.forward_trunk)
    if special is not None and special.announcement is not None:
        return PlayAnnouncement(announcement=special.announcement)
    if line.closed_forward_number is not None and line.closed_forward_trunk is not None:
        return Forward(number=line.closed_forward_number, trunk=line.closed_forward_trunk)
    return PlayAnnouncement(announcement=line.closed)


def _open(line: ServiceLine, state: Open) -> Reason:
    closes = _local(line, state.closes_at)
    if state.special is not None:
        special = state.special
        detail = f"Open: {special.title}, until {closes or 'further notice'}."
        return _reason("special_opening", detail, name=special.name, title=special.title, closes_at=closes)
    window = str(state.window)
    return _reason(
        "open",
        f"Open: {window} ({line.hours.timezone_name}) by the hours {line.hours.name}.",
        opening_hours=line.hours.name,
        window=window,
        closes_at=closes,
    )


def _closed(line: ServiceLine, state: Closed) -> Reason:
    opens = _local(line, state.next_opening)
    parameters = {"opening_hours": line.hours.name, "next_opening": opens}
    again = f"next opening {opens}" if opens else "no opening in sight"
    if state.special is not None:
        title = state.special.title
        return _reason("closure", f"Closed: {title}; {again}.", name=state.special.name, title=title, **parameters)
    if state.holiday is not None:
        return _reason("holiday", f"Closed: {state.holiday}; {again}.", name=state.holiday, **parameters)
    return _reason("outside_hours", f"Closed: outside the hours {line.hours.name}; {again}.", **parameters)


def _local(line: ServiceLine, at: datetime | None) -> str:
    return "" if at is None else at.astimezone(line.hours.timezone).isoformat()


def _not_valid(did: Did, number: E164) -> Reason:
    return _reason(
        "not_valid",
        f"{number} does not belong to {did.line.tenant.name} at this instant.",
        number=str(number),
        tenant=did.line.tenant.slug,
    )


def _unknown(
    table: Table, call: Call, at: datetime, trunk: Trunk | None, dialled: str, reasons: tuple[Reason, ...]
) -> Decision:
    if trunk is not None and trunk.has_other_route:
        sentence = "The number is not ours; the trunk has another route."
        destination: Destination = Reject(cause=CAUSE_UNALLOCATED)
    else:
        sentence = "The number is not one of ours."
        destination = PlayAnnouncement(announcement=UNKNOWN_NUMBER)
    reason = _reason("unknown_number", sentence, received=call.dialled)
    return _decision(table, at, dialled, None, destination, (*reasons, reason))


def _decision(
    table: Table,
    at: datetime,
    dialled: str,
    tenant: str | None,
    destination: Destination,
    reasons: tuple[Reason, ...],
    service_line: str | None = None,
) -> Decision:
    return Decision(
        dialled_number=dialled,
        tenant=tenant,
        service_line=service_line,
        destination=destination,
        reasons=reasons,
        table_version=table.version,
        at=at,
    )


def _reason(rule: str, detail: str, **parameters: str) -> Reason:
    return Reason(rule=rule, detail=detail, parameters=parameters)
