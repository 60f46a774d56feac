# SPDX-License-Identifier: EUPL-1.2
"""What becomes of a line's callers: editions, overrides, notices, chains, people on call, and closing time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from routing.core.compile import compile_table
from routing.core.decision import Closing, DialExtension, EnterQueue, Forward, PlayAnnouncement, Step
from routing.core.line import ServiceLine
from routing.core.rows import (
    AgentGroupRow,
    NoticeRow,
    OnCallDutyRow,
    OnCallRotaRow,
    OpeningHoursRow,
    OverrideRow,
    Rows,
    SpecialHoursRow,
    StepRow,
    TenantRow,
    TrunkRow,
)
from routing.core.timeline import line_at, next_opening, stretches
from tests.support.lines import KEY, compiled, hours_row, line_rows

OPEN = datetime(2026, 11, 23, 10, tzinfo=UTC)  # a Monday
CLOSES = OPEN.replace(hour=17)
NIGHT = OPEN.replace(hour=20)
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
OUTSIDE = "+493023125100"
OF_LINE = {"tenant": KEY[0], "service_line": KEY[1]}
GREETING, CLOSED = "stadt--zentrale--greeting", "stadt--zentrale--closed"


def rows_with(*hours: OpeningHoursRow, line: dict[str, Any] | None = None, **changes: Any) -> Rows:
    """Open on weekdays from 8 to 18 o'clock in Berlin, 7 to 17 in UTC; two groups, a trunk, a rota without duties."""
    found: dict[str, Any] = {
        "agent_groups": tuple(AgentGroupRow(name=name, title=name) for name in ("gruppe", "springer")),
        "trunks": (TrunkRow(name="carrier", address="127.0.0.2", number_format="e164"),),
        "on_call_rotas": (OnCallRotaRow(name="bereit", title="Bereit"),),
    }
    found |= {"lines": (line,)} if line is not None else {}
    weekly = tuple((day, 480, 1080) for day in range(5))
    return line_rows(*(hours or (hours_row(weekly),)), **(found | changes))


def line_with(**changes: Any) -> ServiceLine:
    return compiled(rows_with(**changes))


def override(name: str = "o", **changes: Any) -> OverrideRow:
    usual: dict[str, Any] = {"opens": False, "reason": "Wasser", "author": "leitung", "valid_from": OPEN}
    return OverrideRow(**(usual | {"name": name, "valid_to": OPEN + HOUR} | changes))


def duty(number: str, rank: int = 1, start: datetime = OPEN, hours: int = 24) -> OnCallDutyRow:
    end = start + hours * HOUR
    return OnCallDutyRow(rota="bereit", number=number, trunk="carrier", valid_from=start, valid_to=end, rank=rank)


def rule_at(line: ServiceLine, at: datetime) -> tuple[str, str]:
    found = line_at(line, at)
    return found.rule, found.reasons[0].parameters.get("name", "") if found.reasons else ""


# --- overrides ------------------------------------------------------------------------------------------------------


def test_an_override_comes_before_everything_and_says_who_and_why() -> None:
    closure = SpecialHoursRow(
        name="zu", title="Zu", opens=False, valid_from=OPEN - HOUR, valid_to=CLOSES, **OF_LINE
    )  # fmt: skip
    line = line_with(special_hours=(closure,), overrides=(override(opens=True),))
    assert [rule_at(line, at)[0] for at in (OPEN - TICK, OPEN, OPEN + HOUR)] == ["closure", "override_open", "closure"]
    found = line_at(line, OPEN)
    assert (found.open, found.until) == (True, OPEN + HOUR)
    assert found.reasons[0].parameters == {
        "name": "o",
        "reason": "Wasser",
        "author": "leitung",
        "ends_at": "2026-11-23T12:00:00+01:00",
        "closes_at": "2026-11-23T12:00:00+01:00",
    }
    shut = line_at(line_with(overrides=(override(),)), OPEN)
    assert (shut.rule, shut.destination) == ("override_closed", PlayAnnouncement(announcement=CLOSED))
    assert shut.reasons[0].parameters["next_opening"] == "2026-11-23T12:00:00+01:00"


