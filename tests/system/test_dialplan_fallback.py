# SPDX-License-Identifier: EUPL-1.2
"""The dialplan's own fallback decides as `decide` does: the same cases through both, on a real Asterisk."""

from __future__ import annotations

import itertools
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import pytest

from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call, Decision, DialExtension, EnterQueue, Forward, PlayAnnouncement, Reject
from routing.core.rows import (
    AgentGroupRow,
    DidRow,
    NumberBlockRow,
    OpeningHoursRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    TenantRow,
)
from routing.core.table import Table
from tests.support.ami_oracle import Message
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.tables import BERLIN, example_rows, example_table

pytestmark = pytest.mark.system

PROBE = """
[probe]
exten => s,1,Set(ROUTE_DIALLED=${RECEIVED})
 same => n,Gosub(fallback-decide,s,1)
 same => n,UserEvent(Decided,Case: ${CASE},Kind: ${ROUTE_KIND},Tenant: ${ROUTE_TENANT},Line: ${ROUTE_LINE},Queue: ${ROUTE_QUEUE},Announcement: ${ROUTE_ANNOUNCEMENT},Target: ${ROUTE_TARGET},Trunk: ${ROUTE_TRUNK},Cause: ${ROUTE_CAUSE},Display: ${ROUTE_DISPLAY},Dialled: ${ROUTE_DIALLED},Version: ${ROUTE_VERSION},Reasons: ${ROUTE_REASONS})
 same => n,Hangup()
"""  # noqa: E501

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=BERLIN)
TENANT_STARTS = datetime(2014, 10, 1, tzinfo=BERLIN)
MOVES = datetime(2027, 3, 1, tzinfo=BERLIN)  # 05372 89-700 changes its line
INSTANTS = (
    datetime(2026, 11, 23, 7, 0, tzinfo=BERLIN),
    datetime(2026, 11, 23, 6, 59, 59, tzinfo=BERLIN),
    datetime(2026, 11, 23, 17, 59, 59, tzinfo=BERLIN),
    datetime(2026, 11, 23, 18, 0, tzinfo=BERLIN),
    datetime(2026, 11, 22, 10, 0, tzinfo=BERLIN),  # Sunday
    datetime(2025, 10, 31, 10, 0, tzinfo=BERLIN),  # Reformation Day, a Friday
    datetime(2026, 12, 24, 10, 0, tzinfo=BERLIN),  # no public holiday
    datetime(2026, 12, 25, 10, 0, tzinfo=BERLIN),
    datetime(2026, 7, 1, 5, 0, tzinfo=UTC),  # 07:00 summer time
    datetime(2026, 3, 30, 7, 0, tzinfo=BERLIN),  # the day after the clocks went forward
    datetime(2026, 10, 26, 6, 59, tzinfo=BERLIN),
    TENANT_STARTS - timedelta(seconds=1),
    TENANT_STARTS + timedelta(hours=10),
    MOVES - timedelta(seconds=1),
    MOVES + timedelta(hours=10),
    datetime(1971, 1, 1, 12, 0, tzinfo=UTC),
)
NUMBERS = (
    "0537289-0", "+49537289", "0537289", "05372 89500", "0537289123", "0537289-000", "053728912", "05372891234",
    "0536128-0", "+4953612800", "05374880", "0537489123", "0537289700", "05372897", "053728977", "0537289777",
    "49537289", "537289", "004953728900", "+49 (0)5372 89-0", "+490537289",
    "+490", "+4900", "+49", "00490", "0", "00", "000", "+", "", "-", "110",
    "0110", "+49112", "05372112", "115", "0115", "+49115", "05361115", "05372115", "03012115", "030115", "0999115",
    "+495361115", "00495361115", "0053611150", "05361 1155", "+4315537289", "123456789012345678", "+123456789012345",
    "+1234567890123456", "abc", "0537289a", "0537289\r\n0", "05372/89.(0)", "1" * 64, "0" + "-" * 64, "0" * 64,
    "0" + "-" * 62 + "1", "٠٥",
)  # fmt: skip
CALLERS = (
    "", "0537212345", "+495361123456", "05372", "053721", "0537300001", "030123456", "+4915112345678", "01701234567",
    "+43537212345", "537212345", "49537212345", "110", "+",
)  # fmt: skip
TRUNKS = ("carrier", "carrier-b")


