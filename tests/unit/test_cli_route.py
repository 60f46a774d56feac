# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung route`` as people and scripts use it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from amtsleitung.cli import program

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "service-centre-wolfsburg.yaml"
KEYS = ["dialled_number", "redirecting_number", "tenant", "service_line", "kind", "queue", "announcement", "notices"]
KEYS += ["target", "overflow", "closing", "reasons", "table_version", "at", "building"]
AT = "2026-11-23T10:00:00+01:00"


def run(*arguments: str | bytes, given: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "amtsleitung", "route", "--config", EXAMPLE, *arguments],
        input=given,
        capture_output=True,
        timeout=60,
        env=os.environ | environment,
        check=False,
    )


def invoke(*arguments: str, given: bytes = b"") -> Result:
    return CliRunner().invoke(program, ["route", "--config", str(EXAMPLE), *arguments], input=given)


def answer(*arguments: str) -> dict[str, Any]:
    result = invoke("--json", *arguments)
    assert result.exit_code == 0
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_answer_has_exactly_its_keys() -> None:
    found = answer("05372 89-0", "--caller", "03023125123", "--trunk", "carrier", "--at", AT)
    assert list(found) == KEYS
    assert [list(reason) for reason in found.pop("reasons")] == [["rule", "parameters", "detail"]] * 2
    assert found == {
        "dialled_number": "+495372890",
        "redirecting_number": None,
        "tenant": "samtgemeinde-meinersen",
        "service_line": "vermittlung",
        "kind": "enter_queue",
        "queue": "allgemein",
        "announcement": "samtgemeinde-meinersen--vermittlung--greeting",
        "notices": [],
        "target": None,
        "overflow": [],
        "closing": None,
        "table_version": 0,
        "at": AT,
        "building": None,
    }


@pytest.mark.parametrize(
    ("arguments", "kind", "target"),
    [
        (("0537289123",), "dial_extension", "123"),
        (("112",), "reject", "42"),
        (("anonymous",), "play_announcement", None),
        (("+493023125123", "--trunk", "carrier-b"), "reject", "1"),
        (("115", "--caller", ""), "enter_queue", None),
        (("115", "--caller", "-5"), "enter_queue", None),
    ],
)
def test_kinds_and_targets(arguments: tuple[str, ...], kind: str, target: str | None) -> None:
    found = answer(*arguments, "--at", AT)
    assert (found["kind"], found["target"]) == (kind, target)


TEXTS = ["", " ", "-", "-0537289", "--", "☎️", "\u202e0982", "a\nb", "\x1b[2J", "'; drop", "%s", "$(id)", "9" * 5000]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_gets_a_decision(text: str) -> None:
    assert answer("--at", AT, "--", text)["reasons"]
    assert answer("115", "--at", AT, "--caller", text)["service_line"] == "115"
    shown = invoke("--at", AT, "--", text)
    assert shown.exit_code == 0
    assert all(line.isprintable() for line in shown.stdout.splitlines())


def test_a_leading_hyphen_is_no_option() -> None:
    assert answer("-0537289-0")["dialled_number"] == "+495372890"
    assert answer("--no-such-option")["kind"] == "play_announcement"
    result = invoke("115", "--cller", "05372123")
    assert (result.exit_code, "unexpected extra arguments (--cller" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("2026-11-23T10:00", "has no offset from UTC: add one, such as 2026-11-23T10:00+01:00"),
        ("2026-11-23", "has no offset from UTC: add one, such as 2026-11-23T10:00+01:00"),
        *((t, "is no instant: write ISO 8601") for t in ("", "tomorrow", "2026-02-30T10:00Z", "2016-12-31T23:59:60Z")),
        *((t, "is no instant") for t in ("0000-01-01T00:00Z", "10000-01-01T00:00Z", "2026-11-23T10:00+25:00", "1e9")),
        ("2026-11-23T24:00Z", "is no instant"),
        ("\udcff", "is no instant"),
        ("２０２６-11-23T10:00Z", "is no instant"),
    ],
)
def test_an_unreadable_instant_is_an_error(text: str, remedy: str) -> None:
    result = invoke("115", "--at", text)
    assert (result.exit_code, result.stdout) == (1, "")
    assert remedy in result.stderr
    assert lines(invoke("--batch", "-", given=json.dumps({"dialled": "1", "at": text}).encode()))[0]["line"] == 1


def test_an_unknown_trunk_still_decides_and_is_mentioned() -> None:
    result = invoke("115", "--trunk", "nowhere", "--json")
    assert json.loads(result.stdout)["kind"]
    assert "there is no trunk 'nowhere'" in result.stderr
    assert "carrier, carrier-b" in result.stderr
    batch = invoke("--batch", "-", given=b'{"dialled":"115","trunk":"nowhere"}\n' * 3)
    assert batch.exit_code == 0
    assert batch.stderr.count("there is no trunk") == 1


