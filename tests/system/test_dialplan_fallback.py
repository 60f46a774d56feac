# SPDX-License-Identifier: EUPL-1.2
"""The dialplan's own fallback decides as the service does: the same cases through both, on a real Asterisk.

Compared is every channel variable: kind, target, chains, closing time, notices, reasons.
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest

from routing.core.compile import compile_table
from routing.core.table import Table
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.fallback import PROBE, Case, ask, check, write
from tests.support.fallback_rows import (
    CENTRE,
    CLOSES,
    DUTY_CHANGES,
    EASTER,
    FICTION,
    MONDAY,
    MOVES,
    NEW_HOURS,
    OVERRIDDEN,
    fallback_rows,
)
from tests.support.tables import BERLIN, example_rows, example_table

pytestmark = pytest.mark.system

SECOND = timedelta(seconds=1)
TENANT_STARTS = datetime(2014, 10, 1, tzinfo=BERLIN)
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
    TENANT_STARTS - SECOND,
    TENANT_STARTS + timedelta(hours=10),
    MOVES - SECOND,
    MOVES,
    MOVES + timedelta(hours=10),
    datetime(1971, 1, 1, 12, 0, tzinfo=UTC),
)
NUMBERS = (
    "0537289-0", "+49537289", "0537289", "05372 89500", "0537289123", "0537289-000", "053728912", "05372891234",
    "0536128-0", "+4953612800", "05374880", "0537489123", "0537289700", "05372897", "053728977", "0537289777",
    "49537289", "537289", "004953728900", "+49 (0)5372 89-0", "+490537289",
    "+490", "+4900", "+49", "00490", "0", "00", "000", "+", "-", "110",
    "0110", "+49112", "05372112", "115", "0115", "+49115", "05361115", "05372115", "03012115", "030115", "0999115",
    "+495361115", "00495361115", "0053611150", "05361 1155", "+4315537289", "123456789012345678", "+123456789012345",
    "+1234567890123456", "abc", "0537289a", "0537289\r\n0", "05372/89.(0)", "1" * 64, "0" + "-" * 64, "0" * 64,
    "0" + "-" * 62 + "1", "٠٥",
    # ranges, one in another and one extension in both; other extensions of every length; ingress numbers
    "0537289199", "0537289200", "0537289219", "0537289220", "0537289225", "0537289229", "0537289230", "0537289249",
    "0537289250", "053728920", "05372892200", "05374890", "053748912", "0537489123456", "05374891234567",
    "053748912345678", "05374891234567890", "05374", "03023125170", "03023125171", "03023125172",
)  # fmt: skip
CALLERS = (
    "", "0537212345", "+495361123456", "05372", "053721", "0537300001", "0537100001", "0537400001", "0537600001",
    "0537700001", "030123456", "+4915112345678", "01701234567", "+43537212345", "537212345", "49537212345", "110", "+",
)  # fmt: skip
NIGHTS = (
    datetime(2026, 11, 20, 21, 59, 59, tzinfo=BERLIN),  # a Friday
    datetime(2026, 11, 20, 22, 0, tzinfo=BERLIN),
    datetime(2026, 11, 21, 5, 59, 59, tzinfo=BERLIN),
    datetime(2026, 11, 21, 6, 0, tzinfo=BERLIN),
    datetime(2026, 10, 24, 22, 30, tzinfo=BERLIN),  # the night in which the clocks go back
    datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2026, 10, 26, 0, 30, tzinfo=BERLIN),
    datetime(2026, 10, 26, 5, 59, 59, tzinfo=BERLIN),
    datetime(2026, 3, 29, 0, 30, tzinfo=BERLIN),  # and forward
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    datetime(2026, 3, 29, 5, 30, tzinfo=BERLIN),
    datetime(2026, 3, 30, 0, 30, tzinfo=BERLIN),
    datetime(2026, 3, 30, 6, 0, tzinfo=BERLIN),
    EASTER + timedelta(hours=1),
    EASTER + timedelta(hours=7),
    EASTER + timedelta(hours=25),
)


def around(*instants: datetime) -> list[datetime]:
    """Each instant, and the second before it."""
    return [at for instant in instants for at in (instant - SECOND, instant)]


@pytest.fixture(scope="module")
def table() -> Table:
    return compile_table(fallback_rows(), version=3)


@pytest.fixture(scope="module")
async def pbx(table: Table) -> AsyncIterator[PrivateAsterisk]:
    nobody = ("127.0.0.1", free_port(socket.SOCK_STREAM))
    async with PrivateAsterisk.start(table, fastagi=nobody, extra_dialplan=PROBE, with_astdb=False) as asterisk:
        yield asterisk


async def test_every_number(pbx: PrivateAsterisk, table: Table) -> None:
    trunks = ("carrier", "carrier-b")
    cases = [Case(dialled=number, trunk=trunk, at=MONDAY) for number, trunk in itertools.product(NUMBERS, trunks)]
    answers = await check(pbx, table, cases)
    rules = {rule for answer in answers for rule in answer["ROUTE_REASONS"].split(".")}
    assert {"number", "other_extension", "ingress_number", "desk_extension", "not_valid", "unknown_number"} <= rules


async def test_115_from_every_caller(pbx: PrivateAsterisk, table: Table) -> None:
    cases = [Case(dialled="115", caller=caller, at=at) for caller in CALLERS for at in (MONDAY, MOVES, MONDAY - SECOND)]
    cases += [Case(dialled=f"0537{digit}115", at=at) for digit in range(1, 9) for at in (MONDAY, MOVES)]
    answers = await check(pbx, table, cases)
    rules = {answer["ROUTE_REASONS"].split(".")[0] for answer in answers}
    assert rules == {
        "authority_area",
        "authority_shared",
        "authority_non_member",
        "authority_caller",
        "authority_neutral",
    }


async def test_115_that_is_not_served(pbx: PrivateAsterisk) -> None:
    rows = example_rows()
    origins = tuple(
        replace(row, valid_from=MONDAY) if row.origin == "neutral" else row for row in rows.authority_numbers
    )
    later = example_table(authority_numbers=origins)
    cases = [Case(dialled=number, at=at) for number in ("115", "05372115") for at in around(MONDAY)]
    answers = await check(pbx, later, cases)
    assert answers[0]["ROUTE_REASONS"] == "not_served.unknown_number"


async def test_every_instant(pbx: PrivateAsterisk, table: Table) -> None:
    dialled = ("0537289-0", "0537289700", "0537289777", "0537289123", "0537488-0", "115", "05372115", "03023125172")
    cases = [Case(dialled=number, at=at) for at, number in itertools.product(INSTANTS, dialled)]
    await check(pbx, table, cases)


async def test_windows_across_midnight(pbx: PrivateAsterisk, table: Table) -> None:
    answers = await check(pbx, table, [Case(dialled="0537489-0", at=at) for at in NIGHTS])
    assert {answer["ROUTE_KIND"] for answer in answers} == {"enter_queue", "play_announcement"}


async def test_special_hours_and_notices(pbx: PrivateAsterisk, table: Table) -> None:
    hours = (0, 1, 2, 3, 4, 24, 25, 26, 27, 28, -2, -1)
    instants = around(*(CLOSES + timedelta(hours=number) for number in hours))
    dialled = ("0537289-0", "0537289500", "0537488-0", "115", "05372115")
    answers = await check(
        pbx, table, [Case(dialled=number, at=at) for at, number in itertools.product(instants, dialled)]
    )
    assert max(answer["ROUTE_NOTICES"].count("~") for answer in answers) == 2
    assert {"special_opening", "closure"} <= {answer["ROUTE_REASONS"].split(".")[1] for answer in answers}


async def test_overrides(pbx: PrivateAsterisk, table: Table) -> None:
    minutes = (0, 10, 20, 30, 50, 60, 600, 720, 1440, 1500)
    instants = around(*(OVERRIDDEN + timedelta(minutes=number) for number in minutes))
    dialled = ("0537289-0", "0537289500", "0536128-1", "0537488-0")
    answers = await check(
        pbx, table, [Case(dialled=number, at=at) for at, number in itertools.product(instants, dialled)]
    )
    assert {"override_open", "override_closed"} <= {answer["ROUTE_REASONS"].split(".")[1] for answer in answers}


async def test_chains_on_call_and_closing_time(pbx: PrivateAsterisk, table: Table) -> None:
    hours = (-48, -24, -1, 0, 1, 2, 24, 48, 72)
    instants = around(*(DUTY_CHANGES + timedelta(hours=number) for number in hours), MONDAY)
    answers = await check(pbx, table, [Case(dialled="0536128-1", at=at) for at in instants])
    assert any(answer["ROUTE_CLOSED"].count(f"{FICTION[1:]}11") == 2 for answer in answers)
    assert any(answer["ROUTE_OVERFLOW"].count("~f~") == 4 for answer in answers)  # two duties, twice each
    assert any("nobody_on_call" in answer["ROUTE_REASONS"] for answer in answers)
    opened = next(answer for answer in answers if answer["ROUTE_CLOSING"])
    assert (opened["ROUTE_TOLD"], opened["ROUTE_PRIORITY"]) == ("stadt-wolfsburg--bauhof--closing", "3")


async def test_editions_that_change_in_the_middle_of_a_day(pbx: PrivateAsterisk, table: Table) -> None:
    late = NEW_HOURS.replace(hour=13, minute=0)
    end = NEW_HOURS + timedelta(days=1, hours=1, seconds=5)
    midnight = datetime(2026, 12, 8, 0, 0, tzinfo=UTC)
    instants = around(NEW_HOURS, late, late + timedelta(hours=1), end, midnight, midnight + timedelta(hours=5))
    answers = await check(pbx, table, [Case(dialled="0536128-2", at=at) for at in instants])
    assert {"springer", "allgemein"} <= {answer["ROUTE_QUEUE"] for answer in answers}
    assert "not_valid.unknown_number" in {answer["ROUTE_REASONS"] for answer in answers}


async def test_diverted_calls(pbx: PrivateAsterisk, table: Table) -> None:
    headers: tuple[dict[str, str], ...] = (
        {},
        {"diversion": "05372890"},
        {"history_info": "0537289123"},
        {"to": "+495374880"},
        {"to": "0536128-2"},
        {"diversion": "030123", "history_info": "0537289500"},
        {"diversion": "110", "to": "abc"},
        {"diversion": "0537289220", "history_info": "05374880", "to": "05372890"},
    )
    dialled = ("03023125170", "03023125171", "0537289123", "0537289-0", "abc", "03099", "115")
    cases = [
        Case(dialled=number, trunk=trunk, at=MONDAY, **header)
        for trunk in ("carrier", "diverts", "backwards", "carrier-b")
        for number, header in itertools.product(dialled, headers)
    ]
    answers = await check(pbx, table, cases)
    assert {"%2B495372890", "%2B495374880"} <= {answer["ROUTE_REDIRECTING"] for answer in answers}
    assert any(answer["ROUTE_REASONS"].startswith("diversion_not_trusted.ingress_number") for answer in answers)
    assert any(answer["ROUTE_REASONS"].startswith("diverted") for answer in answers)


async def test_unknown_numbers_that_a_line_answers(pbx: PrivateAsterisk) -> None:
    answered = compile_table(fallback_rows(centre=(CENTRE,)), version=4)
    instants = (*around(NEW_HOURS), NEW_HOURS + timedelta(days=3))
    cases = [
        Case(dialled=number, trunk=trunk, at=at)
        for at in instants
        for number in ("03099", "abc")
        for trunk in ("carrier", "carrier-b")
    ]
    answers = await check(pbx, answered, cases)
    assert "unknown_number.unknown_number_line.outside_hours" in {answer["ROUTE_REASONS"] for answer in answers}


async def test_the_other_number_formats(pbx: PrivateAsterisk) -> None:
    for number_format in ("international", "significant"):
        trunks = tuple(replace(row, number_format=number_format) for row in example_rows().trunks)
        table = example_table(version=3, trunks=trunks)
        numbers = ("495372890", "5372890", "0537289123", "115", "5361115", "495361115", "53728900000000000")
        await check(pbx, table, [Case(dialled=number, caller="5372123456", at=MONDAY) for number in numbers])


async def test_display_of_a_line(pbx: PrivateAsterisk, table: Table) -> None:
    await write(pbx, table, MONDAY)
    answer = await ask(pbx, table, Case(dialled="0537488-0", at=MONDAY))
    assert unquote(answer["ROUTE_DISPLAY"]) == "Samtgemeinde Isenbüttel, Vermittlung, guten Tag."


@pytest.mark.parametrize("days", [-6, 5])
async def test_beyond_the_days_that_were_written_nothing_is_guessed(
    pbx: PrivateAsterisk, table: Table, days: int
) -> None:
    await write(pbx, table, MONDAY)
    beyond = MONDAY + timedelta(days=days)
    for dialled in ("0537289-0", "115", "05374891"):
        assert (await ask(pbx, table, Case(dialled=dialled, at=beyond)))["ROUTE_KIND"] == ""
    assert (await ask(pbx, table, Case(dialled="0537289123", at=beyond)))["ROUTE_KIND"] == "dial_extension"


async def test_no_expression_was_ever_malformed(pbx: PrivateAsterisk) -> None:
    assert [line for line in pbx.logged("WARNING", "ERROR") if "ast_expr2" in line or "func_" in line] == []
