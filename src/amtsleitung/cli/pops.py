# SPDX-License-Identifier: EUPL-1.2
"""``pops``: how soon the agents' pages showed what their telephones rang for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from routing.store import PopFigures, Store

_SETTLING_SECONDS = 10  # a ring that has just begun may still be drawn
_WORDS = {
    "de": {
        "nothing": "In den letzten {days} Tagen hat kein Telefon geklingelt.",
        "rung": "Mal hat in den letzten {days} Tagen ein Telefon geklingelt",
        "live": "gleich angezeigt",
        "caught_up": "nach einer Unterbrechung angezeigt, oder weil die Seite erst beim Klingeln geöffnet wurde",
        "hidden": "auf einer Seite, die hinter einer anderen lag",
        "undrawn": "auf keiner Seite: an diesem Platz war keine offen, oder sie ging nicht (log/api.log)",
        "soon": ", nach dem Klingeln: {figures}",
        "longest": "längstens",
    },
    "en": {
        "nothing": "No telephone rang in the last {days} days.",
        "rung": "rings in the last {days} days",
        "live": "drawn as they came",
        "caught_up": "drawn after a break, or when a page was opened while it rang",
        "hidden": "on a page that lay behind another one",
        "undrawn": "drawn by no page: none was open for this desk, or it did not work (log/api.log)",
        "soon": ", behind the ring: {figures}",
        "longest": "longest",
    },
}


@click.command("pops", short_help="How soon pages showed a ringing call, and how often none did.")
@click.option("--days", type=click.IntRange(1, 3650), default=7, show_default=True, help="How far to look back.")
@click.option("--language", type=click.Choice(["de", "en"]), default="en", show_default=True, help="Of the sentences.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def pops_command(days: int, language: str, as_json: bool) -> None:
    """How soon the agents' pages showed a ringing call, and how often no page did.

    Over all agents: nobody is told apart. Rings of less than two seconds that no page drew are left out, and those that
    began in the last ten seconds.
    """
    import json

    from amtsleitung.tables import with_store

    async def work(store: Store) -> PopFigures:
        present = datetime.now(UTC)
        return await store.pop_figures(present - timedelta(days=days), present - timedelta(seconds=_SETTLING_SECONDS))

    found = with_store(work)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    words = _WORDS[language]
    if not found.rung:
        click.echo(words["nothing"].format(days=days))
        return
    click.echo(f"{found.rung:>7}  {words['rung'].format(days=days)}")
    click.echo(f"{found.live:>7}  {words['live']}{_how_soon(found, words)}")
    for name in ("caught_up", "hidden", "undrawn"):
        click.echo(f"{getattr(found, name):>7}  {words[name]}")


def _how_soon(found: PopFigures, words: Mapping[str, str]) -> str:
    figures = {"p50": found.median_seconds, "p99": found.p99_seconds, words["longest"]: found.longest_seconds}
    told = ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in figures.items() if value is not None)
    return words["soon"].format(figures=told) if told else ""
