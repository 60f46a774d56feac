# SPDX-License-Identifier: EUPL-1.2
"""``prepare`` and ``demonstrate``: what ``run`` does before and after starting the services, for containers."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("prepare", short_help="Make everything ready for services that something else starts (containers).")
@click.option(
    "--keys",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Also give fastagi, ami and api their own secrets, each in a folder of its name below DIR.",
)
def prepare_command(keys: Path | None) -> None:
    """Make everything ready for services that something else starts, as docker/compose.yaml does.

    Brings the database of AMTSLEITUNG_DATABASE_URL up to date, imports the example service centre into an empty one,
    and writes Asterisk's configuration and prompts below STATE_DIR. It may be repeated at any time.
    """
    from amtsleitung.prepare import prepare

    prepare(keys=keys, say=click.echo)


@click.command("demonstrate", short_help="Place the demonstration call of run through the running system.")
def demonstrate_command() -> None:
    """Place the demonstration call of `run` through the running system and print what happens.

    Outside service hours a second one follows as if it were the next opening. Exit status: 0 if all went as expected,
    3 if not, 1 if no call could be placed.
    """
    import asyncio

    from amtsleitung.demonstration import EXIT_UNEXPECTED, demonstrate
    from amtsleitung.run import running_system

    sys.exit(0 if asyncio.run(demonstrate(running_system(), say=click.echo)) else EXIT_UNEXPECTED)
