# SPDX-License-Identifier: EUPL-1.2
"""Mistakes in what is dated, in chains and in numbers: each is named with its row, and says what to write instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from routing.core.changes import RowChange
from routing.core.compile import change_table, compile_table
from routing.core.rows import (
    AgentGroupRow,
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
    StepRow,
    TenantRow,
)
from tests.support.tables import OPEN_AT, example_rows

NAIVE = OPEN_AT.replace(tzinfo=None)
LATER = OPEN_AT + timedelta(days=1)
BEFORE_TIME = datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))
AFTER_TIME = datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))
OUTSIDE = "+493023125100"
HEAD = "+49536128"
CITY: dict[str, Any] = {"tenant": "stadt-wolfsburg", "service_line": "vermittlung"}
AWAY: dict[str, Any] = {"forward_number": OUTSIDE, "forward_trunk": "carrier"}
OVERRIDE = OverrideRow(
    name="neu", opens=False, reason="Wasser", author="leitung", valid_from=OPEN_AT, valid_to=LATER
)  # fmt: skip
NOTICE = NoticeRow(name="neu", title="Neu", announcement_text="Neu.", valid_from=OPEN_AT, valid_to=LATER)
DUTY = OnCallDutyRow(rota="bereit", number=OUTSIDE, trunk="carrier", valid_from=OPEN_AT, valid_to=LATER)
LINE = ServiceLineRow(
    tenant="stadt-wolfsburg", name="neu", title="Neu", opening_hours="service", agent_group="allgemein"
)
FORWARD = StepRow(kind="forward", number=OUTSIDE, trunk="carrier")
RANGE = DidRow(head_number=HEAD, extension="100", last_extension="299", **CITY)
INGRESS = IngressNumberRow(number="+4953613000", **CITY)
ROTA = OnCallRotaRow(name="bereit", title="Bereit")


def overflow(*steps: StepRow, **changes: Any) -> ServiceLineRow:
    return replace(LINE, overflow=steps, **changes)


def with_rows(*added: Row) -> Rows:
    rows = replace(example_rows(), on_call_rotas=(ROTA,))
    for row in added:
        name = _COLLECTION[type(row)]
        rows = replace(rows, **{name: (*getattr(rows, name), row)})
    return rows


_COLLECTION: dict[type[Row], str] = {
    CentreRow: "centre", TenantRow: "tenants", OpeningHoursRow: "opening_hours", OverrideRow: "overrides",
    NoticeRow: "notices", AgentGroupRow: "agent_groups", OnCallRotaRow: "on_call_rotas", DidRow: "dids",
    OnCallDutyRow: "on_call_duties", ServiceLineRow: "service_lines", NumberBlockRow: "number_blocks",
    IngressNumberRow: "ingress_numbers", AuthorityNumberRow: "authority_numbers",
}  # fmt: skip


def problems_of(*added: Row) -> list[str]:
    with pytest.raises(CompileError) as caught:
        compile_table(with_rows(*added), version=1)
    return [str(problem) for problem in caught.value.problems]


def test_the_sound_rows_are_sound() -> None:
    compile_table(with_rows(OVERRIDE, NOTICE, DUTY, LINE, RANGE, INGRESS), version=1)


_ROWS: tuple[Any, ...] = (OVERRIDE, NOTICE, DUTY)
_PERIODS: list[tuple[dict[str, Any], str]] = [
    ({"valid_to": OPEN_AT}, "valid_to must lie after valid_from"),
    ({"valid_from": NAIVE}, "need an offset from UTC"),
    ({"valid_to": NAIVE}, "need an offset from UTC"),
    ({"valid_from": BEFORE_TIME}, "must lie within the years 1 to 9999"),
    ({"valid_to": AFTER_TIME}, "must lie within the years 1 to 9999"),
]
DATED = [
    *((replace(OVERRIDE, opens=True, **more), "an override that opens has no announcement and no forward")
      for more in ({"announcement_text": "x"}, AWAY)),
    (replace(OVERRIDE, forward_number=OUTSIDE), "a forward needs both a number and a trunk"),
    (replace(OVERRIDE, reason=""), "reason must be 1 to 80 printable characters"),
    (replace(OVERRIDE, author="a\nb"), "author must be 1 to 80 printable characters"),
    (replace(OVERRIDE, announcement_text=" "), "announcement_text must be 1 to 600"),
    (replace(OVERRIDE, forward_number="+495361280", forward_trunk="carrier"), "+495361280 is a number of ours"),
    *((replace(row, **period), sentence) for row in _ROWS for period, sentence in _PERIODS),
    *((replace(row, **scope), sentence)
      for row in _ROWS[:2]
      for scope, sentence in (
          ({"tenant": "fehlt"}, "there is no tenant 'fehlt'"),
          ({"service_line": "vermittlung"}, "a service_line needs its tenant"),
          (CITY | {"service_line": "fehlt"}, "there is no service line stadt-wolfsburg/fehlt"),
      )),
    (replace(NOTICE, opening_hours="fehlt"), "there are no opening hours 'fehlt'"),
    (replace(NOTICE, opening_hours="service", tenant="stadt-wolfsburg"), "exactly one of them"),
    (replace(DUTY, rota="fehlt"), "there is no on-call rota 'fehlt'"),
    (replace(DUTY, trunk="fehlt"), "there is no trunk 'fehlt'"),
    (replace(DUTY, number="112"), "'112' is no number to forward to"),
    (replace(DUTY, number="+495361280"), "+495361280 is a number of ours"),
    (TenantRow(slug="neu", name="Neu", building_hours="fehlt"), "there are no opening hours 'fehlt'"),
    *((TenantRow(slug="neu", name="Neu", **period), "must lie within the years 1 to 9999")
      for period, _ in _PERIODS[3:]),
    (OpeningHoursRow(name="service", timezone="UTC", weekly=(), valid_from=OPEN_AT), "two editions hold at the same"),
    (ROTA, "occurs 2 times"),
    (AgentGroupRow(name="neu", title="Neu", maximum_waiting=0), "maximum_waiting must be 1 to 1000, not 0"),
    (AgentGroupRow(name="neu", title="Neu", maximum_waiting=1001), "maximum_waiting must be 1 to 1000, not 1001"),
    (CentreRow(name="zentrum"), "there is one centre, and its name is 'centre'"),
    (CentreRow(unknown_number_tenant="stadt-wolfsburg"), "by both its tenant and its service_line"),
    (CentreRow(unknown_number_service_line="vermittlung"), "by both its tenant and its service_line"),
    (CentreRow(unknown_number_tenant="x", unknown_number_service_line="y"), "there is no service line x/y"),
    (CentreRow(unknown_number_text=""), "unknown_number_text must be 1 to 600"),
]  # fmt: skip
CHAINS = [
    (overflow(StepRow(kind="message")), "step 1: voice messages do not exist yet: choose one of agent_group,"),
    (overflow(FORWARD, StepRow(kind="callback")), "step 2: callbacks do not exist yet"),
    (overflow(StepRow(kind="x")), "the kind 'x' is unknown: choose one of agent_group, announcement"),
    (overflow(StepRow(kind="agent_group")), "a step of the kind agent_group needs agent_group"),
    (overflow(replace(FORWARD, text="x")), "a step of the kind forward has no text"),
    (overflow(StepRow(kind="agent_group", agent_group="fehlt")), "there is no agent group 'fehlt'"),
    (overflow(StepRow(kind="on_call", rota="fehlt")), "there is no on-call rota 'fehlt'"),
    (overflow(StepRow(kind="on_call", rota="bereit", tries=6)), "tries must be 1 to 5, not 6"),
    (overflow(StepRow(kind="on_call", rota="bereit", tries=0)), "tries must be 1 to 5, not 0"),
    (overflow(replace(FORWARD, ring_seconds=4)), "ring_seconds must be 5 to 120, not 4"),
    (overflow(replace(FORWARD, ring_seconds=121)), "ring_seconds must be 5 to 120, not 121"),
    (overflow(replace(FORWARD, number="112")), "'112' is no number to forward to"),
    (overflow(replace(FORWARD, when=("played",))), "'played' is no exit: write some of timeout, no_agent"),
    (overflow(replace(FORWARD, when=("full", "full"))), "the same exit is named twice"),
    (overflow(replace(FORWARD, when=("timeout",))), "when timeout needs after_seconds"),
    (overflow(replace(FORWARD, when=("expected_wait",))), "when expected_wait needs over_seconds"),
    (overflow(replace(FORWARD, after_seconds=60)), "after_seconds needs when timeout"),
    (overflow(replace(FORWARD, when=("full",), over_seconds=60)), "over_seconds needs when expected_wait"),
    (overflow(replace(FORWARD, when=("timeout",), after_seconds=0)), "after_seconds must be 1 to 3600, not 0"),
    (overflow(replace(FORWARD, when=("expected_wait",), over_seconds=3601)), "over_seconds must be 1 to 3600"),
    (overflow(StepRow(kind="announcement", text="a\nb")), "a step's text must be 1 to 600 printable characters"),
    (overflow(*[FORWARD] * 9), "overflow has 9 steps: at most 8 are walked"),
    (replace(LINE, closed=(StepRow(kind="agent_group", agent_group="allgemein"),)), "while the line is closed"),
    (overflow(StepRow(kind="desk", number="+495361280", trunk="carrier")), "+495361280 is a number of ours"),
    (replace(LINE, priority=101), "priority must be 0 to 100, not 101"),
    (replace(LINE, priority=-1), "priority must be 0 to 100, not -1"),
    (replace(LINE, maximum_wait_seconds=0), "maximum_wait_seconds must be 1 to 3600, not 0"),
    (replace(LINE, after_closing_minutes=61), "after_closing_minutes must be 0 to 60, not 61"),
    (replace(LINE, valid_from=LATER, valid_to=OPEN_AT), "valid_to must lie after valid_from"),
    (replace(LINE, valid_to=BEFORE_TIME), "must lie within the years 1 to 9999"),
]
NUMBERS = [
    (replace(RANGE, last_extension="30"), "the range 100-30 needs two extensions of as many digits"),
    (replace(RANGE, last_extension="x"), "needs two extensions of as many digits"),
    (replace(RANGE, last_extension="100"), "the range 100-100 must end after it begins"),
    (replace(RANGE, last_extension="099"), "the range 100-099 must end after it begins"),
    (replace(RANGE, extension="1000000", last_extension="1999999"), "a range's extensions have at most 6 digits"),
    (replace(RANGE, head_number="+49536129"), "there is no number block '+49536129'"),
    (replace(RANGE, service_line="fehlt"), "there is no service line stadt-wolfsburg/fehlt"),
    (replace(INGRESS, number="05361 3000"), "write the ingress number as + and digits only"),
    (replace(INGRESS, number="+49112"), "a short code is no ingress number"),
    (replace(INGRESS, service_line=None), "a line is named by both its tenant and its service_line"),
    (replace(INGRESS, service_line="fehlt"), "there is no service line stadt-wolfsburg/fehlt"),
    (replace(INGRESS, number=f"{HEAD}0"), "the same number already leads to stadt-wolfsburg/vermittlung"),
    (replace(INGRESS, valid_to=NAIVE), "valid_to has no offset"),
    (AuthorityNumberRow(origin="mobile", announcement_text="x", valid_from=BEFORE_TIME), "the years 1 to 9999"),
    (NumberBlockRow(head_number="+4953612", tenant="stadt-wolfsburg", other_service_line="x"), "there is no service"),
]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [*DATED, *CHAINS, *NUMBERS],
    ids=lambda value: value[:40] if isinstance(value, str) else type(value).__name__,
)
def test_a_wrong_row_is_named(row: Row, sentence: str) -> None:
    assert sentence in "\n".join(problems_of(row))


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (replace(RANGE, extension="200", last_extension="399"), "the range 200-399 overlaps with 100-299"),
        (replace(RANGE, valid_from=OPEN_AT), "the range 100-299 overlaps with 100-299"),
        (replace(RANGE, extension="250", last_extension="300"), "let one end where the other begins"),
    ],
)
def test_ranges_that_cross_are_named(other: DidRow, sentence: str) -> None:
    assert sentence in "\n".join(problems_of(RANGE, other))
    apart = replace(RANGE, valid_to=OPEN_AT), replace(other, valid_from=OPEN_AT)
    compile_table(with_rows(*apart), version=1)


@pytest.mark.parametrize("head", ["1", "100", "10", "15", "2", "29", "150", "299", "2999"])
def test_a_range_may_not_reach_into_another_block(head: str) -> None:
    block = NumberBlockRow(head_number=HEAD + head, tenant="stadt-wolfsburg")
    if head == "2999":  # longer than the numbers of the range: none of them lies in it
        compile_table(with_rows(RANGE, block), version=1)
    else:
        assert f"the range reaches into the block {HEAD}{head}" in "\n".join(problems_of(RANGE, block))
    for beside in ("3", "099", "0"):
        compile_table(with_rows(RANGE, NumberBlockRow(head_number=HEAD + beside, tenant="stadt-wolfsburg")), version=1)


def test_a_block_may_not_be_put_into_a_range_that_is_there() -> None:
    table = compile_table(with_rows(RANGE), version=1)
    for head in ("1", "150", "2"):
        block = NumberBlockRow(head_number=HEAD + head, tenant="stadt-wolfsburg")
        with pytest.raises(CompileError, match=f"the range 100-299 of the block \\{HEAD} reaches into this one"):
            change_table(table, [RowChange(before=None, after=block)], version=2)
    beside = NumberBlockRow(head_number=f"{HEAD}3", tenant="stadt-wolfsburg")
    change_table(table, [RowChange(before=None, after=beside)], version=2)


def test_a_range_that_holds_a_short_code_is_refused() -> None:
    block = NumberBlockRow(head_number="+495361", tenant="stadt-wolfsburg")
    row = replace(RANGE, head_number="+495361", extension="111", last_extension="113")
    assert "05361112 is a short code" in "\n".join(problems_of(block, row))


def test_editions_of_a_line_that_overlap_are_named() -> None:
    later = replace(LINE, valid_from=OPEN_AT)
    place = f"service_lines[stadt-wolfsburg/neu/{OPEN_AT.isoformat()}]"
    assert [item.partition(": two editions hold at the same time")[0] for item in problems_of(LINE, later)] == [place]
    compile_table(with_rows(replace(LINE, valid_to=OPEN_AT), later), version=1)


LONG = [replace(FORWARD, when=("failed",))] * 8
FIT = "characters together, and 420 fit into a call's plan"


def test_a_chain_that_is_too_long_for_a_call_is_named() -> None:
    """Both chains travel with a call only if callers may wait beyond closing time."""
    groups = tuple(AgentGroupRow(name="g" * 40 if n == 0 else f"{n}" + "g" * 38, title="G") for n in range(8))
    long = tuple(StepRow(kind="agent_group", agent_group=group.name) for group in groups)
    assert FIT in "\n".join(problems_of(*groups, overflow(*long)))
    half, closed = long[:4], tuple(replace(FORWARD, ring_seconds=100) for _ in range(8))
    compile_table(with_rows(*groups, overflow(*half, closed=closed)), version=1)
    assert FIT in "\n".join(problems_of(*groups, overflow(*half, closed=closed, after_closing_minutes=1)))


def test_those_on_duty_at_once_count_in_a_chain() -> None:
    closed = (StepRow(kind="on_call", rota="bereit", tries=5),)
    row = replace(LINE, closed=closed)
    duties = tuple(replace(DUTY, rank=rank, number=f"{OUTSIDE[:-1]}{rank}") for rank in range(1, 5))
    compile_table(with_rows(row, *duties[:2]), version=1)
    assert FIT in "\n".join(problems_of(row, *duties))
    turns = tuple(
        replace(duty, valid_from=OPEN_AT + timedelta(days=day), valid_to=OPEN_AT + timedelta(days=day + 1))
        for day, duty in enumerate(duties)
    )
    compile_table(with_rows(row, *turns), version=1)


def test_a_forward_of_an_override_counts_in_a_chain() -> None:
    trunk = replace(example_rows().trunks[0], name="t" * 40)
    rows = with_rows(replace(OVERRIDE, forward_number=OUTSIDE, forward_trunk=trunk.name))
    compile_table(replace(rows, trunks=(*rows.trunks, trunk)), version=1)


def test_lines_that_cannot_be_made_are_named_by_what_they_lack() -> None:
    found = problems_of(replace(LINE, tenant="fehlt", opening_hours="fehlt", agent_group="fehlt"))
    place = "service_lines[fehlt/neu]: "
    assert found == [
        f"{place}there is no tenant 'fehlt'",
        f"{place}there are no opening hours 'fehlt'",
        f"{place}there is no agent group 'fehlt'",
    ]
    broken = OpeningHoursRow(name="kaputt", timezone="x", weekly=())
    hours = replace(LINE, opening_hours="kaputt")
    assert [item for item in problems_of(broken, hours) if "service_lines" in item] == []


def test_instants_of_editions_may_lie_anywhere_in_the_calendar() -> None:
    for at in (datetime.min.replace(tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)):
        compile_table(with_rows(replace(LINE, valid_from=at)), version=1)
        compile_table(with_rows(replace(LINE, valid_to=at + timedelta(hours=1))), version=1)
