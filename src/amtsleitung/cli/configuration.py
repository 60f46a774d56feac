# SPDX-License-Identifier: EUPL-1.2
"""``migrate``, ``import`` and ``export``: the database and what it is configured with."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amtsleitung.cli.options import NUMBER, author_option, comment_option, json_option, who

if TYPE_CHECKING:
    from routing.core.rows import Rows
    from routing.store import Store


@click.command("migrate", short_help="Bring the database up to date.")
def migrate_command() -> None:
    """Bring the database of AMTSLEITUNG_DATABASE_URL up to date; `run` does it by itself.

    Creates the login roles owner, router and web, and writes their addresses below STATE_DIR/secrets/.
    """
    import asyncio

    from amtsleitung.database import migrate_database
    from amtsleitung.errors import Problem
    from amtsleitung.settings import read_settings

    settings = read_settings()
    if settings.database_url is None:
        raise Problem(
            "AMTSLEITUNG_DATABASE_URL is not set: name the database, as postgresql://user:secret@host/name "
            "(the embedded one needs nothing: ./amtsleitung run brings it up to date by itself)."
        )
    asyncio.run(migrate_database(settings.database_url, settings.state_directory))
    click.echo(f"The database is up to date; the roles' addresses are in {settings.state_directory / 'secrets'}.")


@click.command("import", short_help="Import a YAML file as a new version of the configuration.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="The file is the whole configuration: what it does not name, goes.")
@click.option("--dry-run", is_flag=True, help="Check everything, change nothing.")
@click.option("--draft", "as_draft", is_flag=True, help="Make a draft of it instead of a version.")
@author_option
@comment_option
def import_command(file: Path, replace: bool, dry_run: bool, as_draft: bool, author: str | None, comment: str) -> None:
    """Import a YAML FILE as a new version of the configuration.

    A tenant in the file replaces the tenant of the same slug, other rows the row of the same name; everything else
    stays, unless --replace is given. Overrides stay as they are in any case. A file with a problem changes nothing.
    """
    from amtsleitung.tables import rows_of_file, with_store

    if dry_run and as_draft:
        raise click.UsageError("--dry-run changes nothing, and --draft makes a draft: give one of them")
    rows = rows_of_file(file)

    async def work(store: Store) -> str:
        if as_draft:
            return await _import_as_draft(store, file, whole=replace, author=author, comment=comment)
        return await _import(store, rows, file, replace=replace, dry_run=dry_run, author=author, comment=comment)

    click.echo(with_store(work))


async def _import_as_draft(store: Store, file: Path, *, whole: bool, author: str | None, comment: str) -> str:
    from amtsleitung.draft_rows import changes_of_file, live_or_none
    from amtsleitung.tables import compiled
    from routing.core.changes import apply

    live, version = await live_or_none(store)
    changes = changes_of_file(file, live, whole=whole)
    if not changes:
        return f"{file}: nothing differs from version {version}, so no draft was made."
    compiled(apply(live, changes), version=0, place=str(file))
    title = comment or f"import {file.name}"
    number = await store.create_draft(
        changes, title=title, author=who(author), at=datetime.now(UTC), base_version=version
    )
    return f"{file}: draft {number} is open ({len(changes)} rows to change); publish it with `amtsleitung publish`."


async def _import(
    store: Store, rows: Rows, file: Path, *, replace: bool, dry_run: bool, author: str | None, comment: str
) -> str:
    from amtsleitung.draft_rows import live_or_none, note_overrides
    from amtsleitung.tables import compiled
    from routing.config import merge, whole

    before, base = await live_or_none(store)
    after = whole(before, rows) if replace else merge(before, rows)
    note_overrides(file, rows, before)
    after = dataclasses.replace(after, overrides=before.overrides)  # thrown and ended by hand only
    compiled(after, version=0, place=str(file))
    old, new = set(before.all()), set(after.all())
    changes = f"{len(new - old)} rows new or changed, {len(old - new)} rows old or gone"
    if dry_run:
        return f"{file}: no problem found; it would make {changes}. Nothing was changed."
    version = await store.save_rows(
        after,
        author=who(author),
        comment=comment or f"import {file.name}",
        at=datetime.now(UTC),
        base_version=base,
    )
    if base == version:
        return f"{file}: nothing differs from version {version}."
    return f"{file}: version {version} is live ({changes})."


@click.command("export", short_help="Write the live configuration as YAML.")
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
def export_command(output: Path | None) -> None:
    """Write the live configuration as YAML; importing it again changes nothing."""
    from amtsleitung.errors import Problem
    from amtsleitung.tables import live_rows, with_store
    from routing.config import export_yaml

    rows, _version = with_store(live_rows)
    text = export_yaml(rows)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Problem(f"{output} cannot be written ({error.strerror}): choose another path.") from error


@click.command("pending", short_help="List what begins or ends by itself.")
@click.option(
    "--config", "config_file", metavar="FILE.yaml", type=click.Path(path_type=Path), help="Look into this file instead."
)
@click.option("--draft", "number", type=NUMBER, metavar="N", help="Look at what this draft would make of it.")
@json_option
def pending_command(config_file: Path | None, number: int | None, as_json: bool) -> None:
    """List every row that begins or ends to hold from now on, in the order of time."""
    import json

    from amtsleitung.tables import live_rows, rows_of_file, with_store
    from routing.core.pending import pending

    if config_file is not None and number is not None:
        raise click.UsageError("give --draft or --config, not both")

    async def work(store: Store) -> Rows:
        from amtsleitung.draft_rows import rows_with_draft

        return (await rows_with_draft(store, number))[1] if number is not None else (await live_rows(store))[0]

    rows = rows_of_file(config_file) if config_file is not None else with_store(work)
    found = pending(rows, datetime.now(UTC))
    if as_json:
        entries = [{"at": item.at.isoformat(), "change": item.change, "row": item.place} for item in found]
        click.echo(json.dumps(entries))
        return
    for item in found:
        click.echo(f"{item.at.isoformat()}  {item.change}  {item.place}")
    if not found:
        click.echo("Nothing is pending.")
