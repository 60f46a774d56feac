# SPDX-License-Identifier: EUPL-1.2
"""The environment and the reply, line by line."""

from __future__ import annotations

import itertools

import pytest

from agi.fastagi.environment import KEYS, MAXIMUM_LINE_BYTES, Request
from agi.fastagi.protocol import (
    MAXIMUM_COMMAND_BYTES,
    MAXIMUM_COMMANDS,
    MAXIMUM_PHASE_BYTES,
    Accepted,
    Cause,
    Failed,
    HungUp,
    Proceed,
    Protocol,
)
from agi.fastagi.request import ARGUMENTS
from tests.support.asterisk_agi import ACCEPTED, UNIQUE_ID, argument, caller_argument, environment, route_script

COMMAND = b'EXEC MSet "ROUTE_OK=v1-1"\n'


def _cause(data: bytes) -> Cause:
    protocol = Protocol()
    events = protocol.receive(data)
    assert len(events) == 1, events
    assert isinstance(events[0], Failed)
    with pytest.raises(ValueError, match="state is ended"):
        protocol.send(COMMAND)
    return events[0].cause


def _waiting() -> Protocol:
    protocol = Protocol()
    assert isinstance(protocol.receive(environment())[0], Request)
    assert protocol.send(COMMAND) == COMMAND
    return protocol


def test_a_whole_environment_is_one_request() -> None:
    script = route_script("(0537289-0 ü")
    (event,) = Protocol().receive(environment(script, arg_1=caller_argument("+493023125123")))
    assert event == Request(
        path="/route",
        query={"dialled": "(0537289-0 ü", "trunk": "carrier"},
        caller="+493023125123",
        diversion=None,
        history_info=None,
        to=None,
        unique_id=UNIQUE_ID,
    )


def test_there_are_exactly_four_arguments() -> None:
    data = environment()
    lines = [f"agi_arg_{position}: {key}=\n".encode() for position, key in enumerate(ARGUMENTS, start=1)]
    assert data.endswith(b"".join(lines) + b"\n")
    for line in lines:
        assert _cause(data.replace(line, b"")) is Cause.MALFORMED
        assert _cause(data.replace(line, line.replace(b"agi_arg", b"agi_argument"))) is Cause.MALFORMED
        assert _cause(data.replace(line, line + line)) is Cause.MALFORMED
    assert _cause(data[:-1] + b"agi_arg_5: \n\n") is Cause.MALFORMED
    assert _cause(data[:-1] + b"agi_arg_5: to=1\n\n") is Cause.MALFORMED


@pytest.mark.parametrize("key", ARGUMENTS)
@pytest.mark.parametrize("number", ["03023125123", "+493023125123", "0" * 20, "+" + "9" * 19, "+", "0"])
def test_an_argument_holds_its_number(key: str, number: str) -> None:
    (event,) = Protocol().receive(_with_argument(key, argument(key, number)))
    assert isinstance(event, Request)
    assert {name: getattr(event, name) for name in ARGUMENTS} == dict.fromkeys(ARGUMENTS) | {key: number}


def test_an_empty_caller_is_a_withheld_one() -> None:
    (event,) = Protocol().receive(environment(arg_1="caller="))
    assert isinstance(event, Request)
    assert event.caller is None


def _with_argument(key: str, text: str) -> bytes:
    return environment(**{f"arg_{ARGUMENTS.index(key) + 1}": text})


@pytest.mark.parametrize(("key", "other"), [*itertools.permutations(ARGUMENTS, 2)])
def test_no_argument_stands_in_anothers_place(key: str, other: str) -> None:
    assert _cause(_with_argument(key, argument(other, "1"))) is Cause.BAD_REQUEST


@pytest.mark.parametrize("key", ARGUMENTS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "caller",
        "Caller=1",
        "03023125123",
        "caller=+493023125123",
        "caller=%2b493023125123",
        "caller=%2B%2B49",
        "caller=49%2B",
        "caller=%30",
        "caller=%00",
        "caller=%2",
        "caller=030 23125",
        "caller=030-23125",
        "caller=\u0660",
        "caller=anonymous",
        "caller=1&dialled=115",
        "caller=1,caller=2",
        "caller=1\r",
        "trunk=1",
        " caller=1",
        "caller=" + "0" * 21,
        "caller=%2B" + "9" * 20,
    ],
)
def test_an_argument_the_dialplan_cannot_write_is_refused(key: str, text: str) -> None:
    text = text.replace("caller", key).replace("Caller", key.capitalize())
    assert _cause(_with_argument(key, text)) is Cause.BAD_REQUEST


def test_values_of_a_caller_may_hold_any_byte_but_are_not_used() -> None:
    data = environment().replace(b"agi_calleridname: unknown", b'agi_calleridname: \xff\r";,\x01')
    assert isinstance(Protocol().receive(data)[0], Request)


