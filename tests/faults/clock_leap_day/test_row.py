# SPDX-License-Identifier: EUPL-1.2
"""29 February 2028 is a Tuesday; the town hall is closed on it."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.support.faults.moved_clock import around, check_instants
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict
from tests.support.tables import BERLIN

pytestmark = pytest.mark.system

DAYS = (
    *(datetime(2028, 2, 28, hour, 0, tzinfo=BERLIN) for hour in (7, 18)),
    *(datetime(2028, 2, 29, hour, 0, tzinfo=BERLIN) for hour in (0, 7, 18)),
    *(datetime(2028, 3, 1, hour, 0, tzinfo=BERLIN) for hour in (0, 7, 18)),
)


async def test_row(clock_scene: ServiceScene, verdict: Verdict) -> None:
    await check_instants(clock_scene, verdict, around(*DAYS))
