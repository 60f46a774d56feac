# SPDX-License-Identifier: EUPL-1.2
"""German text → spoken samples, by SVOX Pico's de-DE voice (package py-nanotts, inside the process).

Three properties of that engine shape this module. It obeys markup in its input, so markup never reaches it. At its
own volume it clips, so it speaks at 0.3 and `agi.render.loudness` decides. Its pauses between sentences differ from
run to run (0.3–0.9 s measured), so each sentence is spoken alone, trimmed, and joined with our own pause.
"""

import re
import threading
import unicodedata
from array import array

import py_nanotts

from agi.render.loudness import trimmed
from agi.render.numerals import sayable
from agi.render.pcm import SoundProblem, silence

ENGINE = "pico-de/1"  # raise the number when the same text would sound different
PACE = 0.95  # 1.0 is the engine's own speed: a little slower is easier to follow on a telephone
PACE_BOUNDS = (0.7, 1.4)
TEXT_LIMIT = 800  # characters, about one minute
SPOKEN_LIMIT = 2_000  # characters once numbers are written out
WORD_LIMIT = 60  # letters; the longest German compounds have about 40
SENTENCE_PAUSE_SECONDS = 0.40
_VOLUME = 0.3
_MARKUP = re.compile(r"<[^<>]{0,200}>")
_SENTENCE_END = re.compile(r"(?<!\b\w)(?<!\b\d\d)[.!?]+(?=\s+[A-ZÄÖÜ0-9]|$)")
_KEPT = frozenset(" .,;:!?-'/%€&+")
_OWN_LETTERS = frozenset("äöüÄÖÜßéèêàçñ")
_one_voice = threading.Lock()  # the engine keeps its state in C; nothing promises that two calls may meet


def speak(text: str, *, pace: float = PACE) -> "array[int]":
    """`text` as 16-kHz mono samples, unlevelled, without silence at the ends.

    About 5 ms of work per second of speech. Raises `SoundProblem` for text that cannot be spoken.
    """
    low, high = PACE_BOUNDS
    if not low <= pace <= high:
        raise SoundProblem(f"the pace {pace} of a prompt is not between {low} and {high}; choose 1.0 or leave it out")
    result: array[int] = array("h")
    for sentence in sentences(cleaned(text)):
        if result:
            result += silence(SENTENCE_PAUSE_SECONDS)
        result += _spoken(sentence, pace)
    return result


def cleaned(text: str) -> str:
    """Text the engine can be trusted with: no markup, no control characters, numbers as they are said.

    Raises `SoundProblem` for text that is empty, too long, or in letters the German voice does not know: leaving
    those out would tell a caller something else than was written.
    """
    if len(text) > TEXT_LIMIT:
        raise SoundProblem(f"the prompt has {len(text)} characters; shorten it to {TEXT_LIMIT}")
    plain = _MARKUP.sub(" ", unicodedata.normalize("NFC", text))
    kept = "".join(map(_known, plain))
    spoken = " ".join(sayable(" ".join(kept.split())).replace("/", " ").split())  # the voice reads „Schrägstrich“
    if not any(map(str.isalnum, spoken)):
        raise SoundProblem("the prompt has no words to speak; write a German sentence")
    longest = max(re.split(r"[\s\-/]+", spoken), key=len)
    if len(longest) > WORD_LIMIT:
        raise SoundProblem(f"the prompt has a word of {len(longest)} letters ({longest[:20]}…); separate its parts")
    if len(spoken) > SPOKEN_LIMIT:
        raise SoundProblem(f"the prompt has {len(spoken)} characters with its numbers written out; shorten it")
    return spoken


def sentences(spoken: str) -> list[str]:
    """Split where a voice falls; `1. Stock` and single letters (`D. Meier`) do not end one."""
    found, start = [], 0
    for end in _SENTENCE_END.finditer(spoken):
        found.append(spoken[start : end.end()].strip())
        start = end.end()
    found.append(spoken[start:].strip())
    return [sentence for sentence in found if any(map(str.isalnum, sentence))]


def _known(character: str) -> str:
    if character in _KEPT or character in _OWN_LETTERS or (character.isascii() and character.isalnum()):
        return character
    if character in "–—‑−":
        return "-"
    if character == "’":
        return "'"
    if character in "()[]":
        return ", "
    base = unicodedata.normalize("NFKD", character)[0]
    if base.isascii() and base.isalnum():  # ő, š, ² : the plain letter is near enough
        return base
    if character.isalpha() or character.isnumeric():
        raise SoundProblem(
            f"the prompt has the character U+{ord(character):04X}, which the German voice cannot speak; "
            "write it in Latin letters or record the prompt"
        )
    return " "


def _spoken(sentence: str, pace: float) -> "array[int]":
    try:
        with _one_voice:
            content = py_nanotts.NanoTTS().speak(sentence, voice="de-DE", speed=pace, volume=_VOLUME)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise SoundProblem(f"the voice refused „{sentence[:40]}“ ({error}); reword it or record it") from error
    samples = array("h", content)
    try:
        return trimmed(samples)
    except SoundProblem:
        raise SoundProblem(f"the voice stayed silent at „{sentence[:40]}“; reword it or record it") from None
