# SPDX-License-Identifier: EUPL-1.2
"""``decide`` is total and explains itself, whatever is dialled, whoever calls, and whenever."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from routing.config import read_file
from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import (
    KINDS,
    Call,
    Decision,
    Destination,
    DialExtension,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Reject,
)
from routing.core.numbers import MAXIMUM_TEXT_CHARACTERS, SEPARATORS
from routing.core.rows import Rows
from routing.core.table import Table
from tests.property.rows import PHASES, SLOW, aware, configurations, number_texts

EXAMPLE = Path(__file__).parents[2] / "examples" / "service-centre-wolfsburg.yaml"
TRUNKS = ("carrier", "carrier-b", "demonstration", "rathaus-meinersen", "nowhere", None)
trunks = st.sampled_from(TRUNKS)
ours = st.sampled_from(
    ["0537289-0", "+49537289500", "0537289123", "115", "05372115", "0049 5371 82-600", "112", "89-0"]
)
dialled_texts = number_texts | ours
FAR_EAST, FAR_WEST = (timezone(sign * timedelta(hours=23, minutes=59)) for sign in (1, -1))
CALENDAR = (datetime.min, datetime.max)  # noqa: DTZ901, given its zones below
HERE = datetime(2026, 11, 23, 10, tzinfo=UTC)
NUMBER = re.compile(r"\+?[0-9]+")


@cache
def shipped() -> Table:
    """The example, in which every trunk is trusted."""
    return compile_table(shipped_rows(), version=1)


@cache
def another() -> Table:
    return compile_table(shipped_rows(), version=1)


def shipped_rows() -> Rows:
    rows = read_file(EXAMPLE)
    return replace(rows, trunks=tuple(replace(row, trusts_diversion=True) for row in rows.trunks))


def assert_sound(table: Table, call: Call, at: datetime) -> Decision:
    decision = decide(table, call, at)
    assert decision.kind in KINDS
    assert decision.reasons
    assert all(reason.rule and reason.detail for reason in decision.reasons)
    assert all(isinstance(v, str) for reason in decision.reasons for v in reason.parameters.values())
    assert decision.at is at
    closing = decision.closing.steps if decision.closing is not None else ()
    for destination in (decision.destination, *(step.destination for step in (*decision.overflow, *closing))):
        assert_reachable(table, destination)
    if isinstance(decision.destination, Reject):
        assert decision.tenant is None
    assert (decision.service_line is None) or (decision.tenant, decision.service_line) in table.lines
    return decision


def assert_reachable(table: Table, destination: Destination) -> None:
    """Its group, its sounds and its trunk are there."""
    match destination:
        case EnterQueue(queue=queue, announcement=announcement):
            assert queue in {group.name for group in table.rows.agent_groups}
            assert announcement is None or announcement in table.announcements
            assert set(destination.notices) <= table.announcements.keys()
        case PlayAnnouncement(announcement=announcement):
            assert announcement in table.announcements
        case Forward(trunk=trunk) | DialExtension(trunk=trunk):
            assert trunk in table.trunks
        case Reject(cause=cause):
            assert cause in {1, 42}


_headers = st.none() | dialled_texts
calls = st.builds(
    Call,
    dialled=dialled_texts,
    caller=st.none() | number_texts,
    trunk=trunks | st.text(max_size=10),
    diversion=_headers,
    history_info=_headers,
    to=_headers,
)
ends = st.sampled_from(
    [end.replace(tzinfo=zone) for end in CALENDAR for zone in (UTC, FAR_EAST, FAR_WEST, ZoneInfo("Europe/Berlin"))]
)


@settings(max_examples=400, deadline=None)
@given(calls, aware | ends)
@example(Call(dialled="\ud800", caller="\udfff"), datetime.max.replace(tzinfo=UTC))
@example(Call(dialled="115", caller="\x00", trunk="carrier"), datetime.min.replace(tzinfo=UTC))
@example(Call(dialled="x", caller=None, trunk="rathaus-meinersen", diversion="\ud800", to="tel:"), HERE)
def test_every_call_gets_one_explained_decision(call: Call, at: datetime) -> None:
    """The same one again, also from a table that was made anew and has decided nothing yet."""
    decision = assert_sound(shipped(), call, at)
    assert decision == decide(shipped(), call, at) == decide(another(), call, at)
    assert decision.redirecting_number is None or decision.service_line is not None


@settings(max_examples=25, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(configurations(), st.data())
def test_any_table_decides(rows: Rows, data: st.DataObject) -> None:
    table = compile_table(rows, version=3)
    heads = [row.head_number for row in rows.number_blocks] + [row.head_number + row.extension for row in rows.dids]
    texts = dialled_texts | st.sampled_from(heads) if heads else dialled_texts
    known = st.sampled_from([row.name for row in rows.trunks])
    for _ in range(5):
        call = replace(data.draw(calls), dialled=data.draw(texts), trunk=data.draw(trunks | known))
        if data.draw(st.booleans()):
            call = replace(call, diversion=data.draw(texts), history_info=data.draw(texts), to=data.draw(texts))
        assert_sound(table, call, data.draw(aware | ends))


@settings(max_examples=200, deadline=None)
@given(dialled_texts, trunks, aware, st.data())
def test_separators_change_nothing(dialled: str, trunk: str | None, at: datetime, data: st.DataObject) -> None:
    bare = "".join(c for c in dialled if c not in SEPARATORS)[: MAXIMUM_TEXT_CHARACTERS - 20]
    spread = list(bare)
    for _ in range(data.draw(st.integers(0, 20))):
        spread.insert(data.draw(st.integers(0, len(spread))), data.draw(st.sampled_from(SEPARATORS)))
    plain, other = (
        decide(shipped(), Call(dialled=text, caller=text, trunk=trunk), at) for text in (bare, "".join(spread))
    )
    assert (plain.tenant, plain.service_line, plain.destination) == (
        other.tenant,
        other.service_line,
        other.destination,
    )
    assert [reason.rule for reason in plain.reasons] == [reason.rule for reason in other.reasons]


@settings(max_examples=300, deadline=None)
@given(ours, st.characters(), st.data(), trunks)
def test_a_text_with_anything_but_digits_reaches_no_tenant(
    number: str, stray: str, data: st.DataObject, trunk: str | None
) -> None:
    place = data.draw(st.integers(0, len(number)))
    dialled = number[:place] + stray + number[place:]
    bare = "".join(c for c in dialled if c not in SEPARATORS)
    decision = decide(
        shipped(), Call(dialled=dialled, caller="0537212345", trunk=trunk), datetime(2026, 11, 23, tzinfo=UTC)
    )
    if not (bare.isascii() and NUMBER.fullmatch(bare)):
        assert decision.tenant is None
        assert [reason.rule for reason in decision.reasons] == ["unreadable_number", "unknown_number"]


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"[0-9]{1,14}", fullmatch=True))
def test_only_configured_numbers_reach_a_tenant(digits: str) -> None:
    """Against the configured numbers spelt out: nothing is shortened, extended or guessed."""
    numbers = {"49536128" + "0", "495372890", "49537289", "49537289500", "495371820", "49537182600", "495374880"}
    numbers |= {"495832830", "4953618975" + "0", "49536127440", "49536128700", "4953616000"}
    decision = decide(shipped(), Call(dialled=f"+{digits}", caller=None), datetime(2026, 11, 23, 10, tzinfo=UTC))
    desk = len(digits) == 11 and digits.startswith("49537289")
    short = re.fullmatch(r"490?([2-9][0-9]{1,4})?11[025]", digits)
    assert (decision.tenant is not None) == (digits in numbers or desk or bool(short and digits.endswith("115")))


@settings(max_examples=100, deadline=None)
@given(aware)
def test_open_means_monday_to_friday_seven_to_eighteen(at: datetime) -> None:
    table = shipped()
    decision = decide(table, Call(dialled="0537289-0", caller=None), at)
    hours = table.lines["samtgemeinde-meinersen", "vermittlung"].editions[0].hours[0]
    if decision.tenant is None or at.astimezone(UTC).year > 9990:
        return
    local = at.astimezone(hours.timezone)
    service = local.weekday() < 5 and timedelta(hours=7) <= timedelta(hours=local.hour) < timedelta(hours=18)
    assert (decision.kind == "enter_queue") == (service and local.date() not in hours.holidays)
