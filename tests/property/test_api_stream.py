# SPDX-License-Identifier: EUPL-1.2
"""Every pop exactly once through any break: random calls, and a stream that is cut, overrun, restarted, restored.

A page is modelled as ``static/agent.js`` has it. Whatever happened, once it is connected it shows exactly what rings at
its desk, it has shown no ring twice, and it has shown every ring that it was connected for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from api.cards import Directory
from api.live import EventHub
from api.subscriptions import FeedState, Item, LiveEvent, Snapshot, Subscription
from routing.core.events import CallEvent, payload_of
from routing.store import Board, Store, StoredEvent, StoreError
from routing.store.call_queries import _stored
from routing.store.call_tables import call as call_table
from routing.store.fold import changes, new_call
from tests.support.stories import Story

AGENTS = ("agent01", "agent02")


class _Store(Store):
    """A database in memory, by the product's own rules; ``away``: every reading fails."""

    def __init__(self) -> None:
        self.told: list[CallEvent] = []
        self.events: list[StoredEvent] = []
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.away = False

    def add(self, events: Sequence[CallEvent]) -> None:
        for event in events:
            self.told.append(event)
            key = (event.node, event.unique_id)
            row = self.rows.setdefault(
                key, dict.fromkeys(column.name for column in call_table.columns) | new_call(event, timedelta(days=1))
            )
            row |= changes(row, event)
            self.events.append(
                StoredEvent(
                    seq=len(self.events) + 1,
                    node=event.node,
                    unique_id=event.unique_id,
                    kind=event.kind,
                    at=event.at,
                    payload=payload_of(event),
                )
            )

    def restore(self) -> None:
        """As it was half of its events ago: other events take the numbers that follow."""
        kept = self.told[: len(self.told) // 2]
        self.told, self.events, self.rows = [], [], {}
        self.add(kept)

    async def last_seq(self) -> int:
        await self._answer()
        return len(self.events)

    def with_calls(self, events: Sequence[StoredEvent]) -> tuple[StoredEvent, ...]:
        """As they are read."""
        return tuple(replace(event, call=_stored(self.rows[event.node, event.unique_id])) for event in events)

    async def board(self) -> Board:
        await self._answer()
        calls = [_stored(row) for row in self.rows.values()]
        rung = {
            (event.node, event.unique_id, event.payload["agent"]): event.seq
            for event in self.events
            if event.kind == "rung"
        }
        return Board(
            seq=len(self.events),
            open=tuple(call for call in calls if call.ended_at is None),
            ended=tuple(call for call in calls if call.ended_at and call.answered_at),
            rung=rung,
        )

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise StoreError("away")

    def rings_at(self, agent: str) -> set[str]:
        return {f"{node}/{name}" for (node, name), row in self.rows.items() if agent in row["ringing"].values()}


@dataclass(slots=True)
class _Page:
    """What the script keeps, and which rings it has shown, by the number of their event."""

    agent: str
    last: int | None = None
    up: dict[str, bool] = field(default_factory=dict)  # call → whether it is talked
    shown: list[int] = field(default_factory=list)

    def take(self, item: Item) -> None:
        match item:
            case FeedState():
                return
            case Snapshot():
                before, self.up = self.up, {card.call: True for _, card in item.talking}
                for ring in item.ringing:
                    assert ring.rung is not None
                    if before.get(ring.card.call) is False:
                        self.up[ring.card.call] = False
                    self._rung(ring.card.call, ring.rung)
                self.last = item.seq
            case LiveEvent():
                assert self.last is None or item.seq > self.last, "told twice, or out of order"
                self.last = item.seq
                self._event(item.call, _data(item.wire))

    def _event(self, call: str, data: dict[str, Any]) -> None:
        mine = data.get("agent") == self.agent
        match data["kind"]:
            case "rung" if mine:
                self._rung(call, data["seq"])
            case "answered" if mine:
                self.up[call] = True
            case "ring_ended" if not mine or data["still_ringing"] or self.up.get(call):
                return
            case "answered" | "ring_ended" | "ended":
                self.up.pop(call, None)

    def _rung(self, call: str, seq: int) -> None:
        if self.up.get(call) is not False:
            self.shown.append(seq)
        self.up[call] = False

    @property
    def pops(self) -> set[str]:
        return {call for call, talked in self.up.items() if not talked}


def _data(wire: bytes) -> dict[str, Any]:
    line = next(line for line in wire.splitlines() if line.startswith(b"data: "))
    found: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return found


class _Scene:
    """One page, the hub that tells it, and the feed, which hands on by steps what the database has."""

    def __init__(self) -> None:
        self.store = _Store()
        self.page = _Page(AGENTS[0])
        self.fed = 0
        self._clock = 0
        self._begin()

    def _begin(self) -> None:
        self.hub = EventHub(self.store, Directory(), node=None)
        self.running = asyncio.create_task(self.hub.run())
        self.fed = 0
        self.stream: asyncio.Task[None] | None = None
        self.back()

    async def end(self) -> None:
        await self.cut()
        self.hub.close()
        self.running.cancel()
        await asyncio.wait({self.running})

    async def restart(self) -> None:
        await self.end()
        self._begin()

    def back(self) -> None:
        """The feed is there (again) and hands on what it has not."""
        self.hub.take(self.store.with_calls(self.store.events[self.fed :]))
        self.fed = len(self.store.events)
        self.hub.take_state(True)

    async def connect(self) -> None:
        if self.stream is not None and self.stream.done():
            self.stream.result()
            self.stream = None
        if self.stream is None:
            self.stream = asyncio.create_task(self._stream())

    async def cut(self) -> None:
        if self.stream is not None:
            self.stream.cancel()
            await asyncio.wait({self.stream})
        self.stream = None

    async def _stream(self) -> None:
        subscription = self.hub.subscribe(self.page.agent)
        over = asyncio.create_task(subscription.over.wait())
        telling = asyncio.create_task(self._tell(subscription))
        try:
            await asyncio.wait({over, telling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (over, telling):
                task.cancel()
            await asyncio.wait({over, telling})
            self.hub.unsubscribe(subscription)
        if not telling.cancelled():
            telling.result()

    async def _tell(self, subscription: Subscription) -> None:
        """As the route does."""
        if self.hub.live:
            await self._caught_up(subscription, self.page.last)
        while True:
            burst = await subscription.burst()
            for item in burst:
                self.page.take(item)
            if any(isinstance(item, FeedState) and item.live for item in burst):
                await self._caught_up(subscription, subscription.last or self.page.last)

    async def _caught_up(self, subscription: Subscription, after: int | None) -> None:
        async for items in self.hub.catch_up(subscription, after):
            for item in items:
                self.page.take(item)

    async def settle(self) -> None:
        for _ in range(60):
            await asyncio.sleep(0)


@st.composite
def _happenings(draw: st.DrawFn) -> list[tuple[str, int, str]]:
    """(what, which call, which agent) by turns."""
    calls = ["queued", "rung", "rung", "ring_ended", "answered", "ended"]
    breaks = ["cut", "connect", "connect", "restart", "lost", "overrun", "restored"]
    kinds = st.sampled_from([*calls, *breaks, "feed", "feed", "settle", "settle"])
    return draw(st.lists(st.tuples(kinds, st.integers(0, 3), st.sampled_from(AGENTS)), min_size=5, max_size=60))


@settings(max_examples=300, deadline=None)
@given(_happenings())
def test_every_pop_comes_exactly_once(happenings: list[tuple[str, int, str]]) -> None:
    asyncio.run(_play(happenings))


async def _play(happenings: list[tuple[str, int, str]]) -> None:
    scene, calls = _Scene(), _Calls()
    for what, number, agent in happenings:
        if what == "restored":
            calls.ringing.clear()
        scene.store.add(calls.events(scene.store, what, number, agent))
        await _break(scene, what)
    scene.back()
    for _ in range(2):  # the stream before may have been over
        await scene.settle()
        await scene.connect()
    await scene.settle()
    assert scene.page.pops == scene.store.rings_at(AGENTS[0])
    live = Story(unique_id="9.9")
    scene.store.add([*live.queued(), live.rung(AGENTS[0])])
    scene.back()
    await scene.settle()
    assert scene.page.pops == scene.store.rings_at(AGENTS[0])
    if "restored" not in {what for what, _, _ in happenings}:  # which gives the same number to another ring
        assert len(set(scene.page.shown)) == len(scene.page.shown)
    await scene.end()


@dataclass(slots=True)
class _Calls:
    """What can happen to calls: nothing rings that is over, and no ring ends that has not begun."""

    ringing: dict[tuple[int, str], int] = field(default_factory=dict)  # the second at which it began
    second: int = 0

    def events(self, store: _Store, what: str, number: int, agent: str) -> Sequence[CallEvent]:
        self.second += 2
        story, place = Story(unique_id=f"1.{number}"), (number, agent)
        row = store.rows.get((story.node, story.unique_id))
        is_over = row is not None and row["ended_at"] is not None
        match what:
            case "queued" if row is None:
                return story.queued()
            case "rung" if not is_over:
                self.ringing[place] = self.second
                return [story.rung(agent, self.second)]
            case "ring_ended" if place in self.ringing:
                return [story.ring_ended("no_answer", agent, self.ringing.pop(place))]
            case "answered" if place in self.ringing and not is_over:
                return [story.answered(agent, self.ringing[place])]
            case "ended" if row is not None and not is_over:
                return [story.ended(second=self.second)]
        return []


async def _break(scene: _Scene, what: str) -> None:
    match what:
        case "feed":
            scene.back()
        case "settle":
            await scene.settle()
        case "cut":
            await scene.cut()
        case "connect":
            await scene.connect()
        case "restart":
            await scene.restart()
        case "lost":
            scene.hub.take_state(False)
        case "overrun":
            for subscription in scene.hub._by_agent.get(AGENTS[0], ()):
                subscription.over.set()
        case "restored":
            scene.hub.take_state(False)
            scene.store.restore()
            scene.hub.begin_anew()
            scene.fed = 0
