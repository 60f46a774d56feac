# SPDX-License-Identifier: EUPL-1.2
"""Table → AstDB: what the dialplan's own fallback decides with when no service answers.

It evaluates no hours: what `routing.core.timeline` says of each line in the coming days is written out, ready to be
followed. A generation is small and names the rest by digest (`agi.render.astdb_items`), so that a change writes what it
changes and no more. Keys below ``amtsleitung/`` (docs/dialplan-contract.md); ``current`` is written last:

    current                             <generation>
    <generation>/version                the table's version
    <generation>/wildcards              numbers of X in use, fewest first, joined by ~
    <generation>/unknown                <tenant>:<line>       who answers unknown numbers; missing: an announcement does
    <generation>/numbers                block: <last two of a key> → block: <digits, then X>/<n> →
                                            <from>:<to>:line:<tenant>:<line>
                                            <from>:<to>:other:<tenant>:<line>
                                            <from>:<to>:desk:<tenant>:<trunk>
                                            <from>:<to>:ingress:<tenant>:<line>      either may be empty
    <generation>/origins                block: <area code or class>/<n> →
                                            <from>:<to>:<standing>:line:<tenant>:<line>
                                            <from>:<to>:<standing>:announcement:<sound>
                                            <from>:<to>:<standing>:forward:<number>:<trunk>
    <generation>/tenant/<tenant>        block: <line> → <first period>:<text>~<text>…
                                            text: stretches joined by ~ (`agi.render.astdb_days`)

``<from>`` and ``<to>`` are Unix seconds, half-open; an end that is open is 0 or 99999999999.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agi.render.astdb_changes import changed_times, still_holds
from agi.render.astdb_days import Period, period, period_of
from agi.render.astdb_items import MAXIMUM_VALUE_BYTES, Item, block_item
from agi.render.settings import RenderError
from routing.core.line import LineKey, ServiceLine, Tenant
from routing.core.sharded import ShardedMap
from routing.core.table import Meaning, OriginMeaning, Table
from routing.core.validity import ALWAYS, Validity

FAMILY = "amtsleitung"
GENERATION_KEY = "current"
COMING_DAYS = 60
DAYS_BACK = 1

_ALWAYS = 99_999_999_999
_DAY = timedelta(days=1)
_Meanings = ShardedMap[tuple[Meaning, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AstDbContent:
    """``generation``: keys below the generation and values. ``items``: what it names, and they name, by digest."""

    generation: Mapping[str, str]
    items: Mapping[str, Item]

    def flat(self, generation: str) -> Iterator[tuple[str, str]]:
        """All paths below ``amtsleitung/`` and values in the order in which they may be written."""
        for item in self.items.values():
            yield from item.flat()
        for key, value in self.generation.items():
            yield f"{generation}/{key}", value
        yield GENERATION_KEY, generation


def astdb_content(table: Table, *, at: datetime, days: int = COMING_DAYS) -> AstDbContent:
    """All of it, for the periods that touch the days from the one before ``at`` (aware). Raises `RenderError`."""
    return AstDbRenderer(days=days).content(table, at=at)


class AstDbRenderer:
    """Renders one table after the other; what a table has in common with the one before it is not made again."""

    def __init__(self, *, days: int = COMING_DAYS) -> None:
        self._days = days
        self._lines: dict[LineKey, tuple[ServiceLine, Mapping[int, Period]]] = {}
        self._numbers: tuple[_Meanings, Mapping[str, Tenant], tuple[Item, ...]] | None = None

    def content(self, table: Table, *, at: datetime) -> AstDbContent:
        """Raises `RenderError` if a value is too long to store."""
        version = str(table.version)
        if len(version) > MAXIMUM_VALUE_BYTES:
            raise RenderError(f"The fallback's value version is longer than {MAXIMUM_VALUE_BYTES} bytes.")
        items: dict[str, Item] = {}
        numbers = self._number_items(table)
        origins = block_item(_origins(table))
        items |= {item.digest: item for item in (*numbers, origins)}
        generation = {
            "version": version,
            "wildcards": "~".join(map(str, table.wildcards)),
            "numbers": numbers[-1].digest,
            "origins": origins.digest,
        }
        if table.unknown_line is not None:
            generation["unknown"] = ":".join(table.unknown_line)
        for tenant, block in self._tenants(table, at, items):
            items[block.digest] = block
            generation[f"tenant/{tenant}"] = block.digest
        return AstDbContent(generation=generation, items=items)

    def _tenants(self, table: Table, at: datetime, items: dict[str, Item]) -> Iterator[tuple[str, Item]]:
        """A block for each tenant; what its lines' days are made of is added to the items."""
        first = period_of(at.astimezone(UTC) - DAYS_BACK * _DAY)
        last = max(first, period_of(at.astimezone(UTC) + (self._days - 1) * _DAY))
        lines: dict[LineKey, tuple[ServiceLine, Mapping[int, Period]]] = {}
        indexes: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for (tenant, name), line in table.lines.items():
            periods = self._periods((tenant, name), line, range(first, last + 1))
            lines[tenant, name] = line, periods
            for found in periods.values():
                items[found.days.digest] = found.days
                items.update((plan.digest, plan) for plan in found.plans)
            texts = "~".join(found.days.digest for found in periods.values())
            indexes[tenant].append((name, f"{first}:{texts}"))
        self._lines = lines
        for tenant, entries in indexes.items():
            yield tenant, block_item(entries)

    def _periods(self, key: LineKey, line: ServiceLine, wanted: range) -> Mapping[int, Period]:
        before = self._lines.get(key)
        times = None if before is None else changed_times(before[0], line)
        if before is None or times is None:
            return {number: period(line, number) for number in wanted}
        held = before[1]
        return {
            number: held[number]
            if number in held and still_holds(number, held[number], times)
            else period(line, number)
            for number in wanted
        }

    def _number_items(self, table: Table) -> tuple[Item, ...]:
        """The blocks of numbers, and last the block that names them."""
        known = self._numbers
        if known is None or known[0] is not table.numbers or known[1] != table.tenants:
            known = self._numbers = table.numbers, table.tenants, tuple(_number_items(table))
        return known[2]


