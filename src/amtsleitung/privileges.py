# SPDX-License-Identifier: EUPL-1.2
"""Who a child process runs as, and the directories made for it."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from amtsleitung.errors import Problem

NOBODY_ID = 65534
"""User and group of Debian's ``nobody`` and ``nogroup``, for images without /etc/passwd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user as numbers: nothing is looked up again and no user is ever added."""

    user_id: int
    group_id: int
    name: str


def unprivileged_user() -> Credentials | None:
    """Whom to become when we are root; None when we are unprivileged already."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Credentials(user_id=NOBODY_ID, group_id=NOBODY_ID, name="nobody")
    return Credentials(user_id=entry.pw_uid, group_id=entry.pw_gid, name="nobody")


def private_directory(path: Path, owner: Credentials | None) -> Path:
    """Make ``path`` a directory of mode 0700 that belongs to ``owner`` (None: to us).

    Missing parents are made passable, not readable (0711), if another user must get through.
    Existing parents are never changed. Raises Problem if ``path`` is no directory or cannot be made.
    """
    try:
        for parent in reversed(path.parents):
            if not parent.exists():
                parent.mkdir(mode=0o700 if owner is None else 0o711)
                parent.chmod(0o700 if owner is None else 0o711)  # the umask may have taken bits away
        path.mkdir(mode=0o700, exist_ok=True)
        # Not through a symbolic link: as root that would give someone else's directory away.
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if owner is not None:
                os.fchown(descriptor, owner.user_id, owner.group_id)
            os.fchmod(descriptor, 0o700)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Problem(
            f"Cannot make the private directory {path}: {error.strerror}; "
            "set AMTSLEITUNG_STATE_DIR to a folder that can be written."
        ) from error
    return path


def first_barrier(path: Path, who: Credentials | None) -> Path | None:
    """The first directory on the way to ``path`` (or ``path``) that ``who`` may not enter; None if the way is free.

    Judged by the mode bits alone; access control lists are not read.
    """
    if who is None:
        return None
    for step in (*reversed(path.parents), path):
        try:
            status = step.stat()
        except FileNotFoundError:
            return None
        if not stat.S_ISDIR(status.st_mode):
            continue
        if status.st_uid == who.user_id:
            allowed = status.st_mode & stat.S_IXUSR
        elif status.st_gid == who.group_id:
            allowed = status.st_mode & stat.S_IXGRP
        else:
            allowed = status.st_mode & stat.S_IXOTH
        if not allowed:
            return step
    return None
