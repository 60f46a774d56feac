# SPDX-License-Identifier: EUPL-1.2
"""One running system per state directory."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from amtsleitung.errors import Problem

_LOOKS = 5
_LOOK_SECONDS = 0.02


class StateLock:
    """Held until closed or until this process dies, whichever way; children do not inherit it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def close(self) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)  # never unlinked: a waiting opener would lock a nameless file
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> StateLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def lock_state_directory(path: Path) -> StateLock:
    """Lock the existing directory ``path`` for this process, its number in ``path/lock``.

    Raises Problem if another process holds it, or if the file cannot be made.
    """
    file = path / "lock"
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Problem(
            f"Cannot open {file}: {error.strerror}; set AMTSLEITUNG_STATE_DIR to a folder that can be written."
        ) from error
    try:
        _lock(descriptor)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        who = f"process {holder}" if holder.isdigit() else "another process"
        raise Problem(
            f"Amtsleitung is already running as {who} in {path}; "
            "stop it, or set AMTSLEITUNG_STATE_DIR to another folder."
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise Problem(f"Cannot lock {file}: {error.strerror}; use a folder on a local disk.") from error
    return StateLock(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of the directory ``path``. Raises ``PermissionError`` if we may not look."""
    try:
        descriptor = os.open(path / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int) -> None:
    """Locks it. Raises ``BlockingIOError`` if it stays held: one who only looks holds it for an instant."""
    for left in reversed(range(_LOOKS)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not left:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            return
