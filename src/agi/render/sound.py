# SPDX-License-Identifier: EUPL-1.2
"""The sound files callers hear: spoken or recorded prompts, and music on hold.

This is the one module of `agi.render` that writes files; the rest of the room is text and data out. Its rule: a file
is replaced whole, or not at all, and only if it would sound different.

    <directory>/<name>.wav16      16 kHz, mono, 16 bit, mode 0644: Asterisk runs as another user
    <directory>/.<name>.json      what it was made from, and the SHA-256 of both (hidden from music on hold)

One wideband file serves all: Asterisk plays it to G.722 as it is and brings it down to 8 kHz for A-law.
Everything here blocks (5 ms for a second of speech, 2 s once for the music): call it in a thread.
"""

import hashlib
import json
import os
import re
import tempfile
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from agi.render import loudness, music, speech
from agi.render.pcm import SAMPLE_RATE, SoundProblem, decode_recording, read_recording, wav_bytes

__all__ = ["MUSIC_NAME", "PromptFile", "SoundProblem", "write_music", "write_prompt"]

MUSIC_NAME = "music/amtsleitung"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,127}(?:/[a-z0-9][a-z0-9_-]{0,127}){0,3}")
_FINISH = f"{loudness.SPEECH_LEVEL_DBFS}/{loudness.PEAK_LIMIT_DBFS}/{loudness.EDGE_SILENCE_SECONDS}/1"

Origin = Literal["spoken", "recorded", "composed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFile:
    """A file ready to be played. Asterisk wants it without its ending: `playback`."""

    path: Path
    origin: Origin
    seconds: float
    level_dbfs: float
    """Active speech level, measured on the finished samples (formula: `agi.render.loudness`)."""
    peak_dbfs: float
    written: bool
    """False if the file was already there, unharmed and from the same source."""

    @property
    def playback(self) -> str:
        """What `Playback()` and `Queue()` take: the absolute path without `.wav16`."""
        return str(self.path.absolute().with_suffix(""))


def write_prompt(
    directory: Path,
    name: str,
    text: str,
    recorded: Path | None = None,
    *,
    engine: Callable[[str], "array[int]"] = speech.speak,
) -> PromptFile:
    """Have `<directory>/<name>.wav16` say `text`, or play `<recorded>/<name>.wav` if there is such a file.

    Raises `SoundProblem` if neither can be had. For a recording that is no good the caller may ask again with
    `recorded=None`: callers then hear the spoken prompt until the recording is mended.
    """
    _check_name(name)
    if (found := _recording(recorded, name)) is not None:
        return _put(directory, name, "recorded", _digest(_FINISH, found[1]), lambda: _shaped(found, loudness.finished))
    said = speech.cleaned(text)
    source = _digest(f"{_FINISH}/{speech.ENGINE}/{speech.PACE}", said.encode())
    return _put(directory, name, "spoken", source, lambda: loudness.finished(engine(text)))


def write_music(directory: Path, recorded: Path | None = None) -> PromptFile:
    """Have `<directory>/music/amtsleitung.wav16`: our own loop, or `<recorded>/music/amtsleitung.wav`.

    The folder holds nothing else that sounds, so `musiconhold.conf` names it: `mode=files`, `directory=…/music`.
    """
    if (found := _recording(recorded, MUSIC_NAME)) is not None:
        level = partial(loudness.levelled, target_dbfs=music.MUSIC_LEVEL_DBFS)
        source = _digest(f"{music.MUSIC_LEVEL_DBFS}", found[1])
        return _put(directory, MUSIC_NAME, "recorded", source, lambda: _shaped(found, level))
    return _put(directory, MUSIC_NAME, "composed", _digest(music.MUSIC, b""), music.compose)


def _shaped(found: tuple[Path, bytes], shape: Callable[["array[int]"], "array[int]"]) -> "array[int]":
    path, content = found
    samples = decode_recording(content, path)
    try:
        return shape(samples)
    except SoundProblem as problem:
        raise SoundProblem(f"{path}: {problem}") from problem


def _put(directory: Path, name: str, origin: Origin, source: str, make: Callable[[], "array[int]"]) -> PromptFile:
    path = directory / f"{name}.wav16"
    note_path = path.with_name(f".{path.stem}.json")
    found = _unchanged(path, note_path, origin, source)
    if found is not None:
        return found
    samples = make()
    content = wav_bytes(samples)
    result = PromptFile(
        path=path,
        origin=origin,
        seconds=len(samples) / SAMPLE_RATE,
        level_dbfs=round(loudness.active_level_dbfs(samples), 2),
        peak_dbfs=round(loudness.peak_dbfs(samples), 2),
        written=True,
    )
    note = {
        "origin": origin, "source": source, "content": hashlib.sha256(content).hexdigest(),
        "seconds": result.seconds, "level_dbfs": result.level_dbfs, "peak_dbfs": result.peak_dbfs,
    }  # fmt: skip
    try:
        _make_folders(directory, path.parent)
        _replace(path, content)
        _replace(note_path, json.dumps(note, indent=1).encode() + b"\n")
    except OSError as error:
        raise SoundProblem(f"{path} cannot be written ({error.strerror}); make its folder writable") from error
    return result


def _unchanged(path: Path, note_path: Path, origin: Origin, source: str) -> PromptFile | None:
    """The file as it lies there, if its note says the same source and its bytes are those that were written."""
    try:
        note = json.loads(note_path.read_bytes())
        if note["source"] != source or note["origin"] != origin:
            return None
        if note["content"] != hashlib.sha256(path.read_bytes()).hexdigest():
            return None
        return PromptFile(
            path=path,
            origin=origin,
            seconds=float(note["seconds"]),
            level_dbfs=float(note["level_dbfs"]),
            peak_dbfs=float(note["peak_dbfs"]),
            written=False,
        )
    except (OSError, ValueError, KeyError, TypeError):  # missing or damaged: make it again
        return None


def _recording(recorded: Path | None, name: str) -> tuple[Path, bytes] | None:
    if recorded is None:
        return None
    path = recorded / f"{name}.wav"
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SoundProblem(f"{path} cannot be read ({error.strerror}); give read permission") from error
    return path, read_recording(path)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise SoundProblem(
            f"{name[:60]!r} cannot name a prompt; use small letters, digits, '-' and '_', parts separated by '/'"
        )


def _digest(made_by: str, content: bytes) -> str:
    return hashlib.sha256(made_by.encode() + b"\0" + content).hexdigest()


def _make_folders(directory: Path, folder: Path) -> None:
    """Folders from `directory` down to `folder`; new ones can be entered by Asterisk's user."""
    missing = [each for each in (folder, *folder.parents) if each.is_relative_to(directory) and not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        each.chmod(0o755)


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all. A power cut may still lose it; the note's SHA-256 shows that at the next start."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            os.fchmod(out.fileno(), 0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
