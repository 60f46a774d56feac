# SPDX-License-Identifier: EUPL-1.2
"""Closures and special openings: which of them holds, what a caller gets, and every mistake in a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call, Decision, EnterQueue, Forward, PlayAnnouncement
from routing.core.rows import CompileError, OpeningHoursRow, Rows, SpecialHoursRow
from tests.support.tables import BERLIN, CLOSED_AT, OPEN_AT, example_rows, example_table

TICK = timedelta(microseconds=1)
CITY, DISTRICT = "0536128-0", "0537488-0"  # the second forwards outside its hours
QUEUE = EnterQueue(queue="allgemein", announcement="stadt-wolfsburg--vermittlung--greeting")
HEARD = PlayAnnouncement(announcement="stadt-wolfsburg--vermittlung--closed")
NAIVE = datetime(2026, 11, 23)  # noqa: DTZ001
OF_LINE = {"tenant": "stadt-wolfsburg", "service_line": "vermittlung"}
OF_TENANT = {"tenant": "stadt-wolfsburg"}
OF_HOURS = {"opening_hours": "service"}


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def special(name: str = "neu", **changes: Any) -> SpecialHoursRow:
    """A closure on the day of ``OPEN_AT``, a Monday."""
    usual: dict[str, Any] = {
        "title": "Betriebsausflug",
        "opens": False,
        "valid_from": berlin("2026-11-23"),
        "name": name,
    }
    if not {"tenant", "opening_hours", "service_line"} & changes.keys():
        usual |= OF_LINE
    return SpecialHoursRow(**(usual | {"valid_to": berlin("2026-11-24")} | changes))


def ask(*rows: SpecialHoursRow, dialled: str = CITY, at: datetime = OPEN_AT, **changes: Any) -> Decision:
    table = example_table(special_hours=rows, **changes)
    return decide(table, Call(dialled=dialled, caller=None, trunk="carrier"), at)


def last_rule(decision: Decision) -> tuple[str, str]:
    reason = decision.reasons[-1]
    return reason.rule, reason.parameters.get("name", "")


@pytest.mark.parametrize("scope", [OF_LINE, OF_TENANT, OF_HOURS])
def test_a_closure_holds_from_its_start_to_just_before_its_end(scope: dict[str, str]) -> None:
    noon = berlin("2026-11-23T12:00")
    closure = special(valid_from=noon, valid_to=noon + timedelta(hours=2, seconds=1.5), **scope)
    for at, kind in (
        (noon - TICK, "enter_queue"),
        (noon, "play_announcement"),
        (closure.valid_to - TICK, "play_announcement"),
        (closure.valid_to, "enter_queue"),
    ):
        assert ask(closure, at=at).kind == kind
    reason = ask(closure, at=noon).reasons[-1]
    assert reason.rule == "closure"
    assert reason.parameters == {
        "opening_hours": "service",
        "next_opening": "2026-11-23T14:00:01.500000+01:00",
        "name": "neu",
        "title": "Betriebsausflug",
    }
    before = ask(closure, at=noon - TICK).reasons[-1]
    assert before.parameters["closes_at"] == "2026-11-23T12:00:00+01:00"


@pytest.mark.parametrize("scope", [OF_LINE, OF_TENANT, OF_HOURS])
def test_a_special_opening_opens_a_sunday_and_a_holiday(scope: dict[str, str]) -> None:
    sunday = special(opens=True, valid_from=CLOSED_AT, valid_to=berlin("2026-11-23T07:00"), **scope)
    found = ask(sunday, at=CLOSED_AT)
    assert found.destination == QUEUE
    assert last_rule(found) == ("special_opening", "neu")
    assert found.reasons[-1].parameters["closes_at"] == "2026-11-23T18:00:00+01:00"  # it runs into Monday's hours
    assert last_rule(ask(sunday, at=CLOSED_AT - TICK)) == ("outside_hours", "")
    christmas = special(opens=True, valid_from=berlin("2026-12-25T10:00"), valid_to=berlin("2026-12-25T12:00"), **scope)
    assert ask(christmas, at=berlin("2026-12-25T11:59")).kind == "enter_queue"
    assert last_rule(ask(christmas, at=berlin("2026-12-25T12:00"))) == ("holiday", "Erster Weihnachtstag")


def test_the_line_comes_before_its_tenant_before_the_hours_before_holiday_and_week() -> None:
    """Each step taken away uncovers the next one."""
    day, end = berlin("2026-12-25"), berlin("2026-12-26")
    at = berlin("2026-12-25T10:00")  # a Friday within the weekly hours, Christmas
    dates = {"valid_from": day, "valid_to": end}
    steps = [
        special("von-stunden", opens=True, **dates, **OF_HOURS),
        special("vom-mandanten", opens=False, **dates, **OF_TENANT),
        special("von-der-linie", opens=True, **dates, **OF_LINE),
    ]
    expected = [("special_opening", "von-der-linie"), ("closure", "vom-mandanten"), ("special_opening", "von-stunden")]
    for rule in (*expected, ("holiday", "Erster Weihnachtstag")):
        for order in (steps, steps[::-1]):
            assert last_rule(ask(*order, at=at)) == rule
        steps = steps[:-1]
    hours = tuple(replace(row, holiday_dates=()) for row in example_rows().opening_hours)
    assert last_rule(ask(at=at, opening_hours=hours)) == ("open", "")
    assert last_rule(ask(at=at, opening_hours=tuple(replace(row, weekly=()) for row in hours)))[0] == "outside_hours"


def test_a_more_specific_opening_interrupts_a_closure_and_is_the_next_opening() -> None:
    closure = special(valid_from=berlin("2026-11-23"), valid_to=berlin("2026-12-14"), **OF_TENANT)
    hour = special(
        "sprechstunde", opens=True, valid_from=berlin("2026-11-25T09:00"), valid_to=berlin("2026-11-25T10:00")
    )
    assert ask(closure, hour).reasons[-1].parameters["next_opening"] == "2026-11-25T09:00:00+01:00"
    assert last_rule(ask(closure, hour, at=berlin("2026-11-25T09:30"))) == ("special_opening", "sprechstunde")
    after = ask(closure, hour, at=berlin("2026-11-25T10:00"))
    assert after.reasons[-1].parameters["next_opening"] == "2026-12-14T07:00:00+01:00"


def test_special_hours_that_touch_follow_each_other() -> None:
    noon = berlin("2026-11-23T12:00")
    first, second = special("a", valid_to=noon), special("b", opens=True, valid_from=noon)
    assert last_rule(ask(first, second, at=noon - TICK)) == ("closure", "a")
    assert last_rule(ask(first, second, at=noon)) == ("special_opening", "b")


def test_a_closure_that_outlasts_the_look_ahead_has_no_next_opening() -> None:
    found = ask(special(valid_to=datetime(9999, 12, 31, tzinfo=BERLIN)))
    assert found.reasons[-1].parameters["next_opening"] == ""
    assert found.reasons[-1].detail == "Closed: Betriebsausflug."
    ever = ask(special(opens=True, valid_to=datetime(9999, 12, 31, tzinfo=BERLIN)))
    assert ever.reasons[-1].detail == "Open: Betriebsausflug."


def test_a_closures_own_words_and_forward_come_before_the_lines() -> None:
    own = {"announcement_text": "Heute ist Betriebsausflug."}
    away = {"forward_number": "+493023125199", "forward_trunk": "carrier-b"}
    assert ask(special()).destination == HEARD
    assert ask(special(**own)).destination == PlayAnnouncement(announcement="special--neu")
    assert ask(special(**away)).destination == Forward(number="+493023125199", trunk="carrier-b")
    assert ask(special(**own, **away)).destination == Forward(number="+493023125199", trunk="carrier-b")
    assert example_table(special_hours=(special(**own),)).announcements["special--neu"] == own["announcement_text"]
    district = {"tenant": "samtgemeinde-isenbuettel"}
    lines_own = Forward(number="+493023125100", trunk="carrier")
    assert ask(special(**district), dialled=DISTRICT).destination == lines_own
    assert ask(special(**district, **own), dialled=DISTRICT).destination == PlayAnnouncement(
        announcement="special--neu"
    )
    assert ask(special(**district, **away), dialled=DISTRICT).destination != lines_own
    assert ask(special(**district, **own), dialled=DISTRICT, at=CLOSED_AT).destination == lines_own


def test_the_closure_of_one_line_leaves_its_tenants_others_open() -> None:
    table = example_table(special_hours=(special(),))
    assert table.lines["stadt-wolfsburg", "115"].special == ()
    assert decide(table, Call(dialled="05361115", caller=None), OPEN_AT).kind == "enter_queue"
    assert ask(special(**OF_TENANT), dialled="05361115").kind == "play_announcement"
    assert ask(special(**OF_TENANT), dialled="0537289-0").kind == "enter_queue"
    assert ask(special(**OF_HOURS), dialled="0537289-0").kind == "play_announcement"


def problems_of(*rows: SpecialHoursRow, **changes: Any) -> list[str]:
    with pytest.raises(CompileError) as caught:
        compile_table(example_rows(special_hours=rows, **changes), version=1)
    return [str(problem) for problem in caught.value.problems]


WITHOUT_SCOPE = {"tenant": None}
AWAY = {"forward_number": "+493023125199", "forward_trunk": "carrier"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (WITHOUT_SCOPE, "says either opening_hours, or a tenant"),
        (WITHOUT_SCOPE | {"service_line": "vermittlung"}, "a service_line needs its tenant"),
        (OF_HOURS | OF_TENANT, "says either opening_hours, or a tenant"),
        (OF_HOURS | OF_LINE, "says either opening_hours, or a tenant"),
        (OF_HOURS | {"service_line": "vermittlung"}, "a service_line needs its tenant, and no opening_hours"),
        ({"opening_hours": "fehlt"}, "there are no opening hours 'fehlt'"),
        ({"tenant": "fehlt"}, "there is no tenant 'fehlt'"),
        ({"tenant": "fehlt", "service_line": "vermittlung"}, "there is no service line fehlt/vermittlung"),
        (OF_TENANT | {"service_line": "fehlt"}, "there is no service line stadt-wolfsburg/fehlt"),
        ({"valid_to": berlin("2026-11-22")}, "valid_to must lie after valid_from"),
        ({"valid_to": berlin("2026-11-23")}, "valid_to must lie after valid_from"),
        ({"valid_from": NAIVE}, "need an offset from UTC"),
        ({"valid_to": NAIVE + timedelta(days=1)}, "need an offset from UTC"),
        ({"valid_from": datetime.min.replace(tzinfo=BERLIN)}, "must lie within the years 1 to 9999"),
        ({"valid_to": datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))}, "must lie within the years 1"),
        ({"opens": True} | AWAY, "a special opening has no forward"),
        ({"agent_group": "allgemein"}, "a closure has no agent group"),
        ({"opens": True, "agent_group": "fehlt"}, "there is no agent group 'fehlt'"),
        ({"forward_number": "+493023125199"}, "a forward needs both a number and a trunk"),
        ({"forward_trunk": "carrier"}, "a forward needs both a number and a trunk"),
        (AWAY | {"forward_trunk": "fehlt"}, "there is no trunk 'fehlt'"),
        (AWAY | {"forward_number": "112"}, "'112' is no number to forward to"),
        (AWAY | {"forward_number": "rathaus"}, "'rathaus' is no number to forward to"),
        (AWAY | {"forward_number": "05361 28-0"}, "+495361280 is a number of ours: the forward would come back"),
        (AWAY | {"forward_number": "+495361280"}, "+495361280 is a number of ours: the forward would come back"),
        ({"title": "a\nb"}, "title must be 1 to 80 printable characters"),
        ({"announcement_text": ""}, "announcement_text must be 1 to 600 printable characters"),
        ({"announcement_text": "\x1b[31m"}, "announcement_text must be 1 to 600 printable characters"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_wrong_row_is_named(changes: dict[str, Any], sentence: str) -> None:
    found = problems_of(special(**changes))
    assert len(found) == 1
    assert found[0].startswith("special_hours[neu]: ")
    assert sentence in found[0]


@pytest.mark.parametrize("name", ["", "A", "a b", "a/b", "a--b", "../a", "a\n", "x" * 41])
def test_a_name_that_could_hurt_elsewhere_is_refused(name: str) -> None:
    assert f"name {name!r} must be lower-case letters" in "\n".join(problems_of(special(name)))


def test_the_same_name_twice_is_named() -> None:
    later = special(valid_from=berlin("2026-12-01"), valid_to=berlin("2026-12-02"))
    assert problems_of(special(), later) == ["special_hours[neu]: occurs 2 times: keep one"]


@pytest.mark.parametrize("scope", [OF_LINE, OF_TENANT, OF_HOURS])
def test_every_overlap_within_one_scope_is_named(scope: dict[str, str]) -> None:
    """Also with one that began long before the one before."""
    long = special("lang", **scope)
    parts = [
        special(
            f"teil-{hour}",
            opens=True,
            valid_from=berlin(f"2026-11-23T{hour}:00"),
            valid_to=berlin(f"2026-11-23T{hour}:30"),
            **scope,
        )
        for hour in (10, 12)
    ]
    touching = special("danach", valid_from=long.valid_to, valid_to=long.valid_to + timedelta(days=1), **scope)
    assert problems_of(*parts, touching, long) == [
        "special_hours[teil-10]: overlaps with lang, which holds for the same",
        "special_hours[teil-12]: overlaps with lang, which holds for the same",
    ]


def test_overlaps_of_different_scopes_are_what_scopes_are_for() -> None:
    other_line = special("f", tenant="stadt-wolfsburg", service_line="115")
    rows = (special("a"), special("b", **OF_TENANT), special("c", **OF_HOURS), other_line)
    assert len(example_table(special_hours=rows).lines["stadt-wolfsburg", "vermittlung"].special) == 3


def test_many_mistakes_are_many_problems() -> None:
    wrong = {"forward_number": "112", "forward_trunk": "fehlt", "tenant": "fehlt", "title": ""}
    assert len(problems_of(*(special(f"s{number}", **wrong) for number in range(10)))) == 40


def test_instants_of_any_zone_mean_the_same() -> None:
    """Wherever they were written, the schedule holds them in UTC, so that sums cannot follow a zone's clock."""
    row = special()
    moved = replace(row, valid_from=row.valid_from.astimezone(UTC), valid_to=row.valid_to.astimezone(UTC))
    found, same = (
        example_table(special_hours=(item,)).lines["stadt-wolfsburg", "vermittlung"] for item in (row, moved)
    )
    assert found.special == same.special
    assert found.special[0].start.tzinfo is UTC


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 81, "\udcff"])
def test_a_holiday_of_ones_own_needs_a_name(name: str) -> None:
    row = OpeningHoursRow(
        name="neu",
        timezone="Europe/Berlin",
        weekly=(),
        holiday_additions=(("12-31", "Silvester"), ("12-24", name)),
        holiday_dates=((date(2026, 12, 24), name),),
    )
    rows: Rows = example_rows()
    assert problems_of(opening_hours=(*rows.opening_hours, row)) == [
        "opening_hours[neu]: the holiday '12-24' needs a name of 1 to 80 printable characters"
    ]
