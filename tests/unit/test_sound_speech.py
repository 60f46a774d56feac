# SPDX-License-Identifier: EUPL-1.2
"""What the voice is given to say, and what it says (the real engine)."""

import math

import pytest

from agi.render import loudness
from agi.render.numerals import digit_words, number_word, ordinal_stem, sayable
from agi.render.pcm import SAMPLE_RATE, SoundProblem
from agi.render.speech import cleaned, sentences, speak


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Rufen Sie 05372 89-0 an.", "Rufen Sie null fünf drei sieben zwei, acht neun, null an."),
        ("05361/28-0", "null fünf drei sechs eins, zwei acht, null"),
        ("+49 5372 89-500", "plus vier neun, fünf drei sieben zwei, acht neun, fünf null null"),
        ("Wählen Sie die 115.", "Wählen Sie die eins eins fünf."),
        ("Im Notfall 112 oder 110", "Im Notfall eins eins zwei oder eins eins null"),
        ("115 Euro", "115 Euro"),
        ("7 bis 18 Uhr", "sieben bis achtzehn Uhr"),
        ("Mo-Fr 7:00-18:30 Uhr", "Montag bis Freitag sieben bis achtzehn Uhr dreißig"),
        ("um 1:00 Uhr und 21.05 Uhr", "um ein Uhr und einundzwanzig Uhr fünf"),
        ("am 31.10.2026", "am einunddreißigsten Oktober 2026"),
        ("Am 3. Oktober und bis 2.1.", "Am dritten Oktober und bis zweiten Januar"),
        ("der 24.12.", "der vierundzwanzigste Dezember"),
        ("Raum 012, 20.000 Euro, 0,5 Prozent", "Raum 012, 20.000 Euro, 0,5 Prozent"),
        ("Hauptstr. 5, Nr. 7", "Hauptstraße 5, Nummer 7"),
    ],
)
def test_numbers_are_written_as_they_are_said(written: str, said: str) -> None:
    assert sayable(written) == said


def test_number_words() -> None:
    words = [number_word(number) for number in range(100)]
    assert len(set(words)) == 100
    assert (words[1], words[16], words[17], words[21], words[30]) == (
        "eins", "sechzehn", "siebzehn", "einundzwanzig", "dreißig",
    )  # fmt: skip
    assert [ordinal_stem(day) + "er" for day in (1, 3, 7, 8, 19, 20)] == [
        "erster", "dritter", "siebter", "achter", "neunzehnter", "zwanzigster",
    ]  # fmt: skip
    assert digit_words("0 19") == "null, eins neun"


def test_hostile_text_loses_its_markup_and_control_characters() -> None:
    text = (
        '<speed level="50">Guten\x00 Tag</speed>\r\n & <volume level="9"/>Samtgemeinde\u2028Isenbu\u0308ttel \U0001f600'
    )
    assert cleaned(text) == "Guten Tag und Samtgemeinde Isenbüttel"


def test_no_angle_bracket_ever_reaches_the_engine() -> None:
    nested = cleaned("<<pitch level='200'>speed level='20'>langsam</pitch> 3 < 4 > 2")
    assert not set(nested) & set('<>&"\\')


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no words"),
        (" \t\x00\x07", "no words"),
        ("... !", "no words"),
        ('<speed level="50">', "no words"),
        ("\U0001f600", "no words"),
        ("a" * 10_000, "10000 characters"),
        ("a" * 61, "word of 61 letters"),
        ("05372 " * 130, "written out"),
        ("Добрый день", "U+0414"),
        ("١٢٣", "cannot speak"),
    ],
)
def test_what_cannot_be_spoken_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(SoundProblem, match=sentence.replace("+", r"\+")) as caught:
        speak(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_senseless_pace_is_refused() -> None:
    for pace in (0.0, 5.0, math.nan):
        with pytest.raises(SoundProblem, match="pace"):
            speak("Guten Tag", pace=pace)


def test_sentences_end_where_a_voice_falls() -> None:
    assert sentences("Guten Tag. Der 3. Stock, D. Meier! Bitte warten Sie?") == [
        "Guten Tag.", "Der 3. Stock, D. Meier!", "Bitte warten Sie?",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "Samtgemeinde Isenbüttel, guten Tag.",
        "Herzlich willkommen bei der Stadt Wolfsburg. Bitte haben Sie einen Moment Geduld.",
        "Sie erreichen uns Montag bis Freitag von 7 bis 18 Uhr unter 05372 89-0.",
    ],
)
def test_speech_is_whole_and_unclipped(text: str) -> None:
    samples = speak(text)
    letters_a_second = len(cleaned(text)) / (len(samples) / SAMPLE_RATE)
    assert 8 < letters_a_second < 20  # German is read at 12 to 17; a cut would be faster, a stutter slower
    assert max(map(abs, samples)) < 32_000
    assert -40 < loudness.active_level_dbfs(samples) < -12
    last = samples[-SAMPLE_RATE // 2 :]
    assert loudness.dbfs(math.sqrt(sum(value * value for value in last) / len(last))) > -50


def test_each_sentence_adds_to_the_length() -> None:
    first, second = "Samtgemeinde Meinersen.", "Zurzeit sind alle Plätze belegt."
    alone = len(speak(first)) + len(speak(second))
    together = len(speak(f"{first} {second}"))
    assert together == pytest.approx(alone + 0.4 * SAMPLE_RATE, rel=0.05)


def test_pace_makes_it_slower() -> None:
    text = "Bitte haben Sie einen Moment Geduld"
    assert len(speak(text, pace=0.75)) > 1.15 * len(speak(text, pace=1.0))
