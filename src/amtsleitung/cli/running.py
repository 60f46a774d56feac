# SPDX-License-Identifier: EUPL-1.2
"""``run``, ``restart``, ``call``, ``doctor``: the whole system, one service of it, one real call, what is wrong."""

from __future__ import annotations

import sys

import click

from amtsleitung.cli.options import json_option, tell, tell_json


@click.command("run", short_help="Bring everything up and place a demonstration call.")
@click.option(
    "--once", is_flag=True, help="End after the demonstration call: exit status 0 if it went as expected, else 3."
)
@click.option("--no-demonstration", is_flag=True, help="Place no call; only bring everything up.")
@click.option("--logs", is_flag=True, help="Show what every process logs, with its name in front, also here.")
def run_command(once: bool, no_demonstration: bool, logs: bool) -> None:
    """Bring everything up and place a demonstration call (evaluation and development, not operation).

    Starts PostgreSQL, Asterisk, fastagi, ami and api on this machine's loopback, imports the example service centre
    into an empty database, prints the address of the agent's page, and places one real call. Ctrl-C ends everything.
    """
    from amtsleitung.run import run

    if once and no_demonstration:
        raise click.UsageError("--once ends after the demonstration, which --no-demonstration leaves out")
    sys.exit(run(once=once, demonstration=not no_demonstration, logs=logs))


@click.command("restart", short_help="Put a new process in the place of a running service.")
@click.argument("service", type=click.Choice(["fastagi", "ami", "api"]))
def restart_command(service: str) -> None:
    """Put a new process in the place of SERVICE of the running system, as after an update.

    For fastagi the new process gets ready first and the old one finishes its calls: no call is lost. If the new one
    does not get ready the old one stays, and this command says why: exit status 1.
    """
    from amtsleitung.requests import restart_service

    click.echo(restart_service(service))


@click.command("status", short_help="Say how each service stands and what the router decides by.")
@click.option("--language", type=click.Choice(["de", "en"]), default="en", help="The sentences' language.")
@json_option
def status_command(language: str, as_json: bool) -> None:
    """Say how each service stands, by which table the router decides, what it counted, and what lies on disk."""
    from datetime import UTC, datetime

    from amtsleitung.status import TEXTS, look, sentences

    seen = look(datetime.now(UTC))
    if as_json:
        tell_json(seen)
    else:
        tell(sentences(seen, TEXTS[language]))


@click.command("call", short_help="Place one real call through the running system.")
@click.argument("dialled")
@click.option("--caller", metavar="N", help="The caller's number; left out: withheld.")
@click.option("--at", "at_text", metavar="ISO", help="Decide as if it were this instant (demonstration trunk only).")
@click.option("--agent", metavar="NAME", help="Whose telephone answers; left out: the first agent of the line's group.")
def call_command(dialled: str, caller: str | None, at_text: str | None, agent: str | None) -> None:
    """Place one real call to DIALLED through the running system and print what happens.

    SIPp is the carrier and the agent's telephone. Exit status: 0 if the call took the way that `route` names, 3 if it
    took another one, 1 if none could be placed.
    """
    from amtsleitung.cli.routes import instant
    from amtsleitung.demonstration import place_call

    at = None if at_text is None else instant(at_text)
    sys.exit(place_call(dialled=dialled, caller=caller, at=at, agent=agent))


@click.command("doctor", short_help="Say what is wrong, and what to do.")
def doctor_command() -> None:
    """Check everything that a running system needs; say what is wrong and what to do."""
    from amtsleitung.doctor import examine

    sys.exit(examine())
