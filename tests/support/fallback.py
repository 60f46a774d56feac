# SPDX-License-Identifier: EUPL-1.2
"""The dialplan's own fallback asked without a call, and what it must say: exactly what the service would have set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from urllib.parse import quote, unquote

from agi.fastagi.variables import DISPLAY, NAMES, OK, commands
from routing.core.decide import decide
from routing.core.decision import Call
from routing.core.table import Table
from tests.support.ami_oracle import Message
from tests.support.asterisk import PrivateAsterisk
from tests.support.asterisk_agi import chosen

ASKED = tuple(name for name in NAMES if name != OK)
_FIELDS = ",".join(f"{name}: ${{{name}}}" for name in ASKED)
_EMPTY = ",".join(f"{name}=" for name in ASKED)
_GENERATIONS = count(1)
PROBE = f"""
[probe]
exten => s,1,MSet({_EMPTY})
 same => n,Set(ROUTE_DIALLED=${{RECEIVED}})
 same => n,Gosub(astdb-decide,s,1)
 same => n,UserEvent(Decided,Case: ${{CASE}},{_FIELDS})
 same => n,Hangup()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A call at an instant."""

    dialled: str
    at: datetime
    caller: str = ""
    trunk: str = "carrier"
    diversion: str = ""
    history_info: str = ""
    to: str = ""


def wanted(table: Table, case: Case) -> dict[str, str]:
    """What the service sets for it."""
    call = Call(
        dialled=case.dialled, caller=case.caller or None, trunk=case.trunk, diversion=case.diversion or None,
        history_info=case.history_info or None, to=case.to or None,
    )  # fmt: skip
    lines = commands(decide(table, call, case.at), table, unique_id="1.1")
    values = {name: value for line in lines for name, value in chosen(line).items() if name != OK}
    return values | {"ROUTE_DIALLED": unquote(values["ROUTE_DIALLED"])}


async def check(pbx: PrivateAsterisk, table: Table, cases: list[Case]) -> list[dict[str, str]]:
    """Asks for each case, with the data of its day, and compares; the answers, in the order of the cases."""
    answers: dict[int, dict[str, str]] = {}
    days: dict[date, list[int]] = {}
    for number, case in enumerate(cases):
        days.setdefault(case.at.astimezone(UTC).date(), []).append(number)
    for day, numbers in days.items():
        await write(pbx, table, datetime(day.year, day.month, day.day, tzinfo=UTC))
        for number in numbers:
            answers[number] = await ask(pbx, table, cases[number], number)
    differences = []
    for number, case in enumerate(cases):
        expected, got = wanted(table, case), answers[number]
        # A line's name is at hand for every destination; the service sends it where a telephone shows it.
        display = got.pop(DISPLAY)
        if expected.pop(DISPLAY) not in {display, ""}:
            differences.append(f"{case}: display {unquote(display)}")
        if got != expected:
            unlike = {name: (got[name], expected[name]) for name in expected if got[name] != expected[name]}
            differences.append(f"{case}: {unlike} (fallback, service)")
    assert not differences, "\n".join(differences)
    return [answers[number] for number in range(len(cases))]


def trunk_variables(table: Table, name: str) -> dict[str, str]:
    """What a trunk's endpoint sets on each of its channels, as far as the fallback looks at it."""
    trunk = next(row for row in table.rows.trunks if row.name == name)
    return {
        "TRUNK_NUMBER_FORMAT": trunk.number_format,
        "TRUNK_OWN_PREFIX": trunk.own_prefix,
        "TRUNK_AREA_CODE": trunk.area_code or "",
        "TRUNK_OTHER_ROUTE": "yes" if trunk.has_other_route else "no",
        "TRUNK_TRUSTS": "yes" if trunk.trusts_diversion else "no",
        "TRUNK_RECOGNISE": "~".join(trunk.recognise_by),
    }


async def write(pbx: PrivateAsterisk, table: Table, at: datetime) -> None:
    """The data of this day and the one before it, and of no other day."""
    await pbx.write_astdb(table, generation=str(next(_GENERATIONS)), at=at, days=1)


async def ask(pbx: PrivateAsterisk, table: Table, case: Case, number: int = 0) -> dict[str, str]:
    """The variables that the fallback sets."""
    variables = {
        "CASE": str(number),
        "RECEIVED": quote(case.dialled, safe=""),
        "CALLER": case.caller,
        "AT": quote(case.at.isoformat(), safe=""),
        "DIVERSION": case.diversion,
        "HISTORY_INFO": case.history_info,
        "TO_NUMBER": case.to,
        **trunk_variables(table, case.trunk),
    }
    start = len(pbx.ami.messages)
    answer = await pbx.ami.action(
        "Originate",
        Channel="Local/s@probe/n",
        Application="Wait",
        Data="1",
        Async="true",
        Variable=",".join(f"__{name}={value}" for name, value in variables.items()),
    )
    assert answer["Response"] == "Success"
    event: Message = await pbx.ami.event(start=start, UserEvent="Decided", Case=str(number))
    values = {name: event[name] for name in ASKED}
    return values | {
        "ROUTE_DIALLED": unquote(values["ROUTE_DIALLED"]),
        "ROUTE_REASONS": values["ROUTE_REASONS"].removesuffix("."),
    }
