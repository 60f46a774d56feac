# SPDX-License-Identifier: EUPL-1.2
"""Generated files: replaced whole or not at all, only when they change, and readable by whom their folder is for."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def write_if_changed(path: Path, text: str) -> bool:
    """Have the file say this; True if it did not before. Raises OSError.

    The folder says who may read: its mode without the execute bits becomes the file's mode, and as root its owner
    and group become the file's, also of a file that says it already. A folder of mode 0700 so keeps the secrets in it
    for one user, whoever writes them. The folder's owner is not trusted: no link of theirs is followed.
    """
    content = text.encode()
    folder = path.parent.stat()
    if _says(path, content, folder):
        return False
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            _readable_as(out.fileno(), folder)
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def _says(path: Path, content: bytes, folder: os.stat_result) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # missing, a link, or not ours: replaced
        return False
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or file.read() != content:
            return False
        _readable_as(descriptor, folder)
    return True


def _readable_as(descriptor: int, folder: os.stat_result) -> None:
    os.fchmod(descriptor, folder.st_mode & 0o666)
    if os.geteuid() == 0:
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
