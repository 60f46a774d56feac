# SPDX-License-Identifier: EUPL-1.2
"""Every reason that the core gives has a sentence in both languages, and every sentence has a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from routing.core import catalogue
from routing.core.catalogue import LANGUAGES, RULES, sentence
from routing.core.decision import Reason
from routing.core.numbers import WHYS

CORE = Path(catalogue.__file__).parent
WITHOUT_A_REASON = {"not_served"}  # a stretch in which a line is not served is of this rule too
# What each reason says, as decide gives it; what stands in brackets may be missing.
SHOWN = {
    "tenant_name": "Samtgemeinde Meinersen",
    "service_line": "vermittlung",
    "number": "+495372890",
    "next_opening": "2026-11-24T07:00:00+01:00",
    "closes_at": "2026-11-23T18:00:00+01:00",
    "ends_at": "2026-11-23T18:00:00+01:00",
}


def placeholders(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template.replace("[", "").replace("]", "")) if name]


def templates(rule: str) -> tuple[str, str]:
    return catalogue._SENTENCES[rule]


def codes() -> Iterator[str]:
    """Every code in the core's source: ``rule="…"``, what chooses between two, and 115's standings."""
    for path in CORE.glob("*.py"):
        if path.name == "catalogue.py":
            continue
        text = path.read_text(encoding="utf-8")
        yield from re.findall(r'rule="([a-z_]+)"', text)
        yield from re.findall(r'rule = "([a-z_]+)"', text)
        yield from re.findall(r'rule = .* else "([a-z_]+)"', text)
        yield from re.findall(
            r'(?:True|False|"[a-z_]+"): "([a-z_]+)"',
            "".join(re.findall(r"^_(?:OVERRIDE|SPECIAL|RULES) = .*$", text, re.MULTILINE)),
        )


def test_no_code_is_missing_and_none_is_superfluous() -> None:
    assert set(codes()) | WITHOUT_A_REASON == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_both_languages_say_the_same(rule: str) -> None:
    german, english = templates(rule)
    assert sorted(placeholders(german)) == sorted(placeholders(english))
    assert german.count("[") == english.count("[") == german.count("]") == english.count("]")
    assert german != english
    assert all(text.endswith((".", "].")) for text in (german, english))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", RULES)
def test_a_reasons_parameters_fill_its_sentence(rule: str, language: str) -> None:
    parameters = {name: SHOWN.get(name, f"<{name}>") for name in placeholders(templates(rule)[0])}
    full = sentence(rule, parameters, language)
    assert all(value in full for value in parameters.values())
    assert not set("{}[]") & set(full)
    assert "  " not in full
    optional = re.findall(r"\[[^]]*\{(\w+)\}[^]]*\]", templates(rule)[0])
    for name in optional:
        for less in (parameters | {name: ""}, {key: value for key, value in parameters.items() if key != name}):
            short = sentence(rule, less, language)
            assert len(short) < len(full)
            assert short.endswith(".")
            assert not set("{}[]") & set(short)


@pytest.mark.parametrize(("name", "word"), [(n, w) for n, words in catalogue._WORDS.items() for w in words])
def test_words_are_said_in_both_languages(name: str, word: str) -> None:
    rule = next(rule for rule in RULES if name in placeholders(templates(rule)[0]))
    german, english = (sentence(rule, {name: word}, language) for language in LANGUAGES)
    for said, text in zip(catalogue._WORDS[name][word], (german, english), strict=True):
        assert said in text


def test_every_why_of_the_core_has_its_words() -> None:
    assert set(WHYS) <= catalogue._WORDS["why"].keys()
    assert {"withheld", "unreadable", "foreign", "mobile", "other_area", "not_valid"} <= catalogue._WORDS["why"].keys()


def test_a_reason_gives_its_sentence() -> None:
    reason = Reason(rule="emergency_number", parameters={"code": "112"})
    assert reason.detail == "112 is an emergency number and never ours to take."
    assert reason.sentence("de") == "112 ist eine Notrufnummer und wird nie von uns angenommen."
    with pytest.raises(ValueError, match="not in tuple"):
        reason.sentence("fr")


def test_a_tenant_without_a_name_is_named_by_its_slug() -> None:
    """Reasons that were kept before names were part of them."""
    parameters = {"number": "+495372890", "tenant": "meinersen", "service_line": "vermittlung"}
    assert sentence("number", parameters) == "+495372890 is the line vermittlung of meinersen."
