# SPDX-License-Identifier: EUPL-1.2
"""Nothing that a caller can set makes a line of AGI, of AMI or of a log, whichever control character it holds."""

from __future__ import annotations

import asyncio
import re
import socket

import pytest

from tests.faults.sip_control_characters.fields import hostile_invites
from tests.support import sipp
from tests.support.ami_oracle import Ami
from tests.support.asterisk import free_port
from tests.support.asterisk_agi import environment
from tests.support.faults.ends import relay
from tests.support.faults.sender import sender
from tests.support.faults.service_scene import ServiceScene, address_of, asked_service
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

BURST = 10
PAUSE_SECONDS = 0.1
KEYS = [line.partition(": ")[0] for line in environment().decode().splitlines() if line]
ARGUMENT = re.compile(r"[a-z_]+=(%2B)?[0-9]{0,20}")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
NAME = re.compile(r"[A-Za-z0-9-]+")


def is_clean(question: bytes) -> bool:
    """The keys that Asterisk sends, each once, no value with a control character, and only numbers of people."""
    *lines, last, end = question.decode("utf-8").split("\n")
    pairs = [line.partition(": ") for line in lines]
    return (
        (last, end) == ("", "")
        and [key for key, _, _ in pairs] == KEYS
        and not any(CONTROL.search(value) or "\t" in value for _, _, value in pairs)
        and all(ARGUMENT.fullmatch(value) for key, _, value in pairs if key.startswith("agi_arg_"))
    )


def _forget_what_was_forged(oracle: Ami) -> None:
    """The oracle's account has no filter: what was dialled stands raw in a channel's first event (see the contract)."""
    oracle.messages[:] = [message for message in oracle.messages if message["Uniqueid"] != "1"]


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    questions: list[bytes] = []

    async def carries(asked: bytes, line: bytes, writer: asyncio.StreamWriter) -> None:
        questions.append(asked)
        writer.write(line)
        await writer.drain()

    pbx = scene.pbx
    observer = await Ami.login(pbx.ami_port, pbx.ami_user, pbx.ami_secret)
    source = free_port(socket.SOCK_DGRAM, address=sipp.CARRIER)
    invites = tuple(hostile_invites(sipp.CARRIER, source))
    try:
        async with (
            asked_service(scene) as service,
            relay(address_of(service), carries) as address,
            sender(sipp.CARRIER, port=source) as hostile,
        ):
            await scene.asks_at(address)
            await scene.calls(scene.mixed(4))
            verdict.begin(pbx)
            async with scene.storming(scene.mixed(200), rate=10, at_call=5) as going:
                meanwhile = 0
                for number in range(0, len(invites), BURST):
                    meanwhile += not going.done()
                    for invite in invites[number : number + BURST]:
                        hostile.send(invite, pbx.sip_port)
                    await asyncio.wait({going}, timeout=PAUSE_SECONDS)
                    hostile.settle(pbx.sip_port)
                verdict.add(await going)
            assert meanwhile > len(invites) / BURST / 2, "calls went on while they were sent"
            verdict.more |= {"messages": len(invites), "questions": len(questions)}
            verdict.others = len(invites)
            _forget_what_was_forged(pbx.ami)
            await verdict.check()
            said = service.said
    finally:
        await observer.close()
    assert len(questions) > len(invites) / 4, "many of them reach the service"
    assert [question for question in questions if not is_clean(question)] == []
    _check_events(observer)
    _check_logs(said, pbx.log_file.read_text(encoding="utf-8", errors="replace"))


def _check_events(observer: Ami) -> None:
    assert "Forged" not in {message["UserEvent"] for message in observer.messages}
    headers = [header for message in observer.messages for header in message.headers]
    assert [name for name, _ in headers if not NAME.fullmatch(name)] == []
    assert [header for header in headers if CONTROL.search(header[1])] == []


def _check_logs(*logs: str) -> None:
    for log in logs:
        assert [line for line in log.splitlines() if CONTROL.search(line)] == []
        assert not re.search(r"^(Event|UserEvent): ", log, re.MULTILINE)
        assert "23125001" not in re.sub(r"personal_\w+=\S+", "", log)
