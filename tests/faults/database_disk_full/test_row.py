# SPDX-License-Identifier: EUPL-1.2
"""The disk below PostgreSQL has no byte left: a small file system, mounted (by root) in a namespace of its own."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.support.faults.system_scene import system_scene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

SIZE_MEGABYTES = 192
_MOUNT = f'mount -t tmpfs -o size={SIZE_MEGABYTES}m,mode=711 tmpfs "$0" && exec "$@"'
_PIECE = bytes(1 << 16)


def small_disk(state: Path) -> tuple[str, ...]:
    """PostgreSQL's folder is a link to a file system that only the product sees."""
    place = _place(state)
    place.mkdir(mode=0o711)
    state.mkdir(mode=0o711)
    (state / "postgres").symlink_to(place / "postgres")
    return ("unshare", "--mount", "--propagation", "private", "sh", "-c", _MOUNT, str(place))


async def test_row(verdict: Verdict) -> None:
    async with system_scene(prepare=small_disk) as product:
        await product.rest()
        await product.begin(verdict, "fastagi")
        seen_by = product.system.run.process.pid
        filler = Path(f"/proc/{seen_by}/root{_place(product.system.state)}/filler")
        verdict.more["megabytes_filled"] = _fill(filler) >> 20
        try:
            placed = await product.storm(60, rate=6)
            await product.said("ami", "call events wait for the database", times=3)
        finally:
            _free(filler)
        verdict.add(await product.judged(placed, seconds=120))
        assert "is dropped" not in product.log_since_begin("ami")
        await verdict.check()


def _free(path: Path) -> None:
    path.unlink()


def _place(state: Path) -> Path:
    return state.with_name("small")


def _fill(path: Path) -> int:
    """To the last byte; how many it took."""
    filled = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        for piece in (_PIECE, b"\0"):
            try:
                while True:
                    filled += os.write(descriptor, piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    finally:
        os.close(descriptor)
    return filled
