# SPDX-License-Identifier: EUPL-1.2
"""A configuration with forty different mistakes: each is named once, at its row, and nothing else is.

And a change that takes away what something else refers to is refused as a whole configuration would be.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from routing.core.changes import RowChange
from routing.core.compile import change_table, compile_table
from routing.core.rows import (
    AgentGroupRow,
    AgentRow,
    AuthorityNumberRow,
    CentreRow,
    CompileError,
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
    StepRow,
    TenantRow,
    TrunkRow,
)
from tests.support.tables import OPEN_AT, example_rows

NAIVE = datetime(2026, 12, 1)  # noqa: DTZ001
LATER = OPEN_AT + timedelta(days=7)


def _line(name: str, **changes: Any) -> ServiceLineRow:
    known: dict[str, Any] = {"tenant": "stadt-wolfsburg", "opening_hours": "service", "agent_group": "allgemein"}
    return ServiceLineRow(**(known | {"name": name, "title": "Neu"} | changes))


def _did(extension: str, last: str | None = None, **changes: Any) -> DidRow:
    known: dict[str, Any] = {"head_number": "+49536128", "tenant": "stadt-wolfsburg", "service_line": "vermittlung"}
    return DidRow(**(known | {"extension": extension, "last_extension": last} | changes))


def _hours(name: str, **changes: Any) -> OpeningHoursRow:
    known: dict[str, Any] = {"timezone": "Europe/Berlin", "weekly": ((0, 420, 1080),)}
    return OpeningHoursRow(**(known | {"name": name} | changes))


def _special(name: str, **changes: Any) -> SpecialHoursRow:
    known: dict[str, Any] = {"title": "Neu", "opens": False, "valid_from": OPEN_AT, "valid_to": LATER}
    return SpecialHoursRow(**(known | {"name": name} | changes))


def _override(name: str, **changes: Any) -> OverrideRow:
    known: dict[str, Any] = {"opens": True, "reason": "Neu", "author": "leitung", "valid_from": OPEN_AT}
    return OverrideRow(**(known | {"name": name, "valid_to": LATER} | changes))


def _duty(number: str, **changes: Any) -> OnCallDutyRow:
    known: dict[str, Any] = {"rota": "nacht", "trunk": "carrier", "valid_from": OPEN_AT, "valid_to": LATER}
    return OnCallDutyRow(**(known | {"number": number} | changes))


def _announcement(**changes: Any) -> StepRow:
    return StepRow(**({"kind": "announcement", "text": "Bitte"} | changes))


_ISO = OPEN_AT.isoformat()
MISTAKES: tuple[tuple[Row, str, str], ...] = (
    (CentreRow(unknown_number_tenant="stadt-wolfsburg"), "centre[centre]", "by both its tenant and its service_line"),
    (TenantRow(slug="Stadt X", name="X"), "tenants[Stadt X]", "must be lower-case letters"),
    (TenantRow(slug="stadt-a", name=""), "tenants[stadt-a]", "name must be 1 to 80 printable characters"),
    (TenantRow(slug="stadt-b", name="B", building_hours="fehlt"), "tenants[stadt-b]", "no opening hours 'fehlt'"),
    (TenantRow(slug="stadt-c", name="C", valid_from=NAIVE), "tenants[stadt-c]", "has no offset from UTC"),
    (_hours("mond", timezone="Luna/Tycho"), "opening_hours[mond]", "is no IANA time zone"),
    (_hours("achter", weekly=((7, 0, 60),)), "opening_hours[achter]", "7 is no weekday"),
    (_hours("doppelt", weekly=((0, 60, 120), (0, 90, 180))), "opening_hours[doppelt]", "overlap"),
    (_hours("fest", holiday_additions=(("12-24", ""),)), "opening_hours[fest]", "the holiday '12-24' needs a name"),
    (_special("nirgends"), "special_hours[nirgends]", "says either opening_hours, or a tenant"),
    (_special("rest", opening_hours="fehlt"), "special_hours[rest]", "there are no opening hours 'fehlt'"),
    (
        _special("umgeleitet", tenant="stadt-wolfsburg", forward_number="+493023125100"),
        "special_hours[umgeleitet]",
        "a forward needs both a number and a trunk",
    ),
    (
        _special("kehrt-um", tenant="samtgemeinde-meinersen", valid_to=OPEN_AT),
        "special_hours[kehrt-um]",
        "valid_to must lie after valid_from",
    ),
    (_override("stumm", announcement_text="Zu"), "overrides[stumm]", "has no announcement and no forward"),
    (_override("ohne", tenant="fehlt"), "overrides[ohne]", "there is no tenant 'fehlt'"),
    (
        NoticeRow(name="leer", title="Neu", announcement_text=" ", valid_from=OPEN_AT, valid_to=LATER),
        "notices[leer]",
        "announcement_text must be 1 to 600 printable characters",
    ),
    (AgentGroupRow(name="gross", title="Groß", maximum_waiting=0), "agent_groups[gross]", "must be 1 to 1000"),
    (AgentRow(name="agent03", device="agent01", agent_groups=()), "agents[agent03]", "already belongs to agent01"),
    (AgentRow(name="agent04", device="agent04", agent_groups=("fehlt",)), "agents[agent04]", "no agent group 'fehlt'"),
    (_duty("110", rota="nacht"), f"on_call_duties[nacht/{_ISO}/1]", "is no number to forward to"),
    (_duty("+493023125111", rota="fehlt"), f"on_call_duties[fehlt/{_ISO}/1]", "there is no on-call rota 'fehlt'"),
    (TrunkRow(name="krumm", address="a b", number_format="e164"), "trunks[krumm]", "must be a host name"),
    (TrunkRow(name="wirr", address="127.0.0.9", number_format="roman"), "trunks[wirr]", "is none of national"),
    (_line("a", opening_hours="fehlt"), "service_lines[stadt-wolfsburg/a]", "there are no opening hours 'fehlt'"),
    (_line("b", agent_group="fehlt"), "service_lines[stadt-wolfsburg/b]", "there is no agent group 'fehlt'"),
    (_line("c", priority=101), "service_lines[stadt-wolfsburg/c]", "priority must be 0 to 100"),
    (_line("d", maximum_wait_seconds=0), "service_lines[stadt-wolfsburg/d]", "maximum_wait_seconds must be 1"),
    (
        _line("e", overflow=(_announcement(when=("later",)),)),
        "service_lines[stadt-wolfsburg/e]",
        "overflow, step 1: 'later' is no exit",
    ),
    (_line("f", overflow=(_announcement(),) * 9), "service_lines[stadt-wolfsburg/f]", "overflow has 9 steps"),
    (
        _line("g", closed=(StepRow(kind="agent_group", agent_group="allgemein"),)),
        "service_lines[stadt-wolfsburg/g]",
        "closed, step 1: no agent group answers while the line is closed",
    ),
    (
        _line("h", closed=(StepRow(kind="forward", number="+495361280", trunk="carrier"),)),
        "service_lines[stadt-wolfsburg/h]",
        "is a number of ours: the forward would come back",
    ),
    (
        _line("i", overflow=(StepRow(kind="callback"),)),
        "service_lines[stadt-wolfsburg/i]",
        "callbacks do not exist yet",
    ),
    (NumberBlockRow(head_number="053612", tenant="stadt-wolfsburg"), "number_blocks[053612]", "as + and digits only"),
    (
        NumberBlockRow(head_number="+49536177", tenant="stadt-wolfsburg", desk_digits=(3,)),
        "number_blocks[+49536177]",
        "need both their number of digits and a trunk",
    ),
    (_did("7a"), "dids[+49536128/7a]", "may hold digits only"),
    (_did("30", "20"), "dids[+49536128/30/20]", "must end after it begins"),
    (_did("41", service_line="fehlt"), "dids[+49536128/41]", "there is no service line stadt-wolfsburg/fehlt"),
    (_did("0", head_number="+49536129"), "dids[+49536129/0]", "there is no number block '+49536129'"),
    (
        IngressNumberRow(number="+49536190", tenant="stadt-wolfsburg"),
        "ingress_numbers[+49536190]",
        "named by both its tenant and its service_line",
    ),
    (AuthorityNumberRow(origin="mobile"), "authority_numbers[mobile]", "exactly one of them"),
)


def _with(rows: Rows, more: tuple[Row, ...]) -> Rows:
    for row in more:
        name = next(name for name in Rows.__slots__ if _TYPES[name] is type(row))
        rows = replace(rows, **{name: (*getattr(rows, name), row)})
    return rows


_TYPES: dict[str, type] = {
    "centre": CentreRow,
    "tenants": TenantRow,
    "opening_hours": OpeningHoursRow,
    "special_hours": SpecialHoursRow,
    "overrides": OverrideRow,
    "notices": NoticeRow,
    "agent_groups": AgentGroupRow,
    "agents": AgentRow,
    "on_call_rotas": OnCallRotaRow,
    "on_call_duties": OnCallDutyRow,
    "trunks": TrunkRow,
    "service_lines": ServiceLineRow,
    "number_blocks": NumberBlockRow,
    "dids": DidRow,
    "ingress_numbers": IngressNumberRow,
    "authority_numbers": AuthorityNumberRow,
}
ROTA = OnCallRotaRow(name="nacht", title="Nacht")


def test_forty_mistakes_are_forty_problems() -> None:
    assert len(MISTAKES) == 40
    rows = _with(example_rows(on_call_rotas=(ROTA,)), tuple(row for row, _, _ in MISTAKES))
    with pytest.raises(CompileError) as caught:
        compile_table(rows, version=1)
    problems = {problem.place: problem.sentence for problem in caught.value.problems}
    assert len(problems) == len(caught.value.problems), caught.value.problems
    assert problems.keys() == {place for _, place, _ in MISTAKES}
    for _, place, sentence in MISTAKES:
        assert sentence in problems[place]


def test_the_same_forty_as_a_change() -> None:
    table = compile_table(example_rows(on_call_rotas=(ROTA,)), version=1)
    with pytest.raises(CompileError) as caught:
        change_table(table, [RowChange(before=None, after=row) for row, _, _ in MISTAKES], version=2)
    assert sorted(problem.place for problem in caught.value.problems) == sorted(place for _, place, _ in MISTAKES)


@pytest.mark.parametrize(
    ("taken", "user"),
    [
        (AgentGroupRow(name="neu", title="Neu"), {"agent_group": "neu"}),
        (AgentGroupRow(name="neu", title="Neu"), {"overflow": (StepRow(kind="agent_group", agent_group="neu"),)}),
        (OnCallRotaRow(name="neu", title="Neu"), {"closed": (StepRow(kind="on_call", rota="neu"),)}),
        (
            TrunkRow(name="neu", address="127.0.0.9", number_format="e164"),
            {"closed": (StepRow(kind="forward", number="+493023125100", trunk="neu"),)},
        ),
    ],
)
def test_what_an_edition_refers_to_is_not_taken_away(taken: Row, user: dict[str, Any]) -> None:
    editions = (_line("neu", valid_to=OPEN_AT), _line("neu", valid_from=OPEN_AT, **user))
    table = compile_table(_with(example_rows(), (taken, *editions)), version=1)
    with pytest.raises(CompileError, match=r"service_lines\[stadt-wolfsburg/neu/.*there is no"):
        change_table(table, [RowChange(before=taken, after=None)], version=2)


def test_a_forward_to_a_number_of_ours_is_named_once_at_its_edition() -> None:
    step = StepRow(kind="forward", number="+495361280", trunk="carrier")
    origin = AuthorityNumberRow(
        origin="30", forward_number="+49536128-0", forward_trunk="carrier", valid_from=OPEN_AT, valid_to=LATER
    )
    rows = _with(example_rows(), (_line("neu", closed=(step, step), valid_from=OPEN_AT), origin))
    with pytest.raises(CompileError) as caught:
        compile_table(rows, version=1)
    assert [problem.place for problem in caught.value.problems] == [
        f"service_lines[stadt-wolfsburg/neu/{_ISO}]",
        f"authority_numbers[30/{_ISO}]",
    ]


def test_no_mistake_of_a_row_hides_another() -> None:
    hours = _hours("krumm", timezone="Luna/Tycho", weekly=((0, 60, 120), (0, 90, 180)), valid_to=NAIVE)
    step = StepRow(kind="agent_group", when=("later",), agent_group="fehlt")
    line = _line("neu", opening_hours="fehlt", priority=101, overflow=(step,), closed=(StepRow(kind="callback"),))
    agent = AgentRow(name="agent04", device="agent04", agent_groups=("fehlt", "fehlt"))
    with pytest.raises(CompileError) as caught:
        compile_table(_with(example_rows(), (hours, line, agent)), version=1)
    told = [str(problem) for problem in caught.value.problems]
    expected = [
        "opening_hours[krumm]: monday: 01:00-02:00 and 01:30-03:00 overlap",
        "opening_hours[krumm]: 'Luna/Tycho' is no IANA time zone",
        "opening_hours[krumm]: valid_to has no offset",
        "neu]: there are no opening hours 'fehlt'",
        "neu]: priority must be",
        "neu]: overflow, step 1: 'later' is no exit",
        "neu]: overflow, step 1: there is no agent group 'fehlt'",
        "neu]: closed, step 1: callbacks do not exist yet",
        "agents[agent04]: there is no agent group 'fehlt'",
    ]
    assert len(told) == len(expected), told
    for sentence in expected:
        assert sum(sentence in line for line in told) == 1, (sentence, told)
