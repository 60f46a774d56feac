# SPDX-License-Identifier: EUPL-1.2
"""The hour from two to three comes twice: once in summer time, and once in winter time."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.support.faults.moved_clock import around, check_instants
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict
from tests.support.tables import BERLIN

pytestmark = pytest.mark.system

NIGHT = (
    datetime(2026, 10, 25, 0, 0, tzinfo=BERLIN),
    *(datetime(2026, 10, 25, 2, minute, fold=fold, tzinfo=BERLIN) for fold in (0, 1) for minute in (0, 15, 45)),
    datetime(2026, 10, 25, 3, 0, tzinfo=BERLIN),
)


async def test_row(clock_scene: ServiceScene, verdict: Verdict) -> None:
    await check_instants(clock_scene, verdict, around(*NIGHT))
