# SPDX-License-Identifier: EUPL-1.2
"""``check``, ``publish`` and ``rollback``: what is wrong, making a draft live, and the way back."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amtsleitung.cli.options import NUMBER, author_option, comment_option, json_option, tell, tell_json, who
from amtsleitung.errors import Problem

if TYPE_CHECKING:
    from routing.core.changes import RowChange
    from routing.core.rows import Problem as RowProblem
    from routing.core.rows import Rows
    from routing.store import Store

Told = tuple[str | None, str]
"""The place (``None``: the sentence names it) and the sentence of one error or warning."""


@click.command("check", short_help="Find all that is wrong or doubtful.")
@click.option("--draft", "number", type=NUMBER, metavar="N", help="Check what this draft would make of the live rows.")
@click.option("--config", "file", metavar="FILE.yaml", type=click.Path(path_type=Path), help="Check this file.")
@json_option
def check_command(number: int | None, file: Path | None, as_json: bool) -> None:
    """List all errors and warnings of the live configuration, of a draft, or of a file. Exit status 1: errors."""
    from amtsleitung.tables import with_store

    if number is not None and file is not None:
        raise click.UsageError("give --draft or --config, not both")

    async def work(store: Store) -> tuple[list[Told], list[Told]]:
        return await _of_draft(store, number) if number is not None else await _of_live(store)

    errors, warnings = _of_file(file) if file is not None else with_store(work)
    if as_json:
        tell_json({"errors": _as_json(errors), "warnings": _as_json(warnings)})
    else:
        tell(f"error: {_line(item)}" for item in errors)
        tell(f"warning: {_line(item)}" for item in warnings)
        click.echo(f"{len(errors)} errors, {len(warnings)} warnings." if errors or warnings else "No problem found.")
    if errors:
        sys.exit(1)


async def _of_live(store: Store) -> tuple[list[Told], list[Told]]:
    from amtsleitung.tables import live_rows

    return _found((await live_rows(store))[0], fallback=True)


async def _of_draft(store: Store, number: int) -> tuple[list[Told], list[Told]]:
    from amtsleitung.draft_rows import rows_with_draft
    from routing.core.changes import ConflictError

    try:
        return _found((await rows_with_draft(store, number))[1], fallback=True)
    except ConflictError as error:
        return [(conflict.change.place, conflict.sentence) for conflict in error.conflicts], []


def _of_file(file: Path) -> tuple[list[Told], list[Told]]:
    from routing.config import ConfigError, read_file

    try:
        return _found(read_file(file), fallback=True)
    except ConfigError as error:
        return [(None, str(problem)) for problem in error.problems], []


def _found(rows: Rows, *, fallback: bool = False) -> tuple[list[Told], list[Told]]:
    """All errors, or, of rows without errors, all warnings; ``fallback``: also of what the dialplan's cannot hold."""
    from routing.core.checks import fallback_warnings, warnings_of
    from routing.core.compile import compile_table
    from routing.core.rows import CompileError

    try:
        table = compile_table(rows, version=0)
    except CompileError as error:
        return _told(error.problems), []
    at = datetime.now(UTC)
    held = fallback_warnings(table, at) if fallback else ()
    return [], _told((*warnings_of(table, at), *held))


def _told(problems: Iterable[RowProblem]) -> list[Told]:
    return [(problem.place, problem.sentence) for problem in problems]


def _as_json(found: Iterable[Told]) -> list[dict[str, str | None]]:
    return [{"place": place, "sentence": sentence} for place, sentence in found]


def _line(told: Told) -> str:
    place, sentence = told
    return sentence if place is None else f"{place}: {sentence}"


@click.command("publish", short_help="Make a draft live.")
@click.argument("number", type=NUMBER, metavar="DRAFT")
@author_option
@comment_option
@json_option
def publish_command(number: int, author: str | None, comment: str, as_json: bool) -> None:
    """Make the changes of a DRAFT live, as one version, on top of whatever is live by now.

    Nothing happens if a row has become another one than the draft was made to, or if the rows have errors; all of
    them are told. Left out, the comment is the draft's title.
    """
    from amtsleitung.tables import with_store

    async def work(store: Store) -> tuple[int, list[Told]]:
        return await _publish(store, number, who(author), comment)

    _tell_published(*with_store(work), number=number, as_json=as_json)


async def _publish(store: Store, number: int, author: str, comment: str) -> tuple[int, list[Told]]:
    version = await store.publish(number, author=author, comment=comment, at=datetime.now(UTC))
    return version, _found(await store.rows_of_version(version))[1]


def _tell_published(version: int, warnings: list[Told], *, number: int, as_json: bool) -> None:
    if as_json:
        tell_json({"draft": number, "version": version, "warnings": _as_json(warnings)})
        return
    tell(f"warning: {_line(item)}" for item in warnings)
    click.echo(f"Draft {number} is live as version {version}.")


@click.command("rollback", short_help="Undo what a version changed.")
@click.argument("version", type=NUMBER, required=False)
@click.argument("places", nargs=-1, metavar="[PLACE]…")
@click.option("--to", "to", type=NUMBER, metavar="VERSION", help="Undo everything since this version instead.")
@click.option("--publish", "at_once", is_flag=True, help="Publish the draft at once.")
@author_option
@comment_option
@json_option
def rollback_command(
    version: int | None,
    places: tuple[str, ...],
    to: int | None,
    at_once: bool,
    author: str | None,
    comment: str,
    as_json: bool,
) -> None:
    """Make a draft that undoes what VERSION changed, or only what it changed at these PLACEs.

    Overrides are left alone: `override end` ends one. With --publish, a draft that cannot be published stays open.

    \b
    ./amtsleitung rollback 7 'service_lines[stadt-x/vermittlung]'
    ./amtsleitung rollback --to 5 --publish
    """
    from amtsleitung.tables import with_store

    if (version is None) == (to is None):
        raise click.UsageError("give a VERSION to undo, or --to VERSION")

    async def draft(store: Store) -> int:
        stamp: dict[str, Any] = {"author": who(author), "at": datetime.now(UTC)}
        if to is not None:
            return await store.roll_back_to(to, title=comment or f"rollback to version {to}", **stamp)
        assert version is not None
        chosen = await _chosen(store, version, places) if places else None
        title = comment or f"rollback of version {version}"
        return await store.roll_back_version(version, chosen=chosen, title=title, **stamp)

    number = with_store(draft)
    if not at_once:
        sentence = f"Draft {number} is open: look at it with `amtsleitung diff --draft {number}`, then publish it."
        tell_json({"draft": number}) if as_json else click.echo(sentence)
        return

    async def publish(store: Store) -> tuple[int, list[Told]]:
        return await _publish(store, number, who(author), comment)

    try:
        published = with_store(publish)
    except Problem as problem:
        raise Problem(f"Draft {number} is made and not published: {problem}") from None
    _tell_published(*published, number=number, as_json=as_json)


async def _chosen(store: Store, version: int, places: tuple[str, ...]) -> list[RowChange]:
    from routing.core.places import PlaceError, find_row

    changes = {change.row: change for change in await store.changes_of_version(version)}
    chosen = []
    for place in places:
        try:
            row = find_row(changes, place)
        except PlaceError as error:
            raise Problem(str(error)) from None
        if row is None:
            known = ", ".join(change.place for change in changes.values())
            raise Problem(f"Version {version} did not change {place}: it changed {known}.")
        chosen.append(changes[row])
    return chosen
