# SPDX-License-Identifier: EUPL-1.2
"""The catalogue of texts and the choice of a language."""

from __future__ import annotations

import re
from dataclasses import asdict, fields

import pytest

from api.protection import host_of
from api.texts import ENGLISH, GERMAN, language_of
from api.views import render

_PLACEHOLDER = re.compile(r"\{\w+\}")


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, None, "de"),
        (None, "fr-FR,fr;q=0.9", "de"),
        (None, "en-GB,en;q=0.9,de;q=0.5", "en"),
        (None, "en;q=0.5,de-AT", "de"),
        (None, "en;q=0,de;q=0.1", "de"),
        (None, "en;q=much", "de"),
        ("en", "de", "en"),
        ("de", "en", "de"),
        ("<script>", "en", "en"),
    ],
)
def test_language(asked: str | None, accepted: str | None, language: str) -> None:
    assert language_of(asked, accepted) == language


def test_both_languages_fill_in_the_same_values() -> None:
    german, english = asdict(GERMAN.script), asdict(ENGLISH.script)
    for name, text in german.items():
        assert text
        assert english[name]
        assert set(_PLACEHOLDER.findall(text)) == set(_PLACEHOLDER.findall(english[name])), name


def test_no_text_is_left_empty() -> None:
    for texts in (GERMAN, ENGLISH):
        assert all(getattr(texts, item.name) for item in fields(texts))


def test_templates_escape_what_they_are_given() -> None:
    page = bytes(
        render("agent.html", GERMAN, agent='"><script>x', script_texts={"a": "'\"<b>"}, silence_seconds=25).body
    ).decode()
    assert "<script>x" not in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost:8080", "localhost"),
        ("LOCALHOST", "localhost"),
        ("127.0.0.1:1", "127.0.0.1"),
        ("[::1]:8080", "::1"),
        ("127.0.0.1.example.org:80", "127.0.0.1.example.org"),
        ("", ""),
    ],
)
def test_host_of(header: str, host: str) -> None:
    assert host_of(header) == host
