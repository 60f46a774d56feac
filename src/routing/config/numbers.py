# SPDX-License-Identifier: EUPL-1.2
"""Numbers: a tenant's ``number_blocks`` with their extensions, and the centre's ``ingress_numbers``.

- head_number: "+49537289"
  extensions: { "0": vermittlung, "500-599": buergerbuero }     # one, or a range of as many digits
  desks: { digits: [2, 3], trunk: rathaus }                     # what stays with the tenant's own PBX
  other: vermittlung                                            # every other extension
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from yaml import Node, ScalarNode, SequenceNode

from routing.config.entries import Reader, in_order, plain, without_empty, written
from routing.core.rows import DidRow, IngressNumberRow, NumberBlockRow, Rows

_EXTENSION = re.compile(r"(?P<first>[0-9]*)|(?P<start>[0-9]+)-(?P<end>[0-9]+)")
_OF_THE_BLOCK = ("tenant", "desk_digits", "desk_trunk", "other_service_line")
_OF_THE_KEY = ("head_number", "extension", "last_extension")


def read_number_block(reader: Reader, node: Node, tenant: str) -> tuple[NumberBlockRow, list[DidRow]]:
    document, what = reader.document, "number_blocks"
    values, entries = reader.row(
        node, what, NumberBlockRow, without=_OF_THE_BLOCK, optional=("extensions", "desks", "other")
    )
    desks = document.mapping(entries.get("desks"), f"{what}.desks", optional=("digits", "trunk"))
    block = NumberBlockRow(
        tenant=tenant,
        desk_digits=reader.integers(desks.get("digits"), f"{what}.desks.digits"),
        desk_trunk=document.optional_text(desks.get("trunk"), f"{what}.desks.trunk"),
        other_service_line=document.optional_text(entries.get("other"), f"{what}.other"),
        **values,
    )
    dids = []
    for written_extension, value in document.entries(entries.get("extensions"), f"{what}.extensions"):
        extension, last = _read_extension(reader, value, written_extension)
        for item in _meanings(reader, value):
            meaning = _read_meaning(reader, item, tenant)
            dids.append(DidRow(head_number=block.head_number, extension=extension, last_extension=last, **meaning))
    return block, dids


def _read_extension(reader: Reader, node: Node, text: str) -> tuple[str, str | None]:
    match = _EXTENSION.fullmatch(text)
    if match is None:
        reader.document.problem(node, f'extensions: write one extension as "500", a range as "500-599", not {text!r}')
        return text, None
    return (match["first"], None) if match["start"] is None else (match["start"], match["end"])


def _meanings(reader: Reader, node: Node) -> list[Node]:
    """One line, or a list of dated ones."""
    return reader.document.items(node, "extensions") if isinstance(node, SequenceNode) else [node]


def _read_meaning(reader: Reader, node: Node, tenant: str) -> dict[str, Any]:
    if isinstance(node, ScalarNode):
        return {"tenant": tenant, "service_line": reader.document.text(node, "extensions")}
    values, entries = reader.row(node, "extensions", DidRow, without=(*_OF_THE_KEY, "tenant"), optional=("tenant",))
    other = reader.document.optional_text(entries.get("tenant"), "extensions.tenant")
    return {"tenant": other or tenant, **values}


def read_ingress_number(reader: Reader, node: Node) -> IngressNumberRow:
    values, _ = reader.row(node, "ingress_numbers", IngressNumberRow)
    return IngressNumberRow(**values)


def write_number_block(rows: Rows, block: NumberBlockRow) -> dict[str, Any]:
    return without_empty(
        {
            "head_number": block.head_number,
            "extensions": _write_extensions(rows, block),
            "desks": without_empty({"digits": plain(block.desk_digits), "trunk": block.desk_trunk}),
            "other": block.other_service_line,
        }
    )


def _write_extensions(rows: Rows, block: NumberBlockRow) -> dict[str, Any]:
    meanings: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in in_order((did for did in rows.dids if did.head_number == block.head_number), "extension"):
        own = ("tenant",) if row.tenant == block.tenant else ()  # or a municipal company behind the town hall
        key = row.extension if row.last_extension is None else f"{row.extension}-{row.last_extension}"
        meanings[key].append(written(row, without=(*_OF_THE_KEY, *own)))
    return {key: _shortly(found) for key, found in sorted(meanings.items())}


def _shortly(found: list[dict[str, Any]]) -> Any:
    if len(found) > 1:
        return found
    return found[0]["service_line"] if len(found[0]) == 1 else found[0]
