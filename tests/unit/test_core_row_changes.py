# SPDX-License-Identifier: EUPL-1.2
"""Places of rows, rows as JSON, conflicts in words, and what one tenant sees."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from amtsleitung.draft_rows import row_written
from amtsleitung.errors import Problem
from amtsleitung.row_changes import changes_json, changes_lines
from routing.config import holiday_dates
from routing.core.changes import (
    ConflictError,
    DoubledRowError,
    RowChange,
    apply,
    difference,
    in_utc,
    reverse,
    without_ended,
)
from routing.core.places import PlaceError, find_row, key_fields, place_of
from routing.core.row_json import RowJsonError, read_row, row_json
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
    StepRow,
    TenantRow,
    TrunkRow,
)
from routing.core.visibility import all_visible, may_see, visible

T0 = datetime(2026, 10, 1, tzinfo=UTC)
T1 = T0 + timedelta(days=30)
BERLIN = timezone(timedelta(hours=2))
LINE = ServiceLineRow(tenant="a", name="l", title="L", opening_hours="o", agent_group="g", valid_from=T0)
RANGE = DidRow(head_number="+49537289", extension="10", last_extension="19", tenant="a", service_line="l")
DUTY = OnCallDutyRow(rota="r", number="+493023125100", trunk="carrier", valid_from=T0, valid_to=T1, rank=2)


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (LINE, "service_lines[a/l/2026-10-01T00:00:00+00:00]"),
        (LINE, "service_lines[a/l/2026-10-01T02:00+02:00]"),
        (LINE, "service_lines[a/l]"),
        (RANGE, "dids[+49537289/10/19]"),
        (replace(RANGE, last_extension=None, extension=""), "dids[+49537289/]"),
        (replace(RANGE, last_extension=None), "dids[+49537289/10]"),
        (DUTY, "on_call_duties[r/2026-10-01T00:00Z/2]"),
        (DUTY, "on_call_duties[r]"),
        (CentreRow(), "centre[centre]"),
    ],
)
def test_a_place_names_its_row(row: Row, place: str) -> None:
    assert find_row([CentreRow(name="other"), row], place) == row
    assert find_row([row], place_of(row)) == row
    if row is LINE:
        assert find_row([row], "service_lines[a/l/]") is None  # the edition without a beginning


def test_a_place_never_means_another_row_than_it_says() -> None:
    assert find_row([RANGE], "dids[+49537289/10]") is None  # one extension is not the range that begins with it
    assert find_row([RANGE], "dids[+49537289]") is None
    editions = [LINE, replace(LINE, valid_from=T1)]
    with pytest.raises(PlaceError, match=r"several rows .*2026-10-01T00:00:00\+00:00.*2026-10-31"):
        find_row(editions, "service_lines[a/l]")
    assert find_row(editions, "service_lines[a/l/2026-10-31T00:00Z]") == editions[1]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("tenants", "is no place of a row: write it as"),
        ("tenants[a", "is no place of a row"),
        ("", "is no place of a row"),
        ("people[a]", "there are no 'people'; known are centre, tenants"),
    ],
)
def test_what_is_no_place_is_told(place: str, sentence: str) -> None:
    with pytest.raises(PlaceError, match=sentence):
        find_row([], place)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("dids[+49/0/2026-10-01T00:00Z]", {"head_number": "+49", "extension": "0", "valid_from": "2026-10-01T00:00Z"}),
        ("dids[+49/]", {"head_number": "+49", "extension": ""}),
        ("dids[+49/1/5]", {"head_number": "+49", "extension": "1", "last_extension": "5"}),
        ("service_lines[a/l/]", {"tenant": "a", "name": "l"}),
        ("on_call_duties[r/2026-10-01T00:00Z/2]", {"rota": "r", "valid_from": "2026-10-01T00:00Z", "rank": "2"}),
    ],
)
def test_a_place_tells_the_key_of_a_new_row(place: str, expected: dict[str, str]) -> None:
    assert key_fields(place) == expected


@pytest.mark.parametrize(
    ("place", "sentence"),
    [("dids[+49]", "extension is missing"), ("tenants[a/b]", "too long: the key of tenants is slug")],
)
def test_a_place_that_is_no_key_is_told(place: str, sentence: str) -> None:
    with pytest.raises(PlaceError, match=sentence):
        key_fields(place)


_LINE = row_json(LINE)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], r"service_lines\[x\]: expected an object"),
        (_LINE | {"x": 1}, "unknown field 'x'; known are tenant, name"),
        ({"tenant": "a"}, "the field 'name' is missing"),
        (_LINE | {"title": None}, r"service_lines\[x\]\.title: expected a text, not null"),
        (_LINE | {"priority": True}, r"\.priority: expected a whole number, not true"),
        (_LINE | {"priority": 1.0}, "expected a whole number, not 1.0"),
        (_LINE | {"priority": 2**31}, "expected a whole number"),
        (_LINE | {"valid_from": "2026-10-01"}, r"\.valid_from: expected an instant with its offset"),
        (_LINE | {"valid_from": "0001-01-01T00:00+14:00"}, "expected an instant"),
        (_LINE | {"overflow": {}}, "expected a list of steps"),
        (_LINE | {"overflow": [{"kind": "desk"}, {}]}, r"\.overflow\[1\]: the field 'kind' is missing"),
        (_LINE | {"closed": [{"kind": "desk", "when": ["full", 1]}]}, r"\.closed\[0\]\.when\[1\]: expected a text"),
    ],
)
def test_json_that_is_no_such_row_is_told_with_its_place(value: object, sentence: str) -> None:
    with pytest.raises(RowJsonError, match=sentence):
        read_row("service_lines", value, place="service_lines[x]")


def test_hours_are_read_as_strictly() -> None:
    hours = row_json(OpeningHoursRow(name="o", timezone="UTC", weekly=((0, 1, 2),)))
    for field, value in (("weekly", [[0, 1]]), ("weekly", [[0, 1, "2"]]), ("holiday_dates", [["2026-13-01", "x"]])):
        with pytest.raises(RowJsonError, match=field):
            read_row("opening_hours", hours | {field: value}, place="o")
    with pytest.raises(RowJsonError, match="true or false"):
        read_row("trunks", {"name": "t", "address": "a", "number_format": "e164", "demonstration": 1}, place="t")


def test_a_row_is_written_by_its_place_and_pairs() -> None:
    new = row_written("dids[+49537289/10/19]", None, ["tenant=a", "service_line=l"], None)
    assert new == RANGE
    steps = '[{"kind": "on_call", "rota": "r", "tries": 2}]'
    changed = row_written("service_lines[a/l]", LINE, ["priority=5", f"closed={steps}", "greeting_text=null"], None)
    assert changed == replace(LINE, priority=5, closed=(StepRow(kind="on_call", rota="r", tries=2),))
    moved = row_written("dids[+49537289/10/19]", RANGE, ["valid_to=2026-10-01T02:00+02:00"], None)
    assert moved == replace(RANGE, valid_to=T0)
    rest = {"title": "T", "opening_hours": "o", "agent_group": "g"}
    assert row_written("service_lines[a/l]", LINE, (), json.dumps(rest)) == replace(LINE, title="T")


@pytest.mark.parametrize(
    ("pairs", "written", "sentence"),
    [
        (["priority"], None, "'priority' is no FIELD=VALUE"),
        (["prio=5"], None, "service_lines have no field 'prio'"),
        (["priority=high"], None, "priority='high': expected a whole number, written as JSON"),
        (["name=other"], None, r"this is another row, service_lines\[a/other"),
        ([], "{", "--row is no JSON"),
        ([], "[]", "--row must be a JSON object"),
        ([], '{"title": "a", "title": "b"}', "'title' is there twice"),
        ([], '{"title": "a"}', "the field 'opening_hours' is missing"),
    ],
)
def test_what_no_row_can_be_made_of_is_told(pairs: list[str], written: str | None, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        row_written("service_lines[a/l]", LINE, pairs, written)


def test_holiday_dates_follow_from_the_calendar_and_what_is_added_and_removed() -> None:
    place = "opening_hours[h]"
    pairs = ["timezone=Europe/Berlin", "weekly=[[0,60,120]]", "holiday_calendar=DE-NI"]
    new = row_written(place, None, pairs, None)
    assert isinstance(new, OpeningHoursRow)
    assert new.holiday_dates == holiday_dates("DE-NI")
    changed = row_written(place, new, ['holiday_additions=[["2026-12-31","Silvester"]]'], None)
    assert isinstance(changed, OpeningHoursRow)
    assert set(changed.holiday_dates) - set(new.holiday_dates) == {(date(2026, 12, 31), "Silvester")}
    old = replace(new, holiday_dates=new.holiday_dates[:1])  # what an older holiday library said
    kept = row_written(place, old, ["weekly=[[1,60,120]]"], None)
    assert isinstance(kept, OpeningHoursRow)
    assert kept.holiday_dates == old.holiday_dates
    for pair, sentence in (
        ("holiday_calendar=XX-YY", "'XX-YY' is no known holiday calendar"),
        ('holiday_removals=["bald"]', "'bald' is no date"),
        ('holiday_additions=[["bald","x"]]', "'bald' is no date"),
        ("holiday_dates=[]", r"opening_hours\[h\]\.holiday_dates: they follow from the other fields"),
    ):
        with pytest.raises(Problem, match=sentence):
            row_written(place, new, [pair], None)


def test_long_lists_are_told_by_what_is_other() -> None:
    before = row_written("opening_hours[h]", None, ["timezone=UTC", "weekly=[]", "holiday_calendar=DE-NI"], None)
    after = row_written("opening_hours[h]", before, ['holiday_additions=[["2026-12-31","Silvester"]]'], None)
    lines = list(changes_lines([RowChange(before=before, after=after)], None))
    assert lines[2:] == ['           holiday_dates: with [["2026-12-31", "Silvester"]]']
    (dates,) = [line for line in changes_lines([RowChange(before=None, after=before)], None) if "dates" in line]
    assert re.fullmatch(r' *holiday_dates: \["2000-01-01", "Neujahr"\], .* and \d+ more', dates)
    assert len(dates) < 600


def test_an_override_goes_at_its_very_end() -> None:
    end = T0 + timedelta(hours=1)
    row = OverrideRow(name="o", opens=False, reason="r", author="x", valid_from=T0, valid_to=end)
    rows = Rows(overrides=(row,))
    assert without_ended(rows, end - timedelta(microseconds=1)) == rows
    assert without_ended(rows, end) == Rows()


def test_conflicts_say_what_was_expected_and_what_is_there() -> None:
    other = replace(LINE, priority=7, title="Andere")
    changes = (
        RowChange(before=LINE, after=replace(LINE, priority=5)),
        RowChange(before=None, after=RANGE),
        RowChange(before=DUTY, after=replace(DUTY, trunk="other")),
        RowChange(before=TenantRow(slug="gone", name="Gone"), after=None),  # as it is already
    )
    with pytest.raises(ConflictError) as caught:
        apply(Rows(service_lines=(other,), dids=(replace(RANGE, service_line="m"),)), changes)
    fields = "title is now 'Andere', and this change was made to 'L'; priority is now 7, and this change was made to 0"
    assert [str(conflict) for conflict in caught.value.conflicts] == [
        f"{place_of(LINE)}: {fields}",
        "dids[+49537289/10/19]: is there already, and this change adds it",
        "on_call_duties[r/2026-10-01T00:00:00+00:00/2]: is no longer there, and this change was made to it",
    ]


SPAN: dict[str, Any] = {"valid_from": T0, "valid_to": T1}
MINE: list[Row] = [
    TenantRow(slug="a", name="A"),
    CentreRow(unknown_number_text="Kein Anschluss."),
    CentreRow(unknown_number_tenant="a", unknown_number_service_line="l"),
    OpeningHoursRow(name="o", timezone="UTC", weekly=()),
    AgentGroupRow(name="g", title="G"),
    LINE,
    RANGE,
    NumberBlockRow(head_number="+49537289", tenant="a"),
    SpecialHoursRow(name="s", title="S", opens=False, opening_hours="o", **SPAN),
    SpecialHoursRow(name="s", title="S", opens=False, tenant="a", **SPAN),
    NoticeRow(name="n", title="N", announcement_text="x", **SPAN),
    OverrideRow(name="v", opens=False, reason="r", author="x", **SPAN),
    IngressNumberRow(number="+493023125100"),
    AuthorityNumberRow(origin="mobile", announcement_text="x"),
]
FOREIGN: list[Row] = [
    TenantRow(slug="b", name="B"),
    CentreRow(unknown_number_tenant="b", unknown_number_service_line="l"),
    replace(LINE, tenant="b"),
    replace(RANGE, tenant="b"),
    NumberBlockRow(head_number="+49537289", tenant="b"),
    SpecialHoursRow(name="s", title="S", opens=False, tenant="b", **SPAN),
    NoticeRow(name="n", title="N", announcement_text="x", tenant="b", **SPAN),
    OverrideRow(name="v", opens=False, reason="r", author="x", tenant="b", **SPAN),
    IngressNumberRow(number="+493023125100", tenant="b"),
    AuthorityNumberRow(origin="5371", tenant="b", service_line="l"),
    TrunkRow(name="rathaus-b", address="192.0.2.1", number_format="e164"),
    AgentRow(name="agent01", device="agent01", agent_groups=("g",)),
    OnCallRotaRow(name="r", title="Bauhof B"),
    DUTY,
]


def test_a_tenant_sees_its_own_and_what_is_shared_and_nothing_else() -> None:
    assert [may_see(row, "a") for row in MINE] == [True] * len(MINE)
    assert [may_see(row, "a") for row in FOREIGN] == [False] * len(FOREIGN)
    for row in FOREIGN:
        for change in (RowChange(before=row, after=None), RowChange(before=None, after=row)):
            assert list(changes_lines([change], "a")) == ["occupied"]
            assert changes_json([change], "a") == [
                {"row": "occupied", "change": "occupied", "before": "occupied", "after": "occupied"}
            ]
            assert not all_visible([change], "a")
            assert all_visible([change], None)


def test_a_number_that_passes_to_another_tenant_shows_its_own_side_only() -> None:
    foreign = replace(RANGE, tenant="geheim", service_line="geheim-l")
    change = RowChange(before=RANGE, after=foreign)
    for shown in (json.dumps(changes_json([change], "a")), "\n".join(changes_lines([change], "a"))):
        assert "geheim" not in shown
        assert "+49537289" in shown
        assert "occupied" in shown
    assert visible(change, "a").before == RANGE
    assert not all_visible([change], "a")


def test_changes_are_told_field_by_field() -> None:
    changes = [
        RowChange(before=LINE, after=replace(LINE, priority=5)),
        RowChange(before=None, after=TenantRow(slug="b", name="B", valid_from=T0.astimezone(BERLIN))),
        RowChange(before=RANGE, after=None),
    ]
    assert list(changes_lines(changes, None)) == [
        "changed  service_lines[a/l/2026-10-01T00:00:00+00:00]",
        "           priority: 0 → 5",
        "new      tenants[b]",
        '           name: "B"',
        '           valid_from: "2026-10-01T02:00:00+02:00"',
        "gone     dids[+49537289/10/19]",
    ]


def test_changes_are_made_one_after_the_other_and_undone_the_other_way_round() -> None:
    one, two = TenantRow(slug="a", name="A"), TenantRow(slug="b", name="B")
    changes = (
        RowChange(before=None, after=two),
        RowChange(before=one, after=replace(one, name="Neu")),
        RowChange(before=two, after=None),
    )
    before = Rows(tenants=(one,))
    after = apply(before, changes)
    assert after == Rows(tenants=(replace(one, name="Neu"),))
    assert apply(after, reverse(changes)) == before
    with pytest.raises(ConflictError, match="is no longer there"):
        apply(Rows(), changes[1:2])


def test_a_row_that_stands_twice_can_be_changed_by_nobody() -> None:
    row = TenantRow(slug="a", name="A")
    with pytest.raises(DoubledRowError, match=r"tenants\[a\] is there twice"):
        difference(Rows(), Rows(tenants=(row, replace(row, name="B"))))


def test_the_same_instant_in_another_zone_is_the_same_row() -> None:
    berlin = TenantRow(slug="a", name="A", valid_from=datetime(2026, 10, 25, 1, tzinfo=UTC).astimezone(BERLIN))
    assert in_utc(berlin) == replace(berlin, valid_from=datetime(2026, 10, 25, 1, tzinfo=UTC))
    assert difference(Rows(tenants=(berlin,)), apply(Rows(), [RowChange(before=None, after=berlin)])) == ()
    beyond = replace(berlin, valid_from=datetime.min.replace(tzinfo=timezone(timedelta(hours=1))))
    assert in_utc(beyond) == beyond  # the compiler refuses it


def test_truth_is_written_as_truth() -> None:
    value = row_json(TrunkRow(name="t", address="127.0.0.2", number_format="e164")) | {"demonstration": 1}
    with pytest.raises(RowJsonError, match=r"demonstration: expected true or false, not 1"):
        read_row("trunks", value, place="trunks[t]")
