# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung route``: what the router would do with a call, from the same ``decide``, without a call."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amtsleitung.errors import Problem

if TYPE_CHECKING:
    from routing.core.table import Table

MAXIMUM_LINE_BYTES = 64 * 1024


# A text that merely starts with a hyphen is a dialled text, not an option: any text gets a decision.
@click.command("route", context_settings={"ignore_unknown_options": True})
@click.argument("dialled", required=False)
@click.option("--caller", metavar="N", help="The caller's number as received; left out: withheld.")
@click.option("--trunk", metavar="T", help="The trunk the call comes through; its number format applies.")
@click.option("--at", "at_text", metavar="ISO", help="The instant, ISO 8601 with offset; left out: now.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
@click.option("--batch", metavar="FILE", help="JSON lines with dialled, caller, at, trunk from FILE, or - for stdin.")
@click.option(
    "--config",
    "config_file",
    metavar="FILE.yaml",
    type=click.Path(path_type=Path),
    help="Decide from this file; needs no database.",
)
def route_command(
    dialled: str | None,
    caller: str | None,
    trunk: str | None,
    at_text: str | None,
    as_json: bool,
    batch: str | None,
    config_file: Path | None,
) -> None:
    """Say where a call to DIALLED would go, and why.

    \b
    ./amtsleitung route "05372 89-0"
    ./amtsleitung route 115 --caller 05372123 --at 2026-10-31T10:00+01:00 --json
    ./amtsleitung route --batch calls.jsonl --config examples/service-centre-wolfsburg.yaml
    """
    if (dialled is None) == (batch is None):
        raise click.UsageError("give either a DIALLED number or --batch FILE")
    if batch is not None and (caller or trunk or at_text):
        raise click.UsageError("--caller, --trunk and --at stand in the lines of a batch")
    from amtsleitung.tables import load_table

    if batch is not None:
        if not _batch(load_table(config_file), batch):
            sys.exit(1)
        return
    assert dialled is not None
    at = datetime.now(UTC) if at_text is None else instant(at_text)
    table = load_table(config_file)
    _warn_of_unknown(table, trunk)
    answer = _answer(table, dialled, caller, trunk, at)
    click.echo(json.dumps(answer, ensure_ascii=True) if as_json else _sentences(answer))


def instant(text: object) -> datetime:
    """An instant with its offset. Raises ``Problem`` that says how to write one."""
    at = _parsed(text) if isinstance(text, str) else None
    if at is None:
        raise Problem(f"{text!r} is no instant: write ISO 8601 with an offset, such as 2026-11-23T10:00+01:00")
    if at.tzinfo is None:
        example = f"{text}+01:00" if ":" in str(text) else f"{at.date().isoformat()}T10:00+01:00"
        raise Problem(f"{text!r} has no offset from UTC: add one, such as {example}")
    return at


def _parsed(text: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    return None


def _warn_of_unknown(table: Table, trunk: str | None) -> None:
    """As on the line itself, a trunk that the table does not know decides nothing; here somebody can be told."""
    if trunk is not None and trunk not in table.trunks:
        known = ", ".join(table.trunks) or "none"
        click.echo(f"amtsleitung: there is no trunk {trunk!r}, numbers are read as national; known: {known}", err=True)


def _answer(table: Table, dialled: str, caller: str | None, trunk: str | None, at: datetime) -> dict[str, Any]:
    from amtsleitung.answers import answer_of
    from routing.core.decide import decide
    from routing.core.decision import Call

    return answer_of(decide(table, Call(dialled=dialled, caller=caller or None, trunk=trunk), at))


def _sentences(answer: dict[str, Any]) -> str:
    where = answer["queue"] or answer["announcement"] or answer["target"] or ""
    whose = f"{answer['tenant'] or 'nobody'}" + (f"/{answer['service_line']}" if answer["service_line"] else "")
    lines = [f"{answer['dialled_number']} → {whose}: {answer['kind']} {where}".rstrip()]
    lines += [f"  {number}. {reason['detail']}" for number, reason in enumerate(answer["reasons"], start=1)]
    lines.append(f"  at {answer['at']}, table version {answer['table_version']}")
    return "\n".join(map(_shown, lines))


def _shown(text: str) -> str:
    """The text without what could steer a terminal, in characters that this terminal has."""
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    encoding = sys.stdout.encoding or "ascii"
    return printable.encode(encoding, "backslashreplace").decode(encoding)


def _batch(table: Table, source: str) -> bool:
    """One JSON line out for each line in; an unreadable line is answered with its error. True if there was none."""
    good = True
    unknown_trunks: set[str] = set()
    for number, line in _lines(source):
        try:
            call = _batch_call(line)
            at = datetime.now(UTC) if call.get("at") is None else instant(call["at"])
            answer = _answer(table, call["dialled"], call.get("caller"), trunk := call.get("trunk"), at)
            if trunk is not None and trunk not in unknown_trunks:
                unknown_trunks.add(trunk)
                _warn_of_unknown(table, trunk)
        except Problem as problem:
            answer, good = {"error": str(problem), "line": number}, False
        sys.stdout.write(json.dumps(answer, ensure_ascii=True) + "\n")
    sys.stdout.flush()
    return good


def _batch_call(line: bytes) -> dict[str, Any]:
    if len(line) > MAXIMUM_LINE_BYTES:
        raise Problem(f"longer than {MAXIMUM_LINE_BYTES // 1024} KiB: write one call per line; reading ends here")
    try:
        call = json.loads(line)
    except (ValueError, RecursionError):
        raise Problem("not a JSON object: write one call per line") from None
    if not isinstance(call, dict):
        raise Problem("not a JSON object: write one call per line")
    if unknown := call.keys() - {"dialled", "caller", "at", "trunk"}:
        raise Problem(f"unknown field {min(unknown)!r}: known are dialled, caller, at, trunk")
    if not isinstance(call.get("dialled"), str):
        raise Problem("the field 'dialled' must be a text")
    for name in ("caller", "trunk"):
        if call.get(name) is not None and not isinstance(call[name], str):
            raise Problem(f"the field {name!r} must be a text or null")
    return call


def _lines(source: str) -> Iterator[tuple[int, bytes]]:
    try:
        with sys.stdin.buffer if source == "-" else Path(source).open("rb") as stream:
            for number in count(1):
                if not (line := stream.readline(MAXIMUM_LINE_BYTES + 1)):
                    return
                if line.strip():
                    yield number, line
                if len(line) > MAXIMUM_LINE_BYTES:  # no file of calls; /dev/zero is one such line without an end
                    return
    except OSError as error:
        raise Problem(f"{source} cannot be read ({error.strerror}): check the path.") from error