def test_wrong_usage_is_told() -> None:
    for arguments in ((), ("115", "--batch", "x"), ("--batch", "x", "--caller", "1"), ("1", "2")):
        assert invoke(*arguments).exit_code == 2


def test_a_batch_answers_every_line_in_its_place() -> None:
    bad = [
        b"nonsense", b"[]", b"null", b"115", b'"115"', b"{}", b'{"dialled":115}', b'{"dialled":null}', b"\xff\xfe{",
        b'{"dialled":"1","caller":5}', b'{"dialled":"1","trunk":[]}', b'{"dialled":"1","at":"x"}', b"[" * 50_000,
        b'{"dialled":"1","at":1}', b'{"dialled":"1","at":"2026-11-23T10:00"}', b'{"dialled":"1","calller":"2"}',
        b'{"dialled":"1"} {"dialled":"2"}', b'{"dialled":' + b"1" * 5000 + b"}", b'{"dialled":"1",}',
    ]  # fmt: skip
    good = [
        {"dialled": "0537289-0", "caller": None, "at": AT},
        {"dialled": "\ud800\x00☎", "caller": "\udfff", "at": AT},
        {"dialled": "115", "caller": "0537212345", "at": AT, "trunk": None},
        {"dialled": "115", "at": None},
    ]
    content = [
        line
        for pair in zip(bad, [json.dumps(good[n % 4]).encode() for n in range(len(bad))], strict=True)
        for line in pair
    ]
    result = invoke("--batch", "-", given=b"\n\n  \r\n" + b"\n".join(content))
    assert result.exit_code == 1
    found = lines(result)
    assert len(found) == len(content)
    assert [item["line"] for item in found[::2]] == list(range(4, 4 + len(content), 2))
    assert all(set(item) == {"error", "line"} for item in found[::2])
    assert all(list(item) == KEYS[:-1] for item in found[1::2])
    assert [item["tenant"] for item in found[1:8:2]][:3] == ["samtgemeinde-meinersen", None, "samtgemeinde-meinersen"]


def test_a_line_without_an_end_ends_the_batch() -> None:
    result = invoke("--batch", "-", given=b'{"dialled":"1"}\n' + b" x" * 100_000 + b'\n{"dialled":"1"}\n')
    assert result.exit_code == 1
    assert [item.get("line") for item in lines(result)] == [None, 2]
    assert "longer than 64 KiB" in lines(result)[1]["error"]


def test_a_batch_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "no", "No such file")):
        result = invoke("--batch", str(path))
        assert (result.exit_code, result.stdout) == (1, "")
        assert reason in result.stderr
    (tmp_path / "empty").touch()
    assert invoke("--batch", str(tmp_path / "empty")).exit_code == 0


@pytest.mark.parametrize("command", ["route", "import", "export"])
def test_help_says_what_a_command_is_for(command: str) -> None:
    result = CliRunner().invoke(program, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
    assert all(len(line) <= 110 for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    "command", [("import",), ("import", "--dry-run"), ("import", "--replace"), ("route", "115", "--config")]
)
def test_a_wrong_file_changes_nothing_and_needs_no_database(tmp_path: Path, command: tuple[str, ...]) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("format: 1\ntenants:\n  - slug: x\n")
    result = CliRunner().invoke(program, [*command, str(path)])
    assert result.exit_code == 1
    assert f"{path}:3: tenants: the entry 'name' is missing" in result.stderr
    path.write_text(
        "format: 1\ntenants:\n- slug: x\n  name: X\n"
        "  service_lines: [{name: a, title: A, opening_hours: no, agent_group: no}]\n"
    )
    if command[0] == "route":
        assert "there are no opening hours 'no'" in CliRunner().invoke(program, [*command, str(path)]).stderr


def test_ten_thousand_lines_through_a_real_pipe() -> None:
    given = b"".join(
        json.dumps({"dialled": f"0537289{n:03d}", "caller": None, "at": AT}).encode() + b"\n" for n in range(1000)
    )
    result = run("--batch", "-", given=given * 10)
    assert (result.returncode, result.stderr) == (0, b"")
    kinds = [json.loads(line)["kind"] for line in result.stdout.splitlines()]
    assert len(kinds) == 10_000
    assert kinds.count("enter_queue") == 10
    assert kinds.count("dial_extension") == 9_990


def test_bytes_that_are_no_text_and_terminals_that_know_no_arrow() -> None:
    result = run(b"\xff\xfe0537", "--caller", b"\xfc", PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.isascii()
    assert b"unknown-number" in result.stdout


def test_a_reader_that_goes_away_is_no_error_to_show() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "amtsleitung", "route", "--config", EXAMPLE, "--batch", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b'{"dialled":"115"}\n' * 2000)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) != 0