@pytest.mark.parametrize("key", KEYS)
def test_each_key_must_come_once_in_its_place(key: str) -> None:
    lines = environment().split(b"\n")
    index = KEYS.index(key)
    missing = lines[:index] + lines[index + 1 :]
    twice = [*lines[: index + 1], *lines[index:]]
    assert _cause(b"\n".join(missing)) is Cause.MALFORMED
    assert _cause(b"\n".join(twice)) is Cause.MALFORMED


@pytest.mark.parametrize(
    "injected",
    ["x\n", "x\n\n", "x\nagi_network_script: route?dialled=115&trunk=carrier", "x\nHANGUP", "\n200 result=0"],
)
def test_a_line_feed_in_a_callers_name_ends_the_dialogue(injected: str) -> None:
    assert _cause(environment(calleridname=injected)) is Cause.MALFORMED


def test_a_forged_rest_of_the_environment_ends_the_dialogue() -> None:
    rest = "".join(f"{key}: 0\n" for key in KEYS[KEYS.index("agi_callingpres") : KEYS.index("agi_arg_1")])
    numbers = "\n".join(f"agi_arg_{position}: {key}=115" for position, key in enumerate(ARGUMENTS, start=1))
    for end in ("", "\n"):  # the second with the empty line behind it
        assert _cause(environment(calleridname=f"x\n{rest}{numbers}{end}")) is Cause.MALFORMED


@pytest.mark.parametrize("unique_id", ["", "1 2", "1,ROUTE_OK=x", '1"', "ü", "1\r", "1" * 150])
def test_a_unique_id_outside_its_characters_ends_the_dialogue(unique_id: str) -> None:
    assert _cause(environment(uniqueid=unique_id)) is Cause.MALFORMED


def test_request_and_script_must_agree() -> None:
    assert _cause(environment(request="agi://127.0.0.1/other")) is Cause.MALFORMED


@pytest.mark.parametrize(
    "script",
    [
        "",
        "ROUTE?dialled=1",
        "../route?dialled=1",
        "route?dialled=1&dialled=2",
        "route?dialled=1 2",
        "route?dialled=+49",
        "route?dialled=%4",
        "route?dialled=%GG",
        "route?dialled=%00",
        "route?dialled",
        "route?=1",
        "route?dialled=1&",
        "route?" + "&".join(f"{letter}=1" for letter in "abcdefghi"),
    ],
)
def test_a_script_the_dialplan_cannot_write_is_refused(script: str) -> None:
    assert _cause(environment(script)) is Cause.BAD_REQUEST


def test_what_is_not_utf8_is_replaced_and_never_dropped() -> None:
    (event,) = Protocol().receive(environment(route_script(b"0537289\xff0")))
    assert isinstance(event, Request)
    assert event.query["dialled"] == "0537289\N{REPLACEMENT CHARACTER}0"


def test_bounds() -> None:
    assert _cause(b"agi_network: " + b"y" * MAXIMUM_LINE_BYTES) is Cause.TOO_LONG
    assert _cause(environment(calleridname="y" * MAXIMUM_LINE_BYTES)) is Cause.TOO_LONG
    assert _cause(b"agi_network: yes\n" * (MAXIMUM_PHASE_BYTES // 17 + 1)) is Cause.TOO_LONG
    assert _cause(b"\0") is Cause.MALFORMED
    assert _cause(environment() + b"\0") is Cause.MALFORMED
    assert _cause(environment() + b"200 result=0\n") is Cause.MALFORMED


def test_an_endless_reply_is_bounded() -> None:
    protocol = _waiting()
    assert protocol.receive(b"520-Usage\n") == ()
    events = [event for _ in range(20) for event in protocol.receive(b"usage text\n" * 100)]
    assert [event.cause for event in events if isinstance(event, Failed)] == [Cause.TOO_LONG]


def test_a_long_environment_leaves_room_for_the_reply() -> None:
    protocol = Protocol()
    long = environment(calleridname="y" * 4_000, accountcode="y" * 4_000, context="y" * 4_000, extension="y" * 2_000)
    assert isinstance(protocol.receive(long)[0], Request)
    protocol.send(COMMAND)
    (event,) = protocol.receive(b"520-Usage\n" + b"usage text\n" * 500 + b"520 End of proper usage.\n")
    assert isinstance(event, Failed)
    assert event.cause is Cause.COMMAND_REFUSED


def test_the_reply_ends_the_dialogue() -> None:
    protocol = _waiting()
    assert protocol.receive(ACCEPTED + b"anything\n") == (Accepted(),)
    assert protocol.receive(b"more") == ()
    assert protocol.receive_eof() == ()


def test_a_hangup_line_is_no_reply() -> None:
    assert _waiting().receive(b"HANGUP\n" + ACCEPTED) == (HungUp(), Accepted())


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (b"200 result=-2\n", Cause.COMMAND_REFUSED),
        (b"200 result=1 (x)\n", Cause.COMMAND_REFUSED),
        (b"200 nothing\n", Cause.COMMAND_REFUSED),
        (b"510 Invalid or unknown command\n", Cause.COMMAND_REFUSED),
        (b"511 Command Not Permitted on a dead channel or intercept routine\n", Cause.COMMAND_REFUSED),
        (b"520 Invalid command syntax.  Proper usage not available.\n", Cause.COMMAND_REFUSED),
        (b"nonsense\n", Cause.MALFORMED),
        (b"\n", Cause.MALFORMED),
        (b"2000 result=0\n", Cause.MALFORMED),
    ],
)
def test_other_replies_fail(reply: bytes, cause: Cause) -> None:
    (event,) = _waiting().receive(reply)
    assert isinstance(event, Failed)
    assert event.cause is cause


