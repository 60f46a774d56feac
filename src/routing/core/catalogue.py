# SPDX-License-Identifier: EUPL-1.2
"""The reasons' sentences, in German and English: every code that ``decide`` gives, with its parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

LANGUAGES = ("de", "en")

# German, English. What stands in brackets is left out if its parameter is empty or missing.
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "unreadable_number": (
        "Der gewählte Text ist keine Telefonnummer ({why}).",
        "The dialled text is not a telephone number ({why}).",
    ),
    "emergency_number": (
        "{code} ist eine Notrufnummer und wird nie von uns angenommen.",
        "{code} is an emergency number and never ours to take.",
    ),
    "number": (
        "{number} ist die Servicelinie {service_line} von {tenant_name}.",
        "{number} is the line {service_line} of {tenant_name}.",
    ),
    "ingress_number": (
        "Auf {number} erreicht uns die Servicelinie {service_line} von {tenant_name}.",
        "{number} is the ingress number of the line {service_line} of {tenant_name}.",
    ),
    "diverted": (
        "Umgeleitet von {number} ({header}): die Servicelinie {service_line} von {tenant_name}.",
        "Diverted from {number} ({header}): the line {service_line} of {tenant_name}.",
    ),
    "diversion_not_trusted": (
        "Die Umleitungsangaben gelten nicht: dem Trunk {trunk} wird darin nicht vertraut.",
        "What the call says of a diversion does not count: the trunk {trunk} is not trusted in it.",
    ),
    "not_valid": (
        "{number} gehört zu diesem Zeitpunkt nicht zu {tenant_name}.",
        "{number} does not belong to {tenant_name} at this instant.",
    ),
    "not_served": (
        "Die 115 wird zu diesem Zeitpunkt nicht bedient.",
        "115 is not served at this instant.",
    ),
    "desk_extension": (
        "{extension} hinter {head_number} ist eine Nebenstelle von {tenant_name} und bleibt bei der eigenen Anlage.",
        "{extension} behind {head_number} is a desk of {tenant_name}, whose own telephones take the call.",
    ),
    "other_extension": (
        "{extension} hinter {head_number} ist nicht vergeben: Abwurf auf {service_line} von {tenant_name}.",
        "{extension} behind {head_number} is not assigned: it goes to the line {service_line} of {tenant_name}.",
    ),
    "unknown_number": (
        "Die Rufnummer ist keine der unseren[; der Trunk {other_route} hat einen anderen Weg].",
        "The number is not one of ours[; the trunk {other_route} has another route].",
    ),
    "unknown_number_line": (
        "Unbekannte Rufnummern beantwortet die Servicelinie {service_line} von {tenant_name}.",
        "Unknown numbers are answered by the line {service_line} of {tenant_name}.",
    ),
    "authority_area": (
        "115 aus dem Ortsnetz 0{area_code} ({origin}) wird für {tenant_name} beantwortet.",
        "115 from the area 0{area_code} ({origin}) is answered for {tenant_name}.",
    ),
    "authority_shared": (
        "115 aus dem Ortsnetz 0{area_code} ({origin}), das sich mehrere Orte teilen.",
        "115 from the area 0{area_code} ({origin}), which several towns share.",
    ),
    "authority_non_member": (
        "115 aus dem Ortsnetz 0{area_code} ({origin}), das nicht teilnimmt.",
        "115 from the area 0{area_code} ({origin}), which takes no part.",
    ),
    "authority_caller": ("115: {why}; dafür gilt eine eigene Regel.", "115: {why}, for which there is a rule."),
    "authority_neutral": ("115 wird neutral beantwortet: {why}.", "115 is answered neutrally: {why}."),
    "open": (
        "Offen: {window} ({timezone}) nach den Servicezeiten {opening_hours}.",
        "Open: {window} ({timezone}) by the hours {opening_hours}.",
    ),
    "special_opening": (
        "Offen: {title}[, bis {closes_at}].",
        "Open: {title}[, until {closes_at}].",
    ),
    "override_open": (
        "Von Hand geöffnet bis {ends_at} durch {author}: {reason}.",
        "Opened by hand until {ends_at} by {author}: {reason}.",
    ),
    "outside_hours": (
        "Geschlossen: außerhalb der Servicezeiten {opening_hours}[; nächste Öffnung {next_opening}].",
        "Closed: outside the hours {opening_hours}[; next opening {next_opening}].",
    ),
    "holiday": (
        "Geschlossen: {name}[; nächste Öffnung {next_opening}].",
        "Closed: {name}[; next opening {next_opening}].",
    ),
    "closure": (
        "Geschlossen: {title}[; nächste Öffnung {next_opening}].",
        "Closed: {title}[; next opening {next_opening}].",
    ),
    "override_closed": (
        "Von Hand geschlossen bis {ends_at} durch {author}: {reason}[; nächste Öffnung {next_opening}].",
        "Closed by hand until {ends_at} by {author}: {reason}[; next opening {next_opening}].",
    ),
    "notice": ("Hinweis an Wartende: {title}.", "Notice to waiting callers: {title}."),
    "nobody_on_call": (
        "In der Rufbereitschaft {rota} hat jetzt niemand Dienst.",
        "Nobody of the rota {rota} is on duty now.",
    ),
}  # fmt: skip

_WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "why": {
        "other_area": ("das Ortsnetz gehört zu keinem Mandanten", "the area belongs to no tenant"),
        "withheld": ("die Rufnummer des Anrufers ist unterdrückt", "the caller's number is withheld"),
        "mobile": ("eine Mobilfunknummer hat kein Ortsnetz", "a mobile number has no area"),
        "foreign": ("die Rufnummer des Anrufers ist eine ausländische", "the caller's number is a foreign one"),
        "unreadable": ("die Rufnummer des Anrufers ist nicht lesbar", "the caller's number cannot be read"),
        "not_valid": (
            "der Mandant des Ortsnetzes wird zu diesem Zeitpunkt nicht bedient",
            "the area's tenant is not served at this instant",
        ),
        "empty": ("leer", "empty"),
        "not_digits": ("mehr als Ziffern", "more than digits"),
        "too_long": ("zu lang", "too long"),
        "too_short": ("zu kurz", "too short"),
        "no_prefix": ("ohne Vorwahl", "no prefix"),
        "no_number": ("keine Rufnummer", "no number"),
        "not_a_country_code": ("keine Landesvorwahl", "no country code"),
        "no_own_prefix": ("ohne die Kennziffer des Trunks", "without the trunk's own prefix"),
        "phone_context": ("eine Rufnummer, die nur anderswo gilt", "a number that holds elsewhere only"),
        "uri_parameter": ("ein Zusatz, der nicht zu lesen ist", "an addition that cannot be read"),
    },
    "header": {
        "diversion": ("Kopfzeile Diversion", "header Diversion"),
        "history_info": ("Kopfzeile History-Info", "header History-Info"),
        "to": ("Kopfzeile To", "header To"),
    },
    "origin": {
        "dialled": ("gewählt", "dialled number"),
        "caller": ("Anrufer", "caller's number"),
    },
}


def sentence(rule: str, parameters: Mapping[str, str], language: str = "en") -> str:
    """The reason in a sentence; ``language`` is ``de`` or ``en``. A parameter that is missing is left blank."""
    place = LANGUAGES.index(language)
    return "".join([_written(piece, parameters, place) for piece in _PIECES[rule][place]])


class _Piece(NamedTuple):
    """A parameter and the plain text before it; with ``optional`` both are left out where it is blank."""

    before: str
    name: str
    after: str
    optional: bool


def _pieces(template: str) -> tuple[_Piece, ...]:
    found, end = [], 0
    for match in _PARAMETER.finditer(template):
        if match["option"] is None:
            found.append(_Piece(template[end : match.start()], match["name"], "", False))
        else:
            found.append(_Piece(template[end : match.start()], "", "", False))
            found.append(_Piece(match["before"], match["option"], match["after"], True))
        end = match.end()
    return (*found, _Piece(template[end:], "", "", False))


def _written(piece: _Piece, parameters: Mapping[str, str], place: int) -> str:
    before, name, after, optional = piece
    if not name:
        return before
    value = parameters.get(name, "")
    if name in _WORDS and value in _WORDS[name]:
        value = _WORDS[name][value][place]
    elif not value and name == "tenant_name":
        value = parameters.get("tenant", "")
    return "" if optional and not value else before + value + after


_PARAMETER = re.compile(r"\[(?P<before>[^{\]]*)\{(?P<option>\w+)\}(?P<after>[^\]]*)\]|\{(?P<name>\w+)\}")
_PIECES = {rule: tuple(map(_pieces, templates)) for rule, templates in _SENTENCES.items()}
RULES = tuple(_SENTENCES)
