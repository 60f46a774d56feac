# SPDX-License-Identifier: EUPL-1.2
"""115: by the dialled area code, else by the caller's, else by the class of the caller, else the neutral line.

An area code is not a municipality: an area that several towns share has a treatment of its own, and so has one whose
town takes no part. Nobody is greeted for a town that is only guessed.
"""

from __future__ import annotations

from datetime import datetime

from routing.core.decision import Reason
from routing.core.numbers import E164, Number, ShortCode, is_mobile, significant_digits
from routing.core.table import OriginMeaning, Table

AREA_CODE_DIGITS = (5, 4, 3, 2)
NEUTRAL = "neutral"
_RULES = {"member": "authority_area", "shared": "authority_shared", "non_member": "authority_non_member"}


def authority(
    table: Table, number: ShortCode, caller: Number | None, at: datetime
) -> tuple[OriginMeaning, Reason] | None:
    """What becomes of this call to 115, and why; ``None`` if 115 is not served at this instant.

    ``caller`` is the caller's number as it was read, ``None`` if withheld.
    """
    neutral = _holding(table, NEUTRAL, at)
    if neutral is None:
        return None
    if number.area_code is not None:
        area: str | None = number.area_code
        why, origin = "other_area", "dialled"
    else:
        area, why = _caller_area(table, caller)
        origin = "caller"
    found = None if area is None else _holding(table, area, at)
    if found is not None and area is not None:
        parameters = {"area_code": area, "origin": origin}
        if found.line is not None:
            tenant = table.tenants[found.line[0]]
            parameters |= {"tenant": tenant.slug, "tenant_name": tenant.name}
        return found, Reason(rule=_RULES[found.standing], parameters=parameters)
    if area is not None and area in table.origins:
        why = "not_valid"
    by_class = _holding(table, "other_area" if why == "not_valid" else why, at)
    if by_class is not None:
        return by_class, Reason(rule="authority_caller", parameters={"why": why})
    parameters = {"why": why, "origin": origin} | ({"area_code": area} if area else {})
    return neutral, Reason(rule="authority_neutral", parameters=parameters)


def _holding(table: Table, origin: str, at: datetime) -> OriginMeaning | None:
    """What this origin means at this instant, if it leads somewhere then."""
    for meaning in table.origins.get(origin, ()):
        if meaning.validity.contains(at) and (meaning.line is None or table.line_served(meaning.line, at) is not None):
            return meaning
    return None


def _caller_area(table: Table, caller: Number | None) -> tuple[str | None, str]:
    if caller is None:
        return None, "withheld"
    if not isinstance(caller, E164):
        return None, "unreadable"
    significant = significant_digits(caller)
    if significant is None:
        return None, "foreign"
    if is_mobile(caller):
        return None, "mobile"
    for digits in AREA_CODE_DIGITS:
        if significant[:digits] in table.origins and len(significant) > digits:
            return significant[:digits], "other_area"
    return None, "other_area"
