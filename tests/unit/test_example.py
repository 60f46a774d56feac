# SPDX-License-Identifier: EUPL-1.2
"""The shipped example decides as its table of tenants, numbers and dates says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from routing.config import export_yaml, read_file, read_yaml
from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import (
    Call,
    Decision,
    DialExtension,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Reject,
    Step,
)
from routing.core.table import Table

BERLIN = ZoneInfo("Europe/Berlin")
EXAMPLE = Path(__file__).parents[2] / "examples" / "service-centre-wolfsburg.yaml"
OPEN = datetime(2026, 11, 23, 10, 0, tzinfo=BERLIN)  # a Monday
SECOND = timedelta(seconds=1)

# area code, head, extension; tenant, line, queue, seconds in it; since
Number = tuple[str, str, str, str, str, str, int, date]
NUMBERS: list[Number] = [
    ("5361", "28", "0", "stadt-wolfsburg", "vermittlung", "allgemein", 600, date(2010, 1, 1)),
    ("5372", "89", "0", "samtgemeinde-meinersen", "vermittlung", "allgemein", 600, date(2014, 10, 1)),
    ("5372", "89", "", "samtgemeinde-meinersen", "vermittlung", "allgemein", 600, date(2014, 10, 1)),
    ("5372", "89", "500", "samtgemeinde-meinersen", "einwohnermeldewesen", "allgemein", 600, date(2014, 10, 1)),
    ("5371", "82", "0", "landkreis-gifhorn", "vermittlung", "allgemein", 600, date(2019, 4, 1)),
    ("5371", "82", "600", "landkreis-gifhorn", "zulassungsstelle", "kfz", 60, date(2019, 4, 1)),
    ("5374", "88", "0", "samtgemeinde-isenbuettel", "vermittlung", "allgemein", 600, date(2012, 1, 1)),
    ("5832", "83", "0", "samtgemeinde-hankensbuettel", "vermittlung", "allgemein", 600, date(2012, 1, 1)),
    ("5361", "8975", "0", "wolfsburger-abfallwirtschaft", "sperrabfall", "abfall", 600, date(2011, 1, 1)),
    ("5361", "2744", "0", "wolfsburger-entwaesserungsbetriebe", "vermittlung", "allgemein", 600, date(2011, 1, 1)),
    ("5361", "28", "700", "wolfsburger-entwaesserungsbetriebe", "vermittlung", "allgemein", 600, date(2011, 1, 1)),
]
SPELLINGS = [
    "0{a} {h}-{e}",
    "0{a}/{h}{e}",
    "(0{a}) {h} {e}",
    "0{a}.{h}.{e}",
    "0{a}{h}{e}",
    "+49{a}{h}{e}",
    "+49 ({a}) {h} {e}",
    "+49 (0){a} {h}-{e}",
    "+490{a}{h}{e}",
    "0049{a}{h} {e}",
    "0049(0){a}{h}{e}",
    "(+49) {a}-{h}-{e}",
    " 0 0 4 9 {a} / {h} - {e} ",
    "tel:+49-{a}-{h}{e}",
    "tel:{h}{e};phone-context=+49{a}",
]
AREAS = {
    "stadt-wolfsburg": ("5361", "5362", "5363", "5365"),
    "samtgemeinde-meinersen": ("5372", "5373", "5375"),
    "samtgemeinde-isenbuettel": ("5374",),
    "samtgemeinde-hankensbuettel": ("5832",),
    "landkreis-gifhorn": ("5366", "5367", "5371", "5376", "5377", "5378", "5379", "5831", "5833"),
}
AREA_CODES = [(area, tenant) for tenant, areas in AREAS.items() for area in areas]
HOLIDAYS = [
    *(date(2026, *day) for day in ((1, 1), (4, 3), (4, 6), (5, 1), (5, 14), (5, 25), (10, 3), (10, 31), (12, 25))),
    *(date(2027, *day) for day in ((1, 1), (3, 26), (3, 29), (5, 1), (5, 6), (5, 17), (10, 3), (10, 31), (12, 25))),
    *(date(year, 12, day) for year in (2026, 2027) for day in (24, 26, 31)),
]


@cache
def example() -> Table:
    return compile_table(read_file(EXAMPLE), version=7)


def ask(dialled: str, caller: str | None = None, at: datetime = OPEN, trunk: str | None = "carrier") -> Decision:
    return decide(example(), Call(dialled=dialled, caller=caller, trunk=trunk), at)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BERLIN)


def clock(day: date, text: str) -> datetime:
    return datetime.fromisoformat(f"{day.isoformat()}T{text}").replace(tzinfo=BERLIN)


def rules(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]


def assert_unknown(decision: Decision) -> None:
    assert decision.destination == PlayAnnouncement(announcement="unknown-number")
    assert (decision.tenant, decision.service_line) == (None, None)
    assert rules(decision)[-1] == "unknown_number"


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: "-".join(number[:3]))
def test_every_number_in_every_spelling(number: Number, spelling: str) -> None:
    area, head, extension, tenant, line, queue, seconds, _ = number
    decision = ask(spelling.format(a=area, h=head, e=extension))
    assert decision.dialled_number == f"+49{area}{head}{extension}"
    assert (decision.tenant, decision.service_line, decision.kind) == (tenant, line, "enter_queue")
    greeting = f"{tenant}--{line}--greeting"
    assert decision.destination == EnterQueue(queue=queue, announcement=greeting, wait_seconds=seconds)
    assert rules(decision) == ["number", "open"]
    assert decision.table_version == 7
    assert decision.at == OPEN


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: "-".join(number[:3]))
def test_every_number_is_served_from_its_date_on(number: Number) -> None:
    area, head, extension, tenant, line, _, _, since = number
    start = midnight(since)
    dialled = f"0{area}{head}{extension}"
    first = ask(dialled, at=start)
    assert (first.tenant, first.service_line) == (tenant, line)
    before = ask(dialled, at=start - timedelta(microseconds=1))
    assert_unknown(before)
    assert rules(before) == ["not_valid", "unknown_number"]


def test_meinersen_begins_at_midnight_in_berlin_whatever_zone_asks() -> None:
    start = datetime(2014, 9, 30, 22, 0, tzinfo=UTC)
    assert ask("0537289-0", at=start).tenant == "samtgemeinde-meinersen"
    assert ask("0537289-0", at=start.astimezone(ZoneInfo("Pacific/Kiritimati"))).tenant == "samtgemeinde-meinersen"
    assert_unknown(ask("0537289-0", at=(start - SECOND).astimezone(ZoneInfo("Pacific/Pago_Pago"))))


@pytest.mark.parametrize("extension", ["001", "111", "123", "499", "501", "999", "000", "115", "110", "112"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_other_three_digit_extensions_of_meinersen_are_desks(spelling: str, extension: str) -> None:
    decision = ask(spelling.format(a="5372", h="89", e=extension))
    number = f"+49537289{extension}"
    assert decision.destination == DialExtension(extension=extension, number=number, trunk="rathaus-meinersen")
    assert (decision.tenant, decision.service_line) == ("samtgemeinde-meinersen", None)
    assert decision.dialled_number == number
    assert rules(decision) == ["desk_extension"]


@pytest.mark.parametrize("at", [datetime(2026, 11, 22, 3, 0, tzinfo=BERLIN), datetime(2026, 12, 25, tzinfo=BERLIN)])
def test_a_desk_has_no_hours(at: datetime) -> None:
    assert ask("0537289123", at=at).kind == "dial_extension"


def test_a_desk_before_the_town_was_served_is_unknown() -> None:
    assert_unknown(ask("0537289123", at=midnight(date(2014, 10, 1)) - SECOND))
    assert ask("0537289123", at=midnight(date(2014, 10, 1))).kind == "dial_extension"


@pytest.mark.parametrize(
    "dialled",
    [
        *("0536128", "0537182", "0537488", "0583283", "053618975", "053612744"),  # bare heads of the other towns
        *("0536128-1", "0537182-60", "0537182-6000", "0537488-123", "0583283-00", "05361 8975-1", "05361 2744-00"),
        *("0537289-1", "0537289-00", "0537289-50", "0537289-5000", "0537289-1234", "053728", "05372"),
        *("+43 5372 89-0", "0043537289500", "+43537289123"),  # Kufstein has the same area code
        *("+490049537289-0", "000537289-0", "0000537289", "+0537289-0", "++49537289-0", "+49+537289-0", "+00537289"),
        *("537289-0", "49537289-0", "89-0", "0", "00", "+", "", " ", "-", "()", "./-"),  # this trunk writes a prefix
        *("05372 89-0 x12", "05372 89-0;ext=1", "05372 89-0\n", "05372\t89-0", "05372\u00a089-0", "05372 89–0"),
        *(
            "sip:0537289-0",
            "tel:0537289-0",
            "tel:+495372890;ext=1",
            "0537289O",
            "٠٥٣٧٢٨٩٠",
            "０５３７２８９０",
            "0537289\u200b0",
        ),
        *("0537289-0\x00", "\udcff0537289", "☎0537289-0", "\u202e0-9827350", "anonymous", "<0537289-0>", "0537289#0"),
        *("05372890" + "0" * 60, "0" * 64, "9" * 65, "05372890" + " " * 57),
        *("115 0", "1150", "115-0", "1115", "11", "0115115", "0049115115", "+115", "00115", "115#", "115a", "１１５"),
    ],
)
def test_every_other_text_is_an_unknown_number(dialled: str) -> None:
    decision = ask(dialled, caller="05372 12345")
    assert_unknown(decision)
    assert decision.reasons[-1].parameters["received"] == dialled


@pytest.mark.parametrize("dialled", ["0{}115", "0{}-115", "+49{}115", "+49 (0){} 115", "0049{}115", "0{} 11 5"])
@pytest.mark.parametrize(("area", "tenant"), AREA_CODES)
def test_115_by_the_dialled_area(area: str, tenant: str, dialled: str) -> None:
    """The dialled area counts, even if the caller is from elsewhere."""
    for caller in (None, "0536112345", "+43537212345", "015112345678", "anonymous"):
        decision = ask(dialled.format(area), caller=caller)
        assert decision.dialled_number == f"0{area}115"
        assert (decision.tenant, decision.service_line) == (tenant, "115")
        assert rules(decision) == ["authority_area", "open"]
        assert decision.reasons[0].parameters["origin"] == "dialled"


@pytest.mark.parametrize("dialled", ["115", "+49115", "0049115", "0115", "1-1-5", " 115 ", "+49 (0)115"])
@pytest.mark.parametrize(("area", "tenant"), AREA_CODES)
def test_115_by_the_callers_area(area: str, tenant: str, dialled: str) -> None:
    for caller in (f"0{area}12345", f"+49{area}12345", f"0049 {area} 2", f"+49 (0){area}/12345"):
        decision = ask(dialled, caller=caller)
        assert (decision.dialled_number, decision.tenant, decision.service_line) == ("115", tenant, "115")
        assert decision.reasons[0].parameters == {
            "area_code": area,
            "origin": "caller",
            "tenant": tenant,
            "tenant_name": example().tenants[tenant].name,
        }


@pytest.mark.parametrize(
    ("dialled", "caller", "why"),
    [
        ("115", None, "withheld"),
        ("115", "", "unreadable"),
        *(("115", caller, "unreadable") for caller in ("anonymous", "537212345", "1", "☎", "0" * 65, "+0537212345")),
        *(("115", caller, "foreign") for caller in ("+43537212345", "0043537212345", "+1 536 112345")),
        *(("115", caller, "mobile") for caller in ("015112345678", "+4916012345678", "0049 171 1234567")),
        *(("115", caller, "other_area") for caller in ("03023125123", "+494066969123", "0536412345", "0800115115")),
        *(("115", caller, "other_area") for caller in ("05372", "05370123", "0537")),
        *((dialled, "0537212345", "other_area") for dialled in ("030115", "0511115", "+4989115", "05364115")),
        ("034205115", None, "other_area"),
    ],
)
def test_115_from_anywhere_else_is_neutral(dialled: str, caller: str | None, why: str) -> None:
    decision = ask(dialled, caller=caller)
    assert (decision.tenant, decision.service_line) == ("behoerdennummer-115", "115")
    assert decision.destination == EnterQueue(queue="allgemein", announcement="behoerdennummer-115--115--greeting")
    assert rules(decision) == ["authority_neutral", "open"]
    assert decision.reasons[0].parameters["why"] == why


def test_115_before_its_tenants_began() -> None:
    meinersen, authority = midnight(date(2014, 10, 1)), midnight(date(2011, 1, 1))
    for dialled, caller in (("05372115", None), ("115", "0537212345")):
        assert ask(dialled, caller, meinersen).tenant == "samtgemeinde-meinersen"
        before = ask(dialled, caller, meinersen - SECOND)
        assert before.tenant == "behoerdennummer-115"
        assert before.reasons[0].parameters["why"] == "not_valid"
        assert ask(dialled, caller, authority).tenant == "behoerdennummer-115"
        assert_unknown(ask(dialled, caller, authority - SECOND))
    assert ask("05361115", None, authority).tenant == "stadt-wolfsburg"
    assert_unknown(ask("05361115", None, authority - SECOND))


@pytest.mark.parametrize("code", ["110", "112"])
@pytest.mark.parametrize("spelling", ["{}", "05372{}", "+495372{}", "0049{}", "030{}", "0{}", "+49 (0)5361-{}"])
def test_emergency_numbers_are_never_taken(spelling: str, code: str) -> None:
    decision = ask(spelling.format(code), caller="0537212345")
    assert decision.destination == Reject(cause=42)
    assert rules(decision) == ["emergency_number"]
    assert decision.tenant is None


WORKDAYS = [date(2026, 11, 23), date(2026, 11, 27), date(2026, 3, 30), date(2026, 10, 26)]


@pytest.mark.parametrize("day", [*WORKDAYS, date(2026, 12, 23), date(2026, 12, 30), date(2027, 6, 10)])
@pytest.mark.parametrize("dialled", ["0537289-0", "05361 8975-0", "0537182-600", "05832115"])
def test_service_time_is_half_open(dialled: str, day: date) -> None:
    """The Mondays after both daylight-saving days too, and the staff outing, when only the building is closed."""
    for text in ("07:00:00", "07:00:00.000001", "12:00:00", "17:59:59.999999"):
        assert ask(dialled, at=clock(day, text)).kind == "enter_queue"
    for text in ("00:00:00", "06:59:59.999999", "18:00:00", "23:59:59.999999"):
        decision = ask(dialled, at=clock(day, text))
        assert decision.destination == PlayAnnouncement(
            announcement=f"{decision.tenant}--{decision.service_line}--closed"
        )
        assert rules(decision)[-1] == "outside_hours"


@pytest.mark.parametrize(("month", "day"), [(3, 28), (3, 29), (10, 24), (10, 25), (11, 28), (11, 29)])
def test_weekends_are_closed_on_daylight_saving_days_too(month: int, day: int) -> None:
    for hour in range(24):
        decision = ask("0537289-0", at=datetime(2026, month, day, hour, 30, tzinfo=UTC).astimezone(BERLIN))
        if decision.at.date() == date(2026, month, day):
            assert rules(decision)[-1] == "outside_hours"


def test_the_next_opening_stands_on_the_clock_on_the_wall() -> None:
    friday_evening = {date(2026, 3, 27): "2026-03-30T07:00:00+02:00", date(2026, 10, 23): "2026-10-26T07:00:00+01:00"}
    for day, opening in friday_evening.items():
        assert ask("0537289-0", at=clock(day, "18:00:00")).reasons[-1].parameters["next_opening"] == opening
        assert ask("0537289-0", at=datetime.fromisoformat(opening)).kind == "enter_queue"
        assert ask("0537289-0", at=datetime.fromisoformat(opening) - SECOND).kind == "play_announcement"


@pytest.mark.parametrize("day", HOLIDAYS)
def test_holidays_and_the_last_days_of_december_are_closed(day: date) -> None:
    decision = ask("0537289-0", at=clock(day, "10:00:00"))
    assert decision.destination == PlayAnnouncement(announcement="samtgemeinde-meinersen--vermittlung--closed")
    assert rules(decision)[-1] == "holiday"
    assert decision.reasons[-1].parameters["name"]


def test_no_other_working_day_is_a_holiday() -> None:
    """Not Easter Sunday's neighbours, Corpus Christi, or Buß- und Bettag: they are holidays elsewhere."""
    closed = set()
    for year in (2026, 2027):
        for number in range(365):
            day = date(year, 1, 1) + timedelta(days=number)
            if day.weekday() < 5 and ask("0537289-0", at=clock(day, "10:00:00")).kind != "enter_queue":
                closed.add(day)
    assert closed == {day for day in HOLIDAYS if day.weekday() < 5}


