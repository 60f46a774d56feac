# SPDX-License-Identifier: EUPL-1.2
"""Answers as lines of JSON, many of them fast: what `answers.answer_of` gives, character by character.

The calls of a batch fall on a few hundred lines, and most of an answer is the same for all calls to one line on one
day: its destination, what follows, why it is open, even the sentence about the number but for the number itself.
Such parts are written once and kept as text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

from amtsleitung.answers import answer_of, target_of
from routing.core.decision import Decision, Destination, PlayAnnouncement, Reason, kind_of

_KEPT = 4_096
_MIDDLE = ("tenant", "service_line", "kind", "queue", "announcement", "notices", "target", "overflow", "closing")
_PLACE = "\ue000"  # stands for a number; JSON has no such character, it is written as …
_PLACE_JSON = "\\ue000"


class AnswerLines:
    """Writes answers in one language. Its memory does not grow with the number of answers."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._middles: dict[object, tuple[Decision, str]] = {}
        self._numbers: dict[object, list[str]] = {}
        self._reasons: dict[int, tuple[Reason, str]] = {}

    def line(self, decision: Decision) -> str:
        """The answer as one line, with its end."""
        first, *others = decision.reasons
        redirecting = decision.redirecting_number
        return (
            f'{{"dialled_number": {encode_basestring_ascii(decision.dialled_number)}, '
            f'"redirecting_number": {"null" if redirecting is None else encode_basestring_ascii(redirecting)}, '
            f'{self._middle(decision)}, "reasons": [{self._first(first)}{"".join(map(self._other, others))}], '
            f'"table_version": {decision.table_version}, "at": "{decision.at.isoformat()}"}}\n'
        )

    def _middle(self, decision: Decision) -> str:
        """What is the same as long as one rule holds for a line; kept by the objects that make it up."""
        if decision.service_line is None:
            return _without_line(decision.tenant, decision.destination)
        key = (id(decision.destination), id(decision.overflow), id(decision.closing))
        found = self._middles.get(key)
        if found is None:
            answer = answer_of(decision, self._language)
            text = json.dumps({name: answer[name] for name in _MIDDLE}, ensure_ascii=True)[1:-1]
            # With the objects: nothing else may get their addresses.
            found = _keep(self._middles, key, (decision, text))
        return found[1]

    def _first(self, reason: Reason) -> str:
        """That of a number is the same for all numbers of a line, but for the number."""
        if reason.rule != "number":
            return self._written(reason)
        parameters = reason.parameters
        key = (parameters["tenant"], parameters["service_line"])
        around = self._numbers.get(key)
        if around is None:
            placed = Reason(rule=reason.rule, parameters={**parameters, "number": _PLACE})
            around = self._written(placed).split(_PLACE_JSON)
            if parameters["number"].join(around) != self._written(reason):
                return self._written(reason)  # a text that holds the very mark
            _keep(self._numbers, key, around)
        return parameters["number"].join(around)

    def _other(self, reason: Reason) -> str:
        """All but the first reason are mostly a line's own, and the same objects for all of its calls."""
        found = self._reasons.get(id(reason))
        if found is None:
            found = _keep(self._reasons, id(reason), (reason, f", {self._written(reason)}"))
        return found[1]

    def _written(self, reason: Reason) -> str:
        return (
            f'{{"rule": "{reason.rule}", "parameters": {_parameters(reason.parameters)}, '
            f'"detail": {encode_basestring_ascii(reason.sentence(self._language))}}}'
        )


def _keep(kept: dict[Any, Any], key: object, value: Any) -> Any:
    if len(kept) >= _KEPT:
        kept.clear()
    kept[key] = value
    return value


def _without_line(tenant: str | None, destination: Destination) -> str:
    """Nothing follows it."""
    target = _text(target_of(destination))
    announcement, number = (target, "null") if isinstance(destination, PlayAnnouncement) else ("null", target)
    return (
        f'"tenant": {_text(tenant)}, "service_line": null, "kind": "{kind_of(destination)}", "queue": null, '
        f'"announcement": {announcement}, "notices": [], "target": {number}, "overflow": [], "closing": null'
    )


def _parameters(parameters: Mapping[str, str]) -> str:
    return "{" + ", ".join([f'"{name}": {encode_basestring_ascii(value)}' for name, value in parameters.items()]) + "}"


def _text(value: str | None) -> str:
    return "null" if value is None else encode_basestring_ascii(value)
