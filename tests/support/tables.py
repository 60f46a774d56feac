# SPDX-License-Identifier: EUPL-1.2
"""A compact configuration for tests, in the spirit of the shipped example: three tenants, 115, desks, four trunks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from routing.core.compile import compile_table
from routing.core.rows import (
    AgentGroupRow,
    AgentRow,
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
from routing.core.table import Table

BERLIN = ZoneInfo("Europe/Berlin")
OPEN_AT = datetime(2026, 11, 23, 10, 0, tzinfo=BERLIN)  # a Monday
CLOSED_AT = datetime(2026, 11, 22, 10, 0, tzinfo=BERLIN)  # a Sunday
HOLIDAY_AT = datetime(2025, 10, 31, 10, 0, tzinfo=BERLIN)  # a Friday, Reformation Day

SWITCHBOARD = "0537289-0"  # Samtgemeinde Meinersen, as the carrier spells it
DESK = "0537289123"
FICTIONAL_CALLER = "03023125123"
LOCAL_CALLER = "0537212345"

_HOLIDAYS = (
    (date(2025, 10, 31), "Reformationstag"),
    (date(2025, 12, 25), "Erster Weihnachtstag"),
    (date(2026, 10, 31), "Reformationstag"),
    (date(2026, 12, 25), "Erster Weihnachtstag"),
)


def example_rows(**changes: Any) -> Rows:
    """The example; ``changes`` replace whole fields of ``Rows``."""
    rows = Rows(
        tenants=(
            TenantRow(slug="stadt-wolfsburg", name="Stadt Wolfsburg", valid_from=_day(2010, 1, 1)),
            TenantRow(slug="samtgemeinde-meinersen", name="Samtgemeinde Meinersen", valid_from=_day(2014, 10, 1)),
            TenantRow(slug="samtgemeinde-isenbuettel", name="Samtgemeinde Isenbüttel", valid_from=_day(2012, 1, 1)),
            TenantRow(slug="behoerdennummer-115", name="Behördennummer 115", valid_from=_day(2011, 1, 1)),
        ),
        opening_hours=(
            OpeningHoursRow(
                name="service",
                timezone="Europe/Berlin",
                weekly=tuple((day, 7 * 60, 18 * 60) for day in range(5)),
                holiday_calendar="DE-NI",
                holiday_dates=_HOLIDAYS,
            ),
        ),
        agent_groups=(AgentGroupRow(name="allgemein", title="Allgemein"),),
        agents=(
            AgentRow(name="agent01", device="agent01", agent_groups=("allgemein",)),
            AgentRow(name="agent02", device="agent02", agent_groups=("allgemein",)),
        ),
        trunks=(
            TrunkRow(name="carrier", address="127.0.0.2", number_format="national"),
            TrunkRow(name="demonstration", address="127.0.0.3", number_format="national", demonstration=True),
            TrunkRow(name="rathaus-meinersen", address="127.0.0.4", number_format="e164"),
            TrunkRow(name="carrier-b", address="127.0.0.5", number_format="e164", has_other_route=True),
        ),
        service_lines=(
            _line("stadt-wolfsburg", "vermittlung", "Vermittlung"),
            _line("stadt-wolfsburg", "115", "115"),
            _line("samtgemeinde-meinersen", "vermittlung", "Vermittlung"),
            _line("samtgemeinde-meinersen", "einwohnermeldewesen", "Einwohnermeldewesen"),
            _line("samtgemeinde-meinersen", "115", "115"),
            _line(
                "samtgemeinde-isenbuettel",
                "vermittlung",
                "Vermittlung",
                closed=(StepRow(kind="forward", number="+493023125100", trunk="carrier"),),
            ),
            _line("behoerdennummer-115", "115", "115"),
        ),
        number_blocks=(
            NumberBlockRow(head_number="+49536128", tenant="stadt-wolfsburg"),
            NumberBlockRow(
                head_number="+49537289",
                tenant="samtgemeinde-meinersen",
                desk_digits=(3,),
                desk_trunk="rathaus-meinersen",
            ),
            NumberBlockRow(head_number="+49537488", tenant="samtgemeinde-isenbuettel"),
        ),
        dids=(
            _did("+49536128", "0", "stadt-wolfsburg", "vermittlung"),
            _did("+49537289", "", "samtgemeinde-meinersen", "vermittlung"),
            _did("+49537289", "0", "samtgemeinde-meinersen", "vermittlung"),
            _did("+49537289", "500", "samtgemeinde-meinersen", "einwohnermeldewesen"),
            _did("+49537488", "0", "samtgemeinde-isenbuettel", "vermittlung"),
        ),
        authority_numbers=(
            AuthorityNumberRow(origin="neutral", tenant="behoerdennummer-115", service_line="115"),
            AuthorityNumberRow(origin="5361", tenant="stadt-wolfsburg", service_line="115"),
            AuthorityNumberRow(origin="5372", tenant="samtgemeinde-meinersen", service_line="115"),
        ),
    )
    return replace(rows, **changes)


def example_table(*, version: int = 1, **changes: Any) -> Table:
    """The compiled example."""
    return compile_table(example_rows(**changes), version=version)


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=BERLIN)


def _line(tenant: str, name: str, title: str, **changes: Any) -> ServiceLineRow:
    return ServiceLineRow(
        tenant=tenant, name=name, title=title, opening_hours="service", agent_group="allgemein", **changes
    )


def _did(head_number: str, extension: str, tenant: str, service_line: str) -> DidRow:
    return DidRow(head_number=head_number, extension=extension, tenant=tenant, service_line=service_line)
