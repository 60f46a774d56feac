# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung status``: how each service stands, what the router decides by, and the last good table on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from amtsleitung.control import ask
from amtsleitung.errors import Problem
from amtsleitung.keep_table import last_good_path
from amtsleitung.requests import VITALS_SECONDS
from amtsleitung.run_file import read_run_file
from amtsleitung.settings import read_settings
from amtsleitung.status_file import read_status, status_path
from routing.config.last_good import LastGood, LastGoodError, NoLastGoodError

SILENT_SECONDS = 15.0
"""A router whose word is older has ended, hangs, or cannot write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The sentences of one language."""

    service: str
    stopped: str
    table: str
    no_router: str
    silent: str
    connected: str
    away: str
    alone: str
    counts: str
    last_good: str
    no_last_good: str


ENGLISH = Texts(
    service="{name}: process {pid}, ready since {since}, started again {restarts} times",
    stopped="{name}: does not run, started again {restarts} times",
    table="router: version {version}, {numbers} numbers; {database}; process {pid} since {since}",
    no_router="router: says nothing of itself (log/fastagi.log says more)",
    silent="router: has said nothing for {age} s: it has ended, or cannot write {path}",
    connected="the database is connected",
    away="the database is away, it decides by what it has",
    alone="it decides by a file, without a database",
    counts="router, since its start: decisions {decisions}; failures {failures}; open connections {open}",
    last_good="last good table: version {version}, made {made_at}, kept {kept_at}, {age} s old, {rows} rows, {sum}",
    no_last_good="last good table: none yet",
)
GERMAN = Texts(
    service="{name}: Prozess {pid}, bereit seit {since}, {restarts}-mal neu gestartet",
    stopped="{name}: läuft nicht, {restarts}-mal neu gestartet",
    table="Router: Fassung {version}, {numbers} Rufnummern; {database}; Prozess {pid} seit {since}",
    no_router="Router: gibt keine Auskunft (mehr sagt log/fastagi.log)",
    silent="Router: hat seit {age} s nichts gesagt: er ist beendet oder kann {path} nicht schreiben",
    connected="die Datenbank ist verbunden",
    away="die Datenbank ist fort, er entscheidet nach dem, was er hat",
    alone="er entscheidet nach einer Datei, ohne Datenbank",
    counts="Router, seit seinem Start: Entscheidungen {decisions}; Fehler {failures}; offene Verbindungen {open}",
    last_good="letzte gute Tabelle: Fassung {version} vom {made_at}, abgelegt {kept_at}, {age} s alt, "
    "{rows} Zeilen, {sum}",
    no_last_good="letzte gute Tabelle: noch keine",
)
TEXTS = {"en": ENGLISH, "de": GERMAN}


def look(at: datetime) -> dict[str, Any]:
    """All that is known of the system of this state directory, as JSON values. Raises ``Problem`` if there is none."""
    settings = read_settings()
    running = read_run_file(settings.state_directory)
    path = status_path(settings.state_directory)
    router = read_status(path)
    if running is None and router is None:
        raise Problem("No system is running here: start one with ./amtsleitung run (in another terminal).")
    services: Mapping[str, Any] = {}
    if running is not None and not running.prepared:
        services = ask(settings.state_directory, {"do": "vitals"}, deadline_seconds=VITALS_SECONDS)["services"]
    return {
        "services": services,
        "router": None if router is None else router | {"age_seconds": _age(router.get("at"), at), "path": str(path)},
        "last_good": _last_good(last_good_path(settings.state_directory), at),
    }


def sentences(seen: Mapping[str, Any], texts: Texts) -> Iterator[str]:
    """The same for people."""
    for name, vitals in seen["services"].items():
        text = texts.stopped if vitals["pid"] is None else texts.service
        yield text.format(name=name, since=vitals["started_at"], **vitals)
    yield from _router(seen["router"], texts)
    match seen["last_good"]:
        case None:
            yield texts.no_last_good
        case {"problem": problem}:
            yield str(problem)
        case kept:
            yield texts.last_good.format(sum=f"SHA-256 {kept['sha256']}", age=kept["age_seconds"], **kept)


def _router(router: Mapping[str, Any] | None, texts: Texts) -> Iterator[str]:
    if router is None:
        yield texts.no_router
        return
    age = router["age_seconds"]
    if age is None or age > SILENT_SECONDS:
        yield texts.silent.format(age=age, path=router["path"])
        return
    database = {None: texts.alone, True: texts.connected, False: texts.away}[router["database"]]
    yield texts.table.format(
        version=router["table_version"],
        numbers=router["numbers"],
        database=database,
        pid=router["pid"],
        since=router["started_at"],
    )
    yield texts.counts.format(
        decisions=_counted(router["decisions"]),
        failures=_counted(router["failures"]),
        open=router["open_connections"],
    )


def _counted(counts: Mapping[str, int]) -> str:
    each = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
    return f"{sum(counts.values())} ({each})" if each else "0"


def _age(text: object, at: datetime) -> int | None:
    try:
        return round((at - datetime.fromisoformat(str(text))).total_seconds())
    except (ValueError, TypeError):
        return None


def _last_good(path: Path, at: datetime) -> dict[str, Any] | None:
    """The file's own words, once its checksum was found right."""
    try:
        with LastGood(path) as file:
            kept = file.kept
            checksum = json.loads(path.read_bytes().splitlines()[-1])["sha256"]
    except NoLastGoodError:
        return None
    except (LastGoodError, OSError, ValueError, KeyError) as error:
        return {"problem": str(error)}
    return {
        "version": kept.version,
        "made_at": kept.made_at.isoformat(),
        "kept_at": kept.kept_at.isoformat(),
        "age_seconds": round((at - kept.kept_at).total_seconds()),
        "rows": kept.rows,
        "numbers": kept.numbers,
        "sha256": checksum,
    }
