# SPDX-License-Identifier: EUPL-1.2
"""Reading numbers and hours beside the libraries that others use for it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

import phonenumbers
from opening_hours import OpeningHours

from routing.core.compile import compile_table
from routing.core.numbers import E164, NumberFormat, read_number
from routing.core.timeline import line_at
from tests.bench.figures import Effort, Section, beside, side_by_side
from tests.bench.rows import DAYS, OPEN, rows_of

_SPELLINGS = (
    "05372 89-0",
    "05372/890",
    "(05372) 89 0",
    "+49 5372 890",
    "0049 5372 89-0",
    "+493023125001",
    "030 23125 001",
    "004315880",
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BERLIN = ZoneInfo("Europe/Berlin")


async def reading(effort: Effort) -> Section:
    """The same spellings, of which both must make the same number."""

    def ours() -> int:
        for _ in range(50):
            for text in _SPELLINGS:
                read_number(text, number_format=NumberFormat.NATIONAL)
        return 50 * len(_SPELLINGS)

    def theirs() -> int:
        for text in _SPELLINGS:
            phonenumbers.parse(text, "DE")
        return len(_SPELLINGS)

    for text in _SPELLINGS:
        found = read_number(text, number_format=NumberFormat.NATIONAL)
        parsed = phonenumbers.format_number(phonenumbers.parse(text, "DE"), phonenumbers.PhoneNumberFormat.E164)
        assert isinstance(found, E164), text
        assert str(found) == parsed, text
    times = side_by_side({"ours": ours, "theirs": theirs}, rounds=effort.rounds)
    peer = f"phonenumberslite {version('phonenumberslite')}, parse"
    return Section(
        title="Reading a number",
        text="Eight spellings that both read as the same number.",
        figures=(beside("read_number", times["ours"], peer, times["theirs"], must="ratio <= 1"),),
    )


async def hours(effort: Effort) -> Section:
    """The rule of the benches' lines, written for both."""
    line = compile_table(rows_of(1), version=1).lines["t0", "vermittlung"]
    closed = "".join(f"; {_MONTHS[month - 1]} {day:02d} off" for month, day in DAYS)
    rule = OpeningHours(f"Mo-Fr 07:00-18:00{closed}", timezone=_BERLIN)
    chance = random.Random(3)
    one_day = [OPEN + timedelta(seconds=chance.randrange(86_400)) for _ in range(200)]
    whole_year = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(525_600)) for _ in range(200)]
    for at in one_day + whole_year:
        assert line_at(line, at).open == rule.is_open(at.astimezone(_BERLIN)), at
    peer, figures = f"opening-hours-py {version('opening-hours-py')}, is_open", []
    for name, instants in (("instants of one day", one_day), ("instants all over a year", whole_year)):
        local = [at.astimezone(_BERLIN) for at in instants]

        def ours(instants: list[datetime] = instants) -> int:
            for at in instants:
                line_at(line, at)
            return len(instants)

        def theirs(local: list[datetime] = local) -> int:
            for at in local:
                rule.is_open(at)
            return len(local)

        times = side_by_side({"ours": ours, "theirs": theirs}, rounds=effort.rounds)
        figures.append(beside(f"line_at, {name}", times["ours"], peer, times["theirs"]))
    return Section(
        title="Hours",
        text="A week of working days with eight holidays, of which both say the same. Ours also answers until when, "
        "why and what becomes of the caller; it keeps the days it was asked for, 64 of a line.",
        figures=tuple(figures),
    )
