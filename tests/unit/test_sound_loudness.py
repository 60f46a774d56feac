# SPDX-License-Identifier: EUPL-1.2
"""Loudness against signals of known level and against ITU-T P.56 computed sample by sample; resampling; music."""

import itertools
import math
from array import array

import pytest

from agi.render import loudness, music
from agi.render.pcm import SAMPLE_RATE, SoundProblem, resample, silence, to_int16
from agi.render.speech import speak


def _tone(hertz: float, level_dbfs: float, seconds: float, rate: int = SAMPLE_RATE) -> "array[int]":
    """A sine whose root mean square is `level_dbfs`."""
    height = loudness.amplitude(level_dbfs) * math.sqrt(2)
    count = round(seconds * rate)
    return to_int16(array("d", [height * math.sin(2 * math.pi * hertz * n / rate) for n in range(count)]))


def _strength_dbfs(samples: "array[int]", hertz: float) -> float:
    """Root mean square of one frequency (Goertzel, Hann window), in dBFS."""
    count = len(samples)
    twice = 2 * math.cos(2 * math.pi * hertz / SAMPLE_RATE)
    before = last = 0.0
    for index, value in enumerate(samples):
        window = 1 - math.cos(2 * math.pi * index / count)
        before, last = last, value * window + twice * last - before
    power = last * last + before * before - twice * last * before
    return loudness.dbfs(math.sqrt(2 * max(power, 0.0)) / count)


def _p56(samples: "array[int]") -> float:
    """ITU-T P.56, method B, as written: envelope of two 30-ms averages, 200 ms hangover, thresholds a bit apart."""
    keep = math.exp(-1 / (SAMPLE_RATE * 0.03))
    first = second = 0.0
    thresholds = [2.0**power for power in range(15)]
    counts, idle = [0] * 15, [3200] * 15
    for value in samples:
        first = keep * first + (1 - keep) * abs(value)
        second = keep * second + (1 - keep) * first
        for index, threshold in enumerate(thresholds):
            idle[index] = 0 if second >= threshold else idle[index] + 1
            counts[index] += idle[index] < 3200
    total = sum(value * value for value in samples)
    differences = [
        (10 * math.log10(total / count / 32768**2), loudness.dbfs(threshold))
        for count, threshold in zip(counts, thresholds, strict=True)
        if count
    ]
    for (level, bound), (next_level, next_bound) in itertools.pairwise(differences):
        over, next_over = level - bound - 15.9, next_level - next_bound - 15.9
        if over >= 0 >= next_over:
            share = over / (over - next_over)
            return level + share * (next_level - level)
    raise AssertionError("no threshold meets the margin")


def test_a_steady_tone_has_its_own_level_and_pauses_do_not_count() -> None:
    tone = _tone(1000, -20, 2)
    assert loudness.active_level_dbfs(tone) == pytest.approx(-20, abs=0.05)
    assert loudness.peak_dbfs(tone) == pytest.approx(-17, abs=0.05)
    with_pause = silence(3) + tone + silence(3)
    assert loudness.active_level_dbfs(with_pause) == pytest.approx(-20, abs=0.5)


def test_silence_has_no_level_and_is_refused() -> None:
    assert loudness.active_level_dbfs(silence(1)) == loudness.active_level_dbfs(array("h")) == -math.inf
    for refused in (silence(1), array("h"), array("h", [1, -1] * 8000)):
        with pytest.raises(SoundProblem, match="no audible speech"):
            loudness.finished(refused)


def test_speech_measures_as_p56_says() -> None:
    samples = speak("Samtgemeinde Isenbüttel, guten Tag. Bitte haben Sie einen Moment Geduld.")
    assert loudness.active_level_dbfs(samples) == pytest.approx(_p56(samples), abs=0.5)


@pytest.mark.parametrize(
    "text",
    [
        "Guten Tag.",
        "Sie rufen außerhalb unserer Servicezeiten an. Wir sind Montag bis Freitag von 7 bis 18 Uhr für Sie da.",
        "Wolfsburger Abfallwirtschaft und Entwässerungsbetriebe.",
        "Ja.",
    ],
)
def test_every_prompt_has_the_same_level(text: str) -> None:
    done = loudness.finished(speak(text))
    assert _p56(done) == pytest.approx(loudness.SPEECH_LEVEL_DBFS, abs=1)
    assert loudness.peak_dbfs(done) <= loudness.PEAK_LIMIT_DBFS
    assert max(map(abs, done[:2300])) == max(map(abs, done[-2300:])) == 0  # 144 of the 150 ms at either end
    assert len(done) % 320 == 0  # whole 20-ms frames


