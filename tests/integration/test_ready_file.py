# SPDX-License-Identifier: EUPL-1.2
"""The ready file on a disk that has filled up since the process before wrote its own."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from amtsleitung.errors import Problem
from amtsleitung.process import say_ready, says_ready


async def test_it_is_whole_and_private_of_its_process(tmp_path: Path) -> None:
    file = tmp_path / "ready"
    say_ready(file, "127.0.0.1:4573")
    assert file.read_text() == f"{os.getpid()} 127.0.0.1:4573\n"
    assert await says_ready(file)(os.getpid())
    assert not await says_ready(file)(1)


def test_on_a_full_disk_it_takes_the_place_of_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ready"
    file.write_text("1234567 the.address.of.the.process.before:4573\n")

    def full(*_about: object, **_more: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    say_ready(file, "127.0.0.1:4573")
    assert file.read_text() == f"{os.getpid()} 127.0.0.1:4573\n"
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]
    file.unlink()
    with pytest.raises(Problem, match="No such file"):
        say_ready(file, "127.0.0.1:4573")
