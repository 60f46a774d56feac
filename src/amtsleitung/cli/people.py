# SPDX-License-Identifier: EUPL-1.2
"""``person``: names of people, outside the configuration's versions so that they can be erased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from amtsleitung.cli.options import json_option, tell, tell_json
from amtsleitung.errors import Problem

if TYPE_CHECKING:
    from routing.store import Store


@click.group("person", short_help="Names of people, by login name.")
def person_group() -> None:
    """Names of people, by login name. The configuration and its versions know login names only."""


@person_group.command("set")
@click.argument("login")
@click.argument("name")
def set_command(login: str, name: str) -> None:
    """Give the person with this LOGIN name a NAME."""
    from amtsleitung.tables import with_store

    async def work(store: Store) -> None:
        await store.set_person(login, name)

    with_store(work)
    tell([f"{login} is {name}."])


@person_group.command("erase")
@click.argument("login")
def erase_command(login: str) -> None:
    """Forget a person's name; nothing of it stays."""
    from amtsleitung.tables import with_store

    async def work(store: Store) -> bool:
        return await store.erase_person(login)

    if not with_store(work):
        raise Problem(f"There is no name of {login!r}: `amtsleitung person list` shows those that there are.")
    tell([f"The name of {login} is erased."])


@person_group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the names."""
    from amtsleitung.tables import with_store

    async def work(store: Store) -> Mapping[str, str]:
        return await store.people()

    found = with_store(work)
    if as_json:
        tell_json(dict(found))
        return
    tell(f"{login}  {name}" for login, name in found.items())
    if not found:
        click.echo("No names are kept.")
