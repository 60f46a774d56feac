# SPDX-License-Identifier: EUPL-1.2
"""Where does a call go, and why? The one rule: ``decide`` is pure, total and explains every step.

The order of the rules, first match wins:

1. the dialled text is read as a number (trunk's format); 110 and 112 are rejected
2. 115: ``routing.core.authority``
3. the call's line is recognised, in the trunk's order, by the dialled number (a did, a range, a desk, any other
   extension of a block), by a diversion header (on a trusted trunk), or by its ingress number
4. unknown number: the centre's line for those, else an announcement, else the trunk's other route

A line found is then asked what holds for it at that instant: ``routing.core.timeline``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, assert_never

from routing.core.announcements import UNKNOWN_NUMBER
from routing.core.authority import authority
from routing.core.decision import (
    Call,
    Decision,
    Destination,
    DialExtension,
    Forward,
    PlayAnnouncement,
    Reason,
    Reject,
)
from routing.core.line import ServiceLine
from routing.core.numbers import E164, Number, NumberFormat, ShortCode, Unreadable, read_number
from routing.core.table import WILDCARD, Meaning, Table, Trunk
from routing.core.timeline import line_at

CAUSE_UNALLOCATED = 1  # Q.850: unallocated number, SIP 404
CAUSE_NO_ROUTE_HERE = 42  # Q.850: switching equipment congestion, SIP 503: the carrier tries its next route
NO_TRUNK = Trunk(name="", number_format=NumberFormat.NATIONAL, has_other_route=False, demonstration=False)
HEADERS = ("diversion", "history_info", "to")
_LONGEST_KEPT = 32  # characters
_WILD = tuple(WILDCARD * count for count in range(16))


class Asked(NamedTuple):
    """One call being decided: what its rules share."""

    table: Table
    call: Call
    at: datetime
    trunk: Trunk


def decide(table: Table, call: Call, at: datetime) -> Decision:
    """The way of ``call`` at the instant ``at`` (aware). Never raises, whatever the texts hold."""
    asked = Asked(table, call, at, table.trunks.get(call.trunk, NO_TRUNK) if call.trunk is not None else NO_TRUNK)
    number = _read(asked, call.dialled)
    match number:
        case E164():
            return _recognised(asked, number)
        case Unreadable(why=why):
            return _recognised(asked, number, Reason(rule="unreadable_number", parameters={"why": why}))
        case ShortCode(code="115"):
            return _authority_number(asked, number)
        case ShortCode(code=code):
            reason = Reason(rule="emergency_number", parameters={"code": code})
            return _decision(asked, str(number), Reject(cause=CAUSE_NO_ROUTE_HERE), (reason,))
        case _:
            assert_never(number)


def meanings_of(table: Table, digits: str) -> Iterator[Meaning]:
    """What a number may mean, the most specific first: itself, then patterns of more and more digits."""
    get = table.index.meanings.get
    for count in table.wildcards:
        found = get(digits[:-count] + _WILD[count] if count else digits)
        if found is not None:
            yield from found


def _read(asked: Asked, text: str) -> Number:
    trunk = asked.trunk
    # Numbers come again and again, and how one is read never changes; what nobody dials twice is not kept.
    read = _read_before if len(text) <= _LONGEST_KEPT else _read_now
    return read(text, trunk.number_format, trunk.own_prefix, trunk.area_code)


def _read_now(text: str, number_format: NumberFormat, own_prefix: str, area_code: str | None) -> Number:
    return read_number(text, number_format=number_format, own_prefix=own_prefix, area_code=area_code)


_read_before = lru_cache(maxsize=4_096)(_read_now)


def _recognised(asked: Asked, number: E164 | Unreadable, first: Reason | None = None) -> Decision:
    """The first way, in the trunk's order, by which the call is recognised."""
    reasons = [] if first is None else [first]
    dialled = str(number) if isinstance(number, E164) else asked.call.dialled
    for way in asked.trunk.recognise_by:
        if way in HEADERS:
            found = _by_header(asked, way, dialled, reasons)
        elif isinstance(number, E164):
            found = _by_number(asked, number, dialled, reasons, ingress=way == "ingress_number")
        else:
            found = None
        if found is not None:
            return found
    return _unknown(asked, dialled, reasons)


def _by_number(asked: Asked, number: E164, dialled: str, reasons: list[Reason], *, ingress: bool) -> Decision | None:
    table, at = asked.table, asked.at
    for meaning in meanings_of(table, number.digits):
        if (meaning.kind == "ingress") is not ingress:
            continue
        if meaning.kind == "desk":
            desk = _desk(asked, number, dialled, meaning, reasons)
            if desk is not None:
                return desk
            continue
        line = table.line_served(meaning.line_key, at) if meaning.validity.contains(at) else None
        if line is not None:
            reasons.append(_found(number, meaning, line))
            return to_line(asked, dialled, line, tuple(reasons))
        if meaning.tenant is not None:
            reasons.append(_not_valid(asked, number, meaning))
    return None


