# SPDX-License-Identifier: EUPL-1.2
"""Which pops are still owed, and what becomes of acknowledgements while the database is away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from api import pops
from api.pops import OVERDUE_SECONDS, Acknowledgements
from api.subscriptions import LiveEvent
from routing.store import DrawnPop, Store, StoreError

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class _Store(Store):
    def __init__(self) -> None:
        self.away = False
        self.written: list[DrawnPop] = []

    async def acknowledge(self, pops: Sequence[DrawnPop]) -> None:
        if self.away:
            raise StoreError("away")
        self.written += pops


class _Scene:
    def __init__(self) -> None:
        self.store = _Store()
        self.seconds = 0.0
        self.noted = Acknowledgements(self.store, clock=lambda: AT, monotonic=lambda: self.seconds)

    def told(self, seq: int, kind: str, *, agent: str | None = "agent01", pages: int = 1, call: str = "n/1.1") -> None:
        event = LiveEvent(seq=seq, kind=kind, call=call, agent=agent, audience=frozenset(), wire=b"")
        self.noted.told(event, pages)

    def overdue_later(self) -> list[int]:
        self.seconds += OVERDUE_SECONDS
        return self.noted.overdue()


def test_a_pop_that_a_page_was_sent_and_did_not_draw_is_overdue_once() -> None:
    scene = _Scene()
    scene.told(1, "rung")
    assert scene.noted.overdue() == []
    assert scene.overdue_later() == [1]
    assert scene.overdue_later() == []


def test_nothing_is_owed_that_was_drawn_withdrawn_or_sent_to_no_page() -> None:
    scene = _Scene()
    scene.told(1, "rung", call="n/1.1")
    assert scene.noted.take(1, agent="agent01", how="live")
    scene.told(2, "rung", call="n/1.2")
    scene.told(3, "ring_ended", call="n/1.2")
    scene.told(4, "rung", call="n/1.3")
    scene.told(5, "answered", agent="agent02", call="n/1.3")
    scene.told(6, "rung", call="n/1.4", pages=0)
    scene.told(7, "rung", call="n/1.5")
    scene.told(8, "ring_ended", agent="agent02", call="n/1.5")  # another one's ring
    assert scene.overdue_later() == [7]


async def test_what_the_database_does_not_take_is_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pops, "_RETRY_SECONDS", 0)
    scene = _Scene()
    scene.store.away = True
    for seq in range(1, 451):
        assert scene.noted.take(seq, agent="agent01", how="live")
    await scene.noted.flush()
    assert scene.store.written == []
    scene.store.away = False
    for _ in range(3):
        await scene.noted.flush()
    assert [pop.seq for pop in scene.store.written] == list(range(1, 451))
    assert scene.store.written[0] == DrawnPop(seq=1, agent="agent01", at=AT, how="live")


def test_more_than_may_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pops, "_WAITING", 3)
    scene = _Scene()
    assert [scene.noted.take(seq, agent="agent01", how="live") for seq in range(1, 6)] == [True] * 3 + [False] * 2
