# SPDX-License-Identifier: EUPL-1.2
"""What a real Asterisk with production's own files tells of a call, and what it does not make in the first place."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support import sipp
from tests.support.asterisk import PrivateAsterisk
from tests.support.fake_fastagi import FakeFastAgi
from tests.support.tables import example_table

pytestmark = pytest.mark.system


@pytest.fixture
async def agi() -> AsyncIterator[FakeFastAgi]:
    async with FakeFastAgi.start() as fake:
        fake.behaviour = {"KIND": "reject", "CAUSE": "17"}
        yield fake


@pytest.fixture
async def pbx(agi: FakeFastAgi) -> AsyncIterator[PrivateAsterisk]:
    async with PrivateAsterisk.start(example_table(), fastagi=agi.address, tells_steps=False) as found:
        yield found


async def test_nothing_is_told_of_a_call_that_nobody_asks_for(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    await sipp.observed_call(pbx, dialled="0537289-0", expect=486)
    assert len(agi.environments) == 1  # one dialogue, so there would have been a start and an end to tell
    told = {message["Event"] for message in pbx.ami.messages}
    assert {"Newchannel", "Hangup", "UserEvent"} <= told
    assert not told & {"Newexten", "VarSet", "AGIExecStart", "AGIExecEnd"}


async def test_calls_are_not_turned_away_because_a_client_is_behind(pbx: PrivateAsterisk) -> None:
    settings = await pbx.ami.command("pjsip show settings")
    (line,) = [line for line in settings.splitlines() if "taskprocessor_overload_trigger" in line]
    assert line.split()[-1] == "pjsip_only"
