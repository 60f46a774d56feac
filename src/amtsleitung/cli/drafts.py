# SPDX-License-Identifier: EUPL-1.2
"""``draft``: changes of the configuration that are worked on before they are published together."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amtsleitung.cli.options import NUMBER, author_option, json_option, tell, tell_json, tenant_option, who
from amtsleitung.errors import Problem

if TYPE_CHECKING:
    from routing.core.changes import RowChange
    from routing.store import Store, StoredDraft


@click.group("draft", short_help="Work on changes before they are published.")
def draft_group() -> None:
    """Work on changes of the configuration before they are published together.

    \b
    ./amtsleitung draft new "Meinersen moves"
    ./amtsleitung draft set 1 'service_lines[samtgemeinde-meinersen/vermittlung]' priority=5
    ./amtsleitung check --draft 1
    ./amtsleitung diff --draft 1
    ./amtsleitung publish 1
    """


@draft_group.command("new")
@click.argument("title")
@click.option("--from", "file", type=click.Path(path_type=Path), metavar="FILE.yaml", help="What this file changes.")
@click.option("--replace", is_flag=True, help="The file is the whole configuration: what it does not name, goes.")
@author_option
@json_option
def new_command(title: str, file: Path | None, replace: bool, author: str | None, as_json: bool) -> None:
    """Make a draft, empty or with what a file would change; TITLE says what it is for."""
    from amtsleitung.draft_rows import changes_of_file, live_or_none
    from amtsleitung.tables import with_store

    if replace and file is None:
        raise click.UsageError("--replace needs --from FILE")

    async def work(store: Store) -> dict[str, Any]:
        live, version = await live_or_none(store)
        changes = () if file is None else changes_of_file(file, live, whole=replace)
        if file is not None and not changes:
            raise Problem(f"{file}: nothing differs from version {version}, so no draft was made.")
        number = await store.create_draft(
            changes, title=title, author=who(author), at=datetime.now(UTC), base_version=version
        )
        return {"draft": number, "base_version": version, "changes": len(changes)}

    made = with_store(work)
    if as_json:
        tell_json(made)
    else:
        click.echo("Draft {draft} is open: {changes} changes to version {base_version}.".format(**made))


@draft_group.command("list")
@click.option("--all", "closed", is_flag=True, help="Published and discarded ones too.")
@json_option
def list_command(closed: bool, as_json: bool) -> None:
    """List the open drafts."""
    from amtsleitung.tables import with_store

    async def work(store: Store) -> tuple[StoredDraft, ...]:
        return await store.drafts(closed=closed)

    found = with_store(work)
    if as_json:
        tell_json([_summary(item) for item in found])
        return
    tell(_headline(item) for item in found)
    if not found:
        click.echo("No draft is open.")


@draft_group.command("show")
@click.argument("number", type=NUMBER)
@tenant_option
@json_option
def show_command(number: int, tenant: str | None, as_json: bool) -> None:
    """Show a draft's changes."""
    from amtsleitung.row_changes import changes_json, changes_lines
    from amtsleitung.tables import with_store
    from routing.core.visibility import all_visible

    async def work(store: Store) -> tuple[StoredDraft, tuple[RowChange, ...]]:
        return await store.draft(number)

    found, changes = with_store(work)
    told = all_visible(changes, tenant)  # its title may name what may not be seen
    if as_json:
        summary = _summary(found) | ({} if told else {"title": None, "author": None, "changed_by": None})
        tell_json(summary | {"rows": changes_json(changes, tenant)})
        return
    tell([_headline(found) if told else f"{found.number:>4}  {found.state}"])
    tell(changes_lines(changes, tenant))


@draft_group.command("set")
@click.argument("number", type=NUMBER)
@click.argument("place")
@click.argument("pairs", nargs=-1, metavar="[FIELD=VALUE]…")
@click.option("--row", "written", metavar="JSON", help="The whole row; fields that are left out have their defaults.")
@author_option
@json_option
def set_command(
    number: int, place: str, pairs: tuple[str, ...], written: str | None, author: str | None, as_json: bool
) -> None:
    """Change the row at PLACE in the draft, or add it.

    \b
    ./amtsleitung draft set 1 'tenants[stadt-x]' 'name=Stadt X' valid_from=2026-10-01T00:00+02:00
    ./amtsleitung draft set 1 'dids[+49537289/500]' tenant=stadt-x service_line=auskunft
    """
    from amtsleitung.draft_rows import row_at, row_written
    from amtsleitung.tables import with_store

    if not pairs and written is None:
        raise click.UsageError("give FIELD=VALUE pairs or --row JSON")

    async def work(store: Store) -> StoredDraft:
        row = row_written(place, await row_at(store, number, place), pairs, written)
        await store.set_in_draft(number, row, author=who(author), at=datetime.now(UTC))
        return (await store.draft(number))[0]

    _tell_changed(with_store(work), as_json)


@draft_group.command("remove")
@click.argument("number", type=NUMBER)
@click.argument("place")
@author_option
@json_option
def remove_command(number: int, place: str, author: str | None, as_json: bool) -> None:
    """Let the draft remove the row at PLACE."""
    _edit(number, place, who(author), as_json, undo=False)


@draft_group.command("undo")
@click.argument("number", type=NUMBER)
@click.argument("place")
@author_option
@json_option
def undo_command(number: int, place: str, author: str | None, as_json: bool) -> None:
    """Take the change of the row at PLACE out of the draft."""
    _edit(number, place, who(author), as_json, undo=True)


@draft_group.command("discard")
@click.argument("number", type=NUMBER)
@author_option
@json_option
def discard_command(number: int, author: str | None, as_json: bool) -> None:
    """Close a draft without publishing it."""
    from amtsleitung.tables import with_store

    async def work(store: Store) -> StoredDraft:
        await store.discard_draft(number, author=who(author), at=datetime.now(UTC))
        return (await store.draft(number))[0]

    found = with_store(work)
    if as_json:
        tell_json(_summary(found))
    else:
        click.echo(f"Draft {number} is discarded.")


def _edit(number: int, place: str, author: str, as_json: bool, *, undo: bool) -> None:
    from amtsleitung.draft_rows import row_at
    from amtsleitung.tables import with_store

    async def work(store: Store) -> StoredDraft:
        row = await row_at(store, number, place)
        if row is None:
            raise Problem(f"There is no {place}, neither live nor in draft {number}.")
        edit = store.undo_in_draft if undo else store.remove_in_draft
        await edit(number, row, author=author, at=datetime.now(UTC))
        return (await store.draft(number))[0]

    _tell_changed(with_store(work), as_json)


def _tell_changed(found: StoredDraft, as_json: bool) -> None:
    if as_json:
        tell_json(_summary(found))
    else:
        click.echo(f"Draft {found.number} has {found.changes} changes to version {found.base_version}.")


def _summary(found: StoredDraft) -> dict[str, Any]:
    return {
        "draft": found.number,
        "title": found.title,
        "state": found.state,
        "author": found.author,
        "at": found.at.isoformat(),
        "changed_by": found.changed_by,
        "changed_at": found.changed_at.isoformat(),
        "base_version": found.base_version,
        "published_version": found.published_version,
        "changes": found.changes,
    }


def _headline(found: StoredDraft) -> str:
    became = f" as version {found.published_version}" if found.state == "published" else ""
    return (
        f"{found.number:>4}  {found.state}{became}, {found.changes} changes to version {found.base_version}: "
        f"{found.title} ({found.author}, {found.at.isoformat(timespec='seconds')})"
    )
