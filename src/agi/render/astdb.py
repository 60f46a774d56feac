# SPDX-License-Identifier: EUPL-1.2
"""Table → AstDB: what the dialplan's own fallback decides with when no service answers.

It evaluates no hours: what `routing.core.timeline` says of each line in the coming days is written out, ready to be
followed. Keys below ``amtsleitung/<generation>/`` (docs/dialplan-contract.md); the pointer ``amtsleitung/current``
names the generation and is written last. What can occur several times is counted from 1 in the key, and no value
grows beyond a bound:

    version                             the table's version
    wildcards                           numbers of X in use, fewest first, joined by ~
    number/<digits, then X>/<n>         <from>:<to>:line:<tenant>:<line>
                                        <from>:<to>:other:<tenant>:<line>
                                        <from>:<to>:desk:<tenant>:<trunk>
                                        <from>:<to>:ingress:<tenant>:<line>      either may be empty
    origin/<area code or class>/<n>     <from>:<to>:<standing>:line:<tenant>:<line>
                                        <from>:<to>:<standing>:announcement:<sound>
                                        <from>:<to>:<standing>:forward:<number>:<trunk>
    unknown                             <tenant>:<line>       who answers unknown numbers; missing: an announcement does
    day/<tenant>/<line>/<day>/<n>       <from>:<to>:<reasons>:<plan>:<closing>, joined by ~; days are Unix time / 86400,
                                        <plan> is empty while the line is not served, <closing> while nothing ends waits
    plan/<tenant>/<line>/<plan>         <kind>:<queue>:<announcement>:<priority>:<wait>:<expected>:<number>:<trunk>:
                                        <ring>:<told>:<notices>
    chain/<tenant>/<line>/<plan>        <overflow>:<closed>; missing if both are empty
    display/<tenant>/<line>/<plan>      for a telephone's display, percent-encoded UTF-8

``<from>`` and ``<to>`` are Unix seconds, half-open; an end that is open is 0 or 99999999999.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from agi.render.astdb_days import LinePlans
from agi.render.settings import RenderError
from routing.core.table import Meaning, OriginMeaning, Table
from routing.core.validity import ALWAYS, Validity

FAMILY = "amtsleitung"
GENERATION_KEY = "current"
MAXIMUM_VALUE_BYTES = 900
MAXIMUM_DISPLAY_BYTES = 300
"""Of the encoded text. No telephone shows more."""
COMING_DAYS = 60
DAYS_BACK = 1

_ALWAYS = 99_999_999_999
_DAY = timedelta(days=1)


def astdb_values(table: Table, *, at: datetime, days: int = COMING_DAYS) -> Mapping[str, str]:
    """Keys (without family and generation) and values, with the lines' days from the one before ``at`` (aware).

    Raises `RenderError` if a value is too long to store.
    """
    values = dict(_values(table, at, days))
    for key, text in values.items():
        if len(text.encode()) > MAXIMUM_VALUE_BYTES:
            raise RenderError(f"The fallback's value {key} is longer than {MAXIMUM_VALUE_BYTES} bytes.")
    return values


def _values(table: Table, at: datetime, days: int) -> Iterator[tuple[str, str]]:
    yield "version", str(table.version)
    yield "wildcards", "~".join(map(str, table.wildcards))
    for digits, meanings in table.numbers.items():
        for count, meaning in enumerate(meanings, start=1):
            yield f"number/{digits}/{count}", _meaning(table, meaning)
    for origin, found in table.origins.items():
        for count, item in enumerate(found, start=1):
            yield f"origin/{origin}/{count}", _origin(item)
    if table.unknown_line is not None:
        yield "unknown", ":".join(table.unknown_line)
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for (tenant, name), line in table.lines.items():
        plans = LinePlans(line)
        for number in range(-DAYS_BACK, days):
            day = today + number * _DAY
            for count, text in enumerate(plans.day(day, day + _DAY, MAXIMUM_VALUE_BYTES), start=1):
                yield f"day/{tenant}/{name}/{int(day.timestamp()) // 86_400}/{count}", text
        for plan, (first, chains, display) in enumerate(plans.written(MAXIMUM_VALUE_BYTES), start=1):
            yield f"plan/{tenant}/{name}/{plan}", first
            if chains != ":":
                yield f"chain/{tenant}/{name}/{plan}", chains
            yield f"display/{tenant}/{name}/{plan}", encoded_display(display)


def _meaning(table: Table, meaning: Meaning) -> str:
    tenant, line = meaning.tenant or "", meaning.line or ""
    if meaning.kind == "desk":  # a desk is one for as long as its tenant is served
        validity = table.tenants[tenant].validity if tenant in table.tenants else ALWAYS
        return f"{_window(validity)}:desk:{tenant}:{meaning.trunk or ''}"
    return f"{_window(meaning.validity)}:{meaning.kind}:{tenant}:{line}"


def _origin(item: OriginMeaning) -> str:
    head = f"{_window(item.validity)}:{item.standing}"
    if item.line is not None:
        return f"{head}:line:{item.line[0]}:{item.line[1]}"
    if item.forward_number is not None and item.forward_trunk is not None:
        return f"{head}:forward:{item.forward_number.removeprefix('+')}:{item.forward_trunk}"
    return f"{head}:announcement:{item.announcement or ''}"


def _window(validity: Validity) -> str:
    start = 0 if validity.valid_from is None else seconds(validity.valid_from)
    end = _ALWAYS if validity.valid_to is None else seconds(validity.valid_to)
    return f"{start}:{end}"


def seconds(at: datetime) -> int:
    """Unix seconds, rounded up: AstDB's clock ticks in whole seconds."""
    exact = at.timestamp()
    return max(0, int(exact) + (exact > int(exact)))


def encoded_display(text: str) -> str:
    """The text percent-encoded, cut between two characters so that it fits."""
    encoded = ""
    for character in text:
        piece = quote(character, safe="")
        if len(encoded) + len(piece) > MAXIMUM_DISPLAY_BYTES:
            break
        encoded += piece
    return encoded
