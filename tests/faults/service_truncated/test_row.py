# SPDX-License-Identifier: EUPL-1.2
"""The real service's answer, cut behind each of its bytes.

Asterisk executes what is left of a last line: a shortened name would be another tenant's, if it counted.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.support.faults.ends import relay
from tests.support.faults.service_scene import ServiceScene, address_of, asked_service
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

LONGEST = 1_000  # bytes; docs/dialplan-contract.md
WHOLE = 3  # cuts behind which the whole marker has come: at the quote, the line feed, the end
DIALLED = "0537182-600"  # a line with a chain: its answer has nearly every variable


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    cut: list[int] = []
    answers: set[int] = set()
    verdict.begin(scene.pbx)

    async def truncates(_: bytes, line: bytes, writer: asyncio.StreamWriter) -> None:
        answers.add(len(line))
        cut.append(len(cut) + 1)
        writer.write(line[: cut[-1]])

    async with asked_service(scene) as service, relay(address_of(service), truncates) as address:
        await scene.asks_at(address)
        verdict.add(await scene.calls([scene.dial(DIALLED)]))
        while (left := max(answers) - cut[-1]) > 0:  # a call that was given up before its answer is made again
            dials = [scene.dial(DIALLED) for _ in range(left)]
            verdict.add(await scene.calls(dials, rate=25, hang_up_after=0.05))
        await verdict.check()
    assert 300 < max(answers) <= LONGEST
    by_level = Counter(call.level for call in verdict.calls)
    assert 1 <= by_level["service"] <= WHOLE, "only an answer with its whole marker counts"
