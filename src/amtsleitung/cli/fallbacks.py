# SPDX-License-Identifier: EUPL-1.2
"""``fallbacks``: how often the service did not decide a call, who did, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from amtsleitung.cli.options import json_option, tell, tell_json

if TYPE_CHECKING:
    from routing.store import FallbackCount, Store

_LEVELS = {
    "de": {"astdb": "AstDB", "include": "Regeldatei", "last_resort": "letzter Ausweg"},
    "en": {"astdb": "AstDB", "include": "include", "last_resort": "last resort"},
}
_CAUSES = {
    "de": {
        "unreachable": "der Dienst war nicht zu erreichen",
        "silent": "der Dienst schwieg 1,5 Sekunden",
        "uncommitted": "der Dienst brach ab",
        "no_data": "AstDB war leer",
        "incomplete": "AstDB reichte nicht bis zu dieser Leitung oder Zeit",
    },
    "en": {
        "unreachable": "the service could not be reached",
        "silent": "the service was silent for 1.5 seconds",
        "uncommitted": "the service broke off",
        "no_data": "AstDB was empty",
        "incomplete": "AstDB did not reach this line or time",
    },
}
_WORDS = {
    "de": ("Anrufe", "zuletzt", "Jeden Anruf hat der Dienst entschieden."),
    "en": ("calls", "last", "The service has decided every call."),
}


@click.command("fallbacks", short_help="How often the service did not decide a call, and why.")
@click.option("--language", type=click.Choice(["de", "en"]), default="en", show_default=True, help="Of the sentences.")
@json_option
def fallbacks_command(language: str, as_json: bool) -> None:
    """How often the service did not decide a call, who did, and why.

    Asterisk counts by itself, also while everything else is dead; the observer takes its counts over.
    """
    from amtsleitung.tables import with_store

    async def work(store: Store) -> tuple[FallbackCount, ...]:
        return await store.fallbacks()

    found = with_store(work)
    if as_json:
        tell_json(
            [
                {
                    "node": item.node,
                    "level": item.level,
                    "cause": item.cause,
                    "calls": item.calls,
                    "last_at": item.last_at.isoformat(),
                }
                for item in found
            ]
        )
        return
    calls, last, nothing = _WORDS[language]
    tell(
        f"{item.calls:>6} {calls}  {item.node}: {_LEVELS[language][item.level]}, {_CAUSES[language][item.cause]}; "
        f"{last} {item.last_at.isoformat()}"
        for item in found
    )
    if not found:
        click.echo(nothing)
