# SPDX-License-Identifier: EUPL-1.2
"""Samples as Asterisk plays them (16 kHz, mono, signed 16 bit) and the one exception of this room.

A recorded prompt may come at any usual rate, mono or stereo. It is brought to 16 kHz with a windowed sinc
(Blackman window, 24 zero crossings a side, cut at 0.92 of the lower of both Nyquist frequencies), evaluated as a
polyphase filter: one row of coefficients for each of the fractional positions that occur.
"""

import io
import math
import sys
import wave
from array import array
from itertools import repeat
from math import gcd
from operator import mul
from pathlib import Path

SAMPLE_RATE = 16_000  # Hz; Asterisk's "wav16"
FULL_SCALE = 32_767
RECORDING_RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # Hz
RECORDING_LIMIT_SECONDS = 120
_RECORDING_LIMIT_BYTES = RECORDING_LIMIT_SECONDS * 48_000 * 2 * 2 + 65_536
_ZERO_CROSSINGS = 24
_CUT = 0.92
_REMEDY = "save it as 16-bit PCM WAV, mono or stereo, at 8 to 48 kHz"


class SoundProblem(Exception):
    """One clear sentence about a text, a recording or a folder: what is wrong, where, and the remedy."""


def silence(seconds: float) -> "array[int]":
    return array("h", bytes(2 * round(seconds * SAMPLE_RATE)))


def to_int16(samples: "array[float]") -> "array[int]":
    """Rounded to integers; anything beyond full scale stops there."""
    return array("h", [max(-FULL_SCALE, min(FULL_SCALE, round(value))) for value in samples])


def wav_bytes(samples: "array[int]") -> bytes:
    """A RIFF file with a plain 44-byte head: Asterisk's reader seeks by that length."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(_little_endian(samples))
    return stream.getvalue()


def read_recording(path: Path) -> bytes:
    """The bytes of a recorded file. Raises `SoundProblem` if it is no readable file of bearable size."""
    try:
        if not path.is_file():
            raise SoundProblem(f"{path} is not a regular file; put the recording itself there")
        if path.stat().st_size > _RECORDING_LIMIT_BYTES:
            raise SoundProblem(
                f"{path} is larger than {RECORDING_LIMIT_SECONDS} seconds of sound can be; shorten the recording"
            )
        return path.read_bytes()
    except OSError as error:
        raise SoundProblem(f"{path} cannot be read ({error.strerror}); give read permission") from error


def decode_recording(content: bytes, path: Path) -> "array[int]":
    """WAV bytes → 16-kHz mono without direct current; `path` only names the file in a `SoundProblem`."""
    try:
        with wave.open(io.BytesIO(content), "rb") as source:
            channels, width = source.getnchannels(), source.getsampwidth()
            rate, count = source.getframerate(), source.getnframes()
            frames = source.readframes(count)
    except (wave.Error, EOFError, RuntimeError) as error:
        raise SoundProblem(f"{path} is not a readable WAV file ({error or 'it ends too early'}); {_REMEDY}") from error
    if width != 2 or channels not in (1, 2) or rate not in RECORDING_RATES:
        raise SoundProblem(f"{path} has {channels} channels of {8 * width} bit at {rate} Hz; {_REMEDY}")
    if count == 0 or len(frames) != count * channels * width:
        raise SoundProblem(f"{path} is empty or cut off; record or copy it again and {_REMEDY}")
    if count > RECORDING_LIMIT_SECONDS * rate:
        raise SoundProblem(f"{path} lasts {count / rate:.0f} s; shorten it to {RECORDING_LIMIT_SECONDS} s")
    samples = _from_little_endian(frames)
    mono = array("d", samples)
    if channels == 2:
        mono = array("d", [(left + right) / 2 for left, right in zip(samples[::2], samples[1::2], strict=True)])
    mean = math.fsum(mono) / len(mono)
    return to_int16(resample(array("d", [value - mean for value in mono]), rate))


def resample(samples: "array[float]", rate: int) -> "array[float]":
    """Any of `RECORDING_RATES` → 16 kHz; the length is kept to within one sample."""
    if rate == SAMPLE_RATE:
        return samples
    common = gcd(rate, SAMPLE_RATE)
    step, phases = rate // common, SAMPLE_RATE // common
    cut = _CUT * min(1.0, SAMPLE_RATE / rate)  # of the source's Nyquist frequency
    half = math.ceil(_ZERO_CROSSINGS / cut)
    rows = [_sinc_row(phase / phases, half, cut) for phase in range(phases)]
    edge = array("d", repeat(0.0, half))
    padded = edge + samples + edge
    width = 2 * half
    result = array("d")
    for index in range(len(samples) * phases // step):
        whole, phase = divmod(index * step, phases)
        result.append(sum(map(mul, padded[whole + 1 : whole + 1 + width], rows[phase])))
    return result


def _sinc_row(fraction: float, half: int, cut: float) -> "array[float]":
    """Coefficients for a value `fraction` of a sample behind a source sample; their sum is 1 (level is kept)."""
    row = array("d")
    for tap in range(-half + 1, half + 1):
        at = tap - fraction
        turn = math.pi * at / half
        window = 0.42 + 0.5 * math.cos(turn) + 0.08 * math.cos(2 * turn) if abs(at) < half else 0.0
        row.append(window * (math.sin(math.pi * cut * at) / (math.pi * at) if at else cut))
    total = math.fsum(row)
    return array("d", [value / total for value in row])


def _little_endian(samples: "array[int]") -> bytes:
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def _from_little_endian(content: bytes) -> "array[int]":
    samples = array("h", content)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples
