# SPDX-License-Identifier: EUPL-1.2
"""What must not be read: secrets by anybody else on the machine, callers' numbers in what the system leaves lying."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from agi.ami.files import write_if_changed
from amtsleitung.asterisk_home import PUBLISHED, Addresses, AsteriskHome
from amtsleitung.privileges import unprivileged_user
from amtsleitung.provision import Asterisk
from amtsleitung.settings import Bind
from tests.support import sipp
from tests.support.living import until
from tests.support.product import state_folder
from tests.support.system import OPEN, System

pytestmark = pytest.mark.system

STRANGER, KNOWN = "3023125661", "3023125662"  # kept free for fiction, without the leading zero
UNKNOWN_ADDRESS = "127.0.0.77"
FOREIGN_ID = 1
PERSONAL = re.compile(r'personal_\w+=("(?:[^"\\]|\\.)*"|\S*)')


def files_below(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # the running system's own comings and goings
        return b""


def open_to_a_foreigner(paths: Iterable[Path]) -> list[str]:
    """Those that a user who owns nothing here can read. Only root can ask; the modes must say it to others."""
    script = 'for path; do if head -c 1 "$path" >/dev/null 2>&1; then echo "$path"; fi; done'
    found = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *map(str, paths)],
        user=FOREIGN_ID, group=FOREIGN_ID, extra_groups=[], cwd="/", capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    return found.stdout.splitlines()


def secrets_of(system: System) -> set[bytes]:
    urls = [path.read_text() for path in (system.state / "secrets").glob("*.url")]
    passwords = [match for url in urls for match in re.findall(r"://[^:/@]+:([^@/]+)@", url)]
    assert passwords, urls
    return {value.encode() for value in (system.ami_secret, *system.secrets.values(), *passwords)}


async def test_no_secret_can_be_read_by_anybody_else(system: System) -> None:
    secrets = secrets_of(system)
    holding = [path for path in files_below(system.state) if any(secret in read(path) for secret in secrets)]
    names = {str(path.relative_to(system.state)) for path in holding}
    assert {"asterisk/etc/generated/manager.conf", "asterisk/etc/generated/devices.conf"} <= names
    assert {"secrets/manager-secret", "secrets/database-owner.url"} <= names
    assert [path for path in holding if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    if os.geteuid() == 0:
        prompt = next((system.state / "sounds").glob("*.wav16"))
        assert open_to_a_foreigner([prompt]) == [str(prompt)], "the way there is open, so the rest says something"
        assert await asyncio.to_thread(open_to_a_foreigner, holding) == []
        assert await asyncio.to_thread(open_to_a_foreigner, files_below(system.state / "asterisk")) == []


async def test_what_an_earlier_version_left_open_is_closed() -> None:
    who = unprivileged_user()
    async with state_folder() as state:
        home = AsteriskHome(
            state_directory=state,
            node="node1",
            program=Asterisk(argv_prefix=(), version="", origin="", module_directory=None, data_directory=None),
            credentials=who,
            addresses=Addresses(
                sip=Bind(host="127.0.0.1", port=1),
                sip_tls=Bind(host="127.0.0.1", port=4),
                fastagi=Bind(host="127.0.0.1", port=2),
                ami=Bind(host="127.0.0.1", port=3),
                rtp_start=20_000,
            ),
        )
        home.make()
        for path in home.etc.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
            os.chown(path, os.getuid(), os.getgid())
        (home.root / "log" / "security.log").write_text(STRANGER)
        (home.generated / "rtp.conf").unlink()
        (state.parent / "elsewhere").write_text("untouched")
        (home.generated / "rtp.conf").symlink_to(state.parent / "elsewhere")
        home.make()
        for name in PUBLISHED:  # as the publisher does behind it
            assert not write_if_changed(home.generated / name, "")
        kinds = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (home.etc, *home.etc.rglob("*"))}
        assert kinds == {(True, 0o700), (False, 0o600)}
        if who is not None:
            assert {path.stat().st_uid for path in home.etc.rglob("*")} == {who.user_id}
        assert (state.parent / "elsewhere").read_text() == "untouched"
        assert list((home.root / "log").iterdir()) == []


async def test_callers_numbers_stand_in_personal_fields_and_nowhere_else(system: System) -> None:
    await sipp.call(system, dialled="0537289-0", caller=f"0{STRANGER}", source=UNKNOWN_ADDRESS, expect=401)
    with pytest.raises(AssertionError, match="could not register"):
        await sipp.register(system, f"0{STRANGER}", "wrong", port=0)
    await sipp.call(
        system, dialled="05372%2089-500", caller=f"0{KNOWN}", at=OPEN, source=sipp.DEMONSTRATION, expect=200
    )
    log = system.state / "log" / "fastagi.log"
    await until(lambda: KNOWN in log.read_text(encoding="utf-8"), "the call's line in the log")
    kept = [path for path in files_below(system.state) if system.state / "postgres" not in path.parents]
    assert [path for path in kept if STRANGER.encode() in read(path)] == []
    journal = [path for path in kept if path.parent == system.state / "journal"]
    assert [path for path in kept if KNOWN.encode() in read(path) and path not in journal] == [log]
    assert all(path.stat().st_mode & 0o077 == 0 for path in journal)
    assert KNOWN not in PERSONAL.sub("", log.read_text(encoding="utf-8"))
