# SPDX-License-Identifier: EUPL-1.2
"""The clock of the service's machine is set right, or wrong, by two hours while citizens call."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.support import sipp
from tests.support.faults.following import by_service
from tests.support.faults.moved_clock import LINES, moved_service
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.storm import Dial
from tests.support.faults.verdict import Verdict
from tests.support.tables import BERLIN

pytestmark = pytest.mark.system

BEFORE_CLOSING = datetime(2026, 11, 23, 17, 0, tzinfo=BERLIN)  # a Monday; one line closes at six
MORNING = datetime(2026, 11, 23, 10, 0, tzinfo=BERLIN)
JUMP = timedelta(hours=2)
OPEN, CLOSED = "enter_queue", "play_announcement"


async def test_row(clock_scene: ServiceScene, verdict: Verdict) -> None:
    scene = clock_scene

    def dials(count: int) -> tuple[Dial, ...]:
        return tuple(Dial(dialled=LINES[n % len(LINES)], caller=scene.next_caller()) for n in range(count))

    await scene.calls(dials(4), source=sipp.CARRIER)
    verdict.begin(scene.pbx)
    async with moved_service(scene) as clock:
        for at, kind in ((BEFORE_CLOSING, OPEN), (BEFORE_CLOSING + JUMP, CLOSED), (BEFORE_CLOSING, OPEN)):
            clock.show(at)
            calls = await scene.calls(dials(12), source=sipp.CARRIER, rate=20, clock=clock.ahead)
            assert {call.got["Kind"] for call in by_service(calls) if call.dial.dialled == LINES[-1]} == {kind}
            verdict.add(calls)
        clock.show(MORNING)
        async with scene.storming(dials(60), rate=10, at_call=20, source=sipp.CARRIER, clock=clock.ahead) as going:
            clock.show(MORNING + JUMP)  # nothing closes in between, so each call's place is certain
            calls = await going
        by_service(calls)
        verdict.add(calls)
        await verdict.check()