def test_the_override_that_began_last_wins_and_of_those_that_began_together_the_narrowest() -> None:
    later = override("spaeter", opens=True, valid_from=OPEN + HOUR / 2)
    line = line_with(overrides=(later, override("frueher", **OF_LINE)))
    assert rule_at(line, OPEN) == ("override_closed", "frueher")
    assert rule_at(line, later.valid_from) == ("override_open", "spaeter")  # although it is the whole centre's
    together = [override("mandant", tenant=KEY[0]), override("zentrum"), override("linie", **OF_LINE)]
    for order in (together, together[::-1]):
        assert rule_at(line_with(overrides=tuple(order)), OPEN)[1] == "linie"
        assert rule_at(line_with(overrides=tuple(row for row in order if row.name != "linie")), OPEN)[1] == "mandant"
    twins = [override("b"), override("a"), override("kurz", valid_to=OPEN + HOUR / 2)]
    for order in (twins, twins[::-1]):
        assert rule_at(line_with(overrides=tuple(order)), OPEN)[1] == "kurz"
        assert rule_at(line_with(overrides=tuple(order)), OPEN + HOUR / 2)[1] == "a"


def test_an_overrides_own_words_and_forward() -> None:
    away = {"forward_number": OUTSIDE, "forward_trunk": "carrier"}
    told = line_at(line_with(overrides=(override(announcement_text="Rohrbruch."),)), OPEN)
    assert (told.destination, told.overflow) == (PlayAnnouncement(announcement="override--o"), ())
    led = line_at(line_with(overrides=(override(announcement_text="Rohrbruch.", **away),)), OPEN)
    assert led.destination == Forward(number=OUTSIDE, trunk="carrier")
    failed = Step(when=("failed",), destination=PlayAnnouncement(announcement="override--o"))
    assert led.overflow == (failed,)
    silent = line_at(line_with(overrides=(override(**away),)), OPEN)
    assert silent.overflow == (Step(when=("failed",), destination=PlayAnnouncement(announcement=CLOSED)),)


# --- editions -------------------------------------------------------------------------------------------------------


def editions(*changes: dict[str, Any], **more: Any) -> ServiceLine:
    return line_with(lines=changes, **more)


def test_editions_follow_each_other_with_words_of_their_own() -> None:
    line = editions(
        {"valid_to": OPEN, "greeting_text": "Eins.", "agent_phrase": "Eins?"},
        {"valid_from": OPEN, "valid_to": OPEN + HOUR, "greeting_text": "Zwei.", "agent_group": "springer"},
        {"valid_from": OPEN + 2 * HOUR, "greeting_text": "Eins."},
    )
    queues = [line_at(line, at).destination for at in (OPEN - TICK, OPEN, OPEN + 2 * HOUR)]
    assert queues == [
        EnterQueue(queue="gruppe", announcement=GREETING),
        EnterQueue(queue="springer", announcement=f"{GREETING}--202611231000"),
        EnterQueue(queue="gruppe", announcement=GREETING),
    ]
    assert line_at(line, OPEN - TICK).until == OPEN + HOUR  # it stays open from one edition to the next
    gap = line_at(line, OPEN + HOUR)
    assert (gap.rule, gap.edition, gap.destination, gap.reasons) == ("not_served", None, None, ())
    assert next_opening(line, OPEN + HOUR) == OPEN + 2 * HOUR
    served = [line.edition_near(at).agent_phrase for at in (OPEN - HOUR, OPEN + HOUR, OPEN + 3 * HOUR)]
    assert served == ["Eins?", "Stadt, Zentrale, guten Tag.", "Stadt, Zentrale, guten Tag."]
    late = editions({"valid_from": OPEN, "agent_phrase": "Eins?"})
    assert late.edition_near(OPEN - HOUR).agent_phrase == "Eins?"
    assert (line.name, line.tenant.name) == ("zentrale", "Stadt")


def test_a_display_is_what_the_agent_says_and_begins_with_the_tenants_name() -> None:
    line = editions({"valid_to": OPEN}, {"valid_from": OPEN, "agent_phrase": "Zentrale der Stadt, guten Tag."})
    displays = [line.edition_near(at).display for at in (OPEN - HOUR, OPEN)]
    assert displays == ["Stadt, Zentrale, guten Tag.", "Stadt: Zentrale der Stadt, guten Tag."]


