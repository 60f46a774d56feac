# SPDX-License-Identifier: EUPL-1.2
"""Rows that make no table: every mistake is named with its row, and all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from routing.core.compile import compile_table
from routing.core.rows import (
    AgentGroupRow,
    AgentRow,
    AuthorityNumberRow,
    CompileError,
    DidRow,
    NumberBlockRow,
    OpeningHoursRow,
    Rows,
    ServiceLineRow,
    StepRow,
    TenantRow,
    TrunkRow,
)
from tests.support.tables import BERLIN, example_rows, example_table


def problems_of(rows: Rows) -> str:
    with pytest.raises(CompileError) as caught:
        compile_table(rows, version=1)
    return str(caught.value)


def with_row(row: Any) -> Rows:
    """The example with one more row."""
    rows = example_rows()
    name = next(n for n in Rows.__slots__ if getattr(rows, n) and isinstance(getattr(rows, n)[0], type(row)))
    return replace(rows, **{name: (*getattr(rows, name), row)})


def tenant(**changes: Any) -> TenantRow:
    return TenantRow(**({"slug": "neu", "name": "Neu"} | changes))


def line(**changes: Any) -> ServiceLineRow:
    return ServiceLineRow(
        **(
            {
                "tenant": "stadt-wolfsburg",
                "name": "neu",
                "title": "Neu",
                "opening_hours": "service",
                "agent_group": "allgemein",
            }
            | changes
        )
    )


def forwarding(**changes: Any) -> ServiceLineRow:
    """A line that is forwarded outside its hours."""
    return line(closed=(StepRow(kind="forward", **changes),))


def hours(**changes: Any) -> OpeningHoursRow:
    return OpeningHoursRow(**({"name": "neu", "timezone": "Europe/Berlin", "weekly": ()} | changes))


def block(**changes: Any) -> NumberBlockRow:
    return NumberBlockRow(**({"head_number": "+49536199", "tenant": "stadt-wolfsburg"} | changes))


def did(**changes: Any) -> DidRow:
    return DidRow(
        **(
            {
                "head_number": "+49536128",
                "extension": "7",
                "tenant": "stadt-wolfsburg",
                "service_line": "vermittlung",
            }
            | changes
        )
    )


def trunk(**changes: Any) -> TrunkRow:
    return TrunkRow(**({"name": "neu", "address": "192.0.2.1", "number_format": "e164"} | changes))


OUTSIDE = "+493023125100"
NAMES = ["", "A", "a b", "a\nb", "a;b", "a[b", "a]b", "a=b", "a,b", "a/b", "../a", "ä", "a--b", "-a", "a-", "a" * 41]
NAMES += ["a\n", "a\x00", "\udcff", "a_b", "a.b", "${A}", "a%b", "١"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("row", "field"),
    [
        (tenant(), "slug"),
        (line(), "name"),
        (hours(), "name"),
        (trunk(), "name"),
        (AgentGroupRow(name="neu", title="Neu"), "name"),
        (AgentRow(name="neu", device="neu", agent_groups=()), "name"),
        (AgentRow(name="neu", device="neu", agent_groups=()), "device"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_names_that_could_hurt_elsewhere_are_refused(row: Any, field: str, name: str) -> None:
    """They travel into Asterisk's configuration, file names, AstDB keys and addresses."""
    found = problems_of(with_row(replace(row, **{field: name})))
    assert f"{field} {name!r} must be lower-case letters" in found
    assert found.isprintable()


@pytest.mark.parametrize(
    "text", ["", " ", "a\nb", "a\tb", "a\x00", "\udcff", "\u202egnp", "a" * 81, "\x1b[31m", "a\u2028b"]
)
@pytest.mark.parametrize("row", [tenant(), line(), AgentGroupRow(name="neu", title="Neu")])
def test_titles_are_one_printable_line(row: Any, text: str) -> None:
    field = "name" if isinstance(row, TenantRow) else "title"
    assert "printable characters on one line" in problems_of(with_row(replace(row, **{field: text})))


