# SPDX-License-Identifier: EUPL-1.2
"""Debian packages laid into a folder, for running programs out of it without installing anything."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from amtsleitung.errors import Problem

_PACKAGE_SECONDS = 300.0
#: Never needed at run time, and half of the space.
_LEFT_OUT = ("./usr/share/doc/*", "./usr/share/man/*", "./usr/share/locale/*", "./usr/share/info/*",
             "./usr/share/lintian/*", "./usr/include/*")  # fmt: skip
#: Where packages of different releases put the same thing (the "merged /usr").
_MERGED = ("bin", "sbin", "lib", "lib64")


def unpack(files: Sequence[Path], folder: Path, *, without: Collection[str] = ()) -> dict[str, str]:
    """Unpacks each package into ``folder``; returns the version of each by its name.

    ``without`` names packages to leave out. No maintainer script runs, no file keeps a setuid bit, and everybody
    may read everything.

    :raises Problem: a package is damaged or the disk is full.
    """
    for name in _MERGED:
        (folder / "usr" / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(f"usr/{name}")
    versions: dict[str, str] = {}
    for file in files:
        # apt names its files name_version_architecture.deb, with the colon of an epoch as %3a
        name, version, _ = file.name.split("_")
        if name in without:
            continue
        versions[name] = version.replace("%3a", ":")
        _unpack_one(file, folder)
    _make_harmless(folder)
    return versions


def _unpack_one(file: Path, folder: Path) -> None:
    excluded = [f"--exclude={pattern}" for pattern in _LEFT_OUT]
    tar = ["tar", "--extract", "--keep-directory-symlink", "--no-same-owner", "--no-same-permissions",
           "--wildcards", *excluded, "--directory", str(folder)]  # fmt: skip
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(file)], stdout=subprocess.PIPE) as reader:
        done = subprocess.run(
            tar, stdin=reader.stdout, capture_output=True, text=True, errors="replace", timeout=_PACKAGE_SECONDS,
            umask=0o022, check=False,
        )  # fmt: skip
        if reader.stdout is not None:
            reader.stdout.close()
        damaged = reader.wait(timeout=_PACKAGE_SECONDS)
    if done.returncode or damaged:
        said = done.stderr.strip().splitlines()[-1:] or ["the package is damaged"]
        raise Problem(
            f"{file.name} could not be unpacked into {folder.parent} ({said[0]}): make room there, or name another "
            "folder with AMTSLEITUNG_CACHE_DIR, then start again."
        )


def _make_harmless(folder: Path) -> None:
    """Old copies of setuid programs in a cache would be a gift to an attacker; we need none of them."""
    for parent, directories, names in os.walk(folder):
        for name in (*directories, *names):
            path = Path(parent) / name
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                continue
            wanted = 0o755 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o644
            if wanted != stat.S_IMODE(mode):
                path.chmod(wanted)


def loader(folder: Path) -> Path:
    """The dynamic loader of an unpacked libc6.

    :raises Problem: there is none.
    """
    for found in sorted(folder.glob("usr/lib*/ld-linux*.so.*")) + sorted(folder.glob("usr/lib/*/ld-linux*.so.*")):
        return found
    raise Problem(f"{folder} holds no dynamic loader: remove that folder and start again.")


def library_path(folder: Path, *, more: Sequence[str] = ()) -> str:
    """The directories with shared libraries below ``folder``, separated by colons.

    ``more`` names further ones below each architecture's library directory (``pulseaudio``).
    """
    triplets = sorted(path for path in folder.glob("usr/lib/*-linux-gnu*") if path.is_dir())
    extra = [triplet / name for triplet in triplets for name in more]
    return ":".join(str(path) for path in (*triplets, *extra, folder / "usr/lib"))
