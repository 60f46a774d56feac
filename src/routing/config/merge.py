# SPDX-License-Identifier: EUPL-1.2
"""Merging a file into the live rows: what the file names is replaced, everything else stays."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from routing.core.rows import Rows, key_of

_OF_A_TENANT = ("service_lines", "number_blocks", "dids")


def merge(live: Rows, file: Rows) -> Rows:
    """``live`` with the rows of ``file``: a tenant is replaced whole (by its slug), other rows by their names."""
    replaced = {tenant.slug for tenant in file.tenants}
    merged: dict[str, Any] = {}
    for item in fields(Rows):
        old, new = getattr(live, item.name), getattr(file, item.name)
        keys = {key_of(row) for row in new}
        kept = tuple(
            row for row in old if key_of(row) not in keys and not (item.name in _OF_A_TENANT and row.tenant in replaced)
        )
        merged[item.name] = (*kept, *new)
    return Rows(**merged)
