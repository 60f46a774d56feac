# SPDX-License-Identifier: EUPL-1.2
"""What belongs to no tenant: the ``centre`` itself, and 115 (``authority_number``).

authority_number:
  neutral: { tenant: …, service_line: … }                       # everybody else
  callers:
    mobile: { tenant: …, service_line: … }                      # or withheld, foreign, unreadable, other_area
    foreign: { announcement_text: … }                           # or forward_number with forward_trunk
  area_codes:
    - { area_codes: ["5361"], tenant: …, service_line: … }
    - { area_codes: ["5364"], standing: non_member, announcement_text: … }
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from yaml import Node, SequenceNode

from routing.config.entries import Reader, in_order, plain, without_empty, written
from routing.core.rows import AuthorityNumberRow, CentreRow, Rows

NEUTRAL = "neutral"
CALLERS = ("mobile", "withheld", "foreign", "unreadable", "other_area")
_UNKNOWN = ("announcement_text", "tenant", "service_line")


def read_centre(reader: Reader, node: Node) -> CentreRow:
    document, what = reader.document, "centre.unknown_number"
    top = document.mapping(node, "centre", optional=("unknown_number",))
    entries = document.mapping(top.get("unknown_number"), what, optional=_UNKNOWN)
    text, tenant, line = (document.optional_text(entries.get(name), f"{what}.{name}") for name in _UNKNOWN)
    return CentreRow(unknown_number_text=text, unknown_number_tenant=tenant, unknown_number_service_line=line)


def write_centre(row: CentreRow) -> dict[str, Any]:
    values = (row.unknown_number_text, row.unknown_number_tenant, row.unknown_number_service_line)
    return without_empty({"unknown_number": without_empty(dict(zip(_UNKNOWN, values, strict=True)))})


def read_authority_number(reader: Reader, node: Node | None) -> Iterator[AuthorityNumberRow]:
    document, what = reader.document, "authority_number"
    top = document.mapping(node, what, optional=(NEUTRAL, "callers", "area_codes"))
    callers = document.mapping(top.get("callers"), f"{what}.callers", optional=CALLERS)
    if NEUTRAL in top:
        yield from _read_origin(reader, top[NEUTRAL], NEUTRAL, f"{what}.{NEUTRAL}")
    for origin, value in callers.items():
        yield from _read_origin(reader, value, origin, f"{what}.callers.{origin}")
    for item in document.items(top.get("area_codes"), f"{what}.area_codes"):
        yield from _read_area_codes(reader, item, f"{what}.area_codes")


def _read_origin(reader: Reader, node: Node, origin: str, what: str) -> Iterator[AuthorityNumberRow]:
    """One treatment, or a list of dated ones."""
    items = reader.document.items(node, what) if isinstance(node, SequenceNode) else [node]
    for item in items:
        values, _ = reader.row(item, what, AuthorityNumberRow, without=("origin",))
        yield AuthorityNumberRow(origin=origin, **values)


def _read_area_codes(reader: Reader, node: Node, what: str) -> Iterator[AuthorityNumberRow]:
    values, entries = reader.row(node, what, AuthorityNumberRow, without=("origin",), required=("area_codes",))
    for item in reader.one_or_several(entries.get("area_codes"), what):
        code = reader.document.text(item, what)
        if not (code.isascii() and code.isdigit()):
            reader.document.problem(item, f"{what}: {code!r} is no area code: 2 to 5 digits without the leading 0")
        yield AuthorityNumberRow(origin=code, **values)


def write_authority_number(rows: Rows) -> dict[str, Any]:
    """Area codes with the same treatment stand together, as a person would write them."""
    classes: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    treatments: list[dict[str, Any]] = []
    codes: list[list[str]] = []
    for row in in_order(rows.authority_numbers, "origin"):
        treatment = written(row, without=("origin",))
        if row.origin == NEUTRAL or row.origin in CALLERS:
            classes[row.origin].append(treatment)
        elif treatment in treatments:
            codes[treatments.index(treatment)].append(row.origin)
        else:
            treatments.append(treatment)
            codes.append([row.origin])
    areas = [{"area_codes": found, **treatment} for treatment, found in zip(treatments, codes, strict=True)]
    neutral = classes.pop(NEUTRAL, [])
    callers = {origin: plain(tuple(classes[origin])) for origin in CALLERS if origin in classes}
    return without_empty({NEUTRAL: plain(tuple(neutral)), "callers": callers, "area_codes": areas})
