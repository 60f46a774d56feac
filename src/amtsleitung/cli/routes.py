# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung route``: what the router would do with a call, from the same ``decide``, without a call."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amtsleitung.cli.options import NUMBER
from amtsleitung.errors import Problem
from amtsleitung.printable import printable

if TYPE_CHECKING:
    from amtsleitung.explanations import Explained
    from routing.core.decision import Call
    from routing.core.table import Table

MAXIMUM_LINE_BYTES = 64 * 1024
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""The instants that every zone and the database know."""
LANGUAGES = ("de", "en")
_TEXTS = ("caller", "trunk", "diversion", "history_info", "to")
_FIELDS = frozenset({"dialled", "at", *_TEXTS})
_TYPES = frozenset({str, type(None)})
_BLOCK_LINES = 64
_read_json = json.JSONDecoder().raw_decode


# A text that merely starts with a hyphen is a dialled text, not an option: any text gets a decision.
@click.command("route", context_settings={"ignore_unknown_options": True})
@click.argument("dialled", required=False)
@click.option("--caller", metavar="N", help="The caller's number as received; left out: withheld.")
@click.option("--trunk", metavar="T", help="The trunk the call comes through; its number format applies.")
@click.option("--diversion", metavar="N", help="The number that the Diversion header names.")
@click.option("--history-info", metavar="N", help="The number that the History-Info header names.")
@click.option("--to", metavar="N", help="The number that the To header names.")
@click.option("--at", "at_text", metavar="ISO", help="The instant, ISO 8601 with offset; left out: now.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", help="The reasons' language.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
@click.option(
    "--batch",
    metavar="FILE",
    help="JSON lines from FILE (- is stdin): dialled and perhaps at, caller, trunk, diversion, history_info, to.",
)
@click.option(
    "--config",
    "config_file",
    metavar="FILE.yaml",
    type=click.Path(path_type=Path),
    help="Decide from this file; needs no database.",
)
@click.option("--table-version", type=NUMBER, metavar="N", help="Decide by this former version.")
@click.option("--as-published", is_flag=True, help="Decide by the version that was live at --at.")
@click.option("--draft", type=NUMBER, metavar="N", help="Decide by what would be live with this draft.")
@click.option("--call", "call_name", metavar="NODE/ID", help="Decide a real call again, by the version it had.")
def route_command(
    dialled: str | None,
    caller: str | None,
    trunk: str | None,
    diversion: str | None,
    history_info: str | None,
    to: str | None,
    at_text: str | None,
    language: str,
    as_json: bool,
    batch: str | None,
    config_file: Path | None,
    table_version: int | None,
    as_published: bool,
    draft: int | None,
    call_name: str | None,
) -> None:
    """Say where a call to DIALLED would go, and why.

    \b
    ./amtsleitung route "05372 89-0"
    ./amtsleitung route 115 --caller 05372123 --at 2026-10-31T10:00+01:00 --json
    ./amtsleitung route "05372 89-0" --at 2026-05-03T14:00+02:00 --as-published
    ./amtsleitung route --call node1/1795314100.1
    ./amtsleitung route --batch calls.jsonl --config examples/service-centre-wolfsburg.yaml
    """
    if [dialled, batch, call_name].count(None) != 2:
        raise click.UsageError("give a DIALLED number, --batch FILE or --call NODE/ID: one of them")
    if dialled is None and (caller or trunk or at_text or diversion or history_info or to):
        raise click.UsageError("--caller, --trunk, --at and the headers belong to a DIALLED number")
    sources = {"--config": config_file, "--table-version": table_version, "--draft": draft, "--call": call_name}
    named = [name for name, value in {**sources, "--as-published": as_published or None}.items() if value is not None]
    if len(named) > 1:
        raise click.UsageError(f"{' and '.join(named)} name two tables: give one of them")
    from amtsleitung.explanations import explained
    from routing.core.decision import Call

    at = datetime.now(UTC) if at_text is None else instant(at_text)
    if call_name is not None:
        found = explained(call_name)
        _print(found.table, found.call, found.at, language, as_json=as_json)
        _warn_of_difference(found)
        return
    table = _table(config_file, table_version, draft, at if as_published else None)
    if batch is not None:
        if not _batch(table, batch, language):
            sys.exit(1)
        return
    assert dialled is not None
    _warn_of_unknown(table, trunk)
    headers = {"diversion": diversion, "history_info": history_info, "to": to}
    call = Call(dialled=dialled, caller=caller or None, trunk=trunk, **headers)
    _print(table, call, at, language, as_json=as_json)


def _table(config_file: Path | None, table_version: int | None, draft: int | None, at: datetime | None) -> Table:
    from amtsleitung.explanations import table_at, table_of_draft, table_of_version
    from amtsleitung.tables import load_table

    if table_version is not None:
        return table_of_version(table_version)
    if draft is not None:
        return table_of_draft(draft)
    return load_table(config_file) if at is None else table_at(at)


def _print(table: Table, call: Call, at: datetime, language: str, *, as_json: bool) -> None:
    from amtsleitung.answers import answer_of, building_of, chain_words
    from routing.core.decide import decide

    decision = decide(table, call, at)
    answer = answer_of(decision, language) | {"building": building_of(table, decision, language)}
    click.echo(json.dumps(answer, ensure_ascii=True) if as_json else _sentences(answer, chain_words(decision)))


def _warn_of_difference(found: Explained) -> None:
    """What the call was told then is in the database; another answer now means that not all of it is known here."""
    from itertools import groupby

    from routing.core.decide import decide

    stored, decision = found.stored, decide(found.table, found.call, found.at)
    now = [rule for rule, _ in groupby(reason.rule for reason in decision.reasons)]
    if list(stored.reasons) != now:
        then = ", ".join(stored.reasons)
        click.echo(
            f"amtsleitung: the call was decided by level {stored.level} for these reasons: {then}; a demonstration's "
            "clock, a diversion header or another level explains the difference",
            err=True,
        )


def instant(text: object) -> datetime:
    """An instant with its offset. Raises ``Problem`` that says how to write one."""
    at = _parsed(text) if isinstance(text, str) else None
    if at is None:
        raise Problem(f"{text!r} is no instant: write ISO 8601 with an offset, such as 2026-11-23T10:00+01:00")
    if at.tzinfo is None:
        example = f"{text}+01:00" if ":" in str(text) else f"{at.date().isoformat()}T10:00+01:00"
        raise Problem(f"{text!r} has no offset from UTC: add one, such as {example}")
    if not FIRST <= at <= LAST:
        raise Problem(f"{text!r} lies outside the years 1 to 9999 in UTC: write an instant within them")
    return at


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _warn_of_unknown(table: Table, trunk: str | None) -> None:
    """As on the line itself, a trunk that the table does not know decides nothing; here somebody can be told."""
    if trunk is not None and trunk not in table.trunks:
        known = ", ".join(table.trunks) or "none"
        click.echo(f"amtsleitung: there is no trunk {trunk!r}, numbers are read as national; known: {known}", err=True)


def _sentences(answer: dict[str, Any], chain: list[str]) -> str:
    where = answer["queue"] or answer["announcement"] or answer["target"] or ""
    whose = f"{answer['tenant'] or 'nobody'}" + (f"/{answer['service_line']}" if answer["service_line"] else "")
    lines = [f"{answer['dialled_number']} → {whose}: {answer['kind']} {where}".rstrip()]
    lines += [f"  {number}. {reason['detail']}" for number, reason in enumerate(answer["reasons"], start=1)]
    lines += [f"  … {text}" for text in chain]
    if answer["building"] is not None:
        lines.append(f"  Building: {answer['building']['detail']}")
    lines.append(f"  at {answer['at']}, table version {answer['table_version']}")
    return "\n".join(map(printable, lines))


def _batch(table: Table, source: str, language: str) -> bool:
    """One JSON line out for each line in; an unreadable line is answered with its error. True if there was none.

    Some lines at a time are read, decided and written: each of the three is faster when it is not interrupted.
    """
    from amtsleitung.answer_lines import AnswerLines
    from routing.core.decide import decide
    from routing.core.decision import Call

    gc.collect()
    gc.freeze()  # the table stays: no collection need look at it again and again
    good, write_answer, known_trunks = True, AnswerLines(language).line, set(table.trunks)
    lines = _lines(source)
    while block := list(islice(lines, 1 if sys.stdout.isatty() else _BLOCK_LINES)):
        read = [_read_line(line, number, Call) for number, line in block]
        decided = [item if isinstance(item, str) else decide(table, *item) for item in read]
        sys.stdout.write("".join([item if isinstance(item, str) else write_answer(item) for item in decided]))
        for item in read:
            if isinstance(item, str):
                good = False
            elif (trunk := item[0].trunk) is not None and trunk not in known_trunks:
                known_trunks.add(trunk)
                _warn_of_unknown(table, trunk)
    sys.stdout.flush()
    return good


def _read_line(line: bytes, number: int, call: type[Call]) -> tuple[Call, datetime] | str:
    """The ``call`` of a line and its instant, or the answer that says what is wrong with it."""
    try:
        fields = _batch_call(line)
        at_text = fields.pop("at", None)
        at = datetime.now(UTC) if at_text is None else instant(at_text)
        fields["caller"] = fields.get("caller") or None
        return call(**fields), at
    except Problem as problem:
        return json.dumps({"error": str(problem), "line": number}) + "\n"


def _batch_call(line: bytes) -> dict[str, Any]:
    if len(line) > MAXIMUM_LINE_BYTES:
        raise Problem(f"longer than {MAXIMUM_LINE_BYTES // 1024} KiB: write one call per line; reading ends here")
    try:
        text = line.decode().strip(" \t\r\n\ufeff")
        call, end = _read_json(text)
        if end < len(text):
            raise ValueError
    except (ValueError, RecursionError):
        raise Problem("not a JSON object: write one call per line") from None
    if not isinstance(call, dict):
        raise Problem("not a JSON object: write one call per line")
    if not call.keys() <= _FIELDS:
        unknown = call.keys() - _FIELDS
        raise Problem(f"unknown field {min(unknown)!r}: known are dialled, at, {', '.join(_TEXTS)}")
    if not isinstance(call.get("dialled"), str):
        raise Problem("the field 'dialled' must be a text")
    if not set(map(type, call.values())) <= _TYPES:
        for name, value in call.items():
            if not (value is None or isinstance(value, str)) and name != "at":
                raise Problem(f"the field {name!r} must be a text or null")
    return call


def _lines(source: str) -> Iterator[tuple[int, bytes]]:
    try:
        with sys.stdin.buffer if source == "-" else Path(source).open("rb") as stream:
            for number, line in enumerate(iter(partial(stream.readline, MAXIMUM_LINE_BYTES + 1), b""), start=1):
                if not line.isspace():
                    yield number, line
                if len(line) > MAXIMUM_LINE_BYTES:  # no file of calls; /dev/zero is one such line without an end
                    return
    except OSError as error:
        raise Problem(f"{source} cannot be read ({error.strerror}): check the path.") from error