def test_reformation_day_has_its_name_and_its_history() -> None:
    assert (
        ask("0536128-0", at=clock(date(2028, 10, 31), "10:00:00")).reasons[-1].parameters["name"] == "Reformationstag"
    )
    assert ask("0536128-0", at=clock(date(2017, 10, 31), "10:00:00")).kind == "play_announcement"  # once, for 500 years
    assert ask("0536128-0", at=clock(date(2016, 10, 31), "10:00:00")).kind == "enter_queue"


def test_24_and_31_december_are_closed_by_a_rule_of_our_own() -> None:
    for day, name, again in (
        (24, "Heiligabend", "2026-12-28T07:00:00+01:00"),
        (31, "Silvester", "2027-01-04T07:00:00+01:00"),
    ):
        reason = ask("0537289-0", at=clock(date(2026, 12, day), "10:00:00")).reasons[-1]
        assert (reason.rule, reason.parameters["name"], reason.parameters["next_opening"]) == ("holiday", name, again)


def test_on_the_staff_outing_the_building_is_closed_and_the_telephone_open() -> None:
    rows = read_file(EXAMPLE)
    (outing,) = rows.special_hours
    (town,) = (tenant for tenant in rows.tenants if tenant.slug == "stadt-wolfsburg")
    assert (outing.opens, outing.opening_hours) == (False, town.building_hours)
    assert town.building_hours not in {line.opening_hours for line in rows.service_lines}
    assert ask("0536128-0", at=outing.valid_from + timedelta(hours=10)).kind == "enter_queue"


