# SPDX-License-Identifier: EUPL-1.2
"""A tenant with everything that is its own: service lines and their chains, number blocks and their extensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yaml import Node

from routing.config.entries import Reader, in_order, plain, without_empty, written
from routing.config.numbers import read_number_block, write_number_block
from routing.core.rows import DidRow, NumberBlockRow, Rows, ServiceLineRow, StepRow, TenantRow

_CHAINS = ("overflow", "closed")
_FORWARD = 'write closed: [{ kind: forward, number: "+49…", trunk: … }] instead'
_FORMERLY = {"closed_forward_number": _FORWARD, "closed_forward_trunk": _FORWARD}


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRows:
    """The rows of one tenant's entry. Its blocks' extensions may lead to lines of other tenants."""

    tenant: TenantRow
    service_lines: tuple[ServiceLineRow, ...]
    number_blocks: tuple[NumberBlockRow, ...]
    dids: tuple[DidRow, ...]


def read_tenant(reader: Reader, node: Node) -> TenantRows:
    document = reader.document
    values, entries = reader.row(node, "tenants", TenantRow, optional=("service_lines", "number_blocks"))
    tenant = TenantRow(**values)
    lines = document.items(entries.get("service_lines"), "service_lines")
    blocks = [
        read_number_block(reader, item, tenant.slug)
        for item in document.items(entries.get("number_blocks"), "number_blocks")
    ]
    return TenantRows(
        tenant=tenant,
        service_lines=tuple(read_service_line(reader, item, tenant.slug) for item in lines),
        number_blocks=tuple(block for block, _ in blocks),
        dids=tuple(did for _, dids in blocks for did in dids),
    )


def read_service_line(reader: Reader, node: Node, tenant: str) -> ServiceLineRow:
    what = "service_lines"
    values, entries = reader.row(
        node, what, ServiceLineRow, without=("tenant", *_CHAINS), optional=_CHAINS, formerly=_FORMERLY
    )
    chains = {name: _read_chain(reader, entries.get(name), f"{what}.{name}") for name in _CHAINS}
    return ServiceLineRow(tenant=tenant, overflow=chains["overflow"], closed=chains["closed"], **values)


def _read_chain(reader: Reader, node: Node | None, what: str) -> tuple[StepRow, ...]:
    """Kinds and exits of every name are read: which there are, and what each needs, is the compiler's to say."""
    return tuple(StepRow(**reader.row(item, what, StepRow)[0]) for item in reader.document.items(node, what))


def write_tenant(rows: Rows, tenant: TenantRow) -> dict[str, Any]:
    lines = in_order((row for row in rows.service_lines if row.tenant == tenant.slug), "name")
    blocks = in_order((row for row in rows.number_blocks if row.tenant == tenant.slug), "head_number")
    own = {
        "service_lines": [write_service_line(row) for row in lines],
        "number_blocks": [write_number_block(rows, row) for row in blocks],
    }
    return written(tenant) | without_empty(own)


def write_service_line(row: ServiceLineRow) -> dict[str, Any]:
    chains = {name: [_write_step(step) for step in getattr(row, name)] for name in _CHAINS}
    return written(row, without=("tenant", *_CHAINS)) | without_empty(chains)


def _write_step(step: StepRow) -> dict[str, Any]:
    when = {"when": plain(step.when)} if step.when else {}  # first: a chain reads "when …, then …"
    return when | written(step, without=("when",))
