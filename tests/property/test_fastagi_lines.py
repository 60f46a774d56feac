# SPDX-License-Identifier: EUPL-1.2
"""What is written by hand for each call is what the general writers make of it: command, log line and journal line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.processors import LogfmtRenderer

from agi.fastagi.lines import LineTexts, call_lines, journal_entry, line_texts, log_fields
from agi.fastagi.variables import UnwritableError, commands
from agi.fastagi.writing import MAXIMUM_KEPT, CommandWriter
from routing.config.journal import read_entry
from routing.core.decide import decide
from routing.core.decision import (
    Call,
    Closing,
    Decision,
    DialExtension,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Reason,
    Reject,
    Step,
)
from tests.support.asterisk_agi import UNIQUE_ID
from tests.support.tables import OPEN_AT, example_table

TABLE = example_table(version=7)
WRITER = CommandWriter()  # one for all examples, as in the service: what it kept of one must not show in another
RENDER = LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)

# How long anything takes is nothing for a test.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SLUGS = st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True)
TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(alphabet='0123456789+ ="\\\n\r\tÄ€\U0001f600%,', max_size=80),
    st.sampled_from(["0537289-0", "115", "05372890", "030 23125999", "+495372890", "110"]),
    st.from_regex(r"\+[0-9]{0,300}", fullmatch=True),
)
NUMBERS = st.from_regex(r"\+[0-9]{1,15}", fullmatch=True)
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=700)).map(lambda passed: OPEN_AT.astimezone(UTC) + passed)
DESTINATIONS = st.one_of(
    st.builds(
        EnterQueue,
        queue=SLUGS,
        announcement=st.none() | SLUGS,
        notices=st.lists(SLUGS, max_size=2).map(tuple),
        priority=st.integers(0, 9),
        expected_wait_seconds=st.none() | st.integers(0, 600),
    ),
    st.builds(PlayAnnouncement, announcement=SLUGS),
    st.builds(Forward, number=NUMBERS, trunk=SLUGS),
    st.builds(DialExtension, extension=st.just("12"), number=NUMBERS, trunk=SLUGS),
    st.builds(Reject, cause=st.integers(1, 127)),
)
STEPS = st.lists(
    st.builds(Step, when=st.just(("timeout",)), destination=DESTINATIONS.filter(lambda it: not isinstance(it, Reject))),
    max_size=2,
).map(tuple)
RULES = st.lists(st.sampled_from(["number", "open", "closed", "unknown_number"]).map(lambda it: Reason(rule=it)))
DECISIONS = st.builds(
    Decision,
    dialled_number=TEXTS,
    tenant=st.none() | st.sampled_from(["samtgemeinde-meinersen", "nobody"]),
    service_line=st.none() | st.sampled_from(["vermittlung", "nothing"]),
    destination=DESTINATIONS,
    reasons=RULES.map(tuple),
    table_version=st.just(TABLE.version),
    at=INSTANTS,
    redirecting_number=st.none() | NUMBERS,
    overflow=STEPS,
    closing=st.none() | st.builds(Closing, until=INSTANTS, announcement=SLUGS, steps=STEPS),
)
CALL = Call(dialled="030 23125999", caller=None)
CALLS = st.builds(Call, dialled=TEXTS, caller=st.none() | TEXTS, trunk=st.none() | TEXTS)


def _written(decision: Decision, unique_id: str) -> tuple[bytes, ...] | None:
    try:
        return commands(decision, TABLE, unique_id=unique_id)
    except UnwritableError:
        return None


def _by_hand(writer: CommandWriter, decision: Decision, unique_id: str) -> tuple[bytes, ...] | None:
    try:
        return writer.commands(decision, TABLE, "carrier", unique_id)[0]
    except UnwritableError:
        return None


@PATIENT
@given(
    decision=DECISIONS,
    later=st.timedeltas(timedelta(0), timedelta(hours=9)),
    unique_id=st.sampled_from([UNIQUE_ID, "x,y"]),
)
def test_a_kept_text_gives_the_command_of_the_decision(decision: Decision, later: timedelta, unique_id: str) -> None:
    """Made from the same parts of a table at another instant, and with other numbers."""
    for one in (decision, replace(decision, at=decision.at + later, dialled_number="+495372890"), decision):
        assert _by_hand(WRITER, one, unique_id) == _written(one, unique_id)


@PATIENT
@given(dialled=TEXTS, caller=st.none() | NUMBERS, seconds=st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_decided_calls_are_written_alike(dialled: str, caller: str | None, seconds: list[int]) -> None:
    for at in (OPEN_AT + timedelta(seconds=second) for second in seconds):
        decision = decide(TABLE, Call(dialled=dialled, caller=caller, trunk="carrier"), at)
        assert _by_hand(WRITER, decision, UNIQUE_ID) == _written(decision, UNIQUE_ID)


def test_what_is_kept_is_bounded() -> None:
    writer = CommandWriter()
    for number in range(MAXIMUM_KEPT + 10):
        desk = DialExtension(extension="1", number=f"+49{number}", trunk="rathaus")
        decision = Decision(
            dialled_number=desk.number, tenant="t", service_line=None, destination=desk, reasons=(), table_version=1,
            at=OPEN_AT,
        )  # fmt: skip
        assert _by_hand(writer, decision, UNIQUE_ID) == _written(decision, UNIQUE_ID)
    assert len(writer._texts) <= MAXIMUM_KEPT


def _lines(
    call: Call, decision: Decision, texts: LineTexts, *, seconds: float, ended: float, personal: bool
) -> tuple[str, str]:
    return call_lines(
        texts, received=call.dialled, caller=call.caller, dialled=decision.dialled_number, at=decision.at,
        unique_id=UNIQUE_ID, seconds=seconds, ended=ended, personal=personal,
    )  # fmt: skip


@PATIENT
@given(call=CALLS, decision=DECISIONS, seconds=st.floats(0, 2), ended=st.floats(0, 4e9))
@example(
    call=Call(dialled="1", caller=None),
    decision=decide(TABLE, Call(dialled="1", caller=None), OPEN_AT),
    seconds=0.00025,
    ended=1.9999999,
)
def test_the_log_line_is_structlogs(call: Call, decision: Decision, seconds: float, ended: float) -> None:
    texts = line_texts(decision, call.trunk)
    line, _ = _lines(call, decision, texts, seconds=seconds, ended=ended, personal=True)
    fields = {
        "timestamp": datetime.fromtimestamp(int(ended), UTC).replace(microsecond=int((ended - int(ended)) * 1e6)),
        "level": "info",
        "event": "call routed",
        "milliseconds": round(seconds * 1000, 1),
        "unique_id": UNIQUE_ID,
        **log_fields(call, decision),
    }
    stamp = fields["timestamp"]
    assert isinstance(stamp, datetime)
    fields["timestamp"] = stamp.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert line == RENDER(None, "info", dict(fields))
    public = {key: value for key, value in fields.items() if not key.startswith("personal_")}
    line, _ = _lines(call, decision, texts, seconds=seconds, ended=ended, personal=False)
    assert line == RENDER(None, "info", public)


@PATIENT
@given(call=CALLS, decision=DECISIONS)
def test_the_journal_line_is_the_entrys(call: Call, decision: Decision) -> None:
    texts = line_texts(decision, call.trunk)
    _, line = _lines(call, decision, texts, seconds=0.001, ended=1.0, personal=False)
    entry = journal_entry(call, decision, unique_id=UNIQUE_ID)
    assert line == entry.text()
    assert line.isascii()
    assert line.count("\n") == 1
    assert read_entry(line[:-1].encode()) == entry
