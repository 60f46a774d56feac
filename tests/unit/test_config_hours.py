# SPDX-License-Identifier: EUPL-1.2
"""Hours in a YAML file: windows across midnight, holidays of one's own, closures and special openings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from routing.config import ConfigError, export_yaml, merge, read_yaml
from routing.config.calendars import closed_dates, holiday_dates
from routing.core.rows import OpeningHoursRow, Rows, SpecialHoursRow

FILE = """\
format: 1
opening_hours:
  - name: service
    weekly:
      friday: ["22:00-06:00", "07:00-18:00"]
      saturday: ["08:00-24:00", "06:00-07:30"]
    holidays:
      calendar: DE-NI
      add:
        "12-24": Heiligabend
        2027-05-14: Betriebsausflug
      remove: [10-31, 2028-05-01]
special_hours:
  - name: umzug
    title: Umzug des Rathauses
    kind: closure
    tenant: stadt
    service_line: vermittlung
    valid_from: 2026-11-23
    valid_to: 2026-11-24T12:30:15+01:00
    announcement_text: Wir ziehen um.
    forward_number: "+493023125100"
    forward_trunk: carrier
  - {name: wahl, title: Wahlsonntag, kind: opening, tenant: stadt, valid_from: 2026-09-13, valid_to: 2026-09-14}
  - {name: bruecke, title: Tag, kind: closure, opening_hours: service, valid_from: 2026-05-15, valid_to: 2026-05-16}
