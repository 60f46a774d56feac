# SPDX-License-Identifier: EUPL-1.2
"""``override``: closing or opening by hand, at once, against all rules and beside all drafts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from amtsleitung.cli.options import author_option, comment_option, json_option, tell, tell_json, who

if TYPE_CHECKING:
    from routing.core.rows import OverrideRow, Rows
    from routing.store import Store

F = TypeVar("F", bound=Callable[..., Any])


@click.group("override", short_help="Close or open by hand, at once.")
def override_group() -> None:
    """Close or open by hand, at once: a version of its own, which no draft and no rollback touches.

    \b
    ./amtsleitung override close feueralarm --tenant stadt-x --until 2026-11-23T12:00+01:00 --reason "Fire alarm"
    ./amtsleitung override end feueralarm
    """


def _throwing(command: F) -> F:
    """The options that closing and opening share."""
    options = [
        click.argument("name"),
        click.option("--until", required=True, metavar="ISO", help="When it ends, ISO 8601 with offset."),
        click.option("--from", "begins", metavar="ISO", help="When it begins; left out: now."),
        click.option("--reason", required=True, metavar="TEXT", help="Why; it is told with each decision."),
        click.option("--tenant", metavar="SLUG", help="Whose lines."),
        click.option("--service-line", metavar="NAME", help="Only this line of the tenant."),
        click.option("--centre", is_flag=True, help="Every line of every tenant."),
        click.option("--announcement", metavar="TEXT", help="What callers hear instead of the line's own words."),
        author_option,
        json_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@override_group.command("close")
@_throwing
@click.option("--forward", "forward_number", metavar="NUMBER", help="Where calls go meanwhile (E.164).")
@click.option("--trunk", "forward_trunk", metavar="NAME", help="Through which trunk.")
def close_command(**given: Any) -> None:
    """Close lines by hand until an instant; NAME is how the override is called."""
    _throw(opens=False, **given)


@override_group.command("open")
@_throwing
def open_command(**given: Any) -> None:
    """Open lines by hand until an instant; NAME is how the override is called."""
    _throw(opens=True, forward_number=None, forward_trunk=None, **given)


def _throw(
    *,
    opens: bool,
    name: str,
    until: str,
    begins: str | None,
    reason: str,
    tenant: str | None,
    service_line: str | None,
    centre: bool,
    announcement: str | None,
    forward_number: str | None,
    forward_trunk: str | None,
    author: str | None,
    as_json: bool,
) -> None:
    from amtsleitung.cli.routes import instant
    from amtsleitung.tables import with_store
    from routing.core.rows import OverrideRow

    if centre == (tenant is not None):
        raise click.UsageError("say for whom: --tenant SLUG (with --service-line NAME for one line), or --centre")
    if service_line is not None and tenant is None:
        raise click.UsageError("--service-line needs the --tenant that it belongs to")
    at = datetime.now(UTC)
    row = OverrideRow(
        name=name,
        opens=opens,
        reason=reason,
        author=who(author),
        valid_from=at if begins is None else instant(begins),
        valid_to=instant(until),
        tenant=tenant,
        service_line=service_line,
        announcement_text=announcement,
        forward_number=forward_number,
        forward_trunk=forward_trunk,
    )

    async def work(store: Store) -> int:
        return await store.throw_override(row, at=at)

    version = with_store(work)
    if as_json:
        tell_json({"override": name, "version": version})
    else:
        tell([f"Override {name} is live as version {version}, until {row.valid_to.isoformat()}."])


@override_group.command("end")
@click.argument("name")
@author_option
@comment_option
@json_option
def end_command(name: str, author: str | None, comment: str, as_json: bool) -> None:
    """End an override now."""
    from amtsleitung.tables import with_store

    async def work(store: Store) -> int:
        reason = comment or f"override {name} ended"
        return await store.end_override(name, author=who(author), comment=reason, at=datetime.now(UTC))

    version = with_store(work)
    if as_json:
        tell_json({"override": name, "version": version})
    else:
        tell([f"Override {name} has ended, as version {version}."])


@override_group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the overrides that hold now or later."""
    from amtsleitung.tables import live_rows, with_store
    from routing.core.row_json import row_json

    at = datetime.now(UTC)

    async def work(store: Store) -> Rows:
        return (await live_rows(store))[0]

    found = sorted(
        (row for row in with_store(work).overrides if row.valid_to > at), key=lambda row: (row.valid_from, row.name)
    )
    if as_json:
        tell_json([row_json(row) for row in found])
        return
    tell(_line(row) for row in found)
    if not found:
        click.echo("No override holds.")


def _line(row: OverrideRow) -> str:
    whose = "/".join(part for part in (row.tenant, row.service_line) if part is not None) or "the whole centre"
    what = "opens" if row.opens else "closes"
    times = f"{row.valid_from.isoformat(timespec='minutes')} – {row.valid_to.isoformat(timespec='minutes')}"
    return f"{row.name}  {what} {whose}, {times}: {row.reason} ({row.author})"
