# SPDX-License-Identifier: EUPL-1.2
"""Merging a file into the live rows: what the file names is replaced, everything else stays.

What stands under one name in a file is replaced as one: a tenant with its lines, blocks and their extensions, the
editions of opening hours, a rota with its duties, all that 115 does for one origin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from routing.core.rows import Rows, key_of

_OWNERS: dict[str, Callable[[Any], object]] = {
    "opening_hours": lambda row: row.name,
    "on_call_duties": lambda row: row.rota,
    "ingress_numbers": lambda row: row.number,
    "authority_numbers": lambda row: row.origin,
    "service_lines": lambda row: row.tenant,
    "number_blocks": lambda row: row.tenant,
    "dids": lambda row: row.head_number,
}
"""What a row that is replaced together with others belongs to; the rest goes by its key."""


def merge(live: Rows, file: Rows) -> Rows:
    """``live`` with the rows of ``file``; a block's extensions belong to the block, whosever lines they lead to."""
    tenants = {tenant.slug for tenant in file.tenants}
    blocks = [block for block in live.number_blocks if block.tenant in tenants]
    named: dict[str, set[object]] = {
        "on_call_duties": {rota.name for rota in file.on_call_rotas},
        "service_lines": set(tenants),
        "number_blocks": set(tenants),
        "dids": {block.head_number for block in (*blocks, *file.number_blocks)},
    }
    merged: dict[str, Any] = {}
    for item in fields(Rows):
        old, new = getattr(live, item.name), getattr(file, item.name)
        owner = _OWNERS.get(item.name, key_of)
        replaced = named.get(item.name, set()) | {owner(row) for row in new}
        keys = {key_of(row) for row in new}
        merged[item.name] = (*(row for row in old if owner(row) not in replaced and key_of(row) not in keys), *new)
    return Rows(**merged)


def whole(live: Rows, file: Rows) -> Rows:
    """``file`` as the whole configuration; what was switched by hand is no part of it, and stays until it ends."""
    named = {row.name for row in file.overrides}
    return replace(file, overrides=(*(row for row in live.overrides if row.name not in named), *file.overrides))
