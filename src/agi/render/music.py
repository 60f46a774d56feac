# SPDX-License-Identifier: EUPL-1.2
"""Music on hold, composed here so that nobody has to be asked for a licence.

Twelve bars of 4 s, four chords three times over: a soft pad holds the chord, a plucked voice walks through it, and in
the second and third round a few high notes answer. Every sound is a sum of sine partials below 3.2 kHz with smooth
on- and offsets, so a telephone's 3.4 kHz takes nothing away. Notes that ring beyond the end go on at the beginning:
the loop has no seam. No chance is involved: the same samples every time, in about a second of work.
"""

import cmath
import math
from array import array
from collections.abc import Iterator
from itertools import accumulate, repeat
from operator import add, mul

from agi.render.loudness import levelled
from agi.render.pcm import SAMPLE_RATE

MUSIC = "amtsleitung-music/1"  # raise the number when the music changes
MUSIC_LEVEL_DBFS = -28.0  # 5 dB below speech: announcements stand out of it
BAR_SECONDS = 4.0
BARS = 12
MUSIC_SECONDS = BARS * BAR_SECONDS
HIGHEST_PARTIAL_HERTZ = 3_200.0
_STEP_SECONDS = BAR_SECONDS / 8
_PLUCK_SECONDS = 2.5
_PAD_OVERLAP_SECONDS = 1.2
_ONSET_SECONDS = 0.012

# Semitones above the A of 220 Hz: F major 7, D minor 7, B flat major 7, C with a fourth.
_PADS = ((-4, 0, 3, 7), (-7, -4, 0, 3), (-11, -4, 1, 5), (-9, -4, -2, 3))
_TONES = ((-4, 3, 8, 12, 15), (-7, 0, 5, 8, 12), (-11, -4, 1, 5, 8), (-9, -2, 3, 8, 10))
_WALKS = ((0, None, 2, 1, 3, None, 2, 1), (0, 2, 1, 3, 2, None, 4, 2), (0, None, 1, 2, 4, 3, None, 2))
# Round → bar → (eighth of the bar, semitones): the answering voice.
_ANSWERS: tuple[tuple[tuple[tuple[int, int], ...], ...], ...] = (
    ((), (), (), ()),
    (((4, 20),), ((0, 17), (5, 15)), ((2, 17),), ((4, 15),)),
    (((2, 15), (6, 20)), ((2, 24),), ((0, 20), (5, 17)), ((2, 15), (6, 10))),
)


def compose() -> "array[int]":
    """The whole loop, 48 s at 16 kHz, at `MUSIC_LEVEL_DBFS`."""
    loop = array("d", bytes(8 * round(MUSIC_SECONDS * SAMPLE_RATE)))
    plucked: dict[int, array[float]] = {}
    for at, semitones, strength in _notes():
        note = plucked.get(semitones) or plucked.setdefault(semitones, _pluck(_hertz(semitones)))
        _mix(loop, note, at, strength)
    held = [_pad([_hertz(tone) for tone in chord]) for chord in _PADS]
    for bar in range(BARS):
        _mix(loop, held[bar % 4], bar * BAR_SECONDS - _PAD_OVERLAP_SECONDS / 2, 0.16)
    highest = max(max(loop), -min(loop))
    return levelled(array("h", [round(value * 12_000 / highest) for value in loop]), target_dbfs=MUSIC_LEVEL_DBFS)


def _notes() -> Iterator[tuple[float, int, float]]:
    """(second, semitones, strength) of every plucked note."""
    for bar in range(BARS):
        turn, chord, start = bar // 4, bar % 4, bar * BAR_SECONDS
        for eighth, degree in enumerate(_WALKS[turn]):
            if degree is not None:
                yield start + eighth * _STEP_SECONDS, _TONES[chord][degree], 0.8 if eighth % 4 == 0 else 0.55
        for eighth, semitones in _ANSWERS[turn][chord]:
            yield start + eighth * _STEP_SECONDS, semitones, 0.5


def _hertz(semitones: int) -> float:
    return 220.0 * math.pow(2.0, semitones / 12)


def _pluck(hertz: float) -> "array[float]":
    """A soft plucked string: higher partials are weaker and die away sooner."""
    length = round(_PLUCK_SECONDS * SAMPLE_RATE)
    note = array("d", bytes(8 * length))
    for number, weight in enumerate((1.0, 0.42, 0.22, 0.10, 0.05), start=1):
        if hertz * number < HIGHEST_PARTIAL_HERTZ:
            note = array("d", map(add, note, _decaying(hertz * number, weight, 0.75 / math.sqrt(number), length)))
    return _eased(note, _ONSET_SECONDS, 0.4)


def _pad(chord: "list[float]") -> "array[float]":
    """Held tones, each a pair half a hertz apart (a slow, gentle beating), fading into the next chord."""
    length = round((BAR_SECONDS + _PAD_OVERLAP_SECONDS) * SAMPLE_RATE)
    tone = array("d", bytes(8 * length))
    for hertz in chord:
        for partial, weight in ((hertz - 0.25, 1.0), (hertz + 0.25, 1.0), (2 * hertz, 0.3)):
            tone = array("d", map(add, tone, _decaying(partial, weight, math.inf, length)))
    return _eased(tone, _PAD_OVERLAP_SECONDS, _PAD_OVERLAP_SECONDS)


def _decaying(hertz: float, weight: float, decay_seconds: float, length: int) -> "array[float]":
    """A sine that falls to 1/e in `decay_seconds`: a complex number turned and shrunk once for each sample."""
    turn = cmath.exp(complex(-1 / (decay_seconds * SAMPLE_RATE), 2 * math.pi * hertz / SAMPLE_RATE))
    spiral = accumulate(repeat(turn, length - 1), mul, initial=complex(weight))
    return array("d", [point.imag for point in spiral])


def _eased(samples: "array[float]", onset_seconds: float, offset_seconds: float) -> "array[float]":
    """Raised-cosine on- and offset: a hard edge would splash over the whole band."""
    onset, offset = round(onset_seconds * SAMPLE_RATE), round(offset_seconds * SAMPLE_RATE)
    for index in range(onset):
        samples[index] *= 0.5 - 0.5 * math.cos(math.pi * index / onset)
    for index in range(offset):
        samples[-1 - index] *= 0.5 - 0.5 * math.cos(math.pi * index / offset)
    return samples


def _mix(loop: "array[float]", sound: "array[float]", at_seconds: float, strength: float) -> None:
    """Add `sound` to the circle `loop`; what passes the end goes on at the beginning."""
    start = round(at_seconds * SAMPLE_RATE) % len(loop)
    before_end = min(len(sound), len(loop) - start)
    for target, part in ((start, sound[:before_end]), (0, sound[before_end:])):
        if part:
            scaled = map(mul, part, repeat(strength))
            loop[target : target + len(part)] = array("d", map(add, loop[target : target + len(part)], scaled))
