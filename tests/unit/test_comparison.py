# SPDX-License-Identifier: EUPL-1.2
"""What the comparison of two versions says, case by case; that it says everything is proven by brute force."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.core import compare_sides
from routing.core import decide as decide_module
from routing.core.changes import RowChange
from routing.core.comparison import compare
from routing.core.compile import change_table, compile_table
from routing.core.decision import Call, Decision, DialExtension, EnterQueue, Forward, PlayAnnouncement, Reject
from routing.core.differences import (
    ANY_OTHER_NUMBER,
    OCCUPIED,
    OTHER_AREA_115,
    OTHER_TRUNK,
    Difference,
    NumberRange,
    Shown,
    Treatment,
    TrunkSettings,
    visible_to,
)
from routing.core.rows import (
    AuthorityNumberRow,
    CentreRow,
    DidRow,
    NumberBlockRow,
    OpeningHoursRow,
    SpecialHoursRow,
    TrunkRow,
)
from routing.core.table import Table
from tests.support.tables import BERLIN, OPEN_AT, example_rows, example_table

DAY = timedelta(days=1)
SOON = OPEN_AT + timedelta(hours=1)


def with_dids(*more: DidRow) -> Table:
    return example_table(dids=(*example_rows().dids, *more))


def did(extension: str, last: str | None = None, **changes: Any) -> DidRow:
    known: dict[str, Any] = {"head_number": "+49537289", "tenant": "samtgemeinde-meinersen"}
    known |= {"service_line": "einwohnermeldewesen", "extension": extension, "last_extension": last}
    return DidRow(**(known | changes))


def with_line(tenant: str, name: str, **changes: Any) -> Table:
    """The example with one line that is changed."""
    return example_table(
        service_lines=tuple(
            replace(row, **changes) if (row.tenant, row.name) == (tenant, name) else row
            for row in example_rows().service_lines
        )
    )


def with_trunk(name: str, **changes: Any) -> Table:
    trunks = example_rows().trunks
    return example_table(trunks=tuple(replace(row, **changes) if row.name == name else row for row in trunks))


def differences(old: Table, new: Table, start: datetime = OPEN_AT, end: datetime = SOON) -> list[Difference]:
    return list(compare(old, new, start, end))


def numbers(difference: Difference) -> list[str]:
    return [str(number) for number in difference.numbers]


def treatment(side: object) -> Treatment:
    assert isinstance(side, Treatment)
    return side


def test_a_range_is_taken_from_the_desks() -> None:
    (found,) = differences(example_table(), with_dids(did("510", "527")))
    assert (found.kind, found.by, found.callers, found.trunks) == ("decision", "dialled", (), None)
    assert numbers(found) == ["+49537289510-27"]
    assert treatment(found.before).destination == DialExtension(
        extension="XXX", number="+49537289XXX", trunk="rathaus-meinersen"
    )
    assert treatment(found.after).service_line == "einwohnermeldewesen"
    assert (found.start, found.end) == (OPEN_AT, SOON)


def test_a_whole_pattern_is_written_as_one_and_holes_are_left_out() -> None:
    (found,) = differences(example_table(), with_dids(did("500", "599")))
    assert numbers(found) == ["+49537289501-99"]  # 500 led there before
    (found,) = differences(example_table(), with_dids(did("600", "699")))
    assert numbers(found) == ["+495372896XX"]


def test_numbers_that_share_their_differences_stand_together() -> None:
    (found,) = differences(example_table(), with_dids(did("601"), did("602"), did("700")))
    assert numbers(found) == ["+49537289601-2", "+49537289700"]


def test_a_number_that_was_unknown_differs_by_trunk() -> None:
    found = differences(example_table(), with_dids(did("7")))
    assert [numbers(item) for item in found] == [["+495372897"], ["+495372897"]]
    by_trunks = {item.trunks: treatment(item.before).destination for item in found}
    assert by_trunks == {
        ("", "carrier", "demonstration", "rathaus-meinersen"): PlayAnnouncement(announcement="unknown-number"),
        ("carrier-b",): Reject(cause=1),
    }


def test_a_did_that_begins_and_ends() -> None:
    begins, ends = OPEN_AT + timedelta(minutes=10), OPEN_AT + timedelta(minutes=20)
    (found,) = differences(example_table(), with_dids(did("600", valid_from=begins, valid_to=ends)))
    assert (found.start, found.end) == (begins, ends)


def test_changed_words_differ_while_they_are_heard() -> None:
    new = with_line("samtgemeinde-meinersen", "einwohnermeldewesen", greeting_text="Moin.")
    found = differences(example_table(), new, OPEN_AT, OPEN_AT + DAY)
    assert [(item.start, item.end) for item in found] == [
        (OPEN_AT, OPEN_AT.replace(hour=18)),
        (OPEN_AT.replace(hour=7) + DAY, OPEN_AT + DAY),
    ]
    assert numbers(found[0]) == ["+49537289500"]
    (name, text), *_ = treatment(found[0].after).texts
    assert (name, text) == ("samtgemeinde-meinersen--einwohnermeldewesen--greeting", "Moin.")
    assert treatment(found[0].before).texts[0][1].startswith("Guten Tag. Herzlich willkommen")


def test_a_changed_reason_is_no_difference() -> None:
    closure = SpecialHoursRow(
        name="neu", title="Alt", opens=False, valid_from=OPEN_AT, valid_to=SOON, opening_hours="service"
    )
    old = example_table(special_hours=(closure,))
    assert differences(old, example_table(special_hours=(replace(closure, title="Neu"),))) == []
    assert differences(example_table(), old) != []


def test_what_agents_are_shown_is_a_kind_of_its_own() -> None:
    new = with_line("samtgemeinde-meinersen", "einwohnermeldewesen", title="Bürgerbüro")
    (found,) = differences(example_table(), new)
    assert found.kind == "shown"
    assert isinstance(found.before, Shown)
    assert isinstance(found.after, Shown)
    assert (found.before.display, found.after.display) == (
        "Samtgemeinde Meinersen, Einwohnermeldewesen, guten Tag.",
        "Samtgemeinde Meinersen, Bürgerbüro, guten Tag.",
    )


def test_115_by_area_and_by_caller() -> None:
    origins = example_rows().authority_numbers
    more = AuthorityNumberRow(origin="30", forward_number="+493023125100", forward_trunk="carrier")
    found = differences(example_table(), example_table(authority_numbers=(*origins, more)))
    assert [(numbers(item), item.callers) for item in found] == [(["115"], ("30",)), (["030115"], ())]
    assert treatment(found[0].before).tenant == "behoerdennummer-115"
    assert treatment(found[0].after).destination == Forward(number="+493023125100", trunk="carrier")


def test_115_of_the_neutral_line() -> None:
    found = differences(example_table(), with_line("behoerdennummer-115", "115", greeting_text="Hier 115."))
    assert [(numbers(item), item.callers) for item in found] == [
        (["115"], ("withheld", "unreadable", "foreign", "mobile", "other_area")),
        ([OTHER_AREA_115], ()),
    ]


def test_115_that_is_not_served_any_more() -> None:
    found = differences(example_table(), example_table(authority_numbers=()))
    assert {item.trunks for item in found} == {
        ("", "carrier", "demonstration", "rathaus-meinersen"),
        ("carrier-b",),
    }
    assert {number for item in found for number in numbers(item)} == {"115", "05361115", "05372115", OTHER_AREA_115}


def test_unknown_numbers() -> None:
    (found,) = differences(example_table(), example_table(centre=(CentreRow(unknown_number_text="Nein."),)))
    assert numbers(found) == [ANY_OTHER_NUMBER]
    assert found.trunks == ("", "carrier", "demonstration", "rathaus-meinersen")
    assert treatment(found.after).texts == (("unknown-number", "Nein."),)


def test_another_route_is_given_up() -> None:
    settings, found = differences(example_table(), with_trunk("carrier-b", has_other_route=False))
    assert (settings.kind, settings.trunks) == ("trunk", ("carrier-b",))
    assert (settings.before, settings.after) == (
        TrunkSettings(settings=(("has_other_route", "yes"),)),
        TrunkSettings(settings=(("has_other_route", "no"),)),
    )
    assert (numbers(found), found.trunks) == ([ANY_OTHER_NUMBER], ("carrier-b",))
    assert treatment(found.before).destination == Reject(cause=1)


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        ({"number_format": "e164"}, "national", "e164"),
        ({"own_prefix": "0"}, "", "0"),
        ({"area_code": "5372"}, "", "5372"),
        ({"recognise_by": ("dialled",)}, "dialled, diversion, history_info, to, ingress_number", "dialled"),
        ({"trusts_diversion": True}, "no", "yes"),
    ],
)
def test_a_trunk_that_reads_or_recognises_otherwise(changes: dict[str, Any], before: str, after: str) -> None:
    (found,) = differences(example_table(), with_trunk("carrier", **changes))
    (name,) = changes
    assert (found.kind, found.trunks, numbers(found)) == ("trunk", ("carrier",), ["any number"])
    assert found.before == TrunkSettings(settings=((name, before),))
    assert found.after == TrunkSettings(settings=((name, after),))


def test_an_order_of_headers_that_do_not_count_is_no_difference() -> None:
    ways = ("dialled", "to", "diversion", "ingress_number")
    assert differences(example_table(), with_trunk("carrier", recognise_by=ways)) == []


def test_a_trunk_that_is_new_was_one_without_a_name() -> None:
    more = TrunkRow(name="neu", address="127.0.0.9", number_format="national", has_other_route=True)
    settings, unknown = differences(example_table(), example_table(trunks=(*example_rows().trunks, more)))
    assert (settings.kind, settings.trunks, unknown.trunks) == ("trunk", ("neu",), ("neu",))


def _trusting(table_dids: tuple[DidRow, ...], **changes: Any) -> Table:
    rows = example_rows(**changes)
    trunks = tuple(replace(row, trusts_diversion=row.name == "carrier") for row in rows.trunks)
    return compile_table(replace(rows, trunks=trunks, dids=(*rows.dids, *table_dids)), version=1)


def test_headers_are_compared_by_the_number_in_them() -> None:
    found = differences(_trusting(()), _trusting((did("600"),)))
    header = next(item for item in found if item.by == "diversion")
    assert (numbers(header), header.trunks, header.before) == (["+49537289600"], ("carrier",), None)
    assert treatment(header.after).service_line == "einwohnermeldewesen"


def test_treated_alike_but_for_diverted_calls() -> None:
    """The number is taken away, and unknown numbers lead to the same line: a header may name another one."""
    line = ("samtgemeinde-meinersen", "einwohnermeldewesen")
    centre = (CentreRow(unknown_number_tenant=line[0], unknown_number_service_line=line[1]),)
    blocks = tuple(replace(row, desk_digits=(), desk_trunk=None) for row in example_rows().number_blocks)
    old = _trusting((did("600"),), centre=centre, number_blocks=blocks)
    new = _trusting((), centre=centre, number_blocks=blocks)
    found = differences(old, new)
    assert [(item.by, item.trunks, item.after) for item in found if "carrier" in (item.trunks or ())] == [
        ("dialled", ("carrier",), None),
        ("diversion", ("carrier",), None),
    ]
    assert treatment(found[0].before).service_line == "einwohnermeldewesen"


def test_a_closing_comes_into_sight_400_days_before() -> None:
    """A line that is always open, until a closure: its callers are taken out then, and are told so from a day on."""
    until = datetime(2028, 6, 1, 12, tzinfo=UTC)
    hours = OpeningHoursRow(name="service", timezone="Europe/Berlin", weekly=tuple((day, 0, 1440) for day in range(7)))
    lines = tuple(replace(row, after_closing_minutes=5) for row in example_rows().service_lines)
    old = example_table(opening_hours=(hours,), service_lines=lines)
    closure = SpecialHoursRow(
        name="neu", title="Neu", opens=False, valid_from=until, valid_to=until + DAY, opening_hours="service"
    )
    new = example_table(opening_hours=(hours,), service_lines=lines, special_hours=(closure,))
    found = [d for d in differences(old, new, OPEN_AT, until + 2 * DAY) if "+495361280" in numbers(d)]
    midnight = datetime(2027, 4, 29, tzinfo=UTC)  # the first day of which 400 days reach the closure
    assert [(item.start, item.end) for item in found] == [(midnight, until), (until, until + DAY)]
    closing = treatment(found[0].after).closing
    assert closing is not None
    assert closing.until == until + timedelta(minutes=5)


def test_instants_are_aware_and_in_order() -> None:
    with pytest.raises(ValueError, match="offset"):
        differences(example_table(), example_table(), OPEN_AT, datetime(2027, 1, 1))  # noqa: DTZ001
    assert differences(example_table(), with_dids(did("600")), SOON, OPEN_AT) == []
    first, last = datetime(1, 1, 1, tzinfo=BERLIN), datetime(9999, 12, 31, 23, tzinfo=BERLIN)
    new = with_dids(did("600", valid_from=OPEN_AT, valid_to=SOON))
    (found,) = differences(example_table(), new, first, last)
    assert (found.start, found.end) == (OPEN_AT, SOON)


def test_what_is_alike_is_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of one number among many costs what that number costs."""
    blocks = [NumberBlockRow(head_number=f"+4953{n}", tenant="stadt-wolfsburg") for n in range(70_200, 70_300)]
    dids = [did(str(extension), head_number=block.head_number) for block in blocks for extension in range(200, 260)]
    rows = example_rows()
    rows = replace(rows, number_blocks=(*rows.number_blocks, *blocks), dids=(*rows.dids, *dids))
    old = compile_table(rows, version=1)
    moved = replace(dids[77], service_line="vermittlung")
    new = change_table(old, [RowChange(before=dids[77], after=moved)], version=2)
    asked: list[str] = []

    def decide(table: Table, call: Call, at: datetime) -> Decision:
        asked.append(call.dialled)
        return original(table, call, at)

    original = decide_module.decide
    monkeypatch.setattr(compare_sides, "decide", decide)
    (found,) = differences(old, new)
    assert numbers(found) == [f"{moved.head_number}{moved.extension}"]
    assert {text for text in asked if text not in {"", "+49115"}} == {f"{moved.head_number}{moved.extension}"}
    asked.clear()
    assert differences(old, compile_table(rows, version=3)) == []
    assert set(asked) == {""}


