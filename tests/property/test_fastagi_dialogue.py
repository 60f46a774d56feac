# SPDX-License-Identifier: EUPL-1.2
"""However bytes are cut and whatever a caller writes: one well-formed command, or none."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise
from urllib.parse import unquote

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agi.fastagi.dialogue import Dialogue
from agi.fastagi.environment import KEYS, read_whole
from agi.fastagi.handlers import Handlers
from agi.fastagi.protocol import Accepted, Failed, Protocol
from agi.fastagi.request import ARGUMENTS
from agi.fastagi.variables import NAMES
from tests.support.asterisk_agi import ACCEPTED, UNIQUE_ID, argument, caller_argument, chosen, environment, route_script
from tests.support.tables import CLOSED_AT, HOLIDAY_AT, OPEN_AT, example_table

TABLE = example_table()
# How long anything takes is nothing for a test.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
WELL_FORMED = re.compile(
    rb'EXEC MSet "'
    + b",".join(name.encode() + b"=[A-Za-z0-9_.~%-]*" for name in NAMES[:-1])
    + b",ROUTE_OK=v1-"
    + re.escape(UNIQUE_ID.encode())
    + rb'"\n'
)

HOSTILE = st.one_of(
    st.text(max_size=200),
    st.text(alphabet='0123456789+-./() ,"\\\n\r\t=&?%;${}Üß…\U0001f600', max_size=300),
    st.sampled_from(["0537289-0", "115", "0537289123", "0537488-0"]),
).map(lambda text: text.replace("\0", ""))
PIECES = [line + b"\n" for line in environment().splitlines()] + [environment(), environment()[:300], b"HANGUP\n"]
CALLERS = st.from_regex(r"\+?[0-9]{0,19}", fullmatch=True)


def _dialogue() -> Dialogue:
    return Dialogue(Handlers(table=lambda: TABLE, clock=lambda: OPEN_AT))


def _fed(chunks: list[bytes]) -> tuple[bytes, Dialogue]:
    dialogue = _dialogue()
    return b"".join(dialogue.receive(chunk) for chunk in chunks), dialogue


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def test_every_single_cut_of_a_dialogue_gives_the_same_command() -> None:
    data = environment()
    whole, _ = _fed([data])
    assert WELL_FORMED.fullmatch(whole)
    for place in range(len(data) + 1):
        sent, dialogue = _fed([data[:place], data[place:]])
        assert sent == whole
        assert dialogue.outcome is None
        dialogue.receive(ACCEPTED)
        assert dialogue.outcome == Accepted()


@PATIENT
@given(
    places=st.lists(st.integers(min_value=0, max_value=10_000), max_size=40),
    reply_places=st.lists(st.integers(min_value=0, max_value=100), max_size=10),
    hung_up=st.booleans(),
)
def test_any_cut_of_a_dialogue_gives_the_same_outcome(
    places: list[int], reply_places: list[int], hung_up: bool
) -> None:
    whole, _ = _fed([environment()])
    sent, dialogue = _fed(_cut(environment(), places))
    assert sent == whole
    reply = (b"HANGUP\n" if hung_up else b"") + ACCEPTED
    assert b"".join(dialogue.receive(chunk) for chunk in _cut(reply, reply_places)) == b""
    assert dialogue.outcome == Accepted()
    assert dialogue.hung_up is hung_up


@PATIENT
@given(chunks=st.lists(st.binary(max_size=400), max_size=30))
def test_random_bytes_never_raise_and_never_yield_a_command(chunks: list[bytes]) -> None:
    sent, dialogue = _fed(chunks)
    dialogue.receive_eof()
    assert sent == b""
    assert isinstance(dialogue.outcome, Failed)


@PATIENT
@given(place=st.integers(min_value=0, max_value=10_000), junk=st.binary(min_size=1, max_size=20))
def test_a_corrupted_environment_yields_at_most_a_well_formed_command(place: int, junk: bytes) -> None:
    data = environment()
    place %= len(data) + 1
    sent, dialogue = _fed([data[:place] + junk + data[place:]])
    assert sent == b"" or sent.endswith(b'"\n')
    assert sent.count(b"\n") == (1 if sent else 0)
    assert bool(sent) == (dialogue.outcome is None and dialogue.answer is not None)


@PATIENT
@given(data=st.data())
def test_one_pass_says_what_the_judge_says(data: st.DataObject) -> None:
    """Of a dialplan's environment with anything in it, however it is cut."""
    dialled = data.draw(HOSTILE)
    trunk = data.draw(st.sampled_from(["carrier", "", "a b", "ü"]))
    values = {f"arg_{n}": argument(key, data.draw(CALLERS)) for n, key in enumerate(ARGUMENTS, start=1)}
    key = data.draw(st.sampled_from(KEYS)).removeprefix("agi_")
    if data.draw(st.booleans()):
        values[key] = data.draw(st.one_of(st.text(max_size=60), st.sampled_from(["", "1\n2", "\0", "agi://x/y"])))
    sent = bytearray(environment(route_script(dialled, trunk=trunk), **values))
    if data.draw(st.booleans()):
        place = data.draw(st.integers(min_value=0, max_value=len(sent) - 1))
        sent[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    whole, quick, judge = bytes(sent), Protocol(), Protocol()
    read = read_whole(whole)
    assert read is None or Protocol().judge(whole) == (read,)
    for piece in _cut(whole, data.draw(st.lists(st.integers(min_value=0, max_value=10_000), max_size=6))):
        assert quick.receive(piece) == judge.judge(piece)


@PATIENT
@given(chunks=st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(PIECES)), max_size=12))
def test_one_pass_says_what_the_judge_says_of_anything(chunks: list[bytes]) -> None:
    quick, judge = Protocol(), Protocol()
    for chunk in chunks:
        assert quick.receive(chunk) == judge.judge(chunk)


