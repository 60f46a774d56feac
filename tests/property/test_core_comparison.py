# SPDX-License-Identifier: EUPL-1.2
"""The comparison against brute force: calls of every kind are decided by both tables, and it must have said so.

Said exactly: where treatments differ one difference holds the call, and its sides are the two treatments; where they
do not, none does. Two things are told more broadly, and so they are checked one way only: a trunk whose settings
differ, and calls that one version recognises by a diversion header and the other by something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from hypothesis import event, given, settings
from hypothesis import strategies as st

from routing.core.comparison import compare
from routing.core.decide import HEADERS, NO_TRUNK, decide
from routing.core.decision import Call, Decision
from routing.core.differences import (
    ANY_OTHER_NUMBER,
    OTHER_AREA_115,
    Difference,
    NumberRange,
    Shown,
    TrunkSettings,
    recognised_by,
    treatment_of,
)
from routing.core.numbers import E164, Number, ShortCode, is_mobile, read_number, significant_digits
from routing.core.table import Table, Trunk
from tests.property.rows import PHASES, SLOW
from tests.property.small_tables import (
    AREAS,
    END,
    HEADS,
    INSTANTS,
    START,
    TRUNKS,
    changed_rows,
    small_rows,
    small_table,
)

CALLS = 1_500
_GERMAN = (
    "+493023125123",
    "+4953721",
    "+49537281",
    "+495372",
    "+49537",
    "053728",
    "+49330211",
    "033021",
    "033029",
    "+493302",
)
CALLERS = (None, "-", "115", "+43123456", "+491512345", *_GERMAN)
INGRESS = ("+49536190", "+49536191", "+4953728112")
TEXTS = (
    "",
    "110",
    "+49112",
    "115",
    "+49115",
    *(f"0{area}115" for area in AREAS),
    "05361115",
    "0531115",
    "053728",
    "81",
)
seeds = st.integers(0, 2**32)


@settings(max_examples=150, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(seeds)
def test_what_differs_is_said_and_nothing_else(seed: int) -> None:
    chance = Random(seed)
    rows = small_rows(chance)
    old, new = small_table(rows), small_table(changed_rows(rows, chance))
    found = list(compare(old, new, START, END))
    event("differences" if found else "none")
    for call, at in _calls(chance, found):
        _check(old, new, found, call, at)


@settings(max_examples=40, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(seeds)
def test_the_other_way_round_it_is_the_same(seed: int) -> None:
    chance = Random(seed)
    rows = small_rows(chance)
    old, new = small_table(rows), small_table(changed_rows(rows, chance))
    there = {
        (d.kind, d.callers, d.trunks, d.start, d.end, d.before, d.after, d.numbers)
        for d in compare(old, new, START, END)
    }
    back = {
        (d.kind, d.callers, d.trunks, d.start, d.end, d.after, d.before, d.numbers)
        for d in compare(new, old, START, END)
    }
    assert there == back


@settings(max_examples=40, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(seeds)
def test_the_same_rows_have_no_difference(seed: int) -> None:
    rows = small_rows(Random(seed))
    assert list(compare(small_table(rows), small_table(rows), START, END)) == []


def _calls(chance: Random, found: list[Difference]) -> Iterator[tuple[Call, datetime]]:
    ends = [at for difference in found for at in (difference.start, difference.end)] or [START]
    named = [n for d in found for item in d.numbers if isinstance(item, NumberRange) for n in (item.first, item.last)]
    for _ in range(CALLS):
        at = chance.choice([*ends, *INSTANTS]) if chance.random() < 0.7 else _any_instant(chance)
        at += timedelta(seconds=chance.choice([-1, 0, 0, 1]), microseconds=chance.choice([-1, 0, 0, 1]))
        if START <= at < END:
            headers = {}
            if chance.random() < 0.4:
                headers = {name: _number(chance, named) for name in HEADERS if chance.random() < 0.6}
            dialled = chance.choice(TEXTS) if chance.random() < 0.35 else _number(chance, named)
            trunk = chance.choice([None, "nowhere", *TRUNKS, *TRUNKS])
            yield Call(dialled=dialled, caller=chance.choice(CALLERS), trunk=trunk, **headers), at


def _any_instant(chance: Random) -> datetime:
    return START + timedelta(seconds=chance.randrange(int((END - START).total_seconds())))


def _number(chance: Random, named: list[str]) -> str:
    if named and chance.random() < 0.3:
        number = chance.choice(named)
        near = int(number[1:]) + chance.choice([-1, 0, 0, 1])
        return f"+{near}"
    if chance.random() < 0.2:
        return chance.choice([*INGRESS, "+43123", "+495361", "0110"])
    digits = chance.choice([0, 1, 1, 2, 2, 2, 3])
    return chance.choice(HEADS) + "".join(chance.choice("0123456789") for _ in range(digits))


def _check(old: Table, new: Table, found: list[Difference], call: Call, at: datetime) -> None:
    one, other = decide(old, call, at), decide(new, call, at)
    before, after = treatment_of(old, one), treatment_of(new, other)
    near = [d for d in found if d.start <= at < d.end and (d.trunks is None or _trunk_name(old, new, call) in d.trunks)]
    settings_changed = {name for d in near if isinstance(d.before, TrunkSettings) for name, _ in d.before.settings}
    trunks = [table.trunks.get(call.trunk or "", NO_TRUNK) for table in (old, new)]
    texts = (call.dialled, call.caller, *(getattr(call, name) for name in HEADERS))
    if any(_read(trunks[0], text) != _read(trunks[1], text) for text in texts):
        assert settings_changed & {"number_format", "own_prefix", "area_code"}
        return
    number = _read(trunks[0], call.dialled)
    ways = [recognised_by(decision) for decision in (one, other)]
    headers = any(getattr(call, name) for name in HEADERS)
    orders = [
        [way for way in trunk.recognise_by if way not in HEADERS or (headers and trunk.trusts_diversion)]
        for trunk in trunks
    ]
    if orders[0] != orders[1] and not isinstance(number, ShortCode):
        assert settings_changed & {"trusts_diversion", "recognise_by"}
        return
    if isinstance(number, ShortCode):
        holding = [d for d in near if d.kind != "trunk" and _holds_short(d, number, _caller(old, new, trunks[0], call))]
    elif "diversion" not in ways:
        unknown = ways == ["unknown", "unknown"]
        holding = [
            d for d in near
            if d.by != "diversion" and d.before is not None and d.after is not None
            and (_holds(d, number) or (unknown and ANY_OTHER_NUMBER in d.numbers))
        ]  # fmt: skip
    elif one.redirecting_number == other.redirecting_number:
        assert one.redirecting_number is not None
        holding = [d for d in near if d.by == "diversion" and _holds(d, E164(digits=one.redirecting_number[1:]))]
    else:
        diverted = [E164(digits=d.redirecting_number[1:]) for d in (one, other) if d.redirecting_number is not None]
        assert [
            d for d in near
            if d.kind == "decision" and (
                any(_holds(d, n) for n in diverted) if d.by == "diversion" else _holds(d, number)
            )
        ]  # fmt: skip
        return
    said = [(d.before, d.after) for d in holding if d.kind == "decision"]
    assert said == ([(before, after)] if before != after else []), (call, at)
    shown = [(d.before, d.after) for d in holding if d.kind == "shown"]
    assert shown == _shown(old, new, one, other, at), (call, at)


def _shown(old: Table, new: Table, one: Decision, other: Decision, at: datetime) -> list[tuple[Shown, Shown]]:
    key = (one.tenant, one.service_line)
    if one.service_line is None or key != (other.tenant, other.service_line):
        return []
    sides = []
    for table in (old, new):
        edition = table.lines[str(key[0]), str(key[1])].edition_at(at)
        assert edition is not None
        sides.append(
            Shown(
                tenant=str(key[0]),
                service_line=str(key[1]),
                title=edition.title,
                display=edition.display,
                agent_phrase=edition.agent_phrase,
            )
        )
    return [] if sides[0] == sides[1] else [(sides[0], sides[1])]


def _read(trunk: Trunk, text: str | None) -> Number | None:
    if text is None:
        return None
    return read_number(text, number_format=trunk.number_format, own_prefix=trunk.own_prefix, area_code=trunk.area_code)


def _trunk_name(old: Table, new: Table, call: Call) -> str:
    return call.trunk if call.trunk is not None and call.trunk in old.trunks.keys() | new.trunks.keys() else ""


def _holds(difference: Difference, number: object) -> bool:
    return isinstance(number, E164) and any(
        isinstance(item, NumberRange) and str(number) in item for item in difference.numbers
    )


def _holds_short(difference: Difference, number: ShortCode, caller: tuple[str, set[str]]) -> bool:
    if number.code != "115":
        return False
    group, areas = caller
    if number.area_code is None:
        return "115" in difference.numbers and group in difference.callers
    name = str(number) if number.area_code in areas else OTHER_AREA_115
    return name in difference.numbers


def _caller(old: Table, new: Table, trunk: Trunk, call: Call) -> tuple[str, set[str]]:
    areas = {origin for table in (old, new) for origin in table.origins if origin.isdigit()}
    number = _read(trunk, call.caller)
    if number is None:
        return "withheld", areas
    if not isinstance(number, E164):
        return "unreadable", areas
    digits = significant_digits(number)
    if digits is None:
        return "foreign", areas
    if is_mobile(number):
        return "mobile", areas
    known = [area for area in areas if digits.startswith(area) and digits != area]
    return max(known, key=len, default="other_area"), areas
