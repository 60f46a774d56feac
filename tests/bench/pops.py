# SPDX-License-Identifier: EUPL-1.2
"""An agent is rung: how soon the pop is in the page of a real browser, beside how many other event streams.

``python -m tests.bench.pops URL FIRST COUNT`` holds streams open in a process of its own: one line when all are,
one for what each of them was told, when its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from playwright.async_api import Page

from routing.core.rows import Rows
from routing.store import RoleUrls, Store
from tests.bench.figures import Effort, Figure, Section, share
from tests.support.browser import page_of, running_chromium
from tests.support.database import server, template
from tests.support.stories import Story
from tests.support.tables import example_rows
from tests.support.wait import until

_AGENTS = 22
_MUST = {22: 100, 1000: 250}  # milliseconds at the 99th percentile, by streams
_DEADLINE_SECONDS = 120.0
_POP_MILLISECONDS = 30_000
_BEND = 1.5

# Set before the page's own script: notes when a pop has come into the document, and when its frame is behind it.
_WATCH = """
window.pops = new Map();
new MutationObserver(() => {
  for (const pop of document.querySelectorAll("article.is-ringing dd")) {
    const number = pop.textContent;
    if (!number.startsWith("bench-") || window.pops.has(number)) continue;
    const found = { placed: Date.now() };
    window.pops.set(number, found);
    requestAnimationFrame(() => setTimeout(() => { found.painted = Date.now(); }, 0));
  }
}).observe(document, { childList: true, subtree: true });
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """Milliseconds from the event to the pop being in the document, and painted; MiB of the api's process."""

    streams: int
    placed: list[float]
    painted: list[float]
    memory: float


async def pops(effort: Effort) -> Section:
    """The api as a process of its own, a real PostgreSQL, a headless Chromium, and other streams."""
    sizes, count = _effort(effort)
    found = [point async for point in _measured(sizes, count)]
    figures = []
    for point in found:
        must = f"value <= {_MUST[point.streams]}" if point.streams in _MUST else None
        name = f"agent rung to pop in the page, {point.streams:,} streams"
        figures += [
            Figure(name=f"{name}, median", value=statistics.median(point.placed), unit="ms"),
            Figure(
                name=f"{name}, p99", value=share(point.placed, 0.99), unit="ms", must=must,
                spread=(min(point.placed), max(point.placed)),
            ),
            Figure(name=f"{name}, painted, p99", value=share(point.painted, 0.99), unit="ms"),
        ]  # fmt: skip
    first, last = found[0], found[-1]
    if last.streams > first.streams:
        each = (last.memory - first.memory) * 1024 / (last.streams - first.streams)
        figures.append(Figure(name="memory of the api for each event stream", value=each, unit="KiB"))
    return Section(
        title="From the ring to the pop",
        text=f"From the instant before a ring is recorded to the pop in the document of an agent's page (headless "
        f"Chromium, the clock of one machine), {count} pops at each point. Another process reads the other streams, "
        f"each an agent's own; with every pop another agent's telephone rings too. {_bend(found)}",
        figures=tuple(figures),
    )


def _effort(effort: Effort) -> tuple[tuple[int, ...], int]:
    if effort.rounds >= 25:
        return (22, 100, 400, 1000), 200
    return ((22, 1000), 40) if effort.rounds > 3 else ((22,), 3)


def _bend(found: list[_Point]) -> str:
    """Where the curve of the medians leaves the line."""
    curve = [(point.streams, statistics.median(point.placed), share(point.placed, 0.99)) for point in found]
    told = "; ".join(f"{streams:,} streams: p50 {middle:.0f} ms, p99 {late:.0f} ms" for streams, middle, late in curve)
    for (_, before, _), (streams, value, _) in pairwise(curve):
        if value > _BEND * before:
            return f"{told}. It bends at {streams:,} streams ({value / before:.2f} times the median before)."
    return f"{told}. The medians do not bend."


