# SPDX-License-Identifier: EUPL-1.2
"""Differences between decisions as lines for people and as JSON.

The comparison is exact: every number, class of callers and stretch of time. In lines, equal changes at several times
stand together with the first of them; JSON has all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from amtsleitung.answers import step_answer, target_of, words_of
from routing.core.decision import Step
from routing.core.differences import Difference, Shown, Side, Treatment, TrunkSettings, visible_to
from routing.core.table import Table

TIMES_SHOWN = 3
NUMBERS_SHOWN = 6
_NOWHERE = "what comes next"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two tables and the time (aware, half-open) for which they are compared; ``tenant``: as its people see it."""

    old: Table
    new: Table
    start: datetime
    end: datetime
    tenant: str | None

    def differences(self) -> Iterator[Difference]:
        """What is told of them."""
        from routing.core.comparison import compare

        found = compare(self.old, self.new, self.start, self.end)
        return found if self.tenant is None else visible_to(found, self.tenant)


def decisions_json(compared: Compared) -> list[dict[str, Any]]:
    """One object for each difference."""
    return [
        {
            "kind": difference.kind,
            "numbers": [str(item) for item in difference.numbers],
            "callers": list(difference.callers),
            "trunks": None if difference.trunks is None else list(difference.trunks),
            "by": difference.by,
            "from": difference.start.isoformat(),
            "to": difference.end.isoformat(),
            "before": _side(difference.before),
            "after": _side(difference.after),
        }
        for difference in compared.differences()
    ]


def decision_lines(compared: Compared) -> Iterator[str]:
    """The same for people: who, when, and how before and after."""
    groups: dict[tuple[object, ...], list[Difference]] = {}
    for difference in compared.differences():
        key = (difference.kind, difference.numbers, difference.callers, difference.trunks, difference.by)
        groups.setdefault((*key, _words(difference.before), _words(difference.after)), []).append(difference)
    yield f"From {compared.start.isoformat()} to {compared.end.isoformat()}:"
    for found in groups.values():
        yield _who(found[0])
        yield f"  {_words(found[0].before)}"
        yield f"  → {_words(found[0].after)}"
        for difference in found[:TIMES_SHOWN]:
            yield f"    {difference.start.isoformat()} – {difference.end.isoformat()}"
        if len(found) > TIMES_SHOWN:
            yield f"    … and {len(found) - TIMES_SHOWN} more times, the last until {found[-1].end.isoformat()}"
    if not groups:
        yield "No call is treated otherwise."


def _who(difference: Difference) -> str:
    numbers = [str(item) for item in islice(difference.numbers, NUMBERS_SHOWN)]
    more = len(difference.numbers) - len(numbers)
    text = ", ".join(numbers) + (f" and {more} more" if more else "")
    if difference.by != "dialled":
        text += f" ({'in a diversion header' if difference.by == 'diversion' else 'as an ingress number'})"
    if difference.callers:
        text += f" by callers: {', '.join(difference.callers)}"
    if difference.trunks is not None:
        text += f" through {', '.join(name or 'a trunk that is not configured' for name in difference.trunks)}"
    return text if difference.kind == "decision" else f"{text} [{difference.kind}]"


def _words(side: Side) -> str:
    match side:
        case None:
            return _NOWHERE
        case str():
            return side
        case Shown():
            return f"agents see {side.display!r} and say {side.agent_phrase!r}"
        case TrunkSettings():
            return ", ".join(f"{name}: {value}" for name, value in side.settings)
        case Treatment():
            whose = "nobody" if side.tenant is None else f"{side.tenant}/{side.service_line or 'desk'}"
            steps = [Step(when=(), destination=side.destination), *side.overflow]
            chain = ", ".join(words_of(step, first=place == 0) for place, step in enumerate(steps))
            texts = " ".join(f"„{text}“" for name, text in side.texts if name == target_of(side.destination))
            return f"{whose}: {chain} {texts}".rstrip()


def _side(side: Side) -> dict[str, Any] | str | None:
    match side:
        case None | str():
            return side
        case Shown():
            return {
                "tenant": side.tenant,
                "service_line": side.service_line,
                "title": side.title,
                "display": side.display,
                "agent_phrase": side.agent_phrase,
            }
        case TrunkSettings():
            return dict(side.settings)
        case Treatment():
            closing = side.closing
            return {
                "tenant": side.tenant,
                "service_line": side.service_line,
                "chain": [step_answer(step) for step in _chain(side)],
                "closing": None
                if closing is None
                else {"at": closing.until.isoformat(), "steps": [step_answer(step) for step in closing.steps]},
                "texts": dict(side.texts),
            }


def _chain(side: Treatment) -> Iterable[Step]:
    return (Step(when=(), destination=side.destination), *side.overflow)
