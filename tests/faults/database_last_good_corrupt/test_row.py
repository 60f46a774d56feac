# SPDX-License-Identifier: EUPL-1.2
"""Every way in which the last good table can be spoilt, without and with a database."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


def _cut(path: Path) -> None:
    text = path.read_bytes()
    path.write_bytes(text[: len(text) // 2])


def _flip(path: Path) -> None:
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 0x10
    path.write_bytes(text)


def _wrong_checksum(path: Path) -> None:
    head, _, rows = path.read_text(encoding="utf-8").partition("\n")
    digits = "".join("1" if letter == "0" else "0" if letter == "1" else letter for letter in head)
    path.write_text(f"{digits}\n{rows}", encoding="utf-8")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: tuple[Callable[[Path], None], ...] = (_cut, _flip, _wrong_checksum, _empty, _folder)


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    path = await product.kept_on_disk()
    good = path.with_name("good")
    shutil.copy2(path, good)
    await product.begin(verdict, "ami")
    try:
        await _damage_all(product, path, good)
    finally:
        _restore(path, good)
        good.unlink()
    verdict.add(await product.judged(product.later))
    await verdict.check()


async def _damage_all(product: SystemScene, path: Path, good: Path) -> None:
    async with product.without("postgres", "fastagi"):
        for damage in DAMAGES:
            _restore(path, good)
            damage(path)
            async with product.by_hand("fastagi", wait=False) as service:
                await product.until_said(service, "table refused")
                placed = await product.storm(4, rate=20)
                assert "Traceback" not in service.said, service.said
                assert product.levels(placed) == {"astdb"}, (damage.__name__, service.said)
                product.later.extend(placed)
    async with product.without("fastagi"):
        for damage in DAMAGES:
            _restore(path, good)
            damage(path)
            async with product.by_hand("fastagi") as service:
                placed = await product.storm(4, rate=20)
                assert "Traceback" not in service.said, service.said
                assert product.levels(placed) == {"service"}, (damage.__name__, service.said)
                product.later.extend(placed)
                if damage is _folder:  # it is the operator's to remove: nothing is written over it, and that is said
                    await product.until_said(service, "The last good table is not kept")
                else:
                    await product.kept_on_disk()


def _restore(path: Path, good: Path) -> None:
    if path.is_dir():
        path.rmdir()
    shutil.copy2(good, path)