@pytest.mark.parametrize("field", ["greeting_text", "closed_text", "agent_phrase"])
@pytest.mark.parametrize("text", ["", "\n", "a\r\nb", "a" * 601])
def test_texts_of_a_line_are_one_printable_line(field: str, text: str) -> None:
    assert f"{field} must be 1 to 600 printable" in problems_of(with_row(line(**{field: text})))


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001
EARLY, LATE = datetime(2026, 1, 1, tzinfo=BERLIN), datetime(2027, 1, 1, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (tenant(slug="stadt-wolfsburg"), "tenants[stadt-wolfsburg]: occurs 2 times"),
        (tenant(valid_from=NAIVE), "tenants[neu]: valid_from has no offset from UTC"),
        (tenant(valid_to=NAIVE), "valid_to has no offset from UTC"),
        (tenant(valid_from=LATE, valid_to=EARLY), "valid_to must lie after valid_from"),
        (tenant(valid_from=LATE, valid_to=LATE), "valid_to must lie after valid_from"),
        (line(name="vermittlung"), "service_lines[stadt-wolfsburg/vermittlung]: occurs 2 times"),
        (line(tenant="fehlt"), "service_lines[fehlt/neu]: there is no tenant 'fehlt'"),
        (line(opening_hours="fehlt"), "there are no opening hours 'fehlt'"),
        (line(agent_group="fehlt"), "there is no agent group 'fehlt'"),
        (forwarding(number=OUTSIDE), "closed, step 1: a step of the kind forward needs trunk"),
        (forwarding(trunk="carrier"), "closed, step 1: a step of the kind forward needs number"),
        (forwarding(number=OUTSIDE, trunk="fehlt"), "there is no trunk 'fehlt'"),
        (forwarding(number="112", trunk="carrier"), "'112' is no number to forward to"),
        (forwarding(number="+49110", trunk="carrier"), "is no number to forward to"),
        (forwarding(number="49302312", trunk="carrier"), "is no number to forward to"),
        (hours(timezone="Europe/Wolfsburg"), "'Europe/Wolfsburg' is no IANA time zone"),
        *(
            (hours(timezone=z), "is no IANA time zone")
            for z in ("", "/etc/passwd", "../x", "a\0b", "\udcff", "x" * 9999)
        ),
        (hours(weekly=((0, 720, 420),)), "monday: a window from minute 720 to 420 must"),
        (hours(weekly=((0, 420, 420),)), "and end after it starts"),
        (hours(weekly=((6, 1080, 2520),)), "sunday: a window from minute 1080 to 2520 must"),
        (hours(weekly=((6, 1440, 1500),)), "must start within the day (0 to 1439)"),
        (hours(weekly=((0, 0, 1441),)), "by midnight or less than 24 hours later"),
        (hours(weekly=((6, 1080, 1500), (0, 59, 61))), "sunday: 18:00-01:00 and 00:59-01:01 overlap"),
        (hours(weekly=((0, -5, 5),)), "and end after it starts"),
        (hours(weekly=((7, 0, 5),)), "7 is no weekday"),
        (hours(weekly=((-1, 0, 5),)), "-1 is no weekday"),
        (hours(weekly=((0, 420, 800), (0, 720, 900))), "monday: 07:00-13:20 and 12:00-15:00 overlap"),
        (block(head_number="+49537289"), "number_blocks[+49537289]: occurs 2 times"),
        *((block(head_number=h), "write the head number as + and digits") for h in ("0536199", "+49 5361 99", "", "+")),
        *((block(head_number=h), "write the head number as + and digits") for h in ("+490536199", "+4953619900000000")),
        *((block(head_number=h), "a short code is no head number") for h in ("110", "+49112", "+495361115", "115")),
        (block(tenant="fehlt"), "there is no tenant 'fehlt'"),
        (block(desk_digits=(3,)), "need both their number of digits and a trunk"),
        (block(desk_trunk="carrier"), "need both their number of digits and a trunk"),
        (block(desk_digits=(3,), desk_trunk="fehlt"), "there is no trunk 'fehlt'"),
        (block(desk_digits=(0,), desk_trunk="carrier"), "a desk extension has 1 to 6 digits, not 0"),
        (block(desk_digits=(7,), desk_trunk="carrier"), "a desk extension has 1 to 6 digits, not 7"),
        (block(head_number="+495361999999", desk_digits=(4,), desk_trunk="carrier"), "nobody can dial"),
        (did(head_number="+49536129"), "there is no number block '+49536129'"),
        (did(extension="x"), "the extension 'x' may hold digits only"),
        (did(extension="١"), "may hold digits only"),
        (did(extension="-1"), "may hold digits only"),
        (did(extension="12345678"), "nobody can dial +4953612812345678"),
        (did(service_line="fehlt"), "there is no service line stadt-wolfsburg/fehlt"),
        (did(tenant="fehlt"), "there is no service line fehlt/vermittlung"),
        (did(extension="0", valid_from=EARLY), "the same number already leads to stadt-wolfsburg/vermittlung"),
        (did(valid_from=LATE, valid_to=EARLY), "valid_to must lie after valid_from"),
        (did(valid_from=NAIVE), "valid_from has no offset"),
        (AuthorityNumberRow(origin="5361", tenant="stadt-wolfsburg", service_line="115"), "occurs 2 times"),
        *(
            (AuthorityNumberRow(origin=code, tenant="stadt-wolfsburg", service_line="115"), "is no area code")
            for code in ("0531", "5", "x", "531113", "53 1", "٥٣٦١", "5361\n")
        ),
        (AuthorityNumberRow(origin="531", tenant="stadt-wolfsburg", service_line="x"), "there is no service line"),
        *(
            (trunk(address=address), "must be a host name, an IPv4 address or")
            for address in (
                "",
                "a b",
                "a\nb",
                "a;b",
                "::1",
                "[]",
                "a:0",
                "a:65536",
                "a:",
                "-a",
                "a/8",
                "a\x00",
                "x" * 300,
            )
        ),
        *(
            (trunk(address=address, demonstration=True), "its address must be a loopback one")
            for address in ("192.0.2.1", "127.example.org", "127.0.0.1.example.org", "127.0.0", "localhost")
        ),
        (trunk(number_format="E164"), "number_format 'E164' is none of national"),
        (AgentRow(name="neu", device="neu", agent_groups=("fehlt",)), "there is no agent group 'fehlt'"),
        (AgentRow(name="neu", device="agent01", agent_groups=()), "the device 'agent01' already belongs to agent01"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else type(value).__name__,
)
def test_a_wrong_row_is_named(row: Any, sentence: str) -> None:
    assert sentence in problems_of(with_row(row))


def test_the_neutral_line_of_115_is_required() -> None:
    rows = example_rows()
    areas = tuple(row for row in rows.authority_numbers if row.origin != "neutral")
    assert "the neutral line is missing" in problems_of(replace(rows, authority_numbers=areas))


def test_one_number_in_two_blocks_is_found() -> None:
    rows = replace(example_rows(), number_blocks=(*example_rows().number_blocks, block(head_number="+4953612")))
    twice = replace(rows, dids=(*rows.dids, did(head_number="+4953612", extension="80")))
    assert "the same number already leads to" in problems_of(twice)


def test_a_short_code_is_no_number_of_ours() -> None:
    rows = replace(example_rows(), number_blocks=(*example_rows().number_blocks, block(head_number="+495361")))
    for extension, code in (("110", "05361110"), ("112", "05361112"), ("115", "05361115")):
        short = replace(rows, dids=(*rows.dids, did(head_number="+495361", extension=extension)))
        assert f"{code} is a short code" in problems_of(short)


def test_all_problems_are_listed_at_once() -> None:
    with pytest.raises(CompileError) as caught:
        compile_table(
            replace(
                with_row(line(tenant="fehlt", agent_group="fehlt")),
                agents=(AgentRow(name="A", device="A", agent_groups=("fehlt",)),),
            ),
            version=1,
        )
    places = [problem.place for problem in caught.value.problems]
    assert places.count("service_lines[fehlt/neu]") == 2
    assert places.count("agents[A]") == 3


def test_titles_may_hold_what_only_a_configuration_file_minds() -> None:
    """Titles never enter Asterisk's files bare: they are percent-encoded or spoken."""
    table = example_table(tenants=(*example_rows().tenants, tenant(name='Straße; [Süd] "Ä" & <Söhne>, 50 % 🙂')))
    assert any(row.name.startswith("Straße;") for row in table.rows.tenants)


def test_every_announcement_of_a_decision_exists() -> None:
    table = example_table()
    for line in table.lines.values():
        for edition in line.editions:
            for name in (edition.greeting, edition.closed, edition.closing):
                assert table.announcements[name]


def test_the_error_travels_through_context_managers() -> None:
    """``contextlib`` sets the traceback of what passes through it, which a frozen exception would not allow."""

    @contextmanager
    def around() -> Iterator[None]:
        yield

    with pytest.raises(CompileError), around():
        compile_table(with_row(tenant(slug="A")), version=1)


def test_a_forward_to_a_number_of_ours_is_a_problem() -> None:
    rows = example_rows()
    line = next(row for row in rows.service_lines if row.name == "vermittlung")
    did = rows.dids[0]
    back = StepRow(kind="forward", number=did.head_number + did.extension, trunk=rows.trunks[0].name)
    changed = tuple(replace(line, closed=(back,)) if row is line else row for row in rows.service_lines)
    with pytest.raises(CompileError, match="the forward would come back"):
        compile_table(replace(rows, service_lines=changed), version=1)
