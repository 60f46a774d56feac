# SPDX-License-Identifier: EUPL-1.2
"""What the comparison of two versions says, case by case; that it says all of it is proved by brute force elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from routing.core.compare_sides import Target
from routing.core.compare_time import Times
from routing.core.comparison import compare
from routing.core.compile import compile_table
from routing.core.differences import (
    OCCUPIED,
    OTHER_AREA_115,
    OTHER_TRUNK,
    Difference,
    NumberRange,
    Treatment,
    visible_to,
)
from routing.core.rows import (
    AuthorityNumberRow,
    DidRow,
    NumberBlockRow,
    OpeningHoursRow,
    OverrideRow,
    Rows,
    SpecialHoursRow,
)
from routing.core.timeline import LATEST
from tests.property.small_tables import END as SMALL_END
from tests.property.small_tables import START as SMALL_START
from tests.property.small_tables import changed_rows, small_rows, small_table
from tests.support.lines import KEY, hours_row, line_rows
from tests.support.tables import example_rows

START = datetime(2026, 11, 23, tzinfo=UTC)
END = START + timedelta(days=7)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CITY: dict[str, Any] = {"tenant": "stadt-wolfsburg", "service_line": "vermittlung"}
VILLAGE: dict[str, Any] = {"tenant": "samtgemeinde-isenbuettel", "service_line": "vermittlung"}


def said(before: Rows, after: Rows, start: datetime = START, end: datetime = END) -> list[Difference]:
    old, new = (compile_table(rows, version=1) for rows in (before, after))
    return list(compare(old, new, start, end))


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("+495372890", "+495372890", "+495372890"),
        ("+49537289000", "+49537289999", "+49537289XXX"),
        ("+49537289510", "+49537289527", "+49537289510-27"),
        ("+4953728900", "+4953728909", "+495372890X"),
    ],
)
def test_numbers_are_written_short(first: str, last: str, text: str) -> None:
    numbers = NumberRange(first=first, last=last)
    assert str(numbers) == text
    assert (first in numbers, last in numbers, f"{first}0" in numbers) == (True, True, False)


def test_instants_need_an_offset_and_no_time_has_no_differences() -> None:
    rows = example_rows()
    changed = replace(rows, dids=rows.dids[1:])
    for start, end in ((START.replace(tzinfo=None), END), (START, END.replace(tzinfo=None))):
        with pytest.raises(ValueError, match="need an offset"):
            said(rows, changed, start, end)
    assert said(rows, changed)
    assert said(rows, changed, START, START) == said(rows, changed, END, START) == []
    assert said(rows, changed, LATEST, LATEST + HOUR) == []


def test_one_tenant_is_told_its_own_side_only() -> None:
    rows = example_rows()
    number = next(did for did in rows.dids if did.head_number == "+49536128")
    changed = replace(rows, dids=tuple(replace(did, **VILLAGE) if did is number else did for did in rows.dids))
    found = said(rows, changed)
    assert {str(item.numbers[0]) for item in found} == {"+495361280"}
    for tenant, sides in ((CITY["tenant"], ("before", "after")), (VILLAGE["tenant"], ("after", "before"))):
        seen = list(visible_to(found, tenant))
        assert seen
        assert all(getattr(item, sides[1]) == OCCUPIED for item in seen)
        assert all(isinstance(getattr(item, sides[0]), Treatment) for item in seen)
        assert len(seen) <= len(found)
    assert list(visible_to(found, "samtgemeinde-meinersen")) == []


def test_names_of_trunks_are_shown_to_whoever_may_see_them() -> None:
    rows = example_rows()
    changed = replace(rows, dids=tuple(did for did in rows.dids if did.head_number != "+49536128"))
    found = said(rows, changed)
    tenant = CITY["tenant"]
    named = {item.trunks for item in found}
    assert None not in named  # a trunk with another route is treated otherwise
    for allowed, expected in (((), {(OTHER_TRUNK,)}), (("carrier-b",), {("carrier-b",), (OTHER_TRUNK,)})):
        assert {item.trunks for item in visible_to(found, tenant, allowed)} == expected
    everywhere = [replace(item, trunks=None) for item in found]
    assert {item.trunks for item in visible_to(everywhere, tenant)} == {None}


def test_an_area_that_one_version_names_is_told_by_its_number() -> None:
    rows = example_rows()
    area = AuthorityNumberRow(origin="5375", tenant="samtgemeinde-meinersen", service_line="115")
    found = said(rows, replace(rows, authority_numbers=(*rows.authority_numbers, area)))
    assert {number for item in found for number in item.numbers} == {"05375115", "115"}
    assert {callers for item in found if item.numbers == ("115",) for callers in item.callers} == {"5375"}
    other = AuthorityNumberRow(origin="other_area", tenant="samtgemeinde-meinersen", service_line="115")
    told = said(rows, replace(rows, authority_numbers=(*rows.authority_numbers, other)))
    assert OTHER_AREA_115 in {number for item in told for number in item.numbers}


@pytest.mark.parametrize("code", ["15", "16", "17"])
def test_the_areas_of_mobiles_have_no_callers(code: str) -> None:
    """They are no areas; a rule for one may be written and leads nobody."""
    rows = example_rows()
    area = AuthorityNumberRow(origin=code, tenant="samtgemeinde-meinersen", service_line="115")
    assert said(rows, replace(rows, authority_numbers=(*rows.authority_numbers, area))) == []


def test_a_number_within_a_pattern_that_changes_is_told_apart() -> None:
    """Of a range that goes over to another line, a number of its own in its midst and those that cannot be dialled."""
    rows = example_rows()
    block = NumberBlockRow(head_number="+495361", tenant="stadt-wolfsburg", other_service_line="vermittlung")
    before = replace(rows, number_blocks=(*rows.number_blocks, block))
    after = replace(
        rows,
        number_blocks=(*rows.number_blocks, replace(block, tenant=VILLAGE["tenant"], other_service_line="vermittlung")),
    )
    numbers = {str(number) for item in said(before, after) for number in item.numbers}
    assert "+495361X" in numbers
    assert "+495361280" not in numbers  # it has a line of its own
    assert not any(number in {"+495361110", "+495361112", "+495361115"} for number in numbers)


def test_what_nobody_can_dial_is_not_told() -> None:
    """Between numbers that have a line of their own, 05361110 and 05361112 are left of a block: never ours."""
    rows = example_rows()
    block = NumberBlockRow(head_number="+49536111", tenant="stadt-wolfsburg", other_service_line="vermittlung")
    own = tuple(DidRow(head_number="+49536111", extension=digit, **CITY) for digit in "139")
    beyond = NumberBlockRow(head_number="+49536112", tenant="stadt-wolfsburg", other_service_line="vermittlung")
    before = replace(rows, number_blocks=(*rows.number_blocks, block, beyond), dids=(*rows.dids, *own))
    moved = tuple(replace(item, other_service_line="115") for item in (block, beyond))
    after = replace(before, number_blocks=(*rows.number_blocks, *moved))
    ranges = [item for found in said(before, after) for item in found.numbers if isinstance(item, NumberRange)]
    told = {number for number in (f"+49536111{digit}" for digit in range(10)) if any(number in item for item in ranges)}
    assert told == {f"+49536111{digit}" for digit in "45678"}
    one, other = (
        replace(item, number_blocks=(*rows.number_blocks, kept)) for item, kept in ((before, block), (after, moved[0]))
    )
    assert "+495361114-8" in {str(number) for item in said(one, other) for number in item.numbers}


@pytest.mark.parametrize("seed", range(60))
def test_a_comparison_is_the_same_the_other_way_round(seed: int) -> None:
    """Of drawn configurations; what is said of them is proved by brute force elsewhere."""
    chance = Random(seed)
    rows = small_rows(chance)
    old, new = small_table(rows), small_table(changed_rows(rows, chance))
    there, back = (list(compare(*pair, SMALL_START, SMALL_END)) for pair in ((old, new), (new, old)))
    turned = [replace(item, before=item.after, after=item.before) for item in back]
    assert sorted(map(repr, there)) == sorted(map(repr, turned))
    for tenant in ("a", "b"):
        for item in visible_to(there, tenant):
            assert item.start < item.end


def test_a_closing_that_comes_into_sight_is_told_from_then_on() -> None:
    """A line that is open for two years sees its end 400 days before, and its callers' closing time with it."""
    weekly = tuple((day, 0, 1440) for day in range(7))
    lines: dict[str, Any] = {"after_closing_minutes": 5, "closing_text": "Schluss."}
    closure = SpecialHoursRow(
        name="zu", title="Zu", opens=False, valid_from=START + 700 * DAY, valid_to=START + 701 * DAY,
        opening_hours="service",
    )  # fmt: skip
    number = {
        "number_blocks": (NumberBlockRow(head_number="+49536128", tenant=KEY[0]),),
        "dids": (DidRow(head_number="+49536128", extension="0", tenant=KEY[0], service_line=KEY[1]),),
    }
    rows = line_rows(hours_row(weekly), lines=(lines,), **number)
    found = said(rows, replace(rows, special_hours=(closure,)), START, START + timedelta(days=720))
    sight = START + timedelta(days=301)  # the first midnight from which it lies within 400 days
    assert found[0].start == sight
    assert [item.start for item in found][-1] == closure.valid_from
    later = said(rows, replace(rows, special_hours=(closure,)), sight + HOUR, START + timedelta(days=699))
    assert [(item.start, item.end) for item in later] == [(sight + HOUR, START + timedelta(days=699))]


