# SPDX-License-Identifier: EUPL-1.2
"""For how long does a decision hold for others who dial the same? The call path need not decide them anew until then.

The one rule: ``None`` unless it is sure. It is for the calls that come again and again: to a line, to a desk, to a
number of nobody, each recognised by the dialled text alone. ``decide`` stays the only place where anything is decided,
and a property test asks it at instants all over the span that is given here.
"""

from __future__ import annotations

from datetime import UTC, datetime

from routing.core.decide import meanings_of
from routing.core.decision import Call, Decision
from routing.core.table import Table
from routing.core.timeline import line_at
from routing.core.validity import ALWAYS

Span = tuple[datetime, datetime]
"""Half-open, aware."""
FOR_EVER: Span = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_BY_LINE = frozenset({"number", "other_extension"})


def steady_span(table: Table, call: Call, decision: Decision) -> Span | None:
    """The instants around the decision's own at which it is the same but for its instant.

    It holds for every call with the same dialled text by the same trunk, whoever calls, with no number in a header.
    ``None``: nothing can be said of another instant or caller.
    """
    if call.diversion is not None or call.history_info is not None or call.to is not None:
        return None
    rule, number = decision.reasons[0].rule, decision.dialled_number
    if rule not in _BY_LINE and rule not in {"desk_extension", "unknown_number"}:
        return None
    meanings = list(meanings_of(table, number.removeprefix("+")))
    if rule == "unknown_number":
        # Whoever answers for unknown numbers has hours of their own.
        return FOR_EVER if not meanings and table.unknown_line is None else None
    # The first was found, else the reasons would begin with why it was not.
    first = meanings[0]
    if first.validity != ALWAYS or any(meaning.kind == "ingress" for meaning in meanings):
        return None
    if rule == "desk_extension":
        return FOR_EVER if table.tenants[first.tenant or ""].validity == ALWAYS else None
    if decision.service_line is None:  # beyond the calendar's ends
        return None
    stretch = line_at(table.lines[decision.tenant or "", decision.service_line], decision.at)
    return stretch.start, stretch.end