def _by_header(asked: Asked, header: str, dialled: str, reasons: list[Reason]) -> Decision | None:
    """The line of the number from which the call was diverted; never a desk, to which it would go back."""
    text: str | None = getattr(asked.call, header)
    if not text:
        return None
    if not asked.trunk.trusts_diversion:
        if not any(reason.rule == "diversion_not_trusted" for reason in reasons):
            reasons.append(Reason(rule="diversion_not_trusted", parameters={"trunk": asked.trunk.name}))
        return None
    number = _read(asked, text)
    if not isinstance(number, E164):
        return None
    for meaning in meanings_of(asked.table, number.digits):
        if meaning.kind in {"desk", "ingress"}:
            continue
        line = asked.table.line_served(meaning.line_key, asked.at) if meaning.validity.contains(asked.at) else None
        if line is not None:
            parameters = {"header": header, "number": str(number), **_named(line)}
            reasons.append(Reason(rule="diverted", parameters=parameters))
            return to_line(asked, dialled, line, tuple(reasons), redirecting_number=str(number))
    return None


def _found(number: E164, meaning: Meaning, line: ServiceLine) -> Reason:
    if meaning.kind == "other":
        extension = number.digits.removeprefix(meaning.head)
        return Reason(
            rule="other_extension",
            parameters={**_named(line), "head_number": f"+{meaning.head}", "extension": extension},
        )
    rule = "ingress_number" if meaning.kind == "ingress" else "number"
    tenant, name = line.key
    named = {"tenant": tenant, "tenant_name": line.tenant_name, "service_line": name, "number": str(number)}
    return Reason(rule=rule, parameters=named)


def _named(line: ServiceLine) -> dict[str, str]:
    return {"tenant": line.key[0], "tenant_name": line.tenant_name, "service_line": line.key[1]}


def _desk(asked: Asked, number: E164, dialled: str, meaning: Meaning, reasons: list[Reason]) -> Decision | None:
    """A desk while its tenant is served: before and after a line's time its extension is a desk like the others."""
    tenant = asked.table.tenants[meaning.tenant or ""]
    if not tenant.validity.contains(asked.at):
        if not any(reason.rule == "not_valid" for reason in reasons):
            reasons.append(_not_valid(asked, number, meaning))
        return None
    extension, trunk = number.digits.removeprefix(meaning.head), meaning.trunk or ""
    parameters = {
        "head_number": f"+{meaning.head}",
        "extension": extension,
        "trunk": trunk,
        "tenant": tenant.slug,
        "tenant_name": tenant.name,
    }
    reasons.append(Reason(rule="desk_extension", parameters=parameters))
    destination = DialExtension(extension=extension, number=str(number), trunk=trunk)
    return _decision(asked, dialled, destination, tuple(reasons), tenant=tenant.slug)


def _authority_number(asked: Asked, number: ShortCode) -> Decision:
    dialled = str(number)
    caller = None if asked.call.caller is None else _read(asked, asked.call.caller)
    found = authority(asked.table, number, caller, asked.at)
    if found is None:
        return _unknown(asked, dialled, [Reason(rule="not_served", parameters={"number": "115"})])
    meaning, reason = found
    line = asked.table.line_served(meaning.line, asked.at)
    if line is not None:
        return to_line(asked, dialled, line, (reason,))
    if meaning.forward_number is not None and meaning.forward_trunk is not None:
        forward = Forward(number=meaning.forward_number, trunk=meaning.forward_trunk)
        return _decision(asked, dialled, forward, (reason,))
    return _decision(asked, dialled, PlayAnnouncement(announcement=meaning.announcement or UNKNOWN_NUMBER), (reason,))


def _not_valid(asked: Asked, number: E164, meaning: Meaning) -> Reason:
    tenant = asked.table.tenants[meaning.tenant or ""]
    parameters = {"number": str(number), "tenant": tenant.slug, "tenant_name": tenant.name}
    return Reason(rule="not_valid", parameters=parameters)


def to_line(
    asked: Asked,
    dialled: str,
    line: ServiceLine,
    reasons: tuple[Reason, ...],
    redirecting_number: str | None = None,
) -> Decision:
    """What becomes of a caller of this line, which is served at that instant."""
    stretch = line_at(line, asked.at)
    if stretch.destination is None:  # beyond the calendar's ends
        return _unknown(asked, dialled, [*reasons], line_too=False)
    return Decision(
        dialled_number=dialled,
        tenant=line.key[0],
        service_line=line.key[1],
        destination=stretch.destination,
        reasons=reasons + stretch.reasons,
        table_version=asked.table.version,
        at=asked.at,
        redirecting_number=redirecting_number,
        overflow=stretch.overflow,
        closing=stretch.closing,
    )


def _unknown(asked: Asked, dialled: str, reasons: list[Reason], *, line_too: bool = True) -> Decision:
    """No silent default: what becomes of unknown numbers is configured, and they are told as such."""
    other_route = asked.trunk.has_other_route
    parameters = {"received": asked.call.dialled} | ({"other_route": asked.trunk.name} if other_route else {})
    found = (*reasons, Reason(rule="unknown_number", parameters=parameters))
    if other_route:
        return _decision(asked, dialled, Reject(cause=CAUSE_UNALLOCATED), found)
    line = asked.table.line_served(asked.table.unknown_line, asked.at) if line_too else None
    if line is None:
        return _decision(asked, dialled, PlayAnnouncement(announcement=UNKNOWN_NUMBER), found)
    return to_line(asked, dialled, line, (*found, Reason(rule="unknown_number_line", parameters=_named(line))))


def _decision(
    asked: Asked, dialled: str, destination: Destination, reasons: tuple[Reason, ...], tenant: str | None = None
) -> Decision:
    return Decision(
        dialled_number=dialled,
        tenant=tenant,
        service_line=None,
        destination=destination,
        reasons=reasons,
        table_version=asked.table.version,
        at=asked.at,
    )