def _number_items(table: Table) -> Iterator[Item]:
    buckets: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for digits, meanings in table.numbers.items():
        bucket = buckets[digits[-2:]]
        for count, meaning in enumerate(meanings, start=1):
            bucket.append((f"{digits}/{count}", meaning_text(table, meaning)))
    index = []
    for last, entries in buckets.items():
        block = block_item(entries)
        yield block
        index.append((last, block.digest))
    yield block_item(index)


def _origins(table: Table) -> Iterator[tuple[str, str]]:
    for origin, found in table.origins.items():
        for count, item in enumerate(found, start=1):
            yield f"{origin}/{count}", origin_text(item)


def meaning_text(table: Table, meaning: Meaning) -> str:
    """One dated meaning of a number."""
    tenant, line = meaning.tenant or "", meaning.line or ""
    if meaning.kind == "desk":  # a desk is one for as long as its tenant is served
        validity = table.tenants[tenant].validity if tenant in table.tenants else ALWAYS
        return f"{window_text(validity)}:desk:{tenant}:{meaning.trunk or ''}"
    return f"{window_text(meaning.validity)}:{meaning.kind}:{tenant}:{line}"


def origin_text(item: OriginMeaning) -> str:
    """One dated meaning of an origin of calls to 115."""
    head = f"{window_text(item.validity)}:{item.standing}"
    if item.line is not None:
        return f"{head}:line:{item.line[0]}:{item.line[1]}"
    if item.forward_number is not None and item.forward_trunk is not None:
        return f"{head}:forward:{item.forward_number.removeprefix('+')}:{item.forward_trunk}"
    return f"{head}:announcement:{item.announcement or ''}"


def window_text(validity: Validity) -> str:
    """``<from>:<to>``."""
    start = 0 if validity.valid_from is None else seconds(validity.valid_from)
    end = _ALWAYS if validity.valid_to is None else seconds(validity.valid_to)
    return f"{start}:{end}"


def seconds(at: datetime) -> int:
    """Unix seconds, rounded up: AstDB's clock ticks in whole seconds."""
    exact = at.timestamp()
    return max(0, int(exact) + (exact > int(exact)))
