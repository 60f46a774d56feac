# SPDX-License-Identifier: EUPL-1.2
"""Hypothesis strategies for a tiny dial space in which everything is crowded: nested heads, nested ranges, dates."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

from hypothesis import strategies as st

from routing.core.rows import (
    AgentGroupRow,
    DidRow,
    IngressNumberRow,
    NumberBlockRow,
    OpeningHoursRow,
    Rows,
    ServiceLineRow,
    TenantRow,
    TrunkRow,
)

HEADS = ("+49536120", "+495361201", "+4953612012")
DIGITS = "0129"
NUMBERS = tuple(HEADS[0][1:] + "".join(rest) for length in range(5) for rest in product(DIGITS, repeat=length))
"""All that can be dialled: the shortest head with up to four more digits."""
INSTANTS = tuple(datetime(2026, month, 1, tzinfo=UTC) for month in (3, 6, 9))
LINES = (("stadt", "a"), ("stadt", "b"), ("dorf", "a"), ("neu", "a"))
TENANTS = ("stadt", "dorf", "neu")

_ALWAYS: dict[str, Any] = {"valid_from": None, "valid_to": None}
_DATED: list[dict[str, Any]] = [
    {"valid_from": a, "valid_to": b}
    for a in (None, *INSTANTS)
    for b in (None, *INSTANTS)
    if a is None or b is None or a < b
]
validities = st.sampled_from([_ALWAYS] * 12 + _DATED)
_LEADS_TO: list[dict[str, Any]] = [{"tenant": tenant, "service_line": name} for tenant, name in LINES]
_lines = st.sampled_from(_LEADS_TO)
_NOWHERE: dict[str, Any] = {}
_extensions = st.integers(1, 3).flatmap(lambda length: st.text(DIGITS, min_size=length, max_size=length))


@st.composite
def dids(draw: st.DrawFn) -> DidRow:
    """A single extension, or a range."""
    first, last = draw(st.just("") | _extensions), None
    if first and draw(st.booleans()):
        other = draw(st.text(DIGITS, min_size=len(first), max_size=len(first)))
        first, last = min(first, other), max(first, other)
        last = None if first == last else last
    head = draw(st.sampled_from(HEADS))
    return DidRow(head_number=head, extension=first, last_extension=last, **draw(_lines), **draw(validities))


@st.composite
def blocks(draw: st.DrawFn, head: str) -> NumberBlockRow:
    """With desks, other extensions, both or nothing."""
    tenant, name = draw(st.sampled_from(LINES))
    lengths = tuple(draw(st.lists(st.integers(1, 3), unique=True, max_size=2)))
    return NumberBlockRow(
        head_number=head,
        tenant=tenant,
        desk_digits=lengths,
        desk_trunk=draw(st.sampled_from(("rathaus", "bauhof"))) if lengths else None,
        other_service_line=draw(st.sampled_from((None, name))),
    )


@st.composite
def ingress_numbers(draw: st.DrawFn) -> IngressNumberRow:
    """A number of the dial space, with a line or without one."""
    number = f"+{draw(st.sampled_from(NUMBERS[1:21]))}"
    return IngressNumberRow(number=number, **draw(_lines | st.just(_NOWHERE)), **draw(validities))


def frame(**changes: Any) -> Rows:
    """Three tenants, one of which begins in June, with lines that are always open."""
    always = tuple((day, 0, 1440) for day in range(7))
    found: dict[str, Any] = {
        "tenants": tuple(
            TenantRow(slug=slug, name=slug.title(), valid_from=INSTANTS[1] if slug == "neu" else None)
            for slug in TENANTS
        ),
        "opening_hours": (OpeningHoursRow(name="immer", timezone="UTC", weekly=always),),
        "agent_groups": (AgentGroupRow(name="gruppe", title="Gruppe"),),
        "trunks": tuple(
            TrunkRow(name=name, address="127.0.0.2", number_format="e164") for name in ("rathaus", "bauhof")
        ),
        "service_lines": tuple(
            ServiceLineRow(
                tenant=tenant, name=name, title=name, opening_hours="immer", agent_group="gruppe",
                valid_to=INSTANTS[2] if name == "b" else None,
            )
            for tenant, name in LINES
        ),
    }  # fmt: skip
    return Rows(**(found | changes))


@st.composite
def crowded(draw: st.DrawFn) -> Rows:
    """Rows that may be ambiguous."""
    heads = draw(st.lists(st.sampled_from(HEADS), unique=True, min_size=1))
    numbers = draw(
        st.lists(
            dids(),
            max_size=6,
            unique_by=lambda row: (row.head_number, row.extension, row.last_extension, row.valid_from),
        )
    )
    return frame(
        number_blocks=tuple(draw(blocks(head)) for head in heads),
        dids=tuple(row for row in numbers if row.head_number in heads),
        ingress_numbers=tuple(
            draw(st.lists(ingress_numbers(), max_size=2, unique_by=lambda row: (row.number, row.valid_from)))
        ),
    )
