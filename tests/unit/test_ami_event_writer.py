# SPDX-License-Identifier: EUPL-1.2
"""The writer gives up an event only if the database refuses it, never because it just came back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from agi.ami import event_writer
from agi.ami.event_writer import EventWriter
from routing.core.events import CallEnded, CallEvent


class ReturningDatabase:
    """Away until it has been asked to record this often; then it comes back between a failed record and its ping."""

    def __init__(self, *, away_for: int) -> None:
        self.away_for = away_for
        self.asked = 0
        self.back = False
        self.recorded: dict[str, CallEvent] = {}

    async def record(self, events: Sequence[CallEvent]) -> int:
        self.asked += 1
        if not self.back:
            raise TimeoutError("no answer")
        self.recorded.update({event.unique_id: event for event in events})
        return len(self.recorded)

    async def ping(self) -> None:
        self.back = self.asked >= self.away_for
        if not self.back:
            raise TimeoutError("no answer")


def ended(number: int) -> CallEvent:
    return CallEnded(
        node="n", unique_id=f"u{number}", at=datetime(2026, 1, 1, tzinfo=UTC), outcome="unknown", cause=None
    )


@pytest.mark.parametrize("away_for", range(1, 12))
async def test_nothing_is_dropped_when_the_database_returns_at_any_moment(
    away_for: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_writer, "LONGEST_WAIT_SECONDS", 0.01)
    database = ReturningDatabase(away_for=away_for)
    writer = EventWriter(database, first_wait_seconds=0.001)
    writer.put([ended(number) for number in range(3)])
    writing = asyncio.create_task(writer.run())
    try:
        async with asyncio.timeout(10):
            await writer.written()
    finally:
        writing.cancel()
        await asyncio.wait({writing})
    assert writer.dropped == 0
    assert set(database.recorded) == {"u0", "u1", "u2"}
