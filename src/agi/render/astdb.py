# SPDX-License-Identifier: EUPL-1.2
"""Table → AstDB: what the dialplan's own fallback decides with when no service answers.

Keys below ``amtsleitung/<generation>/`` (docs/dialplan-contract.md); the pointer ``amtsleitung/current`` names the
generation and is written last. Whatever can occur several times is counted from 1 in the key, so no value grows:

    version                             the table's version
    number/<E.164 digits>/<n>           <from>:<to>:<tenant>:<line>      dated meanings of a public number
    desk-digits/<n>                     digits                           lengths of desk extensions, shortest first
    desk/<head's digits>                <from>:<to>:<tenant>:<digits>:<trunk>
    area/<area code>                    <from>:<to>:<tenant>:<line>      115 dialled in, or by a caller of, this area
    neutral                             <from>:<to>:<tenant>:<line>      115 otherwise
    line/<tenant>/<line>                <queue>:<greeting>:<closed>:<hours>:<forward number>:<forward trunk>
    display/<tenant>/<line>             for a telephone's display, percent-encoded UTF-8
    special/<tenant>/<line>/<n>         <from>:<to>:<state>:<announcement>:<forward number>:<forward trunk>, in the
                                        order in which they are asked; state: special_opening or closure
    zone/<hours>                        IANA time zone
    window/<hours>/<weekday>/<n>        <first minute>-<first minute not included>, weekday 1–7 from Monday; a second
                                        minute beyond 1440 lies on the next day
    holiday/<hours>/<year-month-day>    closed

``<from>`` and ``<to>`` are Unix seconds, half-open; an end that is open is 0 or 99999999999.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import quote

from agi.render.settings import RenderError
from routing.core.hours import OpeningHours, SpecialHours
from routing.core.table import Desks, ServiceLine, Table, Validity

FAMILY = "amtsleitung"
GENERATION_KEY = "current"
MAXIMUM_VALUE_BYTES = 900
MAXIMUM_DISPLAY_BYTES = 300
"""Of the encoded text. No telephone shows more."""

_ALWAYS = 99_999_999_999


def astdb_values(table: Table) -> Mapping[str, str]:
    """Keys (without family and generation) and values. Raises `RenderError` if one is too long to store."""
    values = dict(_values(table))
    for key, text in values.items():
        if len(text.encode()) > MAXIMUM_VALUE_BYTES:
            raise RenderError(f"The fallback's value {key} is longer than {MAXIMUM_VALUE_BYTES} bytes.")
    return values


def _values(table: Table) -> Iterator[tuple[str, str]]:
    yield "version", str(table.version)
    for digits, dids in table.dids.items():
        for count, did in enumerate(dids, start=1):
            yield f"number/{digits}/{count}", _dated_line(did.line, did.validity)
    for count, length in enumerate(table.desk_digits, start=1):
        yield f"desk-digits/{count}", str(length)
    for head, desks in table.desks.items():
        yield f"desk/{head}", _desks(desks)
    for area, line in table.areas.items():
        yield f"area/{area}", _dated_line(line)
    if table.neutral is not None:
        yield "neutral", _dated_line(table.neutral)
    hours: dict[str, OpeningHours] = {}
    for line in table.lines.values():
        hours[line.hours.name] = line.hours
        yield f"line/{line.tenant.slug}/{line.name}", _line(line)
        yield f"display/{line.tenant.slug}/{line.name}", encoded_display(line.display)
        for count, special in enumerate(line.schedule.special, start=1):
            yield f"special/{line.tenant.slug}/{line.name}/{count}", _special(special)
    for item in hours.values():
        yield from _hours(item)


def _hours(hours: OpeningHours) -> Iterator[tuple[str, str]]:
    yield f"zone/{hours.name}", hours.timezone_name
    for weekday, windows in enumerate(hours.weekly, start=1):
        for count, window in enumerate(windows, start=1):
            yield f"window/{hours.name}/{weekday}/{count}", f"{window.start}-{window.end}"
    for day in hours.holidays:
        yield f"holiday/{hours.name}/{day.isoformat()}", "closed"


def _special(special: SpecialHours) -> str:
    state = "special_opening" if special.opens else "closure"
    forward = _forward(special.forward_number, special.forward_trunk)
    span = _window(Validity(valid_from=special.start, valid_to=special.end))
    return ":".join((span, state, special.announcement or "", *forward))


def _line(line: ServiceLine) -> str:
    forward = _forward(line.closed_forward_number, line.closed_forward_trunk)
    return ":".join((line.queue, line.greeting, line.closed, line.hours.name, *forward))


def _forward(number: str | None, trunk: str | None) -> tuple[str, str]:
    return (number, trunk) if number and trunk else ("", "")


def _dated_line(line: ServiceLine, *more: Validity) -> str:
    return f"{_window(line.tenant.validity, line.validity, *more)}:{line.tenant.slug}:{line.name}"


def _desks(desks: Desks) -> str:
    return f"{_window(desks.tenant.validity)}:{desks.tenant.slug}:{desks.digits}:{desks.trunk}"


def _window(*validities: Validity) -> str:
    """What all of them share, as ``<from>:<to>``; if they share nothing, no instant lies in it."""
    start = max((_seconds(item.valid_from) for item in validities if item.valid_from is not None), default=0)
    end = min((_seconds(item.valid_to) for item in validities if item.valid_to is not None), default=_ALWAYS)
    return f"{start}:{end}"


def _seconds(at: datetime) -> int:
    """Unix seconds, rounded up: AstDB's clock ticks in whole seconds."""
    seconds = at.timestamp()
    return max(0, int(seconds) + (seconds > int(seconds)))


def encoded_display(text: str) -> str:
    """The text percent-encoded, cut between two characters so that it fits."""
    encoded = ""
    for character in text:
        piece = quote(character, safe="")
        if len(encoded) + len(piece) > MAXIMUM_DISPLAY_BYTES:
            break
        encoded += piece
    return encoded
