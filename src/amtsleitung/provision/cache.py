# SPDX-License-Identifier: EUPL-1.2
"""The cache folder: what was fetched once is kept there, complete or not at all.

    <cache folder>/
        lock                       held while anything is fetched: two checkouts may start at once
        apt-<suite>/               package lists of a private apt
        <name>-<recipe's hash>/    one fetched program; it exists only when complete (renamed at the end)
            amtsleitung.json       what is inside: facts for the next start

A folder's name is the hash of its recipe, so another recipe (a newer checkout, an upgraded machine) makes
another folder and never changes one that is in use. Deleting the whole cache folder is always safe while nothing runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from amtsleitung.errors import Problem

#: Takes one line of progress.
Report = Callable[[str], None]
_FACTS = "amtsleitung.json"


def to_stderr(line: str) -> None:
    """The ordinary way to show progress."""
    print(f"amtsleitung: {line}", file=sys.stderr, flush=True)


class NotFetchedError(Problem):
    """It is not in the cache yet, and was only looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A complete folder of the cache and the facts written down when it was made."""

    folder: Path
    facts: Mapping[str, str]


def cache_folder() -> Path:
    """The folder for fetched programs; made if it is missing.

    ``AMTSLEITUNG_CACHE_DIR``, else ``/var/cache/amtsleitung`` for root, else ``$XDG_CACHE_HOME/amtsleitung`` or
    ``~/.cache/amtsleitung``. Root's can be read by everybody, because root starts the programs as another user.

    :raises Problem: it cannot be made, or root's lies where others cannot reach it.
    """
    root, folder = os.geteuid() == 0, cache_place()
    try:
        _make(folder)
    except OSError as error:
        raise Problem(
            f"The cache folder {folder} cannot be made ({error.strerror}): name another one with AMTSLEITUNG_CACHE_DIR."
        ) from error
    if root and not open_to_all(folder):
        raise Problem(
            f"The cache folder {folder} lies below a directory that other users may not enter, and programs are "
            "started as an unprivileged user: name another one with AMTSLEITUNG_CACHE_DIR."
        )
    return folder


def cache_place() -> Path:
    """Where the cache folder is or will be."""
    told = os.environ.get("AMTSLEITUNG_CACHE_DIR")
    if told:
        return Path(told).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/amtsleitung")
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "amtsleitung"


def open_to_all(folder: Path) -> bool:
    """Whether any user may enter this directory and all above it."""
    folder = folder.resolve()
    return all(level.stat().st_mode & stat.S_IXOTH for level in (folder, *folder.parents))


def keep(
    name: str,
    *,
    recipe: Mapping[str, object],
    build: Callable[[Path, Path], Mapping[str, str]],
    report: Report = to_stderr,
    fetching: bool = True,
) -> Kept:
    """The cached folder for a recipe, built now if it is not there (without ``fetching`` only looked for).

    ``build(draft, final)`` fills the directory ``draft``, which is then renamed to ``final``, and returns the facts.
    An interrupted build leaves a draft that the next one removes.

    :raises Problem: whatever ``build`` raises, or the folder cannot be written; ``NotFetchedError`` after a mere look.
    """
    cache = cache_folder() if fetching else cache_place()
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]
    final = cache / f"{name}-{digest}"
    known = _read(final)
    if known is not None:
        return known
    if not fetching:
        raise NotFetchedError(f"{final} is not there yet: ./amtsleitung run makes it.")
    try:
        with _locked(cache, report):
            known = _read(final)
            if known is not None:
                return known
            draft = cache / f".{name}-{digest}.part"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.rmtree(final, ignore_errors=True)
            _make(draft)
            try:
                facts = build(draft, final)
                (draft / _FACTS).write_text(json.dumps(dict(facts), indent=2) + "\n", encoding="utf-8")
                (draft / _FACTS).chmod(0o644)
                draft.rename(final)
            except BaseException:
                shutil.rmtree(draft, ignore_errors=True)
                raise
    except OSError as error:
        raise Problem(
            f"{final} cannot be written ({error.strerror or error}): make room there, "
            "or name another folder with AMTSLEITUNG_CACHE_DIR."
        ) from error
    return Kept(folder=final, facts=facts)


def _read(folder: Path) -> Kept | None:
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Kept(folder=folder, facts=facts)


def _make(folder: Path) -> None:
    """Makes the directory and missing ones above it, readable by all whatever the umask says."""
    missing = [level for level in (folder, *folder.parents) if not level.exists()]
    for level in reversed(missing):
        level.mkdir(exist_ok=True)
        level.chmod(0o755)


@contextmanager
def _locked(cache: Path, report: Report) -> Iterator[None]:
    with (cache / "lock").open("w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"another start is filling {cache}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