def test_a_long_520_is_read_to_its_end() -> None:
    protocol = _waiting()
    text = b"520-Invalid command syntax.  Proper usage follows:\nUsage: EXEC\n200 result=0\nHANGUP\n"
    assert protocol.receive(text) == (HungUp(),)
    (event,) = protocol.receive(b"520 End of proper usage.\n")
    assert isinstance(event, Failed)
    assert event.cause is Cause.COMMAND_REFUSED


def test_a_peer_that_closes_early_failed() -> None:
    for protocol in (Protocol(), _waiting()):
        (event,) = protocol.receive_eof()
        assert isinstance(event, Failed)
        assert event.cause is Cause.PEER_CLOSED


@pytest.mark.parametrize(
    "command",
    [
        b"",
        b'EXEC MSet "A=1"',
        b'EXEC MSet "A=1"\nHANGUP\n',
        b'EXEC MSet "A=\r"\n',
        b'EXEC MSet "A=\0"\n',
        b'EXEC MSet "A=\xc3\xbc"\n',
        b"EXEC System reboot\n",
        b"HANGUP\n",
        b'EXEC MSet "' + b"A" * MAXIMUM_COMMAND_BYTES + b'"\n',
    ],
)
def test_only_one_safe_line_is_ever_sent(command: bytes) -> None:
    protocol = Protocol()
    protocol.receive(environment())
    with pytest.raises(ValueError, match="command"):
        protocol.send(command)


def test_a_second_command_or_an_early_one_is_refused() -> None:
    with pytest.raises(ValueError, match="state is environment"):
        Protocol().send(COMMAND)
    with pytest.raises(ValueError, match="state is waiting"):
        _waiting().send(COMMAND)


FIRST, SECOND, LAST = (b'EXEC MSet "A=%d"\n' % number for number in (1, 2, 3))


def _several() -> Protocol:
    protocol = Protocol()
    protocol.receive(environment())
    assert protocol.send(FIRST, SECOND, LAST) == FIRST
    return protocol


def test_each_further_command_waits_for_the_reply_to_the_one_before() -> None:
    protocol = _several()
    assert protocol.receive(ACCEPTED[:5]) == ()
    assert protocol.receive(ACCEPTED[5:] + b"HANGUP\n") == (Proceed(command=SECOND), HungUp())
    assert protocol.receive(ACCEPTED) == (Proceed(command=LAST),)
    assert protocol.receive(ACCEPTED) == (Accepted(),)


@pytest.mark.parametrize("replies", [ACCEPTED * 2, ACCEPTED * 3, b"HANGUP\n" + ACCEPTED + b"HANGUP\n" + ACCEPTED])
def test_a_reply_to_a_command_that_was_not_sent_yet_ends_the_dialogue(replies: bytes) -> None:
    (event,) = _several().receive(replies)
    assert isinstance(event, Failed)
    assert event.cause is Cause.MALFORMED


def test_a_refused_command_is_the_last() -> None:
    protocol = _several()
    protocol.receive(ACCEPTED)
    (event,) = protocol.receive(b"200 result=-2\n")
    assert isinstance(event, Failed)
    assert protocol.receive(ACCEPTED) == ()


@pytest.mark.parametrize("commands", [(), (FIRST,) * (MAXIMUM_COMMANDS + 1), (FIRST, b"HANGUP\n"), (FIRST, b"")])
def test_of_several_commands_all_are_right_or_none_is_sent(commands: tuple[bytes, ...]) -> None:
    protocol = Protocol()
    protocol.receive(environment())
    with pytest.raises(ValueError, match="command"):
        protocol.send(*commands)
    assert protocol.send(FIRST) == FIRST