OVERNIGHT = "0537489-0"
EASTER = datetime(2026, 4, 3, 22, 0, tzinfo=BERLIN)  # Good Friday, a holiday: its night shift is off
NIGHTS = (
    datetime(2026, 11, 20, 21, 59, 59, tzinfo=BERLIN),  # a Friday
    datetime(2026, 11, 20, 22, 0, tzinfo=BERLIN),
    datetime(2026, 11, 21, 5, 59, 59, tzinfo=BERLIN),
    datetime(2026, 11, 21, 6, 0, tzinfo=BERLIN),
    datetime(2026, 10, 24, 22, 30, tzinfo=BERLIN),  # the night in which the clocks go back
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2026, 10, 26, 0, 30, tzinfo=BERLIN),
    datetime(2026, 10, 26, 5, 59, 59, tzinfo=BERLIN),
    datetime(2026, 3, 29, 0, 30, tzinfo=BERLIN),  # and forward
    datetime(2026, 3, 29, 5, 30, tzinfo=BERLIN),
    datetime(2026, 3, 30, 0, 30, tzinfo=BERLIN),
    datetime(2026, 3, 30, 6, 0, tzinfo=BERLIN),
    EASTER + timedelta(hours=1),
    EASTER + timedelta(hours=7),
    EASTER + timedelta(hours=25),
)
CLOSES = datetime(2026, 11, 23, 12, 0, tzinfo=BERLIN)
SPECIAL = tuple(
    CLOSES + timedelta(hours=hours, seconds=seconds)
    for hours in (0, 1, 2, 3, 4, 24, 25, 26, 27, 28)
    for seconds in (-1, 0)
)


def special(name: str, hours: int, until: int, *, opens: bool = False, **more: Any) -> SpecialHoursRow:
    start, end = CLOSES + timedelta(hours=hours), CLOSES + timedelta(hours=until)
    return SpecialHoursRow(name=name, title=name, opens=opens, valid_from=start, valid_to=end, **more)


SPECIAL_HOURS = (
    special("outing", 0, 2, opening_hours="service"),
    special("town", 1, 3, tenant="samtgemeinde-meinersen", announcement_text="Heute geschlossen."),
    special("line", 2, 4, tenant="samtgemeinde-meinersen", service_line="vermittlung", forward_number="+493023125101",
            forward_trunk="carrier"),
    special("evening", 24, 26, opens=True, tenant="samtgemeinde-meinersen"),
    special("none", 25, 27, tenant="samtgemeinde-meinersen", service_line="vermittlung"),
    special("away", 25, 28, tenant="samtgemeinde-isenbuettel", service_line="vermittlung",
            announcement_text="Wir ziehen um."),
)  # fmt: skip


def rows() -> Rows:
    """The example with what it lacks: a number that changes hands, nested blocks, a tenant that ends."""
    example = example_rows()
    moved = (
        DidRow(head_number="+49537289", extension="700", tenant="samtgemeinde-meinersen", service_line="vermittlung",
               valid_to=MOVES),
        DidRow(head_number="+49537289", extension="700", tenant="stadt-wolfsburg", service_line="vermittlung",
               valid_from=MOVES),
    )  # fmt: skip
    inner = NumberBlockRow(head_number="+495372897", tenant="ended", desk_digits=1, desk_trunk="rathaus-meinersen")
    ended = TenantRow(slug="ended", name="Ended", valid_to=datetime(2026, 1, 1, tzinfo=BERLIN))
    overnight = OpeningHoursRow(
        name="overnight",
        timezone="Europe/Berlin",
        weekly=((4, 22 * 60, 30 * 60), (5, 22 * 60, 30 * 60), (6, 22 * 60, 30 * 60), (0, 8 * 60, 9 * 60)),
        holiday_dates=((EASTER.date(), "Karfreitag"),),
    )
    night = ServiceLineRow(
        tenant="stadt-wolfsburg", name="nacht", title="Nacht", opening_hours="overnight", agent_group="allgemein"
    )
    nights = DidRow(head_number="+49537489", extension="0", tenant="stadt-wolfsburg", service_line="nacht")
    return example_rows(
        opening_hours=(*example.opening_hours, overnight),
        special_hours=SPECIAL_HOURS,
        service_lines=(*example.service_lines, night),
        tenants=(*example.tenants, ended),
        dids=(*example.dids, *moved, nights),
        number_blocks=(
            *example.number_blocks,
            inner,
            NumberBlockRow(head_number="+49537489", tenant="stadt-wolfsburg"),
        ),
        agent_groups=(*example.agent_groups, AgentGroupRow(name="abfall", title="Abfall")),
    )


@pytest.fixture(scope="module")
def table() -> Table:
    return compile_table(rows(), version=3)


@pytest.fixture(scope="module")
async def pbx(table: Table) -> AsyncIterator[PrivateAsterisk]:
    nobody = ("127.0.0.1", free_port(socket.SOCK_STREAM))
    async with PrivateAsterisk.start(table, fastagi=nobody, extra_dialplan=PROBE) as asterisk:
        yield asterisk


