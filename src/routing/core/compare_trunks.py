# SPDX-License-Identifier: EUPL-1.2
"""Classes of trunks that two tables cannot tell apart, and trunks whose settings differ.

What matters of a trunk is how its texts are read, in which order its calls are recognised, and where unknown numbers
go. A trunk that a table does not know is one without a name. Trunks whose order and other route are the same, in each
table, are one class::

    dialled, diversion, to, ingress_number       →  dialled · header · ingress_number     on a trunk that is trusted
                                                    dialled · ingress_number              on one that is not
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from routing.core.decide import HEADERS, NO_TRUNK
from routing.core.differences import TrunkSettings
from routing.core.numbers import NumberFormat
from routing.core.table import Table, Trunk

HEADER = "header"
PROBE_HEADERS = "headers"
"""The probe of what stands in a diversion header."""
_READING = ("number_format", "own_prefix", "area_code")
_RECOGNISING = ("trusts_diversion", "recognise_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkClass:
    """Trunks by name ('' = one that is not configured); calls come in by ``probe``, a trunk like them.

    ``ways`` is the order in which both tables recognise their calls, without headers if the tables differ in those;
    ``None`` if they differ in more: only 115 and numbers that lead nowhere can then be compared.
    """

    names: tuple[str, ...]
    probe: str
    ways: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunks:
    """Both tables' trunks, and the tables with the probes in the place of them."""

    names: frozenset[str]
    classes: tuple[TrunkClass, ...]
    trusted: tuple[str, ...]
    """Those on which both tables look at the same headers in the same order."""
    changed: tuple[tuple[str, TrunkSettings, TrunkSettings], ...]
    other_route_changed: bool
    old: Table
    new: Table


def trunks_of(old: Table, new: Table) -> Trunks:
    """The classes, and what differs."""
    pairs = {
        name: (old.trunks.get(name, NO_TRUNK), new.trunks.get(name, NO_TRUNK))
        for name in ("", *sorted(old.trunks.keys() | new.trunks.keys()))
    }
    found: defaultdict[tuple[tuple[str, ...] | None, bool, bool], list[str]] = defaultdict(list)
    for name, (one, other) in pairs.items():
        ways = _direct(one) if _direct(one) == _direct(other) else None
        if _effective(one) == _effective(other):
            ways = _with_headers(one)
        found[ways, one.has_other_route, other.has_other_route].append(name)
    classes, probes = [], ([_PROBE_HEADERS], [_PROBE_HEADERS])
    for count, ((ways, *other_routes), names) in enumerate(found.items()):
        probe = f"probe {count}"
        classes.append(TrunkClass(names=tuple(names), probe=probe, ways=ways))
        for trunks, other_route in zip(probes, other_routes, strict=True):
            trunks.append(
                replace(
                    NO_TRUNK,
                    name=probe,
                    number_format=NumberFormat.E164,
                    has_other_route=other_route,
                    recognise_by=tuple(way for way in ways or () if way != HEADER),
                )
            )
    return Trunks(
        names=frozenset(pairs),
        classes=tuple(classes),
        trusted=tuple(
            name
            for name, (one, other) in pairs.items()
            if _effective(one) == _effective(other) and HEADER in _with_headers(one)
        ),
        changed=tuple(_changed(pairs)),
        other_route_changed=any(one.has_other_route is not other.has_other_route for one, other in pairs.values()),
        old=_probed(old, probes[0]),
        new=_probed(new, probes[1]),
    )


_PROBE_HEADERS = replace(
    NO_TRUNK,
    name=PROBE_HEADERS,
    number_format=NumberFormat.E164,
    trusts_diversion=True,
    recognise_by=("diversion",),
)


def _probed(table: Table, probes: list[Trunk]) -> Table:
    return replace(table, trunks=MappingProxyType({trunk.name: trunk for trunk in probes}))


def _changed(pairs: Mapping[str, tuple[Trunk, Trunk]]) -> Iterator[tuple[str, TrunkSettings, TrunkSettings]]:
    for name, (one, other) in pairs.items():
        looked_at = (*_READING, *(_RECOGNISING if _effective(one) != _effective(other) else ()), "has_other_route")
        differing = [key for key in looked_at if getattr(one, key) != getattr(other, key)]
        if differing:
            yield name, _settings(one, differing), _settings(other, differing)


def _settings(trunk: Trunk, keys: list[str]) -> TrunkSettings:
    return TrunkSettings(settings=tuple((key, _text(getattr(trunk, key))) for key in keys))


def _text(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return "" if value is None else str(value)


def _effective(trunk: Trunk) -> tuple[str, ...]:
    return tuple(way for way in trunk.recognise_by if way not in HEADERS or trunk.trusts_diversion)


def _direct(trunk: Trunk) -> tuple[str, ...]:
    return tuple(way for way in trunk.recognise_by if way not in HEADERS)


def _with_headers(trunk: Trunk) -> tuple[str, ...]:
    return tuple(HEADER if way in HEADERS else way for way in _effective(trunk))
