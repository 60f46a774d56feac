# SPDX-License-Identifier: EUPL-1.2
"""Configurations of any size in the shape of a real centre, and calls to them.

::

    +49 5361 1 00042 07      number 7 of block 42; no German subscriber number begins with 1 behind the area code
       └area┘  └block┘└ extension: two digits are lines (50 are configured), three are desks

A tenant has ten blocks of fifty numbers and five lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice

from routing.core.decision import Call
from routing.core.rows import (
    AgentGroupRow,
    AuthorityNumberRow,
    DidRow,
    NumberBlockRow,
    OpeningHoursRow,
    Rows,
    ServiceLineRow,
    StepRow,
    TenantRow,
    TrunkRow,
)

OPEN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday
CLOSED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LINES = ("vermittlung", "buergerbuero", "standesamt", "kfz", "115")
_DIDS_OF_BLOCK = 50
_BLOCKS_OF_TENANT = 10
DAYS = ((1, 1), (5, 1), (10, 3), (10, 31), (12, 24), (12, 25), (12, 26), (12, 31))


def rows_of(numbers: int) -> Rows:
    """A configuration with so many single numbers."""
    blocks = -(-numbers // _DIDS_OF_BLOCK)
    tenants = -(-blocks // _BLOCKS_OF_TENANT)
    return Rows(
        tenants=tuple(TenantRow(slug=f"t{tenant}", name=f"Stadt {tenant}") for tenant in range(tenants)),
        opening_hours=(_hours(),),
        agent_groups=(AgentGroupRow(name="allgemein", title="Allgemein"),),
        trunks=(
            TrunkRow(name="carrier", address="127.0.0.2", number_format="national"),
            TrunkRow(name="rathaus", address="127.0.0.4", number_format="e164"),
        ),
        service_lines=tuple(_line(f"t{tenant}", name) for tenant in range(tenants) for name in LINES),
        number_blocks=tuple(
            NumberBlockRow(head_number=_head(block), tenant=_tenant(block), desk_digits=(3,), desk_trunk="rathaus")
            for block in range(blocks)
        ),
        dids=tuple(did(number) for number in range(numbers)),
        authority_numbers=(
            AuthorityNumberRow(origin="neutral", tenant="t0", service_line="115"),
            AuthorityNumberRow(origin="5361", tenant="t0", service_line="115"),
        ),
    )


def did(number: int, *, line: str | None = None) -> DidRow:
    """The row of the number with this place in the whole."""
    block, extension = divmod(number, _DIDS_OF_BLOCK)
    return DidRow(
        head_number=_head(block),
        extension=f"{extension:02d}",
        tenant=_tenant(block),
        service_line=line or LINES[number % 4],
    )


def calls_to(numbers: int, count: int) -> Iterator[tuple[Call, datetime]]:
    """Calls all over such a table: of ten six to a line (one of them closed), a desk, two to 115, one to nobody."""
    place = 0
    for kind in islice(cycle("llldlalxac"), count):
        place = (place + 7_919) % numbers
        block, extension = divmod(place, _DIDS_OF_BLOCK)
        head = f"05361/1{block:05d}"
        at = (CLOSED if kind == "c" else OPEN) + timedelta(seconds=place % 3_600)
        caller = None if kind == "l" and place % 2 else "03023125123"
        texts = {"d": f"{head}-1{extension:02d}", "a": "115", "x": "030 23125999"}
        yield Call(dialled=texts.get(kind, f"{head}-{extension:02d}"), caller=caller, trunk="carrier"), at


def _head(block: int) -> str:
    return f"+4953611{block:05d}"


def _tenant(block: int) -> str:
    return f"t{block // _BLOCKS_OF_TENANT}"


def _hours() -> OpeningHoursRow:
    return OpeningHoursRow(
        name="service",
        timezone="Europe/Berlin",
        weekly=tuple((day, 7 * 60, 18 * 60) for day in range(5)),
        holiday_dates=tuple((date(year, *day), "Feiertag") for year in range(2025, 2037) for day in DAYS),
    )


def _line(tenant: str, name: str) -> ServiceLineRow:
    return ServiceLineRow(
        tenant=tenant,
        name=name,
        title=name.capitalize(),
        opening_hours="service",
        agent_group="allgemein",
        overflow=(StepRow(kind="forward", when=("failed", "no_agent"), number="+493023125100", trunk="carrier"),),
        after_closing_minutes=15,
    )