def test_one_tenant_is_told_of_its_own_side_alone() -> None:
    moved = did("600", tenant="stadt-wolfsburg", service_line="vermittlung")
    both = compile_table(
        replace(
            example_rows(),
            dids=(
                *example_rows().dids,
                moved,
                did("601", tenant="samtgemeinde-isenbuettel", service_line="vermittlung"),
            ),
        ),
        version=1,
    )
    found = list(compare(example_table(), both, OPEN_AT, OPEN_AT + 7 * DAY))
    seen = list(visible_to(found, "stadt-wolfsburg"))
    assert {str(number) for item in seen for number in item.numbers} == {"+49537289600"}
    assert {item.before for item in seen} == {OCCUPIED}
    assert all(treatment(item.after).tenant == "stadt-wolfsburg" for item in seen)
    (seen_there,) = (item for item in visible_to(found, "samtgemeinde-meinersen") if numbers(item) == ["+49537289600"])
    assert seen_there.after == OCCUPIED  # and not when it is open
    assert (seen_there.start, seen_there.end) == (OPEN_AT, OPEN_AT + 7 * DAY)
    assert "isenbuettel" not in str(seen)


def test_one_tenant_is_not_told_the_names_of_trunks() -> None:
    found = list(compare(example_table(), with_dids(did("7")), OPEN_AT, SOON))
    names = [item.trunks for item in visible_to(found, "samtgemeinde-meinersen", {"carrier"})]
    assert names == [("carrier", OTHER_TRUNK), (OTHER_TRUNK,)]
    assert list(visible_to(found, "stadt-wolfsburg")) == []


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("+495372890", "+495372890", "+495372890"),
        ("+49537289000", "+49537289999", "+49537289XXX"),
        ("+49537289510", "+49537289527", "+49537289510-27"),
        ("+49537289099", "+49537289100", "+49537289099-100"),
    ],
)
def test_ranges_as_text(first: str, last: str, text: str) -> None:
    found = NumberRange(first=first, last=last)
    assert str(found) == text
    assert first in found
    assert f"{last}0" not in found


def test_lines_that_enter_a_queue_are_told_as_such() -> None:
    found = differences(with_dids(did("600")), example_table())
    assert isinstance(treatment(found[0].before).destination, EnterQueue)