def test_one_pass_says_what_the_judge_says_of_every_cut() -> None:
    """And at the same moment, too: neither waits for more than the other."""
    wrong = environment(arg_1="caller=x")
    for data in (environment(), wrong, environment() + b"HANGUP\n", environment()[:-1] + b"a: b\n"):
        for place in range(len(data) + 1):
            quick, judge = Protocol(), Protocol()
            for piece in (data[:place], data[place:]):
                assert quick.receive(piece) == judge.judge(piece)


def test_what_our_dialplan_sends_is_read_in_one_pass() -> None:
    for script in (route_script(), route_script("+495372890"), route_script("ü (0) 5372"), route_script("")):
        for caller in ("", "+493023125123", "03023125123"):
            assert read_whole(environment(script, arg_1=caller_argument(caller))) is not None


@PATIENT
@given(reply=st.sampled_from([b"HANGUP\n200 result=0\n", b"200 result=0\n", b"200 result=0\n\n", b"200 result=1\n"]))
def test_what_came_with_the_environment_is_not_forgotten(reply: bytes) -> None:
    """Half a line behind the environment belongs to the next chunk, however whole that looks."""
    dialogue = _dialogue()
    dialogue.receive(environment() + b"2")
    dialogue.receive(reply)
    assert isinstance(dialogue.outcome, Failed)


