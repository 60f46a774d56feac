# SPDX-License-Identifier: EUPL-1.2
"""Drafts, checks, publishing, rollback, overrides, versions and people's names, as commands: what they do and say."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from amtsleitung.cli import program
from routing.core.rows import OverrideRow, Problem, Rows
from routing.store import RoleUrls, Store
from tests.support.product import command, environment, state_folder

pytestmark = pytest.mark.system

CONFIGURATION = """
format: 1
timezone: Europe/Berlin
opening_hours:
  - { name: always, weekly: { monday: ["00:00-24:00"] } }
trunks:
  - { name: carrier, address: 127.0.0.6, number_format: e164 }
agent_groups:
  - { name: allgemein, title: Allgemein }
agents:
  - { name: agent90, agent_groups: [allgemein] }
tenants:
  - slug: stadt-x
    name: Stadt X
    service_lines:
      - { name: vermittlung, title: Vermittlung, opening_hours: always, agent_group: allgemein }
    number_blocks:
      - head_number: "+49537199"
        extensions: { "0": vermittlung }
  - slug: geheimstadt
    name: Geheimstadt
    service_lines:
      - { name: geheimlinie, title: Geheimtitel, opening_hours: always, agent_group: allgemein }
    number_blocks:
      - head_number: "+49537477"
        extensions: { "0": geheimlinie }
