# SPDX-License-Identifier: EUPL-1.2
"""Every message of RFC 4475 but one, from the address of a trunk, so that each goes as deep as it can."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.faults.sip_torture.messages import Torture, torture_messages
from tests.support import sipp
from tests.support.faults.sender import sender
from tests.support.faults.service_scene import ServiceScene, asked_service
from tests.support.faults.verdict import Verdict, asterisk_pid

pytestmark = pytest.mark.system

PAUSE_SECONDS = 0.1
DROPPED = {"unkscm", "novelsc", "regaut01"}
"""Valid, and to be refused with 416 or ignored by the RFC; PJSIP drops what it cannot read instead."""
ELSEWHERE = {"transports", "unksm2", "inv2543"}
"""Answered before the trunk is known, to the port that the message names: nobody listens there in a test."""


def call_id(message: Torture) -> str:
    """Of the (first) message; one has none."""
    found = re.search(rb"^(?:Call-ID|i)[ \t]*:[ \t]*([^\r]+)\r", message.wire, re.MULTILINE | re.IGNORECASE)
    return found[1].decode() if found else "none"


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    messages = tuple(torture_messages())
    assert len(messages) == 48
    async with asked_service(scene), sender(sipp.CARRIER) as hostile:
        await scene.calls(scene.mixed(4))
        verdict.begin(scene.pbx)
        process = asterisk_pid(scene.pbx)
        async with scene.storming(scene.mixed(80), rate=10, at_call=5) as going:
            meanwhile = 0
            for message in messages:
                meanwhile += not going.done()
                hostile.send(message.wire, scene.pbx.sip_port)
                await asyncio.wait({going}, timeout=PAUSE_SECONDS)
                hostile.settle(scene.pbx.sip_port)
            verdict.add(await going)
        assert meanwhile > len(messages) / 2, "calls went on while they were sent"
        answered = {message.name for message in messages if message.request and hostile.codes(call_id(message))}
        verdict.more |= {"messages": len(messages), "answered": len(answered)}
        await verdict.check()
    assert {message.name for message in messages if message.request and message.valid} - DROPPED - ELSEWHERE <= answered
    assert asterisk_pid(scene.pbx) == process
    assert (await scene.pbx.ami.action("Ping"))["Response"] == "Success"