"""


def problems_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_yaml(text, file="f.yaml")
    return str(caught.value)


def closed(
    calendar: str | None, add: dict[str, str] | None = None, remove: tuple[str, ...] = ()
) -> tuple[dict[date, str], list[tuple[str, str]]]:
    noted: list[tuple[str, str]] = []
    found = closed_dates(
        calendar, tuple((add or {}).items()), remove, lambda text, sentence: noted.append((text, sentence))
    )
    assert list(found) == sorted(found)
    return dict(found), noted


def test_every_entry_is_read_and_written_again() -> None:
    rows = read_yaml(FILE, file="f.yaml")
    (hours,) = rows.opening_hours
    assert hours.weekly == ((4, 420, 1080), (4, 1320, 1800), (5, 360, 450), (5, 480, 1440))
    assert hours.holiday_calendar == "DE-NI"
    assert hours.holiday_additions == (("12-24", "Heiligabend"), ("2027-05-14", "Betriebsausflug"))
    assert hours.holiday_removals == ("10-31", "2028-05-01")
    assert dict(hours.holiday_dates)[date(2027, 5, 14)] == "Betriebsausflug"
    assert rows.special_hours == (
        SpecialHoursRow(
            name="umzug",
            title="Umzug des Rathauses",
            opens=False,
            valid_from=datetime(2026, 11, 22, 23, tzinfo=UTC),
            valid_to=datetime(2026, 11, 24, 11, 30, 15, tzinfo=UTC),
            tenant="stadt",
            service_line="vermittlung",
            announcement_text="Wir ziehen um.",
            forward_number="+493023125100",
            forward_trunk="carrier",
        ),
        SpecialHoursRow(
            name="wahl",
            title="Wahlsonntag",
            opens=True,
            valid_from=datetime(2026, 9, 12, 22, tzinfo=UTC),
            valid_to=datetime(2026, 9, 13, 22, tzinfo=UTC),
            tenant="stadt",
        ),
        SpecialHoursRow(
            name="bruecke",
            title="Tag",
            opens=False,
            valid_from=datetime(2026, 5, 14, 22, tzinfo=UTC),
            valid_to=datetime(2026, 5, 15, 22, tzinfo=UTC),
            opening_hours="service",
        ),
    )
    text = export_yaml(rows)
    again = read_yaml(text, file="again")
    assert set(again.all()) == set(rows.all())
    assert export_yaml(again) == text
    assert "22:00-06:00" in text
    assert "08:00-24:00" in text


@pytest.mark.parametrize("window", ["22:00-00:00", "22:00-24:00"])
def test_midnight_may_be_written_in_two_ways(window: str) -> None:
    text = f'format: 1\nopening_hours: [{{name: x, weekly: {{monday: ["{window}"]}}}}]'
    rows = read_yaml(text, file="f")
    assert rows.opening_hours[0].weekly == ((0, 1320, 1440),)
    assert "22:00-24:00" in export_yaml(rows)


@pytest.mark.parametrize("window", ["07:00-28:00", "24:01-25:00", "07:00-24:01", "07:00-99:00", "25:00-06:00"])
def test_a_slip_of_the_pen_is_no_window_across_midnight(window: str) -> None:
    text = f'format: 1\nopening_hours:\n- name: x\n  weekly: {{monday: ["{window}"]}}'
    assert problems_of(text) == f"f.yaml:4: weekly.monday: write a window as 07:00-18:00, not {window!r}"


def test_the_only_calendar_may_be_ones_own() -> None:
    text = 'format: 1\nopening_hours: [{name: x, weekly: {}, holidays: {add: {"12-24": Heiligabend}}}]'
    rows = read_yaml(text, file="f")
    (hours,) = rows.opening_hours
    assert hours.holiday_calendar is None
    assert hours.holiday_dates == tuple((date(year, 12, 24), "Heiligabend") for year in range(2000, 2101))
    assert read_yaml(export_yaml(rows), file="f") == rows


@pytest.mark.parametrize("value", ["DE-NI", "{calendar: DE-NI}", "{calendar: DE-NI, add: {}, remove: []}"])
def test_a_calendar_alone_is_written_short(value: str) -> None:
    rows = read_yaml(f"format: 1\nopening_hours: [{{name: x, weekly: {{}}, holidays: {value}}}]", file="f")
    assert rows.opening_hours[0].holiday_dates == holiday_dates("DE-NI")
    assert "holidays: DE-NI\n" in export_yaml(rows)


@pytest.mark.parametrize("value", ["", "~", "{}", "{calendar: ~}", "{add: ~}"])
def test_no_holidays_are_none(value: str) -> None:
    rows = read_yaml(f"format: 1\nopening_hours: [{{name: x, weekly: {{}}, holidays: {value}}}]", file="f")
    assert rows.opening_hours == (OpeningHoursRow(name="x", timezone="Europe/Berlin", weekly=()),)


def test_dates_are_added_and_removed_for_every_year_or_for_one() -> None:
    usual = dict(holiday_dates("DE-NI"))
    dates, noted = closed("DE-NI", {"12-24": "Heiligabend", "2026-12-31": "Silvester"}, ("10-31", "2026-10-03"))
    assert noted == []
    eves = {date(year, 12, 24): "Heiligabend" for year in range(2000, 2101)} | {date(2026, 12, 31): "Silvester"}
    gone = {day for day in usual if (day.month, day.day) == (10, 31)} | {date(2026, 10, 3)}
    assert dates == {day: name for day, name in usual.items() if day not in gone} | eves
    assert date(2027, 10, 3) in dates
    assert len(gone) > 80


def test_a_leap_day_is_a_date_in_leap_years_only() -> None:
    dates, noted = closed(None, {"02-29": "Schalttag"})
    assert noted == []
    assert [day.year for day in dates] == list(range(2000, 2097, 4))
    assert closed(None, {"2028-02-29": "Schalttag"}) == ({date(2028, 2, 29): "Schalttag"}, [])


def test_an_addition_names_a_holiday_anew_and_may_follow_its_removal() -> None:
    dates, noted = closed("DE-NI", {"10-31": "Reformation"}, ("10-31",))
    assert noted == []
    assert dates[date(2026, 10, 31)] == "Reformation"


NO_DATES = ["", "24.12.", "12-24-2026", "02-30", "13-01", "00-10", "2026-02-29", "2027-13-01", "1-1", "١٢-٢٤"]


@pytest.mark.parametrize("text", [*NO_DATES, "2026-W01-1", "20261224", "every day", "0000-01-01", "12-24\n"])
def test_what_is_no_date_is_named(text: str) -> None:
    for found in (closed("DE-NI", {text: "x"}), closed("DE-NI", None, (text,))):
        assert found == (
            dict(holiday_dates("DE-NI")),
            [(text, f"{text!r} is no date: write 2026-12-24, or 12-24 for every year")],
        )


@pytest.mark.parametrize("text", ["02-29", "11-11", "2026-10-04", "1999-12-25"])
def test_only_a_holiday_can_be_removed(text: str) -> None:
    sentence = f"{text!r} is no holiday of this calendar, so it cannot be removed"
    assert closed("DE-NI", None, (text,)) == (dict(holiday_dates("DE-NI")), [(text, sentence)])
    assert closed(None, None, (text,)) == ({}, [(text, sentence)])
    twice = closed("DE-NI", None, ("10-31", "10-31"))[1]
    assert [place for place, _ in twice] == ["10-31"]


def test_every_wrong_date_is_named_at_its_own_line() -> None:
    text = FILE.replace('"12-24": Heiligabend', '"24.12.": Heiligabend').replace(
        "[10-31, 2028-05-01]", "\n      - 11-11\n      - 10-31\n      - 2026-02-29"
    )
    assert problems_of(text).splitlines() == [
        "f.yaml:10: opening_hours.holidays: '24.12.' is no date: write 2026-12-24, or 12-24 for every year",
        "f.yaml:13: opening_hours.holidays: '11-11' is no holiday of this calendar, so it cannot be removed",
        "f.yaml:15: opening_hours.holidays: '2026-02-29' is no date: write 2026-12-24, or 12-24 for every year",
    ]


SPECIAL = {
    "name": "x",
    "title": "X",
    "kind": "closure",
    "tenant": "t",
    "valid_from": "2026-11-23",
    "valid_to": "2026-11-24",
}


def with_special(**changes: str | None) -> str:
    entries = {key: value for key, value in (SPECIAL | changes).items() if value is not None}
    lines = "\n    ".join(f"{key}: {value}" for key, value in entries.items())
    return f"format: 1\nspecial_hours:\n  - {lines}\n"


def with_holidays(value: str) -> str:
    return f"format: 1\nopening_hours:\n  - name: x\n    weekly: {{}}\n    holidays: {value}\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        *(
            (with_special(**{key: None}), f"f.yaml:3: special_hours: the entry '{key}' is missing")
            for key in ("name", "title", "kind", "valid_from", "valid_to")
        ),
        (with_special(name=""), "f.yaml:3: special_hours: the entry 'name' is empty"),
        (with_special(kind="closed"), "f.yaml:5: special_hours.kind: write closure or opening, not 'closed'"),
        (with_special(kind="[opening]"), "f.yaml:5: special_hours.kind: expected one value"),
        (with_special(kind="Opening"), "f.yaml:5: special_hours.kind: write closure or opening, not 'Opening'"),
        (with_special(valid_from="tomorrow"), "f.yaml:7: special_hours.valid_from: write a date as 2014-10-01"),
        (with_special(valid_to="2026-11-31"), "f.yaml:8: special_hours.valid_to: write a date as 2014-10-01"),
        (with_special(valid_to="2026-11-24T12:00"), "f.yaml:8: special_hours.valid_to: '2026-11-24T12:00' has no off"),
        (with_special(valid_to="[2026-11-24]"), "f.yaml:8: special_hours.valid_to: expected one value"),
        (with_special(tenant="{a: b}"), "f.yaml:6: special_hours.tenant: expected one value"),
        (with_special(closed_text="x"), "f.yaml:9: special_hours: unknown entry 'closed_text'; known are name"),
        ("format: 1\nspecial_hours: {a: b}", "f.yaml:2: special_hours: expected a list"),
        ("format: 1\nspecial_hours: [x]", "f.yaml:2: special_hours: expected entries of the form"),
        (with_holidays("[DE-NI]"), "f.yaml:5: opening_hours.holidays: expected entries of the form"),
        (with_holidays("DE-XX"), "f.yaml:5: opening_hours.holidays: 'DE-XX' is no known holiday calendar"),
        (with_holidays("{calendar: DE}"), "f.yaml:5: opening_hours.holidays: 'DE' names no state"),
        (with_holidays("{calendars: DE-NI}"), "f.yaml:5: opening_hours.holidays: unknown entry 'calendars'"),
        (with_holidays("{add: [12-24]}"), "f.yaml:5: opening_hours.holidays.add: expected entries of the form"),
        (with_holidays("{add: {12-24: [a]}}"), "f.yaml:5: opening_hours.holidays.add: expected one value"),
        (with_holidays("{add: {12-24: a, 12-24: b}}"), "opening_hours.holidays.add: the entry '12-24' occurs twice"),
        (with_holidays("{remove: 10-31}"), "f.yaml:5: opening_hours.holidays.remove: expected a list"),
        (with_holidays("{calendar: DE-NI, remove: [[a]]}"), "opening_hours.holidays.remove: expected one value"),
        (with_holidays("{remove: [10-31]}"), "'10-31' is no holiday of this calendar, so it cannot be removed"),
    ],
    ids=lambda value: value[-40:].encode("ascii", "replace").decode(),
)
def test_a_wrong_file_says_where_and_why(text: str, problem: str) -> None:
    assert problem in problems_of(text)


def test_the_first_mistake_does_not_hide_the_others() -> None:
    assert len(problems_of(with_special(kind="x", valid_from="x", valid_to="x", title="[]")).splitlines()) == 4


def test_merging_replaces_special_hours_by_their_names() -> None:
    def row(name: str, **changes: Any) -> SpecialHoursRow:
        start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
        usual: dict[str, Any] = {"title": "X", "opens": False, "valid_from": start, "valid_to": end, "tenant": "t"}
        return SpecialHoursRow(name=name, **(usual | changes))

    live, file = Rows(special_hours=(row("a"), row("b"))), Rows(special_hours=(row("b", title="Neu"), row("c")))
    assert merge(live, file).special_hours == (row("a"), row("b", title="Neu"), row("c"))