async def _measured(sizes: tuple[int, ...], count: int) -> AsyncIterator[_Point]:
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(server())
        made = await stack.enter_async_context(template(postgres))
        urls = await stack.enter_async_context(made.database())
        owner = await Store.connect(urls.owner)
        await owner.save_rows(_rows(max(sizes)), author="bench", comment="", at=datetime.now(UTC), base_version=None)
        await owner.close()
        store = await Store.connect(urls.router)
        stack.push_async_callback(store.close)
        browser = await stack.enter_async_context(running_chromium())
        url, pid = await stack.enter_async_context(_api(urls))
        page = await stack.enter_async_context(page_of(browser))
        await page.add_init_script(_WATCH)
        await page.goto(f"{url}/agent/{_agent(0)}")
        await page.wait_for_selector("#connection[data-state=live]")
        open_streams, turn = 1, 0
        for size in sizes:
            await stack.enter_async_context(_streams(url, first=open_streams, count=size - open_streams))
            open_streams = size
            placed, painted = [], []
            for place in range(-3, count):  # three to warm up
                turn += 1
                found = await _pop(store, page, turn, other=_agent(1 + turn % (_AGENTS - 1)))
                if place >= 0:
                    placed.append(found[0])
                    painted.append(found[1])
            yield _Point(streams=size, placed=placed, painted=painted, memory=_resident(pid))


async def _pop(store: Store, page: Page, turn: int, *, other: str) -> tuple[float, float]:
    """Milliseconds until the pop is placed, and painted."""
    number, start = f"bench-{turn}", datetime.now(UTC)
    mine = Story(unique_id=f"{turn}.1", caller_number=number, start=start)
    another = Story(unique_id=f"{turn}.2", start=start)
    await store.record([*mine.queued(), *another.queued()])
    rung = replace(mine.rung(_agent(0)), at=datetime.now(UTC))
    begin = time.time()
    await store.record([another.rung(other), rung])
    ready = f"() => window.pops.get({json.dumps(number)})?.painted"
    await page.wait_for_function(ready, timeout=_POP_MILLISECONDS)
    found = await page.evaluate("number => window.pops.get(number)", number)
    await store.record([mine.ended("abandoned"), another.ended("abandoned")])
    await page.wait_for_function("() => !document.querySelector('article')", timeout=_POP_MILLISECONDS)
    return found["placed"] - 1000 * begin, found["painted"] - 1000 * begin


def _agent(place: int) -> str:
    return f"agent{place + 1:02}"


def _rows(agents: int) -> Rows:
    rows = example_rows()
    there = {agent.name for agent in rows.agents}
    more = [
        replace(rows.agents[0], name=name, device=name)
        for place in range(agents)
        if (name := _agent(place)) not in there
    ]
    return replace(rows, agents=(*rows.agents, *more))


@asynccontextmanager
async def _api(urls: RoleUrls) -> AsyncIterator[tuple[str, int]]:
    """The api as `amtsleitung serve` runs it; its address and process."""
    with tempfile.TemporaryDirectory(prefix="amtsleitung-bench-") as folder:
        ready = Path(folder) / "ready"
        settings = {"AMTSLEITUNG_DATABASE_URL": urls.web, "AMTSLEITUNG_API_BIND": "127.0.0.1:0"}
        with (Path(folder) / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "amtsleitung", "serve", "api", "--ready-file", str(ready),
                env={**os.environ, **settings}, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            await until(ready.exists, deadline_seconds=_DEADLINE_SECONDS, what="the api listens")
            url = f"http://{ready.read_text().split()[-1]}"
            async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:

                async def is_ready() -> bool:
                    return (await client.get("/health/ready")).json().get("table_version") is not None

                await until(is_ready, deadline_seconds=_DEADLINE_SECONDS, what="the api is ready")
            yield url, process.pid
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


@asynccontextmanager
async def _streams(url: str, *, first: int, count: int) -> AsyncIterator[None]:
    """This many open event streams, of the agents from ``first`` on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.pops", url, str(first), str(count),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            said = await process.stdout.readline()
        assert said == f"{count}\n".encode(), said
        yield
        process.stdin.close()
        async with asyncio.timeout(_DEADLINE_SECONDS):
            ended = json.loads(await process.stdout.readline())
        assert ended == 0, f"{ended} of {count} streams were ended by the api"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _resident(pid: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _hold(url: str, first: int, count: int) -> None:
    """Open the streams, say so, and read what they are told until standard input ends."""
    ready = asyncio.Semaphore(0)
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    readers = []
    for number in range(first, first + count):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(f"GET /events?agent={_agent(number)} HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        readers.append((asyncio.create_task(_read(reader, ready)), writer))
    for _ in range(count):
        await ready.acquire()
    sys.stdout.write(f"{count}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    sys.stdout.write(f"{sum(task.done() for task, _ in readers)}\n")
    sys.stdout.flush()


async def _read(reader: asyncio.StreamReader, ready: asyncio.Semaphore) -> None:
    await reader.readuntil(b"event: feed")
    ready.release()
    while await reader.read(65536):
        pass


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))
    asyncio.run(_hold(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