def test_editions_that_begin_within_a_minute_keep_their_own_words() -> None:
    starts = [OPEN, OPEN + timedelta(seconds=20), OPEN + timedelta(seconds=40)]
    ends = [*starts[1:], None]
    line_row = [
        {"valid_from": start, "valid_to": end, "greeting_text": f"Ausgabe {start.second}."}
        for start, end in zip(starts, ends, strict=True)
    ]
    table = compile_table(rows_with(lines=tuple(line_row)), version=1)
    for start in starts:
        queue = line_at(table.lines[KEY], start).destination
        assert isinstance(queue, EnterQueue)
        assert table.announcements[str(queue.announcement)] == f"Ausgabe {start.second}."


def test_the_tenants_time_bounds_its_lines() -> None:
    tenants = (TenantRow(slug=KEY[0], name="Stadt", valid_from=OPEN, valid_to=OPEN + HOUR),)
    line = line_with(tenants=tenants)
    assert [line_at(line, at).open for at in (OPEN - TICK, OPEN, OPEN + HOUR)] == [False, True, False]
    assert (line_at(line, OPEN).until, next_opening(line, OPEN)) == (OPEN + HOUR, None)


def test_hours_have_editions_too_and_without_one_the_line_is_closed() -> None:
    weekly = ((0, 480, 1080),)
    first, then = hours_row(weekly, valid_to=OPEN), hours_row(weekly, zone="UTC", valid_from=OPEN + HOUR)
    line = compiled(rows_with(first, then))
    found = line_at(line, OPEN)
    assert (found.rule, found.until) == ("outside_hours", OPEN + HOUR)
    assert found.reasons[0].parameters["next_opening"] == "2026-11-23T11:00:00+00:00"  # no hours, so no zone
    assert line_at(line, OPEN + HOUR).until == OPEN.replace(hour=18)


def test_what_holds_for_hours_holds_while_the_line_has_them() -> None:
    closure = SpecialHoursRow(
        name="zu", title="Zu", opens=False, valid_from=OPEN - HOUR, valid_to=CLOSES, opening_hours="service"
    )
    notice = NoticeRow(
        name="n", title="N", announcement_text="Hinweis.", valid_from=OPEN - HOUR, valid_to=CLOSES,
        opening_hours="service",
    )  # fmt: skip
    always = hours_row(tuple((day, 0, 1440) for day in range(7)), name="immer")
    hours = (hours_row(((0, 480, 1080),)), always)
    parts = ({"valid_to": OPEN}, {"valid_from": OPEN, "opening_hours": "immer"})
    line = compiled(rows_with(*hours, lines=parts, special_hours=(closure,), notices=(notice,)))
    assert [rule_at(line, at)[0] for at in (OPEN - TICK, OPEN)] == ["closure", "open"]
    queue = line_at(line, OPEN).destination
    assert queue == EnterQueue(queue="gruppe", announcement=GREETING)


# --- notices, special openings --------------------------------------------------------------------------------------


def test_notices_are_heard_by_those_who_will_wait_the_widest_first() -> None:
    def notice(name: str, **scope: str) -> NoticeRow:
        return NoticeRow(
            name=name, title=name.title(), announcement_text=name, valid_from=OPEN, valid_to=NIGHT, **scope
        )

    rows = (notice("linie", **OF_LINE), notice("b"), notice("a"), notice("stunden", opening_hours="service"))
    line = line_with(notices=(*rows, notice("mandant", tenant=KEY[0])))
    found = line_at(line, OPEN)
    names = ["a", "b", "stunden", "mandant", "linie"]
    assert isinstance(found.destination, EnterQueue)
    assert found.destination.notices == tuple(f"notice--{name}" for name in names)
    assert [reason.parameters.get("name") for reason in found.reasons[1:]] == names
    assert [reason.rule for reason in found.reasons] == ["open", *(["notice"] * 5)]
    assert line_at(line, OPEN - TICK).destination == EnterQueue(queue="gruppe", announcement=GREETING)
    assert [reason.rule for reason in line_at(line, CLOSES).reasons] == ["outside_hours"]  # nobody waits