@PATIENT
@given(data=st.data())
def test_a_caller_who_forges_lines_changes_nothing_that_is_used(data: st.DataObject) -> None:
    """Whatever a value behind ``agi_uniqueid`` injects, the command is the true one or there is none.

    The number dialled is one whose meaning does not depend on other numbers, which are all that he can forge.
    """
    key = data.draw(st.sampled_from(KEYS[KEYS.index("agi_uniqueid") + 1 :])).removeprefix("agi_")
    line = st.one_of(
        st.builds("{}: {}".format, st.sampled_from(KEYS), st.sampled_from(["1", "", "route?dialled=115", "x" * 50])),
        st.sampled_from(["", "HANGUP", "200 result=0", "agi_arg_1: x", "agi_arg_1: caller=0537212345"]),
        st.sampled_from(["agi_arg_2: diversion=05361280", "agi_arg_3: history_info=05361280", "agi_arg_4: to=1"]),
    )
    forged = data.draw(st.lists(line, max_size=30))
    whole, _ = _fed([environment()])
    places = data.draw(st.lists(st.integers(min_value=0, max_value=10_000), max_size=5))
    sent, _ = _fed(_cut(environment(**{key: "\n".join(["x", *forged])}), places))
    assert sent in (b"", whole)


@PATIENT
@given(
    dialled=HOSTILE,
    caller=CALLERS,
    diverted=st.tuples(CALLERS, CALLERS, CALLERS),
    trunk=st.one_of(st.sampled_from(["carrier", "demonstration", "carrier-b"]), HOSTILE),
    at=st.sampled_from([OPEN_AT, CLOSED_AT, HOLIDAY_AT]),
)
@example(dialled='"\n', caller="", diverted=("", "", ""), trunk="carrier", at=OPEN_AT)
@example(dialled="0537289\n0", caller="+", diverted=("+", "0", "1"), trunk="carrier", at=OPEN_AT)
def test_any_text_gets_exactly_one_well_formed_line(
    dialled: str, caller: str, diverted: tuple[str, str, str], trunk: str, at: datetime
) -> None:
    dialogue = Dialogue(Handlers(table=lambda: TABLE, clock=lambda: at))
    script = route_script(dialled, trunk=trunk)
    arguments = [argument(key, number) for key, number in zip(ARGUMENTS, (caller, *diverted), strict=True)]
    sent = dialogue.receive(environment(script, **{f"arg_{n}": text for n, text in enumerate(arguments, start=1)}))
    if len(script) > 4_000:
        assert sent == b""
        return
    assert WELL_FORMED.fullmatch(sent), sent
    assert len(sent) <= 1_000
    assert dialogue.answer is not None
    call = dialogue.answer.call
    assert (call.caller, call.diversion, call.history_info, call.to) == tuple(n or None for n in (caller, *diverted))
    shown = unquote(chosen(sent)["ROUTE_DIALLED"])
    assert shown == dialogue.answer.decision.dialled_number or shown.endswith("…")


@PATIENT
@given(text=st.one_of(HOSTILE, HOSTILE.map(caller_argument), HOSTILE.map("caller={}".format)))
@example(text="caller=1\n")
@example(text="caller=\N{ARABIC-INDIC DIGIT ZERO}")
def test_any_argument_but_a_callers_number_gets_no_command(text: str) -> None:
    dialogue = _dialogue()
    sent = dialogue.receive(environment(arg_1=text))
    caller = unquote(text.removeprefix("caller="))
    if caller_argument(caller) == text and re.fullmatch(r"[0-9]{0,20}|\+[0-9]{0,19}", caller):
        assert WELL_FORMED.fullmatch(sent), sent
        assert dialogue.answer is not None
        assert (dialogue.answer.call.caller or "") == caller
    else:
        assert sent == b""
        assert isinstance(dialogue.outcome, Failed)


@PATIENT
@given(data=st.binary(max_size=60))
def test_any_bytes_dialled_get_a_decision(data: bytes) -> None:
    dialogue = _dialogue()
    sent = dialogue.receive(environment(route_script(data.replace(b"\0", b""))))
    assert WELL_FORMED.fullmatch(sent), sent


@PATIENT
@given(chunks=st.lists(st.binary(max_size=50), max_size=10))
def test_a_protocol_that_ended_stays_ended(chunks: list[bytes]) -> None:
    protocol = Protocol()
    assert len(protocol.receive(b"nonsense\n")) == 1
    assert [event for chunk in chunks for event in protocol.receive(chunk)] == []
