# SPDX-License-Identifier: EUPL-1.2
"""How loud a prompt is, and one loudness for all of them.

The active speech level follows ITU-T P.56 (method B), in blocks of 10 ms instead of single samples:

    A = 10 log10( sum of squares / (active samples * 32768²) )      in dBFS; a full-scale sine has -3.0

A block is active if it, or a block up to 200 ms (hangover) before it, is louder than a threshold C; C is
that level for which A - C = 15.9 dB, found by bisection. Pauses therefore do not count, breaths between words do.
"""

import math
from array import array
from collections.abc import Sequence
from operator import mul

from agi.render.pcm import SAMPLE_RATE, SoundProblem, silence, to_int16

SPEECH_LEVEL_DBFS = -23.0  # active level; leaves an A-law path 20 dB up to the ceiling
PEAK_LIMIT_DBFS = -3.0
EDGE_SILENCE_SECONDS = 0.150
FADE_SECONDS = 0.005
QUIETEST_DBFS = -70.0  # below this there is no speech to be levelled
_FULL = 32_768.0
_BLOCK = SAMPLE_RATE // 100  # 10 ms
_HANGOVER_BLOCKS = 20
_MARGIN_DB = 15.9
_EDGE_BELOW_ACTIVE_DB = 32.0  # quieter blocks at either end are silence
_EDGE_GUARD_BLOCKS = 3  # soft first and last consonants are quieter than that
_KNEE_BELOW_LIMIT_DB = 3.0


def dbfs(amplitude: float) -> float:
    """Amplitude (32768 = full scale) → dBFS; silence is minus infinity."""
    return 20 * math.log10(amplitude / _FULL) if amplitude > 0 else -math.inf


def amplitude(level_dbfs: float) -> float:
    return _FULL * math.pow(10.0, level_dbfs / 20)


def peak_dbfs(samples: "array[int]") -> float:
    return dbfs(max(max(samples), -min(samples))) if samples else -math.inf


def active_level_dbfs(samples: "array[int]") -> float:
    """The active speech level as the module's head defines it; minus infinity for silence."""
    energies = _block_energies(samples)
    total = math.fsum(energies)
    if total == 0:
        return -math.inf

    def level_over(threshold_dbfs: float) -> float:
        bound = amplitude(threshold_dbfs) ** 2 * _BLOCK
        active, hangover = 0, 0
        for energy in energies:
            hangover = _HANGOVER_BLOCKS if energy >= bound else hangover - 1
            active += hangover > 0
        return dbfs(math.sqrt(total / (max(active, 1) * _BLOCK)))

    low, high = -110.0, 0.0  # a higher threshold means fewer active blocks: A - C falls steadily
    for _ in range(16):
        middle = (low + high) / 2
        if level_over(middle) - middle > _MARGIN_DB:
            low = middle
        else:
            high = middle
    return level_over(low)


def trimmed(samples: "array[int]") -> "array[int]":
    """Without the silence at both ends. Raises `SoundProblem` if nothing is left."""
    active = active_level_dbfs(samples)
    if active < QUIETEST_DBFS:
        raise SoundProblem("there is no audible speech in this sound; record it louder")
    bound = amplitude(active - _EDGE_BELOW_ACTIVE_DB) ** 2 * _BLOCK
    loud = [index for index, energy in enumerate(_block_energies(samples)) if energy >= bound]
    first = max(0, loud[0] - _EDGE_GUARD_BLOCKS)
    return samples[first * _BLOCK : (loud[-1] + 1 + _EDGE_GUARD_BLOCKS) * _BLOCK]


def levelled(
    samples: "array[int]", *, target_dbfs: float = SPEECH_LEVEL_DBFS, limit_dbfs: float = PEAK_LIMIT_DBFS
) -> "array[int]":
    """Brought to `target_dbfs` active level; peaks that would pass `limit_dbfs` are rounded off below it.

    Rounding off costs level, so the result is measured and corrected, three times at most: a click in a
    recording may leave it slightly too soft, never clipped.
    """
    measured = active_level_dbfs(samples)
    if measured < QUIETEST_DBFS:
        raise SoundProblem("there is no audible speech in this sound; record it louder")
    gain_db = target_dbfs - measured
    result = _amplified(samples, gain_db, limit_dbfs)
    for _ in range(3):
        error = target_dbfs - active_level_dbfs(result)
        if abs(error) < 0.1:
            break
        gain_db += error
        result = _amplified(samples, gain_db, limit_dbfs)
    return result


def finished(samples: "array[int]") -> "array[int]":
    """A prompt as it is played: trimmed, levelled, faded over 5 ms, 150 ms of silence on each side.

    The length is whole 20-ms frames, so that the last one is not cut by a codec.
    """
    body = trimmed(samples)
    steps = min(round(FADE_SECONDS * SAMPLE_RATE), len(body) // 2)
    for index in range(steps):
        body[index] = body[index] * index // steps
        body[-1 - index] = body[-1 - index] * index // steps
    edge = silence(EDGE_SILENCE_SECONDS)
    result = levelled(edge + body + edge)  # with the edges: the hangover into silence belongs to the level
    return result + silence((-len(result) % (2 * _BLOCK)) / SAMPLE_RATE)


def _amplified(samples: "array[int]", gain_db: float, limit_dbfs: float) -> "array[int]":
    factor = math.pow(10.0, gain_db / 20)
    limit = amplitude(limit_dbfs) - 1
    knee = limit * math.pow(10.0, -_KNEE_BELOW_LIMIT_DB / 20)
    if max(max(samples), -min(samples)) * factor <= knee:
        return array("h", [round(value * factor) for value in samples])
    room = limit - knee

    def rounded_off(value: float) -> float:
        if -knee <= value <= knee:
            return value
        return math.copysign(knee + room * math.tanh((abs(value) - knee) / room), value)

    return to_int16(array("d", [rounded_off(value * factor) for value in samples]))


def _block_energies(samples: "array[int]") -> Sequence[int]:
    blocks = (samples[start : start + _BLOCK] for start in range(0, len(samples), _BLOCK))
    return [sum(map(mul, block, block)) for block in blocks]