def test_a_special_opening_may_have_a_greeting_and_a_group() -> None:
    opening = SpecialHoursRow(
        name="wahl", title="Wahl", opens=True, valid_from=NIGHT, valid_to=NIGHT + HOUR, announcement_text="Wahl.",
        agent_group="springer", **OF_LINE,
    )  # fmt: skip
    found = line_at(line_with(special_hours=(opening,)), NIGHT)
    assert found.destination == EnterQueue(queue="springer", announcement="special--wahl")


# --- chains ---------------------------------------------------------------------------------------------------------

CHAIN = (
    StepRow(kind="agent_group", agent_group="springer", when=("timeout", "full"), after_seconds=40),
    StepRow(kind="desk", number="+495361280", trunk="carrier", when=("expected_wait",), over_seconds=90),
    StepRow(kind="forward", number=OUTSIDE, trunk="carrier", when=("timeout",), after_seconds=70, ring_seconds=20),
    StepRow(kind="announcement", text="Bitte später."),
)


def test_a_queue_is_bounded_by_the_first_steps_behind_it() -> None:
    found = line_at(line_with(line={"overflow": CHAIN, "priority": 7, "maximum_wait_seconds": 333}), OPEN)
    assert found.destination == EnterQueue(
        queue="gruppe", announcement=GREETING, priority=7, wait_seconds=40, expected_wait_seconds=90
    )
    assert [step.when for step in found.overflow] == [("timeout", "full"), ("expected_wait",), ("timeout",), ()]
    assert [step.destination for step in found.overflow] == [
        EnterQueue(queue="springer", announcement=None, priority=7, wait_seconds=70, expected_wait_seconds=90),
        DialExtension(extension="+495361280", number="+495361280", trunk="carrier"),
        Forward(number=OUTSIDE, trunk="carrier", ring_seconds=20),
        PlayAnnouncement(announcement="stadt--zentrale--overflow-4"),
    ]
    alone = line_at(line_with(line={"overflow": CHAIN[3:], "maximum_wait_seconds": 333}), OPEN)
    assert alone.destination == EnterQueue(queue="gruppe", announcement=GREETING, wait_seconds=333)


ON_CALL = StepRow(kind="on_call", rota="bereit", tries=2, ring_seconds=25)


def forwards(*numbers: str) -> list[Forward]:
    return [Forward(number=number, trunk="carrier", ring_seconds=25) for number in numbers]


def test_those_on_duty_are_called_by_rank_each_as_often_as_is_said() -> None:
    duties = (
        duty("+493023125102", rank=2), duty("+493023125101"), duty("+493023125103", start=NIGHT + HOUR),
        duty("+493023125100", start=OPEN - HOUR, hours=2),
    )  # fmt: skip
    line = line_with(line={"closed": (ON_CALL,)}, on_call_duties=duties)
    found = line_at(line, NIGHT)
    dialled = [found.destination, *(step.destination for step in found.overflow)]
    assert dialled == forwards("+493023125101", "+493023125101", "+493023125102", "+493023125102")
    assert {step.when for step in found.overflow} == {("failed",)}
    later = line_at(line, NIGHT + HOUR)
    assert later.destination == Forward(number="+493023125101", trunk="carrier", ring_seconds=25)
    assert len(later.overflow) == 5
    assert [reason.rule for reason in found.reasons] == ["outside_hours"]


def test_nobody_on_call_is_said_and_the_step_is_left_out() -> None:
    chain = (ON_CALL, StepRow(kind="announcement", text="Niemand da."))
    found = line_at(line_with(line={"closed": chain}), NIGHT)
    assert found.destination == PlayAnnouncement(announcement="stadt--zentrale--closed-2")
    assert found.reasons[-1].rule == "nobody_on_call"
    assert found.reasons[-1].parameters == {"rota": "bereit"}
    alone = line_at(line_with(line={"closed": (ON_CALL,)}), NIGHT)
    assert (alone.destination, alone.overflow) == (PlayAnnouncement(announcement=CLOSED), ())


