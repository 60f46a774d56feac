# SPDX-License-Identifier: EUPL-1.2
"""Answers written fast are the answers written slowly; what is kept for it does not grow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from amtsleitung import answer_lines
from amtsleitung.answer_lines import AnswerLines
from amtsleitung.answers import answer_of
from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import KINDS, Call, Decision
from routing.core.rows import NoticeRow, Rows, StepRow
from tests.support.tables import CLOSED_AT, HOLIDAY_AT, OPEN_AT, example_rows

DIALLED = [
    "05372 89-0",
    "0537289",
    "05372 89-500",
    "05372 89-123",
    "05374 88-0",
    "115",
    "05361 115",
    "110",
    "030 23125999",
    "",
    'x\n"ü\ud800',
    "🙂",
]
CALLERS = (None, "0537212345", "03023125123")
TRUNKS = (None, "carrier", "carrier-b", 'no "trunk"')


def rows(name: str = "Samtgemeinde Meinersen") -> Rows:
    """The example with a chain, a closing time and a notice."""
    found = example_rows()
    lines = tuple(
        replace(
            line,
            after_closing_minutes=10,
            overflow=(
                StepRow(kind="agent_group", agent_group="allgemein", when=("timeout",), after_seconds=30),
                StepRow(kind="forward", number="+493023125100", trunk="carrier"),
            ),
        )
        for line in found.service_lines
    )
    notice = NoticeRow(
        name="wahl", title="Wahl „online“", announcement_text="Online.",
        valid_from=OPEN_AT - timedelta(hours=1), valid_to=OPEN_AT + timedelta(hours=1),
    )  # fmt: skip
    tenants = tuple(replace(t, name=name) if t.slug == "samtgemeinde-meinersen" else t for t in found.tenants)
    return replace(found, tenants=tenants, service_lines=lines, notices=(notice,))


def decisions(of: Rows) -> Iterator[Decision]:
    table = compile_table(of, version=3)
    for at in (OPEN_AT, CLOSED_AT, HOLIDAY_AT, datetime(1, 1, 1, tzinfo=UTC), OPEN_AT.astimezone(UTC)):
        for dialled in DIALLED:
            for caller in CALLERS:
                for trunk in TRUNKS:
                    yield decide(table, Call(dialled=dialled, caller=caller, trunk=trunk), at)


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("name", ["Samtgemeinde Meinersen", "Müller & „Söhne“", "\\ue000", "{number} [x]"])
def test_a_line_is_the_answer_character_by_character(language: str, name: str) -> None:
    lines, kinds = AnswerLines(language), set()
    for decision in [*decisions(rows(name)), *decisions(rows(name))]:
        expected = json.dumps(answer_of(decision, language), ensure_ascii=True)
        assert lines.line(decision) == expected + "\n"
        kinds.add(decision.kind)
    assert kinds == set(KINDS)


def test_what_is_kept_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_lines, "_KEPT", 3)
    lines = AnswerLines("en")
    for decision in decisions(rows()):
        assert json.loads(lines.line(decision)) == json.loads(json.dumps(answer_of(decision)))
        assert max(len(lines._middles), len(lines._numbers), len(lines._reasons)) <= 3
