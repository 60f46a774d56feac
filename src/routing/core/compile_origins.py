# SPDX-License-Identifier: EUPL-1.2
"""115 by where the call comes from: areas of members, areas that several towns share, and classes of callers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from routing.core.announcements import authority_name
from routing.core.check_numbers import check_validity
from routing.core.compile_hours import Note, compile_forward
from routing.core.names import Names
from routing.core.places import place_of
from routing.core.rows import AuthorityNumberRow
from routing.core.table import OriginMeaning
from routing.core.validity import Validity

NEUTRAL = "neutral"
CALLER_CLASSES = ("mobile", "foreign", "withheld", "unreadable", "other_area")
STANDINGS = ("member", "shared", "non_member")
_AREA_CODE = re.compile(r"[1-9][0-9]{1,4}")


def compile_origins(
    rows: Sequence[AuthorityNumberRow], names: Names, note: Note
) -> Mapping[str, tuple[OriginMeaning, ...]]:
    """By origin, in the order of their time."""
    found: defaultdict[str, list[OriginMeaning]] = defaultdict(list)
    for row in rows:
        place = place_of(row)
        problems = list(_problems(row, names))
        for sentence in problems:
            note(place, sentence)
        validity_problems = list(check_validity(place, row.valid_from, row.valid_to))
        for problem in validity_problems:
            note(problem.place, problem.sentence)
        forward = compile_forward(place, row.forward_number, row.forward_trunk, names, note)
        if problems or validity_problems:
            continue
        meaning = OriginMeaning(
            origin=row.origin,
            standing=row.standing,
            line=(row.tenant, row.service_line) if row.tenant is not None and row.service_line is not None else None,
            announcement=authority_name(row) if row.announcement_text is not None else None,
            forward_number=forward,
            forward_trunk=row.forward_trunk,
            validity=Validity(valid_from=row.valid_from, valid_to=row.valid_to),
        )
        if any(other.validity.overlaps(meaning.validity) for other in found[row.origin]):
            note(place, "is claimed twice at the same time: keep one, or let one end where the other begins")
        found[row.origin].append(meaning)
    if rows and not any(row.origin == NEUTRAL for row in rows):
        note("authority_numbers", "the neutral line is missing: callers without a known area need it")
    return {
        origin: tuple(sorted(meanings, key=lambda item: _begin(item.validity))) for origin, meanings in found.items()
    }


def _begin(validity: Validity) -> float:
    return float("-inf") if validity.valid_from is None else validity.valid_from.timestamp()


def _problems(row: AuthorityNumberRow, names: Names) -> Iterator[str]:
    area = row.origin not in {NEUTRAL, *CALLER_CLASSES}
    if area and not _AREA_CODE.fullmatch(row.origin):
        yield (
            f"{row.origin!r} is no area code (2 to 5 digits without the leading 0), nor one of "
            f"{', '.join((NEUTRAL, *CALLER_CLASSES))}"
        )
    if row.standing not in STANDINGS:
        yield f"the standing {row.standing!r} is none of {', '.join(STANDINGS)}"
    elif not area and row.standing != "member":
        yield f"only an area code has the standing {row.standing}"
    if (row.tenant is None) != (row.service_line is None):
        yield "a line is named by both its tenant and its service_line"
    elif row.tenant is not None and (row.tenant, row.service_line) not in names.lines:
        yield f"there is no service line {row.tenant}/{row.service_line}"
    given = sum(value is not None for value in (row.tenant, row.announcement_text, row.forward_number))
    if given != 1:
        yield "leads to a line (tenant and service_line), an announcement_text or a forward: exactly one of them"
    elif row.origin == NEUTRAL and row.tenant is None:
        yield "the neutral treatment must be a line: somebody has to answer"