"""
LINE = "service_lines[stadt-x/vermittlung]"
FOREIGN_LINE = "service_lines[geheimstadt/geheimlinie]"
BEYOND = "9999-12-31T23:59:59-01:00"
SECRETS = ("geheim", "537477")

Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
async def state() -> AsyncIterator[Path]:
    async with state_folder() as folder:
        yield folder


@pytest.fixture
async def process(database: RoleUrls, state: Path, tmp_path: Path) -> Run:
    """``amtsleitung <arguments>``, each in a process of its own; the configuration is version 1."""

    async def run_process(*arguments: str) -> tuple[int, str, str]:
        return await command(*arguments, state=state, DATABASE_URL=database.owner)

    return await with_configuration(run_process, tmp_path)


@pytest.fixture
async def run(database: RoleUrls, state: Path, tmp_path: Path) -> Run:
    """The same within this process, which is ten times as fast."""
    settings = environment(state, DATABASE_URL=database.owner)

    async def run_here(*arguments: str) -> tuple[int, str, str]:
        # In a thread, for a command has an event loop of its own.
        done = await asyncio.to_thread(CliRunner().invoke, program, arguments, env=settings, prog_name="amtsleitung")
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return await with_configuration(run_here, tmp_path)


async def with_configuration(run: Run, folder: Path) -> Run:
    file = folder / "configuration.yaml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    status, _, err = await run("import", str(file), "--author", "erste")
    assert status == 0, err
    return run


async def good(run: Run, *arguments: str) -> str:
    status, out, err = await run(*arguments)
    assert (status, err) == (0, ""), (arguments, out, err)
    return out


async def answer(run: Run, *arguments: str) -> Any:
    return json.loads(await good(run, *arguments, "--json"))


async def refused(run: Run, *arguments: str) -> str:
    status, out, err = await run(*arguments)
    assert (status, out) == (1, ""), (arguments, out, err)
    return err


async def new_draft(run: Run, *arguments: str) -> str:
    return str((await answer(run, "draft", "new", "Titel", *arguments))["draft"])


async def test_a_change_from_draft_to_live_and_back(process: Run) -> None:
    run = process
    out = await good(run, "draft", "new", "Stadt X zieht um", "--author", "zweite")
    number = re.findall(r"Draft (\d+) is open: 0 changes to version 1\.", out)[0]
    out = await good(run, "draft", "set", number, LINE, "priority=5", "greeting_text=Guten Tag – Stadt X.")
    assert out == f"Draft {number} has 1 changes to version 1.\n"
    agent = ("device=agent91", 'agent_groups=["allgemein"]')
    await good(run, "draft", "set", number, "agents[agent91]", *agent, "--author", "dritte")
    shown = await good(run, "draft", "show", number)
    assert "open, 2 changes to version 1: Stadt X zieht um (zweite, " in shown
    assert f"changed  {LINE}\n           priority: 0 → 5\n" in shown
    rows = await good(run, "diff", "--draft", number, "--rows-only")
    assert sorted(rows.splitlines()) == sorted(shown.splitlines()[1:])
    period = ("--from", "2027-01-11T00:00+01:00", "--until", "2027-01-12T00:00+01:00")  # a Monday
    told = await answer(run, "diff", "--draft", number, *period)
    assert rows.splitlines()[0] in await good(run, "diff", "--draft", number, *period)
    (difference,) = told["decisions"]
    assert (difference["from"], difference["to"]) == ("2027-01-10T23:00:00+00:00", "2027-01-11T23:00:00+00:00")
    assert "Guten Tag – Stadt X." in difference["after"]["texts"].values()
    assert "Guten Tag – Stadt X." not in difference["before"]["texts"].values()
    out = await good(run, "publish", number, "--author", "vierte", "--comment", "Umzug")
    assert out.splitlines()[-1] == f"Draft {number} is live as version 2."
    assert "priority: 5" in await good(run, "export")
    assert re.match(
        r" +2  \S+  vierte: Umzug\n +1  \S+  erste: import configuration.yaml\n$", await good(run, "versions")
    )
    assert "priority: 0 → 5" in await good(run, "versions", "2")
    out = await good(run, "rollback", "2", LINE, "--publish", "--author", "fünfte")
    assert "is live as version 3." in out
    assert "priority: 5" not in await good(run, "export")
    (row,) = (await answer(run, "diff", "1.."))["rows"]
    assert (row["row"], row["change"], row["after"]["device"]) == ("agents[agent91]", "new", "agent91")
    made = await answer(run, "rollback", "--to", "1")
    assert (await answer(run, "publish", str(made["draft"])))["version"] == 4
    assert await good(run, "diff", "1..4") == "Nothing differs.\n"
    assert [item["version"] for item in await answer(run, "versions", "--limit", "2")] == [4, 3]


async def test_a_file_becomes_a_draft(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(CONFIGURATION.replace("title: Vermittlung", "title: Zentrale"), encoding="utf-8")
    out = await good(run, "import", str(file), "--draft", "--author", "zweite")
    number = re.findall(r"draft (\d+) is open \(1 rows to change\)", out)[0]
    assert "title: Zentrale" not in await good(run, "export")
    (row,) = (await answer(run, "draft", "show", number))["rows"]
    assert (row["before"]["title"], row["after"]["title"]) == ("Vermittlung", "Zentrale")
    made = await answer(run, "draft", "new", "dasselbe", "--from", str(file), "--replace")
    assert made["changes"] == 1
    assert [item["draft"] for item in await answer(run, "draft", "list")] == [int(number), made["draft"]]
    assert await good(run, "draft", "discard", number) == f"Draft {number} is discarded.\n"
    (left,) = await answer(run, "draft", "list")
    assert left["draft"] == made["draft"]
    assert [item["state"] for item in await answer(run, "draft", "list", "--all")] == ["discarded", "open"]
    file.write_text(CONFIGURATION, encoding="utf-8")
    assert "nothing differs from version 1" in await good(run, "import", str(file), "--draft")
    assert "no draft was made" in await refused(run, "draft", "new", "leer", "--from", str(file))


async def test_rows_are_removed_and_changes_taken_back(run: Run) -> None:
    number = await new_draft(run)
    await good(run, "draft", "remove", number, "dids[+49537199/0]")
    row = json.dumps({"title": "Neu", "maximum_waiting": 7})
    await good(run, "draft", "set", number, "agent_groups[neu]", "--row", row)
    changes = (await answer(run, "draft", "show", number))["rows"]
    assert [(item["row"], item["change"]) for item in changes] == [
        ("dids[+49537199/0]", "gone"),
        ("agent_groups[neu]", "new"),
    ]
    assert changes[1]["after"] == {"name": "neu", "title": "Neu", "maximum_waiting": 7}
    assert (await answer(run, "draft", "undo", number, "dids[+49537199/0]"))["changes"] == 1
    assert (await answer(run, "draft", "remove", number, "agent_groups[neu]"))["changes"] == 0


async def test_mistakes_are_told_in_a_sentence(run: Run) -> None:
    number = await new_draft(run)
    mistakes: list[tuple[tuple[str, ...], str]] = [
        (("draft", "set", number, LINE, "prio=5"), "service_lines have no field 'prio'"),
        (("draft", "set", number, LINE, "priority=hoch"), "expected a whole number"),
        (("draft", "set", number, "lines[x]", "a=b"), "there are no 'lines'; known are centre"),
        (("draft", "set", number, "overrides[x]", "--row", "{}"), "the field 'opens' is missing"),
        (("draft", "remove", number, "tenants[nobody]"), "There is no tenants[nobody], neither live nor in draft"),
        (("draft", "undo", number, LINE), f"Draft {number} does not change {LINE}"),
        (("draft", "show", "99999999"), "There is no draft 99999999"),
        (("publish", number), f"Draft {number} changes nothing yet"),
        (("rollback", "1", "tenants[nobody]"), "Version 1 did not change tenants[nobody]: it changed "),
        (("rollback", "9"), "There is no version 9"),
        (("versions", "9"), "There is no version 9"),
        (("diff", "1-2"), "'1-2' names no two versions"),
        (("override", "end", "nix"), "There is no override nix"),
        (("person", "erase", "nix"), "There is no name of 'nix'"),
        (("person", "set", "agent07", " "), "A person has a login name and a name: write both."),
        (("draft", "new", "Titel", "--author", ""), "--author names nobody"),
        (("diff", "1..1", "--from", BEYOND), f"'{BEYOND}' lies outside the years 1 to 9999 in UTC"),
        (("diff", "1..1", "--from", "2027-01-01T00:00Z", "--until", "2026-01-01T00:00Z"), "must be later than --from"),
        (("override", "close", "x", "--centre", "--reason", "r", "--until", BEYOND), "lies outside the years"),
        (("route", "115", "--at", BEYOND, "--as-published"), "lies outside the years"),
    ]
    for arguments, sentence in mistakes:
        err = await refused(run, *arguments)
        assert sentence in err, (arguments, err)
        assert err.startswith("amtsleitung: ")
    for arguments in (
        ("versions", "99999999999"),
        ("rollback", "--to", "99999999999"),
        ("publish", "2147483648"),
        ("route", "115", "--table-version", "99999999999"),
        ("rollback",),
        ("diff",),
        ("check", "--draft", "1", "--config", "x"),
        ("draft", "set", "1", LINE),
    ):
        status, out, err = await run(*arguments)
        assert (status, out, err.startswith("Usage: ")) == (2, "", True)


async def test_decisions_are_compared_up_to_the_calendars_end(run: Run) -> None:
    out = await good(run, "draft", "new", "Titel", "--json")
    number = str(json.loads(out)["draft"])
    await good(run, "draft", "set", number, LINE, "priority=5")
    assert await answer(run, "diff", "--draft", number, "--from", "9999-12-31T23:59:58Z") == {
        "draft": int(number),
        "rows": (await answer(run, "diff", "--draft", number, "--rows-only"))["rows"],
        "decisions": [],
    }


async def test_an_override_of_a_draft_is_refused(run: Run) -> None:
    number = await new_draft(run)
    fields = ["opens=false", "reason=r", "author=x", "valid_from=2026-01-01T00:00Z", "valid_to=2027-01-01T00:00Z"]
    err = await refused(run, "draft", "set", number, "overrides[x]", *fields)
    assert "a draft holds no override, which is live as soon as it is thrown: use `amtsleitung override`" in err


async def test_check_finds_everything_at_once(run: Run, tmp_path: Path) -> None:
    out = await good(run, "check")
    assert "0 errors" in out or out == "No problem found.\n"
    number = await new_draft(run)
    await good(run, "draft", "set", number, LINE, "agent_group=fehlt")
    await good(run, "draft", "set", number, FOREIGN_LINE, "opening_hours=fehlt-auch")
    status, out, err = await run("check", "--draft", number)
    assert (status, err) == (1, "")
    assert out.count("error: ") == 2
    assert "'fehlt'" in out
    assert "'fehlt-auch'" in out
    status, out, _ = await run("check", "--draft", number, "--json")
    assert (status, sorted(json.loads(out))) == (1, ["errors", "warnings"])
    assert all(set(item) == {"place", "sentence"} for item in json.loads(out)["errors"])
    err = await refused(run, "publish", number)
    assert err.startswith("amtsleitung: nothing was changed; mend this first:\n  ")
    assert err.count("service_lines[") == 2
    file = tmp_path / "file.yaml"
    file.write_text(CONFIGURATION.replace("format: 1", "format: 1\nfoo: 1\nbar: 2"), encoding="utf-8")
    status, out, _ = await run("check", "--config", str(file))
    assert (status, out.count(f"error: {file}:")) == (1, 2)


async def test_doctor_says_that_what_is_live_does_not_compile(run: Run, database: RoleUrls) -> None:
    """As after an update to a release that checks more: the router goes on with its last good table."""
    _, out, _ = await run("doctor")
    assert re.search("^ok   database +configuration version 1, 2 tenants, 2 numbers$", out, re.MULTILINE), out
    store = await Store.connect(database.owner)
    try:
        rows, _ = await store.load_rows() or (Rows(), 0)
        await store.save_rows(
            replace(rows, agent_groups=()), author="x", comment="", at=datetime.now(UTC), base_version=1
        )
    finally:
        await store.close()
    status, out, _ = await run("doctor")
    assert status == 1
    assert re.search("^BAD  database +configuration version 2, .* does not compile and is not used", out, re.MULTILINE)


async def test_warnings_are_shown_and_block_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful = Problem(place="tenants[stadt-x]", sentence="is doubtful", warning=True)
    monkeypatch.setattr("routing.core.checks.warnings_of", lambda _table, _at: (doubtful,))
    number = await new_draft(run)
    await good(run, "draft", "set", number, LINE, "priority=5")
    for where in ((), ("--draft", number)):
        told = "warning: tenants[stadt-x]: is doubtful\n0 errors, 1 warnings.\n"
        assert await good(run, "check", *where) == told
    warning = {"place": "tenants[stadt-x]", "sentence": "is doubtful"}
    assert await answer(run, "publish", number) == {"draft": int(number), "version": 2, "warnings": [warning]}
    out = await good(run, "rollback", "2", "--publish")
    assert out.startswith("warning: tenants[stadt-x]: is doubtful\nDraft ")


async def test_conflicts_are_told_and_settled(run: Run) -> None:
    mine, theirs = await new_draft(run), await new_draft(run)
    await good(run, "draft", "set", mine, LINE, "priority=5")
    await good(run, "draft", "set", theirs, LINE, "priority=7")
    await good(run, "publish", theirs)
    status, out, _ = await run("check", "--draft", mine)
    assert (status, out) == (
        1,
        f"error: {LINE}: priority is now 7, and this change was made to 0\n1 errors, 0 warnings.\n",
    )
    for arguments in (("publish", mine), ("diff", "--draft", mine), ("pending", "--draft", mine)):
        err = await refused(run, *arguments)
        assert "the draft does not fit what is live; set these rows again to settle it" in err
        assert f"\n  {LINE}: priority is now 7, and this change was made to 0\n" in err
    await good(run, "draft", "set", mine, LINE, "priority=6")
    assert "is live as version 3." in await good(run, "publish", mine)
    assert "was published: `amtsleitung versions 3` shows what it changed" in await refused(
        run, "diff", "--draft", mine
    )


async def test_overrides_are_live_at_once_and_stay(run: Run, tmp_path: Path) -> None:
    until = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    common = ("--until", until, "--reason", "Feueralarm", "--author", "leitung")
    assert "live as version 2, until " in await good(run, "override", "close", "alarm", "--tenant", "stadt-x", *common)
    made = await answer(
        run, "override", "open", "wahl", "--tenant", "stadt-x", "--service-line", "vermittlung", *common
    )
    assert made == {"override": "wahl", "version": 3}
    file = tmp_path / "file.yaml"
    file.write_text(CONFIGURATION.replace("title: Vermittlung", "title: Zentrale"), encoding="utf-8")
    assert "version 4 is live" in await good(run, "import", str(file), "--replace")
    found = {item["name"]: item for item in await answer(run, "override", "list")}
    assert (found["alarm"]["opens"], found["wahl"]["opens"]) == (False, True)
    assert (found["alarm"]["author"], found["alarm"]["reason"]) == ("leitung", "Feueralarm")
    assert "closes stadt-x, " in await good(run, "override", "list")
    assert (await answer(run, "versions", "2"))["comment"] == "Feueralarm"
    assert "has ended, as version 5" in await good(run, "override", "end", "alarm")
    assert [item["name"] for item in await answer(run, "override", "list")] == ["wahl"]
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for arguments, sentence in (
        (("--tenant", "stadt-x", "--until", past), "would have ended already"),
        (("--tenant", "nobody", "--until", until), "nobody"),
        (("--tenant", "stadt-x", "--until", "morgen"), "'morgen' is no instant"),
    ):
        assert sentence in await refused(run, "override", "close", "neu", "--reason", "r", *arguments)
    for scope in ("", "--centre --tenant stadt-x", "--centre --service-line x"):
        status, _, err = await run("override", "close", "neu", *common, *scope.split())
        assert (status, "say for whom" in err or "needs the --tenant" in err) == (2, True)


async def test_an_override_that_has_ended_keeps_nothing_alive(run: Run, database: RoleUrls, tmp_path: Path) -> None:
    """It goes with the next version, so that what it named may go, too: nobody could end it any more."""
    began, ended = [datetime.now(UTC) - timedelta(hours=hours) for hours in (2, 1)]
    row = OverrideRow(
        name="kurz", opens=False, reason="r", author="x", valid_from=began, valid_to=ended, tenant="geheimstadt"
    )
    store = await Store.connect(database.owner)
    try:
        await store.throw_override(row, at=began)
    finally:
        await store.close()
    file = tmp_path / "without.yaml"
    file.write_text(CONFIGURATION.partition("  - slug: geheimstadt")[0], encoding="utf-8")
    assert "no problem found" in await good(run, "import", str(file), "--replace", "--dry-run")
    number = await new_draft(run, "--from", str(file), "--replace")
    assert (await answer(run, "check", "--draft", number))["errors"] == []
    assert "gone     tenants[geheimstadt]" in await good(run, "diff", "--draft", number)
    assert "version 3 is live" in await good(run, "import", str(file), "--replace")
    assert "overrides" not in await good(run, "export")


async def test_one_tenants_people_see_no_byte_of_another(run: Run) -> None:
    number = await new_draft(run)
    for place, pair in (
        (LINE, "priority=5"),
        (FOREIGN_LINE, "title=Geheimer Titel"),
        ("tenants[geheimstadt]", "name=Geheim"),
        ("dids[+49537477/1]", "tenant=geheimstadt"),
        ("trunks[geheimtrunk]", "address=192.0.2.1"),
    ):
        more = {"dids": ["service_line=geheimlinie"], "trunks": ["number_format=e164"]}.get(place.split("[")[0], [])
        await good(run, "draft", "set", number, place, pair, *more)
    before = await as_seen(run, f"draft show {number}", f"diff --draft {number}")
    await good(run, "publish", number, "--comment", "Geheimes", "--author", "geheim")
    after = await as_seen(run, "versions", "versions 2", "versions 1", "diff 1..2", "diff 2..1")
    for shown in before + after:
        assert not any(secret in shown.lower() for secret in SECRETS), shown
    assert all("occupied" in shown for shown in before + after[2:])
    assert all(LINE in shown for shown in before + after[2:4] + after[6:])
    everything = await good(run, "versions", "2")
    assert all(secret in everything.lower() for secret in SECRETS)


async def as_seen(run: Run, *views: str) -> list[str]:
    """Each view in both forms, as the people of one tenant see it."""
    forms = ("", "--json")
    return [await good(run, *f"{view} {form} --tenant stadt-x".split()) for view in views for form in forms]


async def test_pending_reads_a_draft(run: Run) -> None:
    number = await new_draft(run)
    await good(run, "draft", "set", number, "tenants[stadt-x]", "valid_to=2099-01-01T00:00+01:00")
    assert await answer(run, "pending", "--draft", number) == [
        {"at": "2098-12-31T23:00:00+00:00", "change": "ends", "row": "tenants[stadt-x]"}
    ]
    assert await good(run, "pending") == "Nothing is pending.\n"


async def test_people_have_names_outside_the_versions(run: Run) -> None:
    await good(run, "person", "set", "agent90", "Erika Mustermann")
    assert await answer(run, "person", "list") == {"agent90": "Erika Mustermann"}
    assert await good(run, "person", "erase", "agent90") == "The name of agent90 is erased.\n"
    assert await good(run, "person", "list") == "No names are kept.\n"
    assert len(await answer(run, "versions")) == 1
