# SPDX-License-Identifier: EUPL-1.2
"""At two it is three."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.support.faults.moved_clock import around, check_instants
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict
from tests.support.tables import BERLIN

pytestmark = pytest.mark.system

NIGHT = tuple(datetime(2026, 3, 29, hour, 0, tzinfo=BERLIN) for hour in (0, 1, 3, 5))


async def test_row(clock_scene: ServiceScene, verdict: Verdict) -> None:
    await check_instants(clock_scene, verdict, around(*NIGHT))