def expected(decision: Decision) -> dict[str, str]:
    """The decision in the words of the probe's event."""
    fields = dict.fromkeys(("Queue", "Announcement", "Target", "Trunk", "Cause"), "")
    match decision.destination:
        case EnterQueue(queue=queue, announcement=announcement):
            fields |= {"Queue": queue, "Announcement": announcement}
        case PlayAnnouncement(announcement=announcement):
            fields |= {"Announcement": announcement}
        case Forward(number=number, trunk=trunk) | DialExtension(number=number, trunk=trunk):
            fields |= {"Target": number, "Trunk": trunk}
        case Reject(cause=cause):
            fields |= {"Cause": str(cause)}
    return fields | {
        "Kind": decision.kind,
        "Tenant": decision.tenant or "",
        "Line": decision.service_line or "",
        "Dialled": decision.dialled_number,
        "Reasons": "".join(f"{reason.rule}." for reason in decision.reasons),
        "Version": str(decision.table_version),
    }


async def probe(pbx: PrivateAsterisk, table: Table, cases: list[tuple[str, str, str, datetime]]) -> list[Message]:
    """What the fallback decides in each case, in order."""
    start = len(pbx.ami.messages)
    formats = {row.name: row for row in table.rows.trunks}
    for number, (dialled, caller, trunk, at) in enumerate(cases):
        row = formats[trunk]
        variables = {
            "CASE": str(number),
            "RECEIVED": quote(dialled, safe=""),
            "CALLER": caller,
            "AT": quote(at.isoformat(), safe=""),
            "TRUNK_NUMBER_FORMAT": row.number_format,
            "TRUNK_OTHER_ROUTE": "yes" if row.has_other_route else "no",
        }
        answer = await pbx.ami.action(
            "Originate",
            Channel="Local/s@probe/n",
            Application="Wait",
            Data="1",
            Async="true",
            Variable=",".join(f"__{name}={value}" for name, value in variables.items()),
        )
        assert answer["Response"] == "Success"
        await pbx.ami.event(start=start, UserEvent="Decided", Case=str(number))
    return sorted(pbx.ami.user_events("Decided", start=start), key=lambda event: int(event["Case"]))


def check(table: Table, cases: list[tuple[str, str, str, datetime]], events: list[Message]) -> None:
    differences = []
    for (dialled, caller, trunk, at), event in zip(cases, events, strict=True):
        wanted = expected(decide(table, Call(dialled=dialled, caller=caller or None, trunk=trunk), at))
        got = {name: unquote(event[name]) if name in {"Target", "Dialled"} else event[name] for name in wanted}
        if got != wanted:
            differences.append(f"{dialled!r} {caller!r} {trunk} {at}: {got} instead of {wanted}")
    assert not differences, "\n".join(differences)


async def test_every_number(pbx: PrivateAsterisk, table: Table) -> None:
    cases = [(number, "", trunk, MONDAY) for number, trunk in itertools.product(NUMBERS, TRUNKS) if number]
    check(table, cases, await probe(pbx, table, cases))


async def test_115_from_every_caller(pbx: PrivateAsterisk, table: Table) -> None:
    cases = [("115", caller, trunk, MONDAY) for caller, trunk in itertools.product(CALLERS, TRUNKS)]
    check(table, cases, await probe(pbx, table, cases))


async def test_every_instant(pbx: PrivateAsterisk, table: Table) -> None:
    dialled = ("0537289-0", "0537289700", "0537289777", "0537289123", "0537488-0", "115", "05372115")
    cases = [(number, "", "carrier", at) for number, at in itertools.product(dialled, INSTANTS)]
    check(table, cases, await probe(pbx, table, cases))


async def test_windows_across_midnight(pbx: PrivateAsterisk, table: Table) -> None:
    cases = [(OVERNIGHT, "", "carrier", at) for at in NIGHTS]
    check(table, cases, await probe(pbx, table, cases))


async def test_special_hours(pbx: PrivateAsterisk, table: Table) -> None:
    dialled = ("0537289-0", "0537289500", "0537488-0", "115", "05372115")
    cases = [(number, "", "carrier", at) for number, at in itertools.product(dialled, SPECIAL)]
    check(table, cases, await probe(pbx, table, cases))


async def test_the_other_number_formats(pbx: PrivateAsterisk) -> None:
    for number_format in ("international", "significant"):
        trunks = tuple(
            type(row)(name=row.name, address=row.address, number_format=number_format) for row in example_rows().trunks
        )
        table = example_table(version=3, trunks=trunks)
        numbers = ("495372890", "5372890", "0537289123", "115", "5361115", "495361115", "53728900000000000")
        cases = [(number, "5372123456", "carrier", MONDAY) for number in numbers]
        check(table, cases, await probe(pbx, table, cases))


async def test_display_of_an_open_line(pbx: PrivateAsterisk, table: Table) -> None:
    (event,) = await probe(pbx, table, [("0537488-0", "", "carrier", MONDAY)])
    assert unquote(event["Display"]) == "Samtgemeinde Isenbüttel: Vermittlung"


async def test_no_expression_was_ever_malformed(pbx: PrivateAsterisk) -> None:
    assert [line for line in pbx.logged("WARNING", "ERROR") if "ast_expr2" in line or "func_" in line] == []