def test_a_diverted_line_is_recognised_by_its_ingress_number_and_by_what_a_trusted_trunk_says() -> None:
    hankensbuettel = ("samtgemeinde-hankensbuettel", "vermittlung")
    for trunk in ("carrier", "carrier-b"):
        decision = ask("+4953616000", trunk=trunk)
        assert (decision.tenant, decision.service_line) == hankensbuettel
        assert (rules(decision), decision.redirecting_number) == (["ingress_number", "open"], None)
    call = Call(dialled="+4953616000", caller=None, trunk="carrier", diversion="05832 83-0")
    diverted = decide(example(), call, OPEN)
    assert (diverted.tenant, diverted.service_line) == hankensbuettel
    assert (rules(diverted), diverted.redirecting_number) == (["diverted", "open"], "+495832830")
    untrusted = decide(example(), replace(call, trunk="carrier-b"), OPEN)
    assert untrusted.tenant == "samtgemeinde-hankensbuettel"
    assert rules(untrusted) == ["diversion_not_trusted", "ingress_number", "open"]


def test_whoever_waits_too_long_for_the_registration_office_is_answered_by_everybody() -> None:
    decision = ask("0537182-600")
    everybody = EnterQueue(queue="allgemein", announcement=None)
    assert decision.overflow == (Step(when=("timeout", "no_agent"), destination=everybody),)
    assert decision.closing is not None
    assert decision.closing.until == clock(OPEN.date(), "18:05:00")
    assert ask("05361 8975-0").overflow == (Step(when=("no_agent",), destination=everybody),)


