# SPDX-License-Identifier: EUPL-1.2
"""Hypothesis strategies for rows that say whose a number is: blocks, dids, ingress numbers, 115; all compile."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from routing.core.rows import AuthorityNumberRow, CentreRow, DidRow, IngressNumberRow, NumberBlockRow
from tests.property.line_rows import Desk
from tests.property.row_values import OUTSIDE, announcements, editions, spoken

Line = tuple[str, str]
_HEADS = st.integers(20, 29).map("+495361{}".format)
_INGRESS = st.integers(3000, 3009).map("+495361{}".format)
_AREA_CODES = ("30", "5361", "5362", "5371", "5372", "5373", "5831", "33053")
_CALLERS = ("mobile", "withheld", "foreign", "unreadable", "other_area")


def _leads_to(line: Line) -> dict[str, Any]:
    return {"tenant": line[0], "service_line": line[1]}


@st.composite
def number_blocks(draw: st.DrawFn, lines: list[Line], trunks: list[str]) -> tuple[NumberBlockRow, ...]:
    """Blocks, with desks of one or more lengths and a line for the rest, or without."""
    found = []
    for head in draw(st.lists(_HEADS, unique=True, max_size=4)):
        tenant, name = draw(st.sampled_from(lines))
        lengths = tuple(draw(st.lists(st.integers(1, 6), unique=True, max_size=2)))
        found.append(
            NumberBlockRow(
                head_number=head,
                tenant=tenant,
                desk_digits=lengths,
                desk_trunk=draw(st.sampled_from(trunks)) if lengths else None,
                other_service_line=draw(st.sampled_from([None, name])),
            )
        )
    return tuple(found)


@st.composite
def dids(draw: st.DrawFn, blocks: tuple[NumberBlockRow, ...], lines: list[Line]) -> tuple[DidRow, ...]:
    """Single extensions and ranges, with one meaning or two that follow each other, of any tenant's lines."""
    found = []
    for block in blocks:
        extensions: list[tuple[str, str | None]] = [
            (extension, None)
            for extension in draw(st.lists(st.from_regex(r"[0-9]{0,5}", fullmatch=True), unique=True, max_size=3))
        ]
        for extension, last in (*extensions, *draw(_ranges())):
            found += [
                DidRow(
                    head_number=block.head_number,
                    extension=extension,
                    last_extension=last,
                    **_leads_to(draw(st.sampled_from(lines))),
                    **validity,
                )
                for validity in draw(editions())
            ]
    return tuple(found)


@st.composite
def _ranges(draw: st.DrawFn) -> list[tuple[str, str]]:
    """None, one, or two that lie within each other or side by side."""
    digits = draw(st.integers(1, 4))
    edges = [f"{number:0{digits}}" for number in sorted(draw(st.sets(st.integers(0, 10**digits - 1), max_size=4)))]
    if len(edges) < 4:
        return [(edges[0], edges[-1])] if len(edges) > 1 else []
    first, second, third, last = edges
    return [(first, last), (second, third)] if draw(st.booleans()) else [(first, second), (third, last)]


def desks(blocks: tuple[NumberBlockRow, ...], found: tuple[DidRow, ...]) -> list[Desk]:
    """A desk of each block that has them: one that is not configured to lead to a line."""
    desks = []
    for block in (block for block in blocks if block.other_service_line is None):
        for digits in block.desk_digits:
            taken = [
                (row.extension, row.last_extension or row.extension) for row in found if _within(row, block, digits)
            ]
            free = (f"{number:0{digits}}" for number in range(10**digits))
            extension = next((e for e in free if not any(first <= e <= last for first, last in taken)), None)
            if extension is not None and block.desk_trunk is not None:
                desks.append((block.head_number + extension, block.desk_trunk))
    return desks


def _within(row: DidRow, block: NumberBlockRow, digits: int) -> bool:
    return row.head_number == block.head_number and len(row.extension) == digits


@st.composite
def ingress_numbers(draw: st.DrawFn, lines: list[Line]) -> tuple[IngressNumberRow, ...]:
    """With a line of their own or without."""
    found = []
    for number in draw(st.lists(_INGRESS, unique=True, max_size=2)):
        for validity in draw(editions()):
            line = draw(st.none() | st.sampled_from(lines))
            found.append(IngressNumberRow(number=number, **(_leads_to(line) if line else {}), **validity))
    return tuple(found)


@st.composite
def authority_numbers(draw: st.DrawFn, lines: list[Line], trunks: list[str]) -> tuple[AuthorityNumberRow, ...]:
    """None at all, or a neutral line, and treatments for areas and for callers of a class."""
    if not draw(st.booleans()):
        return ()
    found = [AuthorityNumberRow(origin="neutral", **_leads_to(draw(st.sampled_from(lines))))]
    for origin in draw(st.lists(st.sampled_from([*_AREA_CODES, *_CALLERS]), unique=True, max_size=5)):
        for validity in draw(editions()):
            standing = "member" if origin in _CALLERS else draw(st.sampled_from(["member", "shared", "non_member"]))
            treatment = (
                _leads_to(draw(st.sampled_from(lines))) if standing == "member" else draw(_treatments(lines, trunks))
            )
            found.append(AuthorityNumberRow(origin=origin, standing=standing, **treatment, **validity))
    return tuple(found)


@st.composite
def _treatments(draw: st.DrawFn, lines: list[Line], trunks: list[str]) -> dict[str, Any]:
    match draw(st.sampled_from(["line", "announcement", "forward"])):
        case "line":
            return _leads_to(draw(st.sampled_from(lines)))
        case "announcement":
            return {"announcement_text": draw(spoken)}
        case _:
            return {"forward_number": draw(st.sampled_from(OUTSIDE)), "forward_trunk": draw(st.sampled_from(trunks))}


@st.composite
def centres(draw: st.DrawFn, lines: list[Line]) -> tuple[CentreRow, ...]:
    """None, or one that tells unknown numbers something, or gives them to a line, or says nothing."""
    if not draw(st.booleans()):
        return ()
    if draw(st.booleans()):
        return (CentreRow(unknown_number_text=draw(announcements)),)
    tenant, name = draw(st.sampled_from(lines))
    return (CentreRow(unknown_number_tenant=tenant, unknown_number_service_line=name),)