def test_an_override_ends_what_it_began() -> None:
    rows = example_rows()
    row = OverrideRow(
        name="o", opens=False, reason="Wasser", author="leitung", valid_from=START + 10 * HOUR,
        valid_to=START + 12 * HOUR, tenant="stadt-wolfsburg",
    )  # fmt: skip
    found = said(rows, replace(rows, overrides=(row,)))
    assert found
    assert {(item.start, item.end) for item in found if item.numbers != ("any other number",)} == {
        (row.valid_from, row.valid_to)
    }
    hours = OpeningHoursRow(name="fremd", timezone="UTC", weekly=())
    assert said(rows, replace(rows, opening_hours=(*rows.opening_hours, hours))) == []


def test_of_a_line_nothing_is_told_while_it_is_not_served() -> None:
    rows = example_rows()
    lines = tuple(
        replace(row, valid_from=START + DAY, valid_to=START + 2 * DAY) if row.tenant == CITY["tenant"] else row
        for row in rows.service_lines
    )
    late = tuple(
        replace(row, valid_from=START + 2 * DAY) if row.tenant == CITY["tenant"] else row for row in rows.service_lines
    )
    old, new = (compile_table(replace(rows, service_lines=item), version=1) for item in (lines, late))
    times = Times(old, new, START, END)
    target = Target((CITY["tenant"], CITY["service_line"]), None, "dialled")
    told = list(times.old.told(target, START, END))
    assert (told[0].start, told[-1].end) == (START + DAY, START + 2 * DAY)
    assert list(times.alike(target, target, START, END)) == []  # they are never served at once
    assert list(times.old.told(Target(None, None, "unknown"), START, END)) == []
