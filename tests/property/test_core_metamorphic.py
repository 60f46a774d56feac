# SPDX-License-Identifier: EUPL-1.2
"""What must not change a decision: unrelated rows, the order of rows, spellings, and whole weeks."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.config import read_file
from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call, Decision
from routing.core.line import Stretch
from routing.core.numbers import COUNTRY_CODE, NumberFormat
from routing.core.rows import (
    AgentGroupRow,
    AgentRow,
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
    Row,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    TenantRow,
    TrunkRow,
)
from routing.core.table import Table
from routing.core.timeline import line_at
from tests.property.line_rows_hard import LINE, TENANT, hard_lines, offsets
from tests.property.row_values import PHASES, SLOW
from tests.property.rows import configurations
from tests.support.tables import example_rows

KEY = (TENANT, LINE)
SLOWLY = settings(max_examples=60, deadline=None, phases=PHASES, suppress_health_check=SLOW)
EXAMPLE = Path(__file__).parents[2] / "examples" / "service-centre-wolfsburg.yaml"
_PERIOD: dict[str, Any] = {"valid_from": datetime(1, 2, 1, tzinfo=UTC), "valid_to": datetime(9999, 1, 1, tzinfo=UTC)}
_WHOSE: dict[str, Any] = {"tenant": "fremd-x", "service_line": "fremd-x"}
STRANGERS: dict[str, Row] = {
    "tenants": TenantRow(slug="fremd-x", name="Fremd"),
    "opening_hours": OpeningHoursRow(
        name="fremd-x", timezone="UTC", weekly=((0, 0, 1440),), holiday_dates=((date(2026, 1, 1), "Neujahr"),)
    ),
    "agent_groups": AgentGroupRow(name="fremd-x", title="Fremd"),
    "agents": AgentRow(name="fremd-x", device="fremd-x", agent_groups=("fremd-x",)),
    "on_call_rotas": OnCallRotaRow(name="fremd-x", title="Fremd"),
    "on_call_duties": OnCallDutyRow(rota="fremd-x", number="+4989999998100", trunk="fremd-x", **_PERIOD),
    "trunks": TrunkRow(name="fremd-x", address="127.0.0.9", number_format="international"),
    "service_lines": ServiceLineRow(
        tenant="fremd-x", name="fremd-x", title="Fremd", opening_hours="fremd-x", agent_group="fremd-x"
    ),
    "number_blocks": NumberBlockRow(head_number="+4958319", tenant="fremd-x", other_service_line="fremd-x"),
    "dids": DidRow(head_number="+4958319", extension="10", last_extension="29", **_WHOSE),
    "ingress_numbers": IngressNumberRow(number="+4958320", **_WHOSE),
    "special_hours": SpecialHoursRow(name="fremd-x", title="Fremd", opens=False, **_PERIOD, **_WHOSE),
    "overrides": OverrideRow(name="fremd-x", opens=False, reason="Fremd", author="fremd", **_PERIOD, **_WHOSE),
    "notices": NoticeRow(name="fremd-x", title="Fremd", announcement_text="Fremd.", **_PERIOD, **_WHOSE),
}
"""A whole tenant with everything that it may have, which nobody who calls has to do with."""
NUMBERS = ("+495361200", "+49536125", "+495361281", "+4953613003", "+49536112345", "115", "05361115", "+493023125100")


def with_strangers(rows: Rows) -> Rows:
    added = {name: (row, *getattr(rows, name)) for name, row in STRANGERS.items()}
    return replace(rows, **added)


def told(decision: Decision) -> tuple[object, ...]:
    """All but the text as it was received."""
    reasons = [(reason.rule, {**reason.parameters, "received": ""}) for reason in decision.reasons]
    return replace(decision, reasons=()), reasons


@SLOWLY
@given(configurations(), st.data())
def test_unrelated_rows_change_no_decision(rows: Rows, data: st.DataObject) -> None:
    """Nor does the order of rows."""
    shuffled = replace(rows, **{item.name: tuple(reversed(getattr(rows, item.name))) for item in fields(rows)})
    tables = [compile_table(item, version=1) for item in (rows, with_strangers(rows), shuffled)]
    ours = [row.head_number + (row.last_extension or row.extension) for row in rows.dids]
    ours += [row.number for row in rows.ingress_numbers]
    trunk = st.sampled_from([None, *(row.name for row in rows.trunks)])
    ends = [end for row in rows.all() for end in _ends(row)]
    for _ in range(8):
        number = data.draw(st.sampled_from([*NUMBERS, *ours]))
        diverted = data.draw(st.none() | st.sampled_from([*NUMBERS, *ours]))
        call = Call(dialled=number, caller="0536112345", trunk=data.draw(trunk), diversion=diverted)
        at = data.draw(st.sampled_from([*ends, datetime(2026, 11, 23, 10, tzinfo=UTC)]))
        one, more, other = (decide(table, call, at) for table in tables)
        assert one == more
        assert one == other


def _ends(row: Row) -> list[datetime]:
    return [end for name in ("valid_from", "valid_to") if (end := getattr(row, name, None)) is not None]


@SLOWLY
@given(hard_lines(), offsets)
def test_strangers_that_hold_now_change_no_line(found: tuple[Rows, datetime], offset: timedelta) -> None:
    rows, start = found
    at = start + offset
    own, more = (compile_table(item, version=1).lines[KEY] for item in (rows, with_strangers(rows)))
    assert line_at(own, at) == line_at(more, at)


@SLOWLY
@given(hard_lines(), offsets, st.integers(-300, 300))
def test_whole_weeks_change_nothing_but_instants(found: tuple[Rows, datetime], offset: timedelta, weeks: int) -> None:
    """In UTC, where no clock is changed: all dates, holidays too, and the call are moved together."""
    rows, start = found
    by, at = timedelta(weeks=weeks), start + offset
    hours = tuple(replace(row, timezone="UTC") for row in rows.opening_hours)
    rows = replace(rows, opening_hours=hours)
    collections: dict[str, Any] = {
        item.name: tuple(_moved(row, by) for row in getattr(rows, item.name)) for item in fields(rows)
    }
    moved = replace(rows, **collections)
    before, after = (compile_table(item, version=1) for item in (rows, moved))
    assert _still(line_at(before.lines[KEY], at), before) == _still(line_at(after.lines[KEY], at + by), after, -by)


def _moved(row: Any, by: timedelta) -> Row:
    changes = {name: end + by for name in ("valid_from", "valid_to") if (end := getattr(row, name, None)) is not None}
    if isinstance(row, OpeningHoursRow):
        changes["holiday_dates"] = tuple((day + by, name) for day, name in row.holiday_dates)
    moved: Row = replace(row, **changes)
    return moved


def _still(stretch: Stretch, table: Table, by: timedelta = timedelta(0)) -> tuple[object, ...]:
    """A stretch with its instants moved back; sounds whose names hold an instant are given by their words."""
    closing = stretch.closing and (
        stretch.closing.until + by, _words(stretch.closing.announcement, table), _words(stretch.closing.steps, table)
    )  # fmt: skip
    return (
        *(stretch.start + by, stretch.end + by, stretch.open, stretch.rule),
        None if stretch.until is None else stretch.until + by,
        *(_words(stretch.destination, table), _words(stretch.overflow, table), closing),
        [(reason.rule, reason.parameters.get("name")) for reason in stretch.reasons],
    )


def _words(value: object, table: Table) -> str:
    text = repr(value)
    for name in sorted(table.announcements, key=len, reverse=True):
        text = text.replace(repr(name), repr(table.announcements[name]))
    return text


@SLOWLY
@given(hard_lines(), st.data())
def test_a_window_in_two_pieces_is_the_same_window(found: tuple[Rows, datetime], data: st.DataObject) -> None:
    """The second piece may start on the next day, so that no holiday may tell them apart."""
    rows, start = found
    plain = tuple(replace(row, holiday_dates=()) for row in rows.opening_hours)
    place = data.draw(st.integers(0, len(plain) - 1))
    splittable = [entry for entry in plain[place].weekly if entry[2] - entry[1] > 1]
    if not splittable:
        return
    day, first, last = data.draw(st.sampled_from(splittable))
    cut = data.draw(st.integers(first + 1, last - 1))
    second = (day, cut, last) if cut < 1440 else ((day + 1) % 7, cut - 1440, last - 1440)
    weekly = tuple(sorted([*(e for e in plain[place].weekly if e != (day, first, last)), (day, first, cut), second]))
    split = (*plain[:place], replace(plain[place], weekly=weekly), *plain[place + 1 :])
    one, other = (compile_table(replace(rows, opening_hours=hours), version=1).lines[KEY] for hours in (plain, split))
    at = start + data.draw(offsets)
    whole, pieces = line_at(one, at), line_at(other, at)
    same = [replace(item, start=at, end=at, edition=None, reasons=()) for item in (whole, pieces)]
    assert same[0] == same[1]


@cache
def spelling_table() -> Table:
    """The example with a trunk for each number format, with and without a prefix of its own."""
    rows = read_file(EXAMPLE)
    trunks = tuple(
        TrunkRow(
            name=f"{item.value}{prefix}",
            address="127.0.0.9",
            number_format=item.value,
            own_prefix=prefix,
            area_code="5372" if item in {NumberFormat.NATIONAL, NumberFormat.E164} else None,
        )
        for item in NumberFormat
        for prefix in ("", "9")
    )
    return compile_table(replace(rows, trunks=(*rows.trunks, *trunks)), version=1)


_OURS = ("5372890", "537289500", "537289123", "5361280", "537182600", "5372999", "53618975012")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(_OURS), st.sampled_from(list(NumberFormat)), st.sampled_from(["", "9"]), st.data(),
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)  # fmt: skip
def test_the_spelling_of_a_number_changes_nothing(
    significant: str, number_format: NumberFormat, prefix: str, data: st.DataObject, at: datetime
) -> None:
    """All that a carrier of this format writes, with separators anywhere behind the beginning."""
    spellings = [f"+49{significant}", f"0049{significant}", f"+49(0){significant}", f"0{significant}"]
    spellings += [f"00490{significant}", f"(0{significant[:4]}) {significant[4:]}"]
    match number_format:
        case NumberFormat.INTERNATIONAL:
            spellings.append(COUNTRY_CODE + significant)
        case NumberFormat.SIGNIFICANT:
            spellings.append(significant)
        case _ if significant.startswith("5372"):
            spellings.append(significant.removeprefix("5372"))  # in the trunk's own area
    text = prefix + data.draw(st.sampled_from(spellings))
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(1, len(text)))
        text = text[:place] + data.draw(st.sampled_from("- ./()")) + text[place:]
    table, trunk = spelling_table(), f"{number_format.value}{prefix}"
    expected = decide(table, Call(dialled=f"+49{significant}", caller=f"+49{significant}"), at)
    assert told(decide(table, Call(dialled=text, caller=text, trunk=trunk), at)) == told(expected)
    authority = [
        Call(dialled="115", caller=f"+49{significant}"),
        Call(dialled=f"{prefix}115", caller=text, trunk=trunk),
    ]
    neutral, same = (told(decide(table, call, at)) for call in authority)
    assert neutral == same


def test_the_strangers_are_of_every_type_that_may_stand_twice() -> None:
    """A new type of row must be thought of here."""
    rows = with_strangers(example_rows())
    assert {type(row) for row in rows.all()} >= set(map(type, STRANGERS.values()))
    missing = {item.name for item in fields(Rows)} - STRANGERS.keys()
    assert missing == {"centre", "authority_numbers"}  # there is one centre, and 115 is everybody's
    assert (CentreRow.key_fields, AuthorityNumberRow.key_fields) == (("name",), ("origin", "valid_from"))
