# SPDX-License-Identifier: EUPL-1.2
"""The files: written once, replaced whole, readable by Asterisk's user; recordings first."""

import math
import os
import stat
import struct
import wave
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from agi.render import loudness, music
from agi.render.pcm import SAMPLE_RATE
from agi.render.sound import PromptFile, SoundProblem, write_music, write_prompt
from agi.render.speech import speak

TEXT = "Samtgemeinde Isenbüttel, guten Tag."


class _CountingVoice:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> "array[int]":
        self.texts.append(text)
        return speak(text)


def _samples(path: Path) -> "array[int]":
    with wave.open(str(path), "rb") as source:
        assert (source.getnchannels(), source.getsampwidth(), source.getframerate()) == (1, 2, SAMPLE_RATE)
        return array("h", source.readframes(source.getnframes()))


def _record(path: Path, *, rate: int = 44_100, channels: int = 2, seconds: float = 1.0, offset: int = 0) -> None:
    """A chord that swells and dies away, as a stand-in for a voice, with silence around it."""
    values = []
    for n in range(round(seconds * rate)):
        swell = math.sin(math.pi * n / (seconds * rate))
        values.append(offset + round(3000 * swell * (math.sin(n * 2500 / rate) + math.sin(n * 5200 / rate))))
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", value) * channels for value in values))


def test_a_prompt_is_spoken_levelled_and_readable(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        made = write_prompt(tmp_path / "sounds", "lines/isenbuettel", TEXT)
    finally:
        os.umask(umask)
    samples = _samples(made.path)
    assert made.path == tmp_path / "sounds" / "lines" / "isenbuettel.wav16"
    assert made.playback == str(tmp_path / "sounds" / "lines" / "isenbuettel")
    assert (made.origin, made.written) == ("spoken", True)
    assert made.seconds == len(samples) / SAMPLE_RATE > 1.5
    assert loudness.active_level_dbfs(samples) == pytest.approx(-23, abs=1) == made.level_dbfs
    assert loudness.peak_dbfs(samples) <= -3
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o644
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o755
    assert made.path.read_bytes()[36:40] == b"data"  # Asterisk's reader counts on a head of 44 bytes


def test_the_second_start_does_not_speak_again(tmp_path: Path) -> None:
    voice = _CountingVoice()
    first = write_prompt(tmp_path, "greeting", TEXT, engine=voice)
    before = first.path.stat()
    second = write_prompt(tmp_path, "greeting", TEXT, engine=voice)
    after = second.path.stat()
    assert voice.texts == [TEXT]
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert second == PromptFile(
        path=first.path,
        origin="spoken",
        seconds=first.seconds,
        level_dbfs=first.level_dbfs,
        peak_dbfs=first.peak_dbfs,
        written=False,
    )


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.with_name(".greeting.json").unlink(),
        lambda path: path.with_name(".greeting.json").write_bytes(b"\xff{"),
        lambda path: path.with_name(".greeting.json").write_bytes(b"[1]"),
    ],
)
def test_a_damaged_file_is_made_again(tmp_path: Path, harm: Callable[[Path], object]) -> None:
    voice = _CountingVoice()
    made = write_prompt(tmp_path, "greeting", TEXT, engine=voice)
    harm(made.path)
    assert write_prompt(tmp_path, "greeting", TEXT, engine=voice).written
    assert len(voice.texts) == 2
    assert len(_samples(made.path)) > 1.5 * SAMPLE_RATE
    assert not write_prompt(tmp_path, "greeting", TEXT, engine=voice).written


def test_another_text_is_spoken_and_nothing_is_left_lying(tmp_path: Path) -> None:
    voice = _CountingVoice()
    for text in (TEXT, "Stadt Wolfsburg, guten Tag.", TEXT):
        assert write_prompt(tmp_path, "greeting", text, engine=voice).written
    assert sorted(path.name for path in tmp_path.iterdir()) == [".greeting.json", "greeting.wav16"]


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (32_000, 2), (44_100, 2), (48_000, 1)])
def test_a_recording_replaces_the_voice(tmp_path: Path, rate: int, channels: int) -> None:
    voice = _CountingVoice()
    recorded, sounds = tmp_path / "recorded", tmp_path / "sounds"
    spoken = write_prompt(sounds, "greeting", TEXT, recorded, engine=voice)
    _record(recorded / "greeting.wav", rate=rate, channels=channels, offset=500)
    made = write_prompt(sounds, "greeting", TEXT, recorded, engine=voice)
    samples = _samples(made.path)
    assert (spoken.origin, made.origin, made.written) == ("spoken", "recorded", True)
    assert loudness.active_level_dbfs(samples) == pytest.approx(-23, abs=1)
    assert len(samples) / SAMPLE_RATE == pytest.approx(1.3, abs=0.1)  # 1 s and 150 ms on each side
    assert abs(sum(samples) / len(samples)) < 20  # the recording's direct current is gone
    assert not write_prompt(sounds, "greeting", TEXT, recorded, engine=voice).written
    (recorded / "greeting.wav").unlink()
    assert write_prompt(sounds, "greeting", TEXT, recorded, engine=voice).origin == "spoken"
    assert len(voice.texts) == 2