def test_peaks_are_rounded_off_not_clipped_and_the_level_is_kept() -> None:
    speech = loudness.levelled(speak("Bitte haben Sie einen Moment Geduld."))
    for index in range(1000, len(speech), 4000):  # consonants popping into the microphone
        speech[index : index + 40] = array("h", [round(32_000 * math.sin(n / 3)) for n in range(40)])
    done = loudness.levelled(speech)
    assert loudness.peak_dbfs(done) <= loudness.PEAK_LIMIT_DBFS
    assert loudness.active_level_dbfs(done) == pytest.approx(loudness.SPEECH_LEVEL_DBFS, abs=1)
    top = max(map(abs, done))
    assert sum(abs(value) == top for value in done) < 40  # a clipped wave would have flat tops


def test_quiet_and_loud_recordings_end_alike() -> None:
    speech = speak("Bitte haben Sie einen Moment Geduld.")
    quiet = array("h", [value // 60 for value in speech])
    assert loudness.active_level_dbfs(loudness.levelled(quiet)) == pytest.approx(-23, abs=0.5)


def test_soft_ends_of_words_survive_trimming() -> None:
    word, hiss = _tone(300, -20, 0.5), _tone(5000, -48, 0.1)  # a final consonant 28 dB below the vowel
    kept = loudness.trimmed(silence(1) + word + hiss + silence(1))
    assert 0.6 <= len(kept) / SAMPLE_RATE <= 0.67


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_resampling_keeps_tones_and_folds_nothing_back(rate: int) -> None:
    source = _tone(1000, -20, 0.4, rate)
    result = to_int16(resample(array("d", source), rate))
    assert len(result) == pytest.approx(0.4 * SAMPLE_RATE, abs=1)
    assert _strength_dbfs(result, 1000) == pytest.approx(-20, abs=0.2)
    images = [hertz for hertz in (rate - 1000, abs(rate - SAMPLE_RATE - 1000)) if 1500 < hertz < 8000]
    assert all(_strength_dbfs(result, hertz) < -80 for hertz in [*images, 2345, 6789])
    if rate > 2 * 10_000:
        folded = to_int16(resample(array("d", _tone(10_000, -10, 0.4, rate)), rate))
        assert loudness.peak_dbfs(folded[800:-800]) < -70


@pytest.fixture(scope="module")
def loop() -> "array[int]":
    return music.compose()


def test_music_has_its_length_and_level(loop: "array[int]") -> None:
    assert len(loop) == 48 * SAMPLE_RATE
    assert _p56(loop[: 12 * SAMPLE_RATE]) == pytest.approx(music.MUSIC_LEVEL_DBFS, abs=1)
    assert loudness.peak_dbfs(loop) < loudness.PEAK_LIMIT_DBFS
    seconds = [loop[start : start + SAMPLE_RATE] for start in range(0, len(loop), SAMPLE_RATE)]
    assert all(-34 < loudness.active_level_dbfs(second) < -22 for second in seconds)  # calm: no holes, no blasts


def test_music_loops_without_a_seam(loop: "array[int]") -> None:
    steps = [abs(after - before) for before, after in itertools.pairwise(loop)]
    assert abs(loop[0] - loop[-1]) <= max(steps[:400] + steps[-400:])
    bend_at_seam = abs(loop[1] - 2 * loop[0] + loop[-1])
    bends = [abs(loop[n + 1] - 2 * loop[n] + loop[n - 1]) for n in range(1, 4000)]
    assert bend_at_seam <= max(bends)
    seam = loop[-SAMPLE_RATE // 2 :] + loop[: SAMPLE_RATE // 2]
    assert max(_strength_dbfs(seam, hertz) for hertz in (3700, 5000, 7000)) < -85  # a click would be heard here


def test_music_fits_into_a_telephone(loop: "array[int]") -> None:
    for start in (0, 17, 33):
        part = loop[start * SAMPLE_RATE : (start + 1) * SAMPLE_RATE]
        assert max(_strength_dbfs(part, hertz) for hertz in range(3500, 8000, 250)) < -80
        assert max(_strength_dbfs(part, hertz) for hertz in range(300, 1000, 4)) > -50


def test_music_is_the_same_every_time_and_changes_its_chords(loop: "array[int]") -> None:
    def chroma(bar: int) -> list[float]:
        part = loop[round((bar * 4 + 1) * SAMPLE_RATE) : round((bar * 4 + 3) * SAMPLE_RATE)]
        return [_strength_dbfs(part, 220 * 2 ** (tone / 12)) for tone in range(12)]

    f_major, b_flat = chroma(0), chroma(2)
    assert f_major[3] - b_flat[3] > 10  # a C sounds over F, none over B flat
    assert b_flat[1] - f_major[1] > 10
    assert music.compose() == loop
