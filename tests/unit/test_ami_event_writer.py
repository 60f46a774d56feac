# SPDX-License-Identifier: EUPL-1.2
"""The writer gives up an event only if the database refuses it, never because it just came back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from agi.ami import event_writer
from agi.ami.event_writer import EventWriter
from routing.core.events import CallEnded, CallEvent
from routing.store import RefusedValuesError, StoreError
from tests.support.wait import until


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


@asynccontextmanager
async def running(writer: EventWriter) -> AsyncIterator[asyncio.Task[None]]:
    """It writes, for ten seconds at most."""
    writing = asyncio.create_task(writer.run())
    try:
        async with asyncio.timeout(10):
            yield writing
    finally:
        writing.cancel()
        await asyncio.wait({writing})


@pytest.mark.parametrize("away_for", range(1, 12))
async def test_nothing_is_dropped_when_the_database_returns_at_any_moment(
    away_for: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_writer, "LONGEST_WAIT_SECONDS", 0.01)
    database = ReturningDatabase(away_for=away_for)
    writer = EventWriter(database, first_wait_seconds=0.001)
    writer.put([ended(number) for number in range(3)])
    async with running(writer):
        await writer.written()
    assert writer.dropped == 0
    assert set(database.recorded) == {"u0", "u1", "u2"}


class BrokenLog:
    """Its outlet is gone: every line raises."""

    def __getattr__(self, _level: str) -> Callable[..., None]:
        def write(_event: str, **_fields: object) -> None:
            raise BrokenPipeError("nobody reads the log")

        return write


@pytest.mark.parametrize("limit", [3, 2])
async def test_a_log_that_raises_does_not_end_the_writer(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_writer, "_log", BrokenLog())
    monkeypatch.setattr(event_writer, "LONGEST_WAIT_SECONDS", 0.01)
    database = ReturningDatabase(away_for=3)
    writer = EventWriter(database, first_wait_seconds=0.001, limit=limit)
    writer.put([ended(number) for number in range(3)])
    async with running(writer) as writing:
        await writer.written()
        assert not writing.done()
    assert writer.dropped == 3 - limit
    assert len(database.recorded) == limit


class ChoosyDatabase:
    """Answers always, and refuses what `refuses` says; ``recorded`` as above."""

    def __init__(self, error: Exception, *, refuses: int | None) -> None:
        self.error = error
        self.refuses = refuses
        self.asked = 0
        self.recorded: dict[str, CallEvent] = {}

    async def record(self, events: Sequence[CallEvent]) -> int:
        self.asked += 1
        if self.refuses is None or any(event.unique_id == f"u{self.refuses}" for event in events):
            raise self.error
        self.recorded.update({event.unique_id: event for event in events})
        return len(self.recorded)

    async def ping(self) -> None:
        pass


@pytest.mark.parametrize("error", [StoreError("read-only"), StoreError("no space left"), TimeoutError("locked")])
async def test_a_database_that_answers_and_refuses_everything_costs_no_event(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_writer, "LONGEST_WAIT_SECONDS", 0.005)
    database = ChoosyDatabase(error, refuses=None)
    writer = EventWriter(database, first_wait_seconds=0.001)
    writer.put([ended(number) for number in range(3)])
    async with running(writer):
        await until(lambda: database.asked > 40)
        assert writer.dropped == 0
        database.refuses = -1  # it takes writes again
        await writer.written()
    assert writer.dropped == 0
    assert set(database.recorded) == {"u0", "u1", "u2"}


@pytest.mark.parametrize("error", [RefusedValuesError("too long"), TypeError("a mistake of ours")])
async def test_an_event_that_is_itself_the_reason_is_given_up_and_the_others_go_on(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_writer, "LONGEST_WAIT_SECONDS", 0.005)
    database = ChoosyDatabase(error, refuses=1)
    writer = EventWriter(database, first_wait_seconds=0.001)
    writer.put([ended(number) for number in range(3)])
    async with running(writer):
        await writer.written()
    assert writer.dropped == 1
    assert set(database.recorded) == {"u0", "u2"}
