# SPDX-License-Identifier: EUPL-1.2
"""The dialplan's own copy of the decisions, put into Asterisk's database over the AMI.

::

    amtsleitung/current        7                 the pointer, switched last
    amtsleitung/7/<key>        <value>           a generation: small, and whole before anybody looks at it
    amtsleitung/text/<digest>  <value>           what generations name (`agi.render.astdb_items`), shared by them
    amtsleitung/6/…                              removed after a grace, with all that only it named: a call may read it

Its one rule: what Asterisk has is looked at, never assumed. Its database reaches the disk about a second later, and an
Asterisk that was killed has what it had before: so each connection begins with a look, and `compare` looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from agi.ami.astdb_entries import DATABASE_SECONDS, WORKERS, AstDbEntries, AstDbError
from agi.ami.client import AmiConnection
from agi.render.astdb import GENERATION_KEY, AstDbContent
from agi.render.astdb_items import ANNOUNCED, Item

GRACE_SECONDS = 1.0
_LEFTOVERS = 3
_BATCH = 256
_BLOCKS_A_LOOK = 8

__all__ = ["DATABASE_SECONDS", "WORKERS", "AstDbCopy", "AstDbError"]


class AstDbCopy:
    """What one Asterisk has, for as long as one connection to it lasts. ``writes`` counts the entries put so far."""

    def __init__(self, connection: AmiConnection, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self._entries = AstDbEntries(connection)
        self._grace_seconds = grace_seconds
        self._lock = asyncio.Lock()
        self._looked = False
        self._generation = 0
        self._current: Mapping[str, str] = {}
        self._texts: dict[str, str] = {}
        self._retired: dict[str, float] = {}
        self._next_block = 0

    @property
    def writes(self) -> int:
        """How many entries were put."""
        return self._entries.writes

    async def write(self, content: AstDbContent) -> int:
        """Write what is missing, then switch the pointer if it must move; the generation that holds then.

        Raises AstDbError, AmiTimeoutError, AmiDisconnectedError; the pointer is then as it was.
        """
        async with self._lock:
            if not self._looked:
                await self._look()
            await self._write_items([item for item in content.items.values() if not self._has(item)])
            if self._current != content.generation:
                await self._switch(content.generation)
            self._retire(content)
            return self._generation

    async def compare(self, content: AstDbContent) -> int:
        """Look at what is there again and put right what differs; how many entries that were. Raises as `write`.

        Texts and the generation are compared whole, a few blocks in turn.
        """
        before = self.writes
        async with self._lock:
            await self._look()
            await self._look_into_blocks(content)
        await self.write(content)
        return self.writes - before

    async def tidy(self) -> None:
        """Remove what no generation has named for the grace. Raises as `write`."""
        while True:
            async with self._lock:
                due = list(islice(self._due(), _BATCH))
                await self._entries.each(due, self._remove)
            if not due:
                return

    @property
    def untidy(self) -> bool:
        """Whether there is, or will be, something to remove."""
        return bool(self._retired)

    def _has(self, item: Item) -> bool:
        return all(self._texts.get(path) == value for path, value in item.texts)

    async def _look(self) -> None:
        """What Asterisk has now. One that cannot list its database has nothing: all is written."""
        self._looked = False
        pointer = await self._entries.get(GENERATION_KEY)
        self._generation = int(pointer) if pointer.isdecimal() and len(pointer) < 10 else 0
        self._texts = dict(await self._entries.tree("text"))
        found = await self._entries.tree(str(self._generation)) if self._generation else {}
        self._current = {path.partition("/")[2]: value for path, value in found.items()}
        now = asyncio.get_running_loop().time()
        for older in range(max(1, self._generation - _LEFTOVERS), self._generation):
            self._retired[str(older)] = now
        self._looked = True

    async def _look_into_blocks(self, content: AstDbContent) -> None:
        blocks = [item for item in content.items.values() if item.is_block and self._has(item)]
        for _ in range(min(_BLOCKS_A_LOOK, len(blocks))):
            item = blocks[self._next_block % len(blocks)]
            self._next_block += 1
            if await self._entries.tree(f"block/{item.digest}") != dict(item.entries):
                self._texts.pop(item.texts[-1][0])

    async def _write_items(self, items: list[Item]) -> None:
        """Entries before the text that says that they are all there, and that they are coming before them."""
        announced = [(f"text/{item.digest}", ANNOUNCED) for item in items if item.is_block and item.entries]
        await self._put(announced)
        await self._put([entry for item in items for entry in (*item.entries, *item.texts[:-1])])
        await self._put([item.texts[-1] for item in items])

    async def _switch(self, entries: Mapping[str, str]) -> None:
        following = self._generation + 1
        await self._entries.remove_tree(str(following))  # what an interrupted attempt has left must not mix in
        await self._put([(f"{following}/{key}", value) for key, value in entries.items()])
        await self._entries.put(GENERATION_KEY, str(following))
        if self._generation:
            self._retired[str(self._generation)] = asyncio.get_running_loop().time()
        self._generation, self._current = following, dict(entries)

    async def _put(self, entries: Iterable[tuple[str, str]]) -> None:
        entries = list(entries)
        await self._entries.put_all(entries)
        self._texts.update((path, value) for path, value in entries if path.startswith("text/"))

    def _retire(self, content: AstDbContent) -> None:
        named = {path for item in content.items.values() for path, _ in item.texts}
        now = asyncio.get_running_loop().time()
        for path in self._texts.keys() - named - self._retired.keys():
            self._retired[path] = now
        for path in named & self._retired.keys():
            del self._retired[path]

    def _due(self) -> Iterator[str]:
        """Generations first: whoever still finds one finds all that it names."""
        last = asyncio.get_running_loop().time() - self._grace_seconds
        due = [path for path, since in self._retired.items() if since <= last]
        generations = [path for path in due if "/" not in path]
        yield from generations or due

    async def _remove(self, path: str) -> None:
        kind, _, digest = path.partition("/")
        if not digest:
            await self._entries.remove_tree(kind)
        else:
            value = self._texts.pop(path, "")
            if value == ANNOUNCED or value.isdecimal():
                await self._entries.put(path, ANNOUNCED)
                await self._entries.remove_tree(f"block/{digest}")
            await self._entries.remove(path)
        self._retired.pop(path, None)