def test_after_hours_whoever_is_on_duty_at_the_drainage_company_is_called_twice() -> None:
    sunday = datetime(2026, 11, 22, 3, 0, tzinfo=BERLIN)
    duty = Forward(number="+493023125140", trunk="carrier")
    for dialled in ("05361 2744-0", "0536128-700"):
        decision = ask(dialled, at=sunday)
        words = PlayAnnouncement(announcement="wolfsburger-entwaesserungsbetriebe--vermittlung--closed-2")
        assert decision.destination == duty
        assert decision.overflow == (Step(when=("failed",), destination=duty), Step(when=(), destination=words))
        nobody = ask(dialled, at=datetime(2031, 1, 1, tzinfo=BERLIN))
        assert nobody.destination == words
        assert "nobody_on_call" in rules(nobody)


def test_a_notice_before_the_election_is_heard_and_closes_nothing() -> None:
    before, during = (ask("0536128-0", at=clock(day, "10:00:00")) for day in (date(2027, 8, 27), date(2027, 8, 30)))
    assert isinstance(before.destination, EnterQueue)
    assert isinstance(during.destination, EnterQueue)
    assert (before.destination.notices, during.destination.notices) == ((), ("notice--wahlscheine-2027",))


def test_115_from_an_area_that_towns_share_and_from_one_that_takes_no_part() -> None:
    for dialled, caller in (("05308115", None), ("115", "0530812345")):
        shared = ask(dialled, caller)
        assert (shared.tenant, rules(shared)) == ("behoerdennummer-115", ["authority_shared", "open"])
    for dialled, caller in (("05351115", None), ("115", "0535112345")):
        decision = ask(dialled, caller)
        assert (decision.destination, decision.tenant) == (PlayAnnouncement(announcement="authority--5351"), None)
        assert rules(decision) == ["authority_non_member"]