def _header(
    *, channels: int = 1, rate: int = 16_000, bits: int = 16, code: int = 1, data: bytes = b"\x01\x02" * 800
) -> bytes:
    width = channels * bits // 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, code, channels, rate, rate * width, width, bits)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not a readable WAV"),
        (b"ID3\x04 this is an MP3", "not a readable WAV"),
        (_header()[:30], "not a readable WAV"),
        (_header(code=6, bits=8), "not a readable WAV"),
        (_header(channels=0), "WAV|channels"),
        (_header(rate=0), "0 Hz"),
        (_header(rate=96_000), "96000 Hz"),
        (_header(bits=8), "8 bit"),
        (_header(channels=6), "6 channels"),
        (_header(data=b""), "empty or cut off"),
        (_header()[:-300], "empty or cut off"),
        (_header(data=bytes(32_000)), "no audible speech"),
        (_header(rate=8_000, data=bytes(2 * 8_000 * 121)), "lasts 121 s"),
    ],
)
def test_a_broken_recording_is_refused_and_the_spoken_prompt_stays(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    recorded, sounds = tmp_path / "recorded", tmp_path / "sounds"
    spoken = write_prompt(sounds, "greeting", TEXT, recorded)
    before = spoken.path.read_bytes()
    recorded.mkdir()
    (recorded / "greeting.wav").write_bytes(content)
    with pytest.raises(SoundProblem, match=sentence) as caught:
        write_prompt(sounds, "greeting", TEXT, recorded)
    assert str(caught.value).startswith(str(recorded / "greeting.wav"))
    assert "\n" not in str(caught.value)
    assert spoken.path.read_bytes() == before
    assert not write_prompt(sounds, "greeting", TEXT, None).written


def test_a_recording_that_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recorded" / "greeting.wav").mkdir(parents=True)
    (tmp_path / "recorded" / "closed.wav").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "recorded" / "wait.wav")
    for name in ("greeting", "closed", "wait"):
        with pytest.raises(SoundProblem, match="not a regular file"):
            write_prompt(tmp_path / "sounds", name, TEXT, tmp_path / "recorded")


@pytest.mark.parametrize("name", ["", "../etc", "/etc/x", "a//b", "a/", "Ä", "a.b", "x" * 200, "a\n", "a\x00b"])
def test_a_name_stays_inside_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(SoundProblem, match="cannot name a prompt"):
        write_prompt(tmp_path, name, TEXT)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "greeting.wav16").mkdir()
    (tmp_path / "lines").write_text("a file where a folder should be")
    for name in ("greeting", "lines/isenbuettel"):
        with pytest.raises(SoundProblem, match="cannot be written"):
            write_prompt(tmp_path, name, TEXT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["greeting.wav16", "lines"]


def test_music_is_written_once_and_can_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write_music(tmp_path)
    assert made.path == tmp_path / "music" / "amtsleitung.wav16"
    assert len(_samples(made.path)) == music.MUSIC_SECONDS * SAMPLE_RATE
    with monkeypatch.context() as patched:
        patched.setattr(music, "compose", lambda: pytest.fail("composed again"))
        assert not write_music(tmp_path, tmp_path / "recorded").written
    _record(tmp_path / "recorded" / "music" / "amtsleitung.wav", rate=32_000, seconds=2)
    own = write_music(tmp_path, tmp_path / "recorded")
    assert own.origin == "recorded"
    assert own.level_dbfs == pytest.approx(music.MUSIC_LEVEL_DBFS, abs=1)
    assert [path.name for path in made.path.parent.iterdir() if not path.name.startswith(".")] == ["amtsleitung.wav16"]
