# SPDX-License-Identifier: EUPL-1.2
"""Every warning, at the row that it is about, and none where nothing is doubtful."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.core import checks
from routing.core.compile import compile_table
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
    Problem,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    StepRow,
    TenantRow,
    TrunkRow,
)
from routing.core.warnings import warnings_of
from tests.support.tables import BERLIN, OPEN_AT, example_rows

DAY = timedelta(days=1)
GAPS = {"number_blocks[+49536128]", "number_blocks[+49537488]"}
"""Of the example: blocks of which all extensions but one lead nowhere."""


def warnings(rows: Rows, at: datetime = OPEN_AT) -> dict[str, str]:
    """By place, without those of the example itself."""
    found = warnings_of(compile_table(rows, version=1), at)
    assert all(problem.warning for problem in found)
    places = [problem.place for problem in found if problem.place not in GAPS]
    assert len(places) == len(set(places)), found
    return {problem.place: problem.sentence for problem in found if problem.place not in GAPS}


def rows_with(*more: Any, **changes: Any) -> Rows:
    """The example with more rows; those of the same key are replaced."""
    rows = example_rows(**changes)
    names = {
        CentreRow: "centre", TenantRow: "tenants", OpeningHoursRow: "opening_hours", SpecialHoursRow: "special_hours",
        NoticeRow: "notices", AgentGroupRow: "agent_groups", OnCallRotaRow: "on_call_rotas", TrunkRow: "trunks",
        OnCallDutyRow: "on_call_duties", ServiceLineRow: "service_lines", NumberBlockRow: "number_blocks",
        DidRow: "dids", IngressNumberRow: "ingress_numbers", AuthorityNumberRow: "authority_numbers",
    }  # fmt: skip
    for row in more:
        name = names[type(row)]
        key = [getattr(row, field) for field in row.key_fields]
        kept = [old for old in getattr(rows, name) if [getattr(old, field) for field in row.key_fields] != key]
        rows = replace(rows, **{name: (*kept, row)})
    return rows


def line(**changes: Any) -> ServiceLineRow:
    known: dict[str, Any] = {
        "tenant": "stadt-wolfsburg",
        "name": "vermittlung",
        "title": "Vermittlung",
        "opening_hours": "service",
    }
    return ServiceLineRow(**({"agent_group": "allgemein"} | known | changes))


def did(extension: str, last: str | None = None, **changes: Any) -> DidRow:
    known: dict[str, Any] = {
        "head_number": "+49537289",
        "tenant": "samtgemeinde-meinersen",
        "service_line": "vermittlung",
    }
    return DidRow(**(known | {"extension": extension, "last_extension": last} | changes))


def closure(start: datetime, end: datetime, **changes: Any) -> SpecialHoursRow:
    scope: dict[str, Any] = changes or {"opening_hours": "service"}
    row: dict[str, Any] = {"name": "neu", "title": "Neu", "opens": False, "valid_from": start, "valid_to": end}
    return SpecialHoursRow(**(row | scope))


def hours(weekly: Iterable[tuple[int, int, int]], **changes: Any) -> OpeningHoursRow:
    row: dict[str, Any] = {"name": "service", "timezone": "Europe/Berlin", "weekly": tuple(weekly)}
    return OpeningHoursRow(**(row | changes))


def test_the_example_has_gaps_and_nothing_else() -> None:
    found = warnings_of(compile_table(example_rows(), version=1), OPEN_AT)
    assert {problem.place for problem in found} == GAPS
    assert found[0].sentence == (
        "all extensions but 0 lead nowhere: name an other_service_line if somebody is to answer them"
    )
    assert checks.warnings_of is warnings_of


def test_at_is_an_instant() -> None:
    with pytest.raises(ValueError, match="offset"):
        warnings_of(compile_table(example_rows(), version=1), datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_whole_of_a_block_without_numbers_is_named() -> None:
    found = warnings(rows_with(NumberBlockRow(head_number="+49536199", tenant="stadt-wolfsburg")))
    assert found == {
        "number_blocks[+49536199]": "all of its extensions lead nowhere: name an other_service_line if somebody is to "
        "answer them"
    }


def test_many_configured_extensions_are_counted() -> None:
    block = NumberBlockRow(head_number="+49537289", tenant="samtgemeinde-meinersen")
    more = [did(str(count)) for count in range(600, 610)]
    assert (
        "but the bare head number, 0, 500, 510-527, 600, 601, 602, 603 and 6 more lead nowhere"
        in (warnings(rows_with(block, did("510", "527"), *more))["number_blocks[+49537289]"])
    )


@pytest.mark.parametrize(
    ("weekly", "sentence"),
    [([], "is never open in the coming 400 days"), ([(day, 0, 1440) for day in range(7)], "is never closed in the")],
)
def test_a_line_is_always_the_same(weekly: list[tuple[int, int, int]], sentence: str) -> None:
    found = warnings(rows_with(hours(weekly, name="neu"), line(opening_hours="neu")))
    assert found.keys() == {"service_lines[stadt-wolfsburg/vermittlung]"}
    assert sentence in found["service_lines[stadt-wolfsburg/vermittlung]"]


def test_a_line_that_opens_once_a_year_is_sometimes_open() -> None:
    opening = closure(OPEN_AT + 300 * DAY, OPEN_AT + 301 * DAY, opens=True, opening_hours="neu")
    assert warnings(rows_with(hours([], name="neu"), line(opening_hours="neu"), opening)) == {}


def test_nobody_reaches_a_line() -> None:
    found = warnings(rows_with(line(name="neu")))
    assert found["service_lines[stadt-wolfsburg/neu]"].startswith("nobody reaches it: no number, no origin of 115")
    centre = CentreRow(unknown_number_tenant="stadt-wolfsburg", unknown_number_service_line="neu")
    assert warnings(rows_with(line(name="neu"), centre)) == {}
    ingress = IngressNumberRow(number="+49536190", tenant="stadt-wolfsburg", service_line="neu")
    assert warnings(rows_with(line(name="neu"), ingress)) == {}


def test_a_group_is_empty() -> None:
    found = warnings(rows_with(AgentGroupRow(name="neu", title="Neu"), line(agent_group="neu")))
    assert found == {
        "agent_groups[neu]": "no agent is in it, and calls are sent there by service_lines[stadt-wolfsburg/"
        "vermittlung]: put an agent into it, or name another group there"
    }
    step = StepRow(kind="agent_group", agent_group="neu", when=("full",))
    assert warnings(rows_with(AgentGroupRow(name="neu", title="Neu"), line(overflow=(step,)))).keys() == {
        "agent_groups[neu]"
    }
    assert warnings(rows_with(AgentGroupRow(name="neu", title="Neu"))) == {}


def _step(*when: str, kind: str = "announcement", **more: Any) -> StepRow:
    given = {
        "announcement": {"text": "Bitte"},
        "forward": {"number": "+493023125100", "trunk": "carrier"},
        "agent_group": {"agent_group": "allgemein"},
        "on_call": {"rota": "neu"},
    }[kind]
    return StepRow(kind=kind, when=when, **(given | more))


@pytest.mark.parametrize(
    ("chain", "unreached"),
    [
        ({"overflow": (_step("timeout", after_seconds=60), _step("no_agent", "full"))}, {}),
        ({"overflow": (_step("full"), _step("full"))}, {2: "step 1 comes first for all that it is for"}),
        ({"overflow": (_step(), _step("full"))}, {2: "step 1 comes first for all that it is for"}),
        ({"overflow": (_step("failed"),)}, {1: "nothing before it ends with failed"}),
        ({"overflow": (_step("full", kind="forward"), _step("failed"))}, {}),
        ({"overflow": (_step("full"), _step())}, {}),
        ({"overflow": (_step("full", kind="agent_group"), _step("full"))}, {}),
        ({"overflow": (_step("expected_wait", over_seconds=60),)}, {}),
        ({"overflow": (_step(kind="on_call"), _step("full"))}, {}),
        ({"closed": (_step(), _step("full"))}, {2: "nothing before it ends with full"}),
        ({"closed": (_step("full"), _step())}, {}),
        (
            {"closed": (_step(kind="forward"), _step("failed"), _step("failed"))},
            {3: "step 2 comes first for all that it is for"},
        ),
        ({"closed": (_step(kind="on_call"), _step("failed"), _step())}, {}),
    ],
)
def test_steps_that_are_never_reached(chain: dict[str, tuple[StepRow, ...]], unreached: dict[int, str]) -> None:
    rota = OnCallRotaRow(name="neu", title="Neu")
    duty = OnCallDutyRow(
        rota="neu", number="+493023125110", trunk="carrier", valid_from=OPEN_AT - DAY, valid_to=OPEN_AT + 999 * DAY
    )
    found = warnings(rows_with(rota, duty, line(**chain)))
    (which,) = chain
    assert len(found) == len(unreached)
    for count, why in unreached.items():
        sentence = found["service_lines[stadt-wolfsburg/vermittlung]"]
        assert sentence.startswith(f"{which}, step {count} is never reached: {why}")


def test_rows_that_have_ended() -> None:
    ended = OPEN_AT - DAY
    found = warnings(
        rows_with(
            closure(ended - DAY, ended),
            NoticeRow(
                name="alt", title="Alt", announcement_text="Alt", opening_hours="service", valid_from=ended - DAY,
                valid_to=ended,
            ),
            did("600", valid_to=ended),
            IngressNumberRow(number="+49536190", valid_to=ended),
            AuthorityNumberRow(origin="mobile", announcement_text="Nein", valid_to=ended),
            TenantRow(slug="alt", name="Alt", valid_to=ended),
        )
    )  # fmt: skip
    assert found.keys() == {
        "special_hours[neu]", "notices[alt]", "dids[+49537289/600]", "ingress_numbers[+49536190]",
        "authority_numbers[mobile]", "tenants[alt]",
    }  # fmt: skip
    assert all("has ended (2026-11-22T10:00:00+01:00) and never holds again" in text for text in found.values())


def test_former_editions_are_history() -> None:
    change = OPEN_AT - DAY
    lines = [
        row for row in example_rows().service_lines if (row.tenant, row.name) != ("stadt-wolfsburg", "vermittlung")
    ]
    rows = rows_with(
        did("600", valid_to=change), did("600", valid_from=change), line(valid_to=change), line(valid_from=change),
        service_lines=tuple(lines),
    )  # fmt: skip
    assert warnings(rows) == {}


def test_duties_that_have_ended_are_counted() -> None:
    rota = OnCallRotaRow(name="neu", title="Neu")
    duties = [
        OnCallDutyRow(
            rota="neu", number="+493023125110", trunk="carrier", valid_from=OPEN_AT - days * DAY,
            valid_to=OPEN_AT - days * DAY + DAY,
        )
        for days in (5, 4, 1)
    ]  # fmt: skip
    assert warnings(rows_with(rota, *duties)) == {"on_call_rotas[neu]": "3 of its duties have ended: take them away"}


def test_rows_that_never_hold() -> None:
    later = OPEN_AT + 100 * DAY
    found = warnings(
        rows_with(
            TenantRow(slug="neu", name="Neu", valid_from=later),
            line(tenant="neu", name="a", valid_from=later),
            line(tenant="neu", name="b", valid_to=OPEN_AT + DAY),
            did("600", tenant="neu", service_line="a", valid_to=OPEN_AT + DAY),
            did("601", tenant="neu", service_line="b"),
            closure(OPEN_AT + DAY, OPEN_AT + 2 * DAY, tenant="neu", service_line="a"),
        )
    )
    assert found == {
        "service_lines[neu/b]": "never holds: its tenant neu is served from 2027-03-03T10:00:00+01:00 only; change "
        "either",
        "dids[+49537289/600]": "never holds: neu/a is not served at that time; change its times, or its line",
        "special_hours[neu]": "never holds: neu/a is not served at that time; change its times, or take it away",
    }


def test_what_is_for_nobody() -> None:
    found = warnings(
        rows_with(
            hours([(0, 60, 120)], name="neu"),
            TenantRow(slug="neu", name="Neu"),
            closure(OPEN_AT, OPEN_AT + DAY, tenant="neu"),
            NoticeRow(
                name="neu", title="Neu", announcement_text="Neu", tenant="neu", valid_from=OPEN_AT,
                valid_to=OPEN_AT + DAY,
            ),
        )
    )  # fmt: skip
    assert {place: text[:20] for place, text in found.items()} == {
        "opening_hours[neu]": "no line and no build",
        "special_hours[neu]": "closes nothing: no l",
        "notices[neu]": "nobody hears it: no ",
    }


def test_closures_and_openings_that_change_nothing() -> None:
    saturday = datetime(2026, 11, 28, tzinfo=BERLIN)
    assert (
        "closes nothing: its lines are closed then anyway"
        in (warnings(rows_with(closure(saturday, saturday + 2 * DAY)))["special_hours[neu]"])
    )
    monday = datetime(2026, 11, 30, tzinfo=BERLIN)
    assert warnings(rows_with(closure(saturday, monday + DAY))) == {}
    assert warnings(rows_with(closure(saturday, monday, opening_hours="service", announcement_text="Umzug"))) == {}
    opening = closure(monday + timedelta(hours=8), monday + timedelta(hours=9), opens=True, opening_hours="service")
    assert "opens nothing: its lines are open then anyway" in warnings(rows_with(opening))["special_hours[neu]"]
    notice = NoticeRow(
        name="neu", title="Neu", announcement_text="Neu", valid_from=saturday, valid_to=monday
    )  # of the whole centre
    assert "nobody hears it: its lines are closed" in warnings(rows_with(notice))["notices[neu]"]
    assert warnings(rows_with(replace(notice, valid_to=monday + DAY))) == {}


def test_a_closure_behind_another_one() -> None:
    monday = datetime(2026, 11, 30, tzinfo=BERLIN)
    inner = closure(monday, monday + DAY, opening_hours="service", announcement_text="Umzug")
    lines = tuple({(row.tenant) for row in example_rows().service_lines})
    outer = [
        replace(closure(monday - DAY, monday + 2 * DAY, tenant=tenant), name=f"t{count}")
        for count, tenant in enumerate(lines)
    ]
    found = warnings(rows_with(inner, *outer))
    assert found == {
        "special_hours[neu]": "closes nothing: other special hours or overrides go before it all the time; change its "
        "times, or take it away"
    }


def test_nobody_is_on_duty() -> None:
    rota = OnCallRotaRow(name="neu", title="Neu")
    duty = OnCallDutyRow(
        rota="neu",
        number="+493023125110",
        trunk="carrier",
        valid_from=OPEN_AT - DAY,
        valid_to=datetime(2026, 11, 25, 12, tzinfo=BERLIN),  # while the line is open: nobody is called before it closes
    )
    chain = (_step(kind="on_call"),)
    found = warnings(rows_with(rota, duty, line(closed=chain)))
    assert found == {
        "on_call_rotas[neu]": "nobody is on duty from 2026-11-25T18:00:00+01:00 to 2026-11-26T07:00:00+01:00, while "
        "stadt-wolfsburg/vermittlung is closed and calls this rota: add a duty"
    }
    assert warnings(rows_with(rota, replace(duty, valid_to=OPEN_AT + 61 * DAY), line(closed=chain))) == {}
    assert warnings(rows_with(rota, duty, line(overflow=chain))) == {}


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        ((6, 150, 600), "sunday: 02:30-10:00: there is no 02:30 on 2027-03-28, when the clock is put forward"),
        (
            (5, 1320, 1440 + 150),
            "saturday: 22:00-02:30: there is no 02:30 on 2027-03-28, when the clock is put forward",
        ),
        ((6, 120, 180), None),
        ((0, 150, 600), None),
    ],
)
def test_a_window_at_a_change_of_the_clock(window: tuple[int, int, int], sentence: str | None) -> None:
    rows = rows_with(hours([window, (2, 0, 60)], valid_to=datetime(2027, 6, 1, tzinfo=BERLIN)))
    found = [text for text in warnings(rows).values() if "clock" in text]
    assert found == ([] if sentence is None else [f"{sentence}; choose a time outside that hour"])


def test_a_window_in_the_hour_that_comes_twice() -> None:
    until = datetime(2028, 1, 1, tzinfo=BERLIN)
    rows = rows_with(opening_hours=(hours([(6, 150, 600), (2, 0, 60)], valid_to=until),))
    found = warnings(rows, datetime(2027, 7, 1, tzinfo=UTC))
    assert "02:30 comes twice on 2027-10-31, when the clock is put back" in str(found)


def test_lines_of_115_that_are_not_served() -> None:
    later = OPEN_AT + 500 * DAY
    rows = rows_with(
        line(name="neu", valid_from=later),
        AuthorityNumberRow(origin="30", tenant="stadt-wolfsburg", service_line="neu"),
    )
    assert warnings(rows) == {
        "authority_numbers[30]": "stadt-wolfsburg/neu is not served while this holds, so its callers are treated as "
        "those of any other area; name another line, or change when it is served"
    }
    rows = rows_with(
        line(name="neu", valid_from=later),
        AuthorityNumberRow(origin="neutral", tenant="stadt-wolfsburg", service_line="neu"),
    )
    found = warnings(rows)
    assert "so 115 is answered by nobody" in found.pop("authority_numbers[neutral]")
    assert found.keys() == {"service_lines[behoerdennummer-115/115]"}


def test_ranges_and_desks_that_are_shadowed() -> None:
    singles = [did(str(count)) for count in range(20, 30)]
    found = warnings(rows_with(did("20", "29"), *singles))
    assert found == {
        "dids[+49537289/20/29]": "never reached: each of its numbers has a rule that is asked first; take it away"
    }
    assert warnings(rows_with(did("20", "29"), *singles[1:])) == {}
    assert warnings(rows_with(did("20", "29"), *singles[1:], replace(singles[0], valid_to=OPEN_AT + DAY))) == {}
    narrower = [did("20", "24"), did("25", "29")]
    assert warnings(rows_with(did("20", "29"), *narrower)).keys() == {"dids[+49537289/20/29]"}
    block = NumberBlockRow(
        head_number="+49537289", tenant="samtgemeinde-meinersen", desk_digits=(1, 3), desk_trunk="rathaus-meinersen"
    )
    found = warnings(rows_with(block, did("0", "9")))
    assert found == {
        "number_blocks[+49537289]": "no desk of 1 digits can be reached: every such extension has a rule of its own; "
        "leave 1 out of desk_digits"
    }


def test_other_extensions_that_are_shadowed() -> None:
    block = NumberBlockRow(
        head_number="+49537289",
        tenant="samtgemeinde-meinersen",
        desk_digits=(1, 2, 3, 4, 5, 6),
        desk_trunk="rathaus-meinersen",
        other_service_line="vermittlung",
    )
    assert "nobody reaches other_service_line vermittlung" in warnings(rows_with(block))["number_blocks[+49537289]"]
    bare = tuple(row for row in example_rows().dids if row.extension or row.head_number != "+49537289")
    assert warnings(rows_with(block, dids=bare)) == {}


def test_a_trunk_that_sends_its_keys_readable() -> None:
    trunk = TrunkRow(name="neu", address="sip.example.org", number_format="national", media_encryption="sdes")
    assert "take tls" in warnings(rows_with(trunk))["trunks[neu]"]


def test_a_warning_is_a_problem_with_its_place() -> None:
    (first, *_) = warnings_of(compile_table(rows_with(line(name="neu")), version=1), OPEN_AT)
    assert isinstance(first, Problem)
    assert str(first).startswith(f"{first.place}: ")


def test_a_holiday_on_the_day_of_a_clock_change_spoils_no_window() -> None:
    row = hours([(6, 150, 600), (2, 0, 60)], valid_to=datetime(2027, 6, 1, tzinfo=BERLIN))
    closed = replace(row, holiday_dates=((datetime(2027, 3, 28, tzinfo=BERLIN).date(), "Ostersonntag"),))
    assert [text for text in warnings(rows_with(closed)).values() if "clock" in text] == []


def test_gaps_between_turns_count_only_while_the_line_calls() -> None:
    """Nobody is on duty for an hour in the morning, while it is open, and for two in the evening, when it closes."""
    rota = OnCallRotaRow(name="neu", title="Neu")
    nine = OPEN_AT.replace(hour=9)
    turn = OnCallDutyRow(
        rota="neu", number="+493023125110", trunk="carrier", valid_from=OPEN_AT - DAY, valid_to=nine + DAY
    )
    noon = replace(turn, valid_from=nine + DAY + timedelta(hours=1), valid_to=nine + DAY + timedelta(hours=10))
    rest = replace(turn, valid_from=nine + DAY + timedelta(hours=12), valid_to=OPEN_AT + 61 * DAY)
    chain = (_step(kind="on_call"),)
    found = warnings(rows_with(rota, turn, noon, rest, line(closed=chain)))
    assert "nobody is on duty from 2026-11-24T19:00:00+01:00 to 2026-11-24T21:00:00+01:00" in str(found)
    closed_then = replace(noon, valid_to=rest.valid_from)
    assert warnings(rows_with(rota, turn, closed_then, rest, line(closed=chain))) == {}


def test_a_special_opening_needs_somebody_in_its_group() -> None:
    group = AgentGroupRow(name="neu", title="Neu")
    opening = SpecialHoursRow(
        name="wahl", title="Wahl", opens=True, agent_group="neu", tenant="stadt-wolfsburg",
        valid_from=OPEN_AT - DAY / 8, valid_to=OPEN_AT + DAY,
    )  # fmt: skip
    found = warnings(rows_with(group, opening))
    assert "calls are sent there by special_hours[wahl]" in found["agent_groups[neu]"]
