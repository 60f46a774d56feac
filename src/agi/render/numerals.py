# SPDX-License-Identifier: EUPL-1.2
"""Numbers in German prompts, written as they are said: telephone numbers digit by digit, times, dates, ranges.

    05372 89-0            null fünf drei sieben zwei, acht neun, null
    115                   eins eins fünf
    7:00–18:30 Uhr        sieben bis achtzehn Uhr dreißig
    am 31.10.2026         am einunddreißigsten Oktober 2026
    Mo–Fr                 Montag bis Freitag

All else (years, house numbers, sums) the voice reads well itself.
"""

import re

_DIGITS = ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
_TEENS = ("zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn")
_TENS = ("", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
_MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni",
    "Juli", "August", "September", "Oktober", "November", "Dezember",
)  # fmt: skip
_DAYS = {
    "Mo": "Montag", "Di": "Dienstag", "Mi": "Mittwoch", "Do": "Donnerstag",
    "Fr": "Freitag", "Sa": "Samstag", "So": "Sonntag",
}  # fmt: skip
_ABBREVIATIONS = {
    r"\bz\. ?B\.": "zum Beispiel",
    r"\bbzw\.": "beziehungsweise",
    r"\bca\.": "circa",
    r"\bDr\.": "Doktor",
    r"\bSt\.": "Sankt",
    r"\bNr\.": "Nummer",
    r"\bTel\.": "Telefon",
    r"(?<=[A-Za-zäöüß])str\.": "straße",
    r"\bStr\.": "Straße",
    r"&": " und ",
}
_DAY = "(Mo|Di|Mi|Do|Fr|Sa|So)"
_DAY_RANGE = re.compile(rf"\b{_DAY}\.? ?- ?{_DAY}\b\.?(?! ?-)")
_CLOCK = r"(?:[01]?\d|2[0-4])(?::[0-5]\d|\.[0-5]\d(?= ?(?:-|bis|Uhr)))?"
_CLOCK_RANGE = re.compile(rf"\b({_CLOCK})(?: Uhr)? ?(?:-|bis) ?({_CLOCK}) ?Uhr\b")
_ONE_CLOCK = re.compile(r"\b([01]?\d|2[0-4])(?::([0-5]\d)(?: ?Uhr)?|\.([0-5]\d) ?Uhr| ?Uhr)(?!\w)(?! [0-5]?\d\b(?!\.))")
_DATE = re.compile(
    r"(?<![\w.,-])((?i:am|vom|zum|bis|ab|dem|den|seit|der) )?(0?[1-9]|[12]\d|3[01])\. ?"
    rf"(?:(0?[1-9]|1[0-2])\.(?: ?(\d{{4}})\b)?|({'|'.join(_MONTHS)})\b)"
)
_SHORT_NUMBER = re.compile(
    r"(?<![\d.,:/-])(110|112|115|116 ?117|116 ?116)(?![\d:/-])(?![.,]\d)(?! ?(?:Euro|€|Prozent|%|Meter))"
)
_TELEPHONE = re.compile(r"(?<![\w.,])(?:\+ ?[1-9]|0)\d*(?:(?: ?[/-] ?| )\d+){0,6}(?!\d)")
_SHORTEST_TELEPHONE = 5  # digits


def sayable(text: str) -> str:
    """`text` (single spaces, `-` for every dash) with its numbers in words."""
    for pattern, word in _ABBREVIATIONS.items():
        text = re.sub(pattern, word, text)
    text = _DAY_RANGE.sub(lambda found: f"{_DAYS[found[1]]} bis {_DAYS[found[2]]}", text)
    text = _DATE.sub(_date, text)
    text = _CLOCK_RANGE.sub(lambda found: f"{_clock(found[1], first=True)} bis {_clock(found[2])}", text)
    text = _ONE_CLOCK.sub(lambda found: _clock(f"{found[1]}:{found[2] or found[3] or '00'}"), text)
    text = _TELEPHONE.sub(_telephone, text)
    return _SHORT_NUMBER.sub(lambda found: digit_words(found[1]), text)


def digit_words(digits: str) -> str:
    """`115` → `eins eins fünf`; a blank becomes a short pause."""
    return ", ".join(" ".join(_DIGITS[int(digit)] for digit in group) for group in digits.split())


def number_word(number: int) -> str:
    """0–99 in one word."""
    if number < 10:
        return _DIGITS[number]
    if number < 20:
        return _TEENS[number - 10]
    ones, tens = number % 10, _TENS[number // 10]
    if not ones:
        return tens
    return ("ein" if ones == 1 else _DIGITS[ones]) + "und" + tens


def ordinal_stem(number: int) -> str:
    """1–31 without its ending: `erst`, `dritt`, `einunddreißigst`."""
    special = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}
    return special.get(number) or number_word(number) + ("t" if number < 20 else "st")


def _clock(text: str, *, first: bool = False) -> str:
    hour, _, minute = text.replace(".", ":").partition(":")
    said = "ein" if int(hour) == 1 else number_word(int(hour))
    if int(minute or 0):
        return f"{said} Uhr {number_word(int(minute))}"
    if first:  # „eins bis drei Uhr“
        return number_word(int(hour))
    return f"{said} Uhr"


def _date(found: re.Match[str]) -> str:
    before, day, month, year, month_name = found.groups()
    name = month_name or _MONTHS[int(month) - 1]
    ending = "er" if not before else "e" if before.lower() == "der " else "en"
    return f"{before or ''}{ordinal_stem(int(day))}{ending} {name}{' ' + year if year else ''}"


def _telephone(found: re.Match[str]) -> str:
    text = found[0]
    if sum(map(str.isdigit, text)) < _SHORTEST_TELEPHONE:
        return text
    plus = "plus " if text.startswith("+") else ""
    return plus + digit_words(" ".join(re.findall(r"\d+", text)))
