# SPDX-License-Identifier: EUPL-1.2
"""A configuration in which every rule that the fallback follows occurs: the example with what it lacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from routing.core.rows import (
    AgentGroupRow,
    AuthorityNumberRow,
    CentreRow,
    DidRow,
    IngressNumberRow,
    NoticeRow,
    NumberBlockRow,
    OnCallDutyRow,
    OnCallRotaRow,
    OpeningHoursRow,
    OverrideRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    StepRow,
    TenantRow,
    TrunkRow,
)
from tests.support.tables import BERLIN, example_rows

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=BERLIN)
MOVES = datetime(2027, 3, 1, tzinfo=BERLIN)  # 05372 89-700 and an ingress number change their lines
CLOSES = datetime(2026, 11, 23, 12, 0, tzinfo=BERLIN)  # the first special hours begin
EASTER = datetime(2026, 4, 3, 22, 0, tzinfo=BERLIN)  # Good Friday, a holiday: its night shift is off
NEW_HOURS = datetime(2026, 12, 7, 13, 30, tzinfo=BERLIN)  # a Monday: hours and a line change in the middle of a day
DUTY_CHANGES = datetime(2026, 11, 27, 16, 0, tzinfo=BERLIN)
OVERRIDDEN = datetime(2026, 11, 25, 9, 0, tzinfo=BERLIN)

WOLFSBURG, MEINERSEN, ISENBUETTEL = "stadt-wolfsburg", "samtgemeinde-meinersen", "samtgemeinde-isenbuettel"
FICTION = "+4930231251"  # and two digits


def _did(head: str, extension: str, tenant: str, line: str, **more: Any) -> DidRow:
    return DidRow(head_number=head, extension=extension, tenant=tenant, service_line=line, **more)


def _special(name: str, hours: int, until: int, *, opens: bool = False, **more: Any) -> SpecialHoursRow:
    start, end = CLOSES + timedelta(hours=hours), CLOSES + timedelta(hours=until)
    return SpecialHoursRow(name=name, title=name, opens=opens, valid_from=start, valid_to=end, **more)


def _override(name: str, minutes: int, until: int, *, opens: bool = False, **more: Any) -> OverrideRow:
    start, end = OVERRIDDEN + timedelta(minutes=minutes), OVERRIDDEN + timedelta(minutes=until)
    return OverrideRow(name=name, opens=opens, reason=name, author="test", valid_from=start, valid_to=end, **more)


def _duty(hours: int, until: int, digits: str, rank: int = 1) -> OnCallDutyRow:
    start, end = DUTY_CHANGES + timedelta(hours=hours), DUTY_CHANGES + timedelta(hours=until)
    return OnCallDutyRow(
        rota="bauhof", number=FICTION + digits, trunk="carrier", valid_from=start, valid_to=end, rank=rank
    )


SPECIAL_HOURS = (
    _special("outing", 0, 2, opening_hours="service"),
    _special("town", 1, 3, tenant=MEINERSEN, announcement_text="Heute geschlossen."),
    _special("line", 2, 4, tenant=MEINERSEN, service_line="vermittlung", forward_number=FICTION + "01",
             forward_trunk="carrier"),
    _special("evening", 24, 26, opens=True, tenant=MEINERSEN, announcement_text="Guten Abend.", agent_group="springer"),
    _special("none", 25, 27, tenant=MEINERSEN, service_line="vermittlung"),
    _special("away", 25, 28, tenant=ISENBUETTEL, service_line="vermittlung", announcement_text="Wir ziehen um."),
)  # fmt: skip
OVERRIDES = (
    _override("storm", 0, 60),
    _override("water", 10, 30, tenant=MEINERSEN, announcement_text="Wasserrohrbruch."),
    _override("again", 20, 50, opens=True, tenant=MEINERSEN, service_line="vermittlung"),
    _override("help", 60 * 10, 60 * 12, opens=True, tenant=WOLFSBURG),
    _override("away", 60 * 24, 60 * 25, tenant=WOLFSBURG, forward_number=FICTION + "02", forward_trunk="carrier"),
)
NOTICES = tuple(
    NoticeRow(name=name, title=name, announcement_text="Wahlscheine bitte online.", **more,
              valid_from=MONDAY + timedelta(hours=start), valid_to=MONDAY + timedelta(hours=end))
    for name, start, end, more in (
        ("wahl", 0, 3, {}),
        ("markt", 1, 2, {"tenant": MEINERSEN}),
        ("amt", 1, 4, {"tenant": MEINERSEN, "service_line": "einwohnermeldewesen"}),
    )
)  # fmt: skip
ROTA = OnCallRotaRow(name="bauhof", title="Bauhof")
DUTIES = (_duty(-48, 0, "10"), _duty(0, 48, "11"), _duty(-24, 24, "12", rank=2))

QUEUE = {"opening_hours": "service", "agent_group": "allgemein"}
LINES = (
    ServiceLineRow(tenant=WOLFSBURG, name="nacht", title="Nacht", opening_hours="overnight", agent_group="allgemein"),
    ServiceLineRow(
        tenant=WOLFSBURG,
        name="bauhof",
        title="Bauhof",
        priority=3,
        maximum_wait_seconds=240,
        after_closing_minutes=15,
        overflow=(
            StepRow(kind="agent_group", when=("timeout", "no_agent"), after_seconds=60, agent_group="springer"),
            StepRow(kind="announcement", when=("expected_wait",), over_seconds=300, text="Es dauert lange."),
            StepRow(kind="forward", when=(), number=FICTION + "20", trunk="carrier", ring_seconds=15),
            StepRow(kind="desk", when=("failed",), number="+49537289123", trunk="rathaus-meinersen"),
        ),
        closed=(
            StepRow(kind="announcement", text="Im Notfall bleiben Sie dran."),
            StepRow(kind="on_call", rota="bauhof", tries=2, ring_seconds=20),
            StepRow(kind="announcement", when=("failed",), text="Niemand da."),
        ),
        **QUEUE,  # type: ignore[arg-type]
    ),
    ServiceLineRow(
        tenant=WOLFSBURG, name="amt", title="Amt", opening_hours="half", agent_group="allgemein",
        after_closing_minutes=0, valid_to=NEW_HOURS,
    ),
    ServiceLineRow(
        tenant=WOLFSBURG, name="amt", title="Amt", opening_hours="half", agent_group="springer",
        maximum_wait_seconds=90, valid_from=NEW_HOURS, valid_to=NEW_HOURS + timedelta(days=1, hours=1, seconds=5),
    ),
)  # fmt: skip
HOURS = (
    OpeningHoursRow(
        name="overnight",
        timezone="Europe/Berlin",
        weekly=((4, 22 * 60, 30 * 60), (5, 22 * 60, 30 * 60), (6, 22 * 60, 30 * 60), (0, 8 * 60, 9 * 60)),
        holiday_dates=((EASTER.date(), "Karfreitag"),),
    ),
    OpeningHoursRow(name="half", timezone="Europe/Berlin", weekly=((0, 540, 780),), valid_to=NEW_HOURS),
    OpeningHoursRow(
        name="half", timezone="America/New_York", weekly=((0, 480, 600), (1, 0, 1440)), valid_from=NEW_HOURS
    ),
)
DIDS = (
    _did("+49537289", "700", MEINERSEN, "vermittlung", valid_to=MOVES),
    _did("+49537289", "700", WOLFSBURG, "vermittlung", valid_from=MOVES),
    _did("+49537289", "200", MEINERSEN, "einwohnermeldewesen", last_extension="249"),
    _did("+49537289", "220", WOLFSBURG, "vermittlung", last_extension="229"),
    _did("+49537289", "225", ISENBUETTEL, "vermittlung", valid_from=MONDAY),
    _did("+49537489", "0", WOLFSBURG, "nacht"),
    _did("+49536128", "1", WOLFSBURG, "bauhof"),
    _did("+49536128", "2", WOLFSBURG, "amt"),
)
BLOCKS = (
    NumberBlockRow(head_number="+495372897", tenant="ended", desk_digits=(1,), desk_trunk="rathaus-meinersen"),
    NumberBlockRow(head_number="+49537489", tenant=WOLFSBURG, other_service_line="bauhof"),
)
INGRESS = (
    IngressNumberRow(number="+493023125170", tenant=ISENBUETTEL, service_line="vermittlung"),
    IngressNumberRow(number="+493023125171"),
    IngressNumberRow(number="+493023125172", tenant=WOLFSBURG, service_line="amt", valid_to=MOVES),
    IngressNumberRow(number="+493023125172", tenant=MEINERSEN, service_line="vermittlung", valid_from=MOVES),
)
ORIGINS = (
    AuthorityNumberRow(origin="5371", standing="shared", announcement_text="Für welche Gemeinde rufen Sie an?"),
    AuthorityNumberRow(origin="5373", standing="non_member", forward_number=FICTION + "30", forward_trunk="carrier"),
    AuthorityNumberRow(origin="5374", tenant=ISENBUETTEL, service_line="vermittlung", valid_from=MONDAY),
    AuthorityNumberRow(origin="5376", tenant=WOLFSBURG, service_line="amt"),
    AuthorityNumberRow(origin="mobile", announcement_text="Sie rufen mobil an.", valid_to=MOVES),
    AuthorityNumberRow(origin="withheld", tenant=WOLFSBURG, service_line="115"),
    AuthorityNumberRow(origin="other_area", forward_number=FICTION + "31", forward_trunk="carrier", valid_from=MOVES),
)
CENTRE = CentreRow(unknown_number_tenant=WOLFSBURG, unknown_number_service_line="amt")
TRUSTED = TrunkRow(name="diverts", address="127.0.0.6", number_format="national", trusts_diversion=True)
BACKWARDS = TrunkRow(
    name="backwards", address="127.0.0.7", number_format="national", trusts_diversion=True, has_other_route=True,
    recognise_by=("to", "history_info", "ingress_number", "dialled"),
)  # fmt: skip


def fallback_rows(**changes: Any) -> Rows:
    """All of it; ``changes`` replace whole fields of ``Rows``."""
    rows = example_rows()
    whole = replace(
        rows,
        tenants=(*rows.tenants, TenantRow(slug="ended", name="Ended", valid_to=datetime(2026, 1, 1, tzinfo=BERLIN))),
        opening_hours=(*rows.opening_hours, *HOURS),
        special_hours=SPECIAL_HOURS,
        overrides=OVERRIDES,
        notices=NOTICES,
        agent_groups=(*rows.agent_groups, AgentGroupRow(name="springer", title="Springer")),
        on_call_rotas=(ROTA,),
        on_call_duties=DUTIES,
        trunks=(*rows.trunks, TRUSTED, BACKWARDS),
        service_lines=(*rows.service_lines, *LINES),
        number_blocks=(*rows.number_blocks, *BLOCKS),
        dids=(*rows.dids, *DIDS),
        ingress_numbers=INGRESS,
        authority_numbers=(*rows.authority_numbers, *ORIGINS),
    )
    return replace(whole, **changes)
