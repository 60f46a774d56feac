# SPDX-License-Identifier: EUPL-1.2
"""``fallbacks``: each level and cause in words, in both languages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from amtsleitung.cli.fallbacks import fallbacks_command
from routing.core.events import FALLBACK_CAUSES, LEVELS
from routing.store import FallbackCount

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ALL = tuple(
    FallbackCount(node="node1", level=level, cause=cause, calls=3, last_at=AT)
    for level in LEVELS[1:]
    for cause in FALLBACK_CAUSES
)


def run(monkeypatch: pytest.MonkeyPatch, found: tuple[FallbackCount, ...], *arguments: str) -> str:
    def with_store(_work: Any) -> tuple[FallbackCount, ...]:
        return found

    monkeypatch.setattr("amtsleitung.tables.with_store", with_store)
    result = CliRunner().invoke(fallbacks_command, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_every_level_and_cause_has_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for language, word in (("de", "Anrufe  node1: Regeldatei, AstDB war leer"), ("en", "calls  node1: include, AstDB")):
        out = run(monkeypatch, ALL, "--language", language)
        assert len(out.splitlines()) == len(set(out.splitlines())) == len(ALL)
        assert word in out


def test_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(run(monkeypatch, ALL[:1], "--json"))
    assert told == [
        {"node": "node1", "level": "astdb", "cause": "unreachable", "calls": 3, "last_at": "2026-11-23T09:00:00+00:00"}
    ]


def test_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, ()) == "The service has decided every call.\n"
    assert run(monkeypatch, (), "--language", "de") == "Jeden Anruf hat der Dienst entschieden.\n"