def test_on_call_while_open_takes_its_bounds_with_it() -> None:
    step = StepRow(kind="on_call", rota="bereit", when=("timeout", "expected_wait"), after_seconds=45, over_seconds=60)
    rows = {"line": {"overflow": (step,)}}
    manned = line_at(line_with(on_call_duties=(duty(OUTSIDE),), **rows), OPEN)
    assert manned.destination == EnterQueue(
        queue="gruppe", announcement=GREETING, wait_seconds=45, expected_wait_seconds=60
    )
    assert manned.overflow[0].when == ("timeout", "expected_wait")
    unmanned = line_at(line_with(**rows), OPEN)
    assert unmanned.destination == EnterQueue(queue="gruppe", announcement=GREETING)
    assert (unmanned.overflow, unmanned.reasons[-1].rule) == ((), "nobody_on_call")


# --- closing time ---------------------------------------------------------------------------------------------------


def test_who_still_waits_at_closing_time_is_told_and_treated_as_a_caller_of_the_closed_line() -> None:
    closed = (StepRow(kind="forward", number=OUTSIDE, trunk="carrier", when=("failed",)), ON_CALL)
    found = line_at(
        line_with(line={"after_closing_minutes": 15, "closed": closed}, on_call_duties=(duty(OUTSIDE, hours=8),)), OPEN
    )
    assert found.closing == Closing(
        until=CLOSES + 15 * timedelta(minutes=1),
        announcement="stadt--zentrale--closing",
        steps=(
            Step(when=(), destination=Forward(number=OUTSIDE, trunk="carrier")),
            *(Step(when=when, destination=forwards(OUTSIDE)[0]) for when in ((), ("failed",))),
        ),
    )
    at_once = line_at(line_with(line={"after_closing_minutes": 0}), OPEN)
    assert at_once.closing is not None
    assert at_once.closing.until == CLOSES
    assert line_at(line_with(line={}), OPEN).closing is None
    assert line_at(line_with(line={"after_closing_minutes": 15}), NIGHT).closing is None


def test_who_waits_when_the_line_ends_hears_that_it_is_closed() -> None:
    line = line_with(line={"after_closing_minutes": 5, "valid_to": OPEN + HOUR})
    closing = line_at(line, OPEN).closing
    assert closing is not None
    assert closing.until == OPEN + HOUR + timedelta(minutes=5)
    assert closing.steps == (Step(when=(), destination=PlayAnnouncement(announcement=CLOSED)),)


def test_a_line_that_never_closes_has_no_closing_time() -> None:
    always = hours_row(tuple((day, 0, 1440) for day in range(7)))
    found = line_at(compiled(rows_with(always, line={"after_closing_minutes": 5})), OPEN)
    assert (found.until, found.closing, found.reasons[0].parameters["closes_at"]) == (None, None, "")


# --- the memo -------------------------------------------------------------------------------------------------------


def test_what_is_remembered_is_bounded_and_changes_no_answer() -> None:
    line, fresh = line_with(), line_with()
    days = [OPEN + timedelta(days=day) for day in range(200)]
    first = [line_at(line, at) for at in days]
    assert len(line.memo) <= 64
    assert [line_at(line, at) for at in days] == first
    assert [line_at(fresh, at) for at in reversed(days)] == first[::-1]


def test_stretches_join_what_is_alike_and_end_where_they_are_asked_to() -> None:
    line = line_with()
    friday = datetime(2026, 11, 27, 12, tzinfo=UTC)
    found = list(stretches(line, friday, friday + timedelta(days=3)))
    assert [(item.start, item.open) for item in found] == [
        (friday, True),
        (friday.replace(hour=17), False),
        (datetime(2026, 11, 30, 7, tzinfo=UTC), True),
    ]
    assert found[-1].end == friday + timedelta(days=3)
    never = compiled(rows_with(hours_row((), holiday_dates=((date(2026, 12, 25), "Weihnachten"),))))
    assert next_opening(never, OPEN) is None


@pytest.mark.parametrize("opens", [True, False])
def test_a_long_special_time_is_passed_in_one_step(opens: bool) -> None:
    """Four hundred days of it are looked at no longer than one."""
    long = SpecialHoursRow(
        name="lang", title="Lang", opens=opens, valid_from=OPEN, valid_to=OPEN + timedelta(days=390), **OF_LINE
    )
    line = line_with(special_hours=(long,))
    assert line_at(line, OPEN).until is not None
    assert len(line.memo) < 10