@pytest.mark.parametrize(
    "at",
    [
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=23, minutes=59))),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=23, minutes=59))),
        datetime.min.replace(tzinfo=BERLIN),
        datetime.max.replace(tzinfo=BERLIN),
    ],
)
def test_the_ends_of_the_calendar_get_a_decision(at: datetime) -> None:
    for dialled in ("0537289-0", "0537289123", "115", "110", "x"):
        assert ask(dialled, "0537212345", at).reasons


def test_the_same_instant_in_far_zones_decides_alike() -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "UTC"):
        assert ask("0537289-0", at=OPEN.astimezone(ZoneInfo(zone))).kind == "enter_queue"


def test_a_number_that_is_not_ours_goes_back_only_to_a_trunk_with_another_route() -> None:
    assert ask("+493023125123", trunk="carrier-b").destination == Reject(cause=1)
    assert ask("garbage", trunk="carrier-b").destination == Reject(cause=1)
    assert ask("+495372890", trunk="carrier-b").kind == "enter_queue"
    for trunk in ("carrier", "demonstration", "rathaus-meinersen", "no-such-trunk", "", None):
        assert_unknown(ask("+493023125123", trunk=trunk))


def test_the_example_has_its_agents_and_groups() -> None:
    rows = read_file(EXAMPLE)
    assert [agent.name for agent in rows.agents] == [f"agent{number:02d}" for number in range(1, 23)]
    assert [agent.device for agent in rows.agents] == [agent.name for agent in rows.agents]
    assert {group for agent in rows.agents for group in agent.agent_groups} == {"allgemein", "abfall", "kfz"}


def test_the_example_survives_export_and_import() -> None:
    rows = read_file(EXAMPLE)
    assert set(read_yaml(export_yaml(rows), file="export").all()) == set(rows.all())
