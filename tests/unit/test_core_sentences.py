# SPDX-License-Identifier: EUPL-1.2
"""Reasons as sentences: every code in both languages, whole with and without what may be missing."""

from __future__ import annotations

import re

import pytest

from routing.core.catalogue import LANGUAGES, RULES, sentence


class Everything(dict[str, str]):
    """Every parameter there is, as ``<name>``."""

    def get(self, key: str, default: object = None) -> str:
        return f"<{key}>"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_a_whole_sentence(rule: str, language: str) -> None:
    empty: dict[str, str] = {}
    for parameters in (empty, Everything()):
        text = sentence(rule, parameters, language)
        assert re.fullmatch(r"[^\[\]{}]+\.", text), text
        assert text[0].isupper() or not text[0].isalpha() or text.startswith("<")


def test_what_is_optional_goes_with_the_words_around_it() -> None:
    assert sentence("holiday", {"name": "Neujahr"}, "en") == "Closed: Neujahr."
    full = sentence("holiday", {"name": "Neujahr", "next_opening": "2027-01-02T07:00:00+01:00"}, "en")
    assert full == "Closed: Neujahr; next opening 2027-01-02T07:00:00+01:00."
    assert sentence("holiday", {"name": "Neujahr", "next_opening": ""}, "en") == "Closed: Neujahr."


def test_words_for_codes_are_translated_and_others_are_left() -> None:
    withheld = {"why": "withheld"}
    assert (
        sentence("authority_neutral", withheld, "en") == "115 is answered neutrally: the caller's number is withheld."
    )
    assert "unterdrückt" in sentence("authority_neutral", withheld, "de")
    assert sentence("authority_neutral", {"why": "new"}, "en") == "115 is answered neutrally: new."
    area = {"area_code": "5361", "origin": "caller", "tenant": "a"}
    assert sentence("authority_area", area, "en") == "115 from the area 05361 (caller's number) is answered for a."


def test_braces_and_brackets_in_texts_are_texts() -> None:
    parameters = {"number": "{tenant}", "service_line": "[x]", "tenant_name": "{0}{}"}
    assert sentence("number", parameters, "en") == "{tenant} is the line [x] of {0}{}."
