# SPDX-License-Identifier: EUPL-1.2
"""The folders in which SIPp works: private, locked while in use, and what a killed run left of them removed.

The SIP messages in them hold callers' numbers. A lock, unlike a process id, means the same in every container that
shares the state directory, and ends with its process however that ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from amtsleitung.errors import Problem
from amtsleitung.privileges import private_directory


def sipp_directory(state_directory: Path) -> Path:
    """Where the folders of all runs are."""
    return state_directory / "sipp"


@contextmanager
def folder_of_a_run(directory: Path) -> Iterator[Path]:
    """A new folder of mode 0700 below ``directory`` for as long as the block lasts. Raises ``Problem``."""
    with ExitStack() as stack:
        try:
            with _locked(private_directory(directory, None)):  # so that nobody removes what is not locked yet
                _sweep(directory)
                folder = Path(tempfile.mkdtemp(dir=directory))
                stack.enter_context(_locked(folder))
        except OSError as error:
            raise Problem(
                f"{directory} cannot be used ({error.strerror}): "
                "set AMTSLEITUNG_STATE_DIR to a folder that can be written."
            ) from error
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def remove_left_over(directory: Path) -> None:
    """Removes the folders of runs that were killed; those in use stay."""
    with suppress(OSError), _locked(directory):
        _sweep(directory)


def _sweep(directory: Path) -> None:
    for folder in directory.iterdir():
        with suppress(OSError), _locked(folder, wait=False):
            shutil.rmtree(folder)


@contextmanager
def _locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Raises ``OSError`` if there is no such folder, or if it is in use and ``wait`` is not set."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)
