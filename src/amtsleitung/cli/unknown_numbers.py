# SPDX-License-Identifier: EUPL-1.2
"""``unknown-numbers``: what was dialled and is none of ours, counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from routing.store import Store, UnknownNumber


@click.command("unknown-numbers", short_help="Count the numbers that were dialled and are none of ours.")
@click.option("--days", type=click.IntRange(1, 3650), default=7, show_default=True, help="How far to look back.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of lines.")
def unknown_numbers_command(days: int, as_json: bool) -> None:
    """Count the numbers that were dialled and are none of ours, the most frequent first.

    A number of yours in this list is written otherwise by the trunk than its number_format says, or not configured.
    """
    import json

    from amtsleitung.tables import with_store

    async def work(store: Store) -> tuple[UnknownNumber, ...]:
        return await store.unknown_numbers(datetime.now(UTC) - timedelta(days=days))

    found = with_store(work)
    if as_json:
        entries = [
            {
                "trunk": item.trunk,
                "dialled_number": item.dialled_number,
                "calls": item.calls,
                "last_at": item.last_at.isoformat(),
            }
            for item in found
        ]
        click.echo(json.dumps(entries))
        return
    for item in found:
        number = ascii(item.dialled_number)[1:-1] if item.dialled_number is not None else "(no longer stored)"
        click.echo(f"{item.calls:>6}  {number:<24} by {item.trunk or 'no trunk'}, last {item.last_at.isoformat()}")
    if not found:
        click.echo(f"No unknown number was dialled in the last {days} days.")
