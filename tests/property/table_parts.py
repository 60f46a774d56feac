# SPDX-License-Identifier: EUPL-1.2
"""What a table knows, taken apart so that two tables can be compared."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from routing.core.line import ServiceLine
from routing.core.table import Table
from routing.core.timeline import stretches
from tests.property.row_variants import JUNE


def known(table: Table) -> dict[str, Any]:
    """All that a table knows, in a shape in which two are equal if they mean the same."""
    index, frame = table.index, table.frame
    return {
        "rows": set(table.rows.all()),
        "meanings": dict(index.meanings.items()),
        "counts": (dict(index.wildcards), dict(index.dids_of_block.items()), dict(index.uses_of_line), index.heads),
        "blocks": dict(index.blocks.items()),
        "ranges": {key: sorted(item[:2] for item in found) for key, found in index.ranges.items()},
        "wildcards": table.wildcards,
        "names": (frame.names, dict(frame.tenants), dict(frame.hours), dict(frame.hours_rows)),
        "forwards": {number: sorted(places) for number, places in frame.forwards.items()},
        "tenants": dict(table.tenants),
        "trunks": dict(table.trunks),
        "origins": dict(table.origins),
        "unknown_line": table.unknown_line,
        "announcements": dict(table.announcements),
        "lines": {key: _line(line) for key, line in table.lines.items()},
        "buildings": {key: _line(line) for key, line in table.buildings.items()},
    }


def _line(line: ServiceLine) -> tuple[object, ...]:
    told = tuple(stretches(line, JUNE - timedelta(days=3), JUNE + timedelta(days=33)))
    dated = (line.overrides, line.special, line.notices, dict(line.rotas))
    return line.key, line.editions, dated, line.boundaries, told
