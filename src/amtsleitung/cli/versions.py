# SPDX-License-Identifier: EUPL-1.2
"""``versions`` and ``diff``: who changed what, and what differs between two versions or is other in a draft."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from amtsleitung.cli.options import NUMBER, json_option, tell, tell_json, tenant_option
from amtsleitung.errors import Problem

if TYPE_CHECKING:
    from amtsleitung.decision_changes import Compared
    from routing.core.changes import RowChange
    from routing.core.rows import Rows
    from routing.store import Store, StoredVersion

YEAR = timedelta(days=365)
_RANGE = re.compile(r"(?P<old>[0-9]{1,9})\.\.(?P<new>[0-9]{1,9})?")


@click.command("versions", short_help="List who changed the configuration, when and why.")
@click.argument("version", type=NUMBER, required=False)
@click.option("--limit", default=20, type=click.IntRange(1, 10_000), show_default=True, help="How many, newest first.")
@tenant_option
@json_option
def versions_command(version: int | None, limit: int, tenant: str | None, as_json: bool) -> None:
    """List the versions of the configuration, newest first; with a VERSION, what it changed."""
    from amtsleitung.row_changes import changes_json, changes_lines
    from amtsleitung.tables import with_store

    async def work(store: Store) -> list[tuple[StoredVersion, tuple[RowChange, ...]]]:
        wanted = await store.versions(limit=limit if version is None else 1, newest=version)
        needed = tenant is not None or version is not None
        return [(item, await store.changes_of_version(item.version) if needed else ()) for item in wanted]

    found = with_store(work)
    if version is not None and [item.version for item, _ in found] != [version]:
        raise Problem(f"There is no version {version}: `amtsleitung versions` lists those that there are.")
    if as_json:
        answers = [_stamp(item, changes, tenant) for item, changes in found]
        if version is not None:
            tell_json(answers[0] | {"rows": changes_json(found[0][1], tenant)})
        else:
            tell_json(answers)
        return
    for item, changes in found:
        tell([_headline(_stamp(item, changes, tenant))])
        if version is not None:
            tell(changes_lines(changes, tenant))
    if not found:
        click.echo("Nothing was ever imported.")


def _stamp(item: StoredVersion, changes: tuple[RowChange, ...], tenant: str | None) -> dict[str, Any]:
    """Who and why is told only if all that was changed may be seen: a comment may speak of the rest."""
    from routing.core.visibility import all_visible

    told = all_visible(changes, tenant)
    return {
        "version": item.version,
        "at": item.at.isoformat(),
        "author": item.author if told else None,
        "comment": item.comment if told else None,
    }


def _headline(stamp: dict[str, Any]) -> str:
    line = f"{stamp['version']:>4}  {stamp['at']}"
    return line if stamp["author"] is None else f"{line}  {stamp['author']}: {stamp['comment']}".rstrip(": ")


class Pair(NamedTuple):
    """Two configurations that are compared, and what they are called."""

    old: Rows
    new: Rows
    changes: tuple[RowChange, ...]
    names: dict[str, int]


@click.command("diff", short_help="Say what differs between versions, or is other in a draft.")
@click.argument("versions", required=False, metavar="[A..B]")
@click.option("--draft", "number", type=NUMBER, metavar="N", help="What this draft would change of what is live.")
@click.option("--from", "start_text", metavar="ISO", help="Compare decisions from this instant on; left out: now.")
@click.option("--until", "end_text", metavar="ISO", help="Compare decisions until this instant; left out: for a year.")
@click.option("--rows-only", is_flag=True, help="Only the rows, not the decisions.")
@tenant_option
@json_option
def diff_command(
    versions: str | None,
    number: int | None,
    start_text: str | None,
    end_text: str | None,
    rows_only: bool,
    tenant: str | None,
    as_json: bool,
) -> None:
    """Say what differs from version A to version B (left out: the live one), or what a draft would change.

    First the rows, then every call that is decided otherwise: each number or range, class of callers and time.
    """
    from amtsleitung.tables import with_store

    if (versions is None) == (number is None):
        raise click.UsageError("give two versions such as 3..5, or --draft N")
    start, end = _times(start_text, end_text)

    async def work(store: Store) -> Pair:
        if number is not None:
            return await _draft(store, number)
        assert versions is not None
        return await _versions(store, versions)

    pair = with_store(work)
    compared = None if rows_only or not pair.changes else _tables(pair, start, end, tenant)
    if as_json:
        tell_json(pair.names | _answer(pair, compared, tenant))
    else:
        _tell(pair, compared, tenant)


def _times(start_text: str | None, end_text: str | None) -> tuple[datetime, datetime]:
    """From when until when decisions are compared. Raises ``Problem``."""
    from amtsleitung.cli.routes import LAST, instant

    start = datetime.now(UTC) if start_text is None else instant(start_text)
    end = min(start, LAST - YEAR) + YEAR if end_text is None else instant(end_text)
    if end <= start:
        raise Problem(f"--until ({end.isoformat()}) must be later than --from ({start.isoformat()}).")
    return start, end


def _tables(pair: Pair, start: datetime, end: datetime, tenant: str | None) -> Compared:
    """Both compiled. Raises ``Problem`` if one of them has errors."""
    from amtsleitung.decision_changes import Compared
    from amtsleitung.tables import compiled

    names = {name: f"{name} {value}" for name, value in pair.names.items()}
    old = compiled(pair.old, version=pair.names.get("from", 0), place=names.get("from", "the live version"))
    new = compiled(pair.new, version=pair.names.get("to", 0), place=names.get("to", names.get("draft", "")))
    return Compared(old=old, new=new, start=start, end=end, tenant=tenant)


async def _draft(store: Store, number: int) -> Pair:
    from amtsleitung.draft_rows import rows_with_draft
    from routing.core.changes import difference

    old, new = await rows_with_draft(store, number)
    return Pair(old=old, new=new, changes=difference(old, new), names={"draft": number})


async def _versions(store: Store, text: str) -> Pair:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise Problem(f"{text!r} names no two versions: write them as 3..5, or 3.. up to the live one")
    old = int(match["old"])
    new = int(match["new"]) if match["new"] else await store.live_version() or 0
    return Pair(
        old=await store.rows_of_version(old),
        new=await store.rows_of_version(new),
        changes=await store.changes_between(old, new),
        names={"from": old, "to": new},
    )


def _answer(pair: Pair, compared: Compared | None, tenant: str | None) -> dict[str, Any]:
    """What differs, as JSON: the rows, and the decisions if they were compared."""
    from amtsleitung.decision_changes import decisions_json
    from amtsleitung.row_changes import changes_json

    rows: dict[str, Any] = {"rows": changes_json(pair.changes, tenant)}
    return rows if compared is None else rows | {"decisions": decisions_json(compared)}


def _tell(pair: Pair, compared: Compared | None, tenant: str | None) -> None:
    """What differs, for people."""
    from amtsleitung.decision_changes import decision_lines
    from amtsleitung.row_changes import changes_lines

    tell(changes_lines(pair.changes, tenant))
    if not pair.changes:
        click.echo("Nothing differs.")
    if compared is not None:
        tell(["", *decision_lines(compared)])
