# SPDX-License-Identifier: EUPL-1.2
"""What Asterisk needs from a table: files, sounds, and the dialplan's own database.

Its one rule: Asterisk is told of what changed and of nothing else, and never restarted. Files are written first, so
that an Asterisk that starts later finds them; ``applied.json`` beside them says what a running one was told to read.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import structlog

from agi.ami.astdb import AstDbCopy
from agi.ami.client import AmiConnection
from agi.ami.files import write_if_changed
from agi.ami.trunk_passwords import read_trunk_passwords
from agi.render.astdb import AstDbContent, AstDbRenderer
from agi.render.devices import devices_conf
from agi.render.queues import queues_conf
from agi.render.settings import RenderError
from agi.render.sound import SoundProblem, write_music, write_prompt
from agi.render.trunks import trunks_conf
from routing.core.table import Table

QUEUES, DEVICES, TRUNKS = "queues.conf", "devices.conf", "trunks.conf"
MUSIC = "music"
_MODULES = {
    QUEUES: ("app_queue",),
    DEVICES: ("res_pjsip",),
    TRUNKS: ("res_pjsip", "res_pjsip_endpoint_identifier_ip", "res_pjsip_outbound_registration"),
    MUSIC: ("res_musiconhold",),
}
_RELOAD_SECONDS = 30.0

_log = structlog.get_logger(__name__)


class PublishError(Exception):
    """Asterisk or the file system did not take what it needs; the sentence says what and where."""


class Publisher:
    """For one node. ``state_directory`` as in docs/operations: ``asterisk/etc/generated`` and ``sounds`` below it.

    ``recorded`` is a folder with recordings that replace spoken prompts, by the same names; ``trunk_passwords`` one
    with a file ``trunk-<name>`` for each trunk that registers (``None``: ``secrets`` in the state directory).
    """

    def __init__(
        self, *, state_directory: Path, node: str, recorded: Path | None = None, trunk_passwords: Path | None = None
    ) -> None:
        self._generated = state_directory / "asterisk" / "etc" / "generated"
        self._sounds = state_directory / "sounds"
        self._recorded = recorded
        self._trunk_passwords = trunk_passwords or state_directory / "secrets"
        self._digests: dict[str, str] = {}
        self._renderer = AstDbRenderer()
        self._log = _log.bind(node=node)

    async def write_files(self, table: Table, secrets: Mapping[str, str]) -> tuple[str, ...]:
        """Write what changed, the sounds last; the names of the changed files. Raises PublishError."""
        return (*await self.write_settings(table, secrets), *await self.write_sounds(table))

    async def write_settings(self, table: Table, secrets: Mapping[str, str]) -> tuple[str, ...]:
        """Everything but the sounds that are played to callers. ``secrets``: device → secret. Raises PublishError."""
        with self._problems():
            changed = await asyncio.to_thread(self._write_texts, table, secrets)
        if changed:
            self._log.info("files for Asterisk written", changed=changed, version=table.version)
        return changed

    async def write_sounds(self, table: Table, *, go_on: Callable[[], bool] = lambda: True) -> tuple[str, ...]:
        """One after the other, overrides first, for as long as ``go_on`` says so. Raises PublishError.

        A text that cannot be spoken costs its own callers the words, and nobody else anything.
        """
        changed: list[str] = []
        missing: dict[str, str] = {}
        with self._problems():
            for name, text in table.announcements.items():
                if not go_on():
                    break
                try:
                    if await asyncio.to_thread(self._write_prompt, name, text):
                        changed.append(name)
                except SoundProblem as problem:
                    if isinstance(problem.__cause__, OSError):
                        raise
                    missing[name] = str(problem)
        if changed:
            self._log.info("sounds written", sounds=tuple(changed), version=table.version)
        for name, said in missing.items():
            self._log.error("callers miss a sentence", sound=name, problem=said, version=table.version)
        return tuple(changed)

    @contextmanager
    def _problems(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise PublishError(
                f"{error.filename or self._generated} cannot be written ({error.strerror}): let this user write there"
            ) from error
        except (SoundProblem, RenderError) as error:
            raise PublishError(str(error)) from error

    async def apply(self, connection: AmiConnection, copy: AstDbCopy, table: Table, *, at: datetime) -> int:
        """Have a running Asterisk read the files it has not read and take the database; the latter's generation.

        The database holds the days around ``at`` (aware); ``copy`` is that connection's. `write_settings` with the
        same table comes first. Raises PublishError, AstDbError, AmiTimeoutError, AmiDisconnectedError.
        """
        content = await self._content(table, at)
        reloaded = await self._reload(connection)
        before = copy.writes
        generation = await copy.write(content)
        self._log.info(
            "Asterisk has what it needs",
            version=table.version,
            reloaded=reloaded,
            database_entries_written=copy.writes - before,
            database_generation=generation,
        )
        return generation

    async def compare(self, copy: AstDbCopy, table: Table, *, at: datetime) -> None:
        """Look at the database of a running Asterisk and put right what differs. Raises as `apply`."""
        mended = await copy.compare(await self._content(table, at))
        if mended:
            self._log.warning("Asterisk's database had to be put right", entries=mended, version=table.version)

    async def _content(self, table: Table, at: datetime) -> AstDbContent:
        with self._problems():
            return await asyncio.to_thread(self._renderer.content, table, at=at)

    async def _reload(self, connection: AmiConnection) -> list[str]:
        applied = self._read_applied()
        unread = sorted(name for name, digest in self._digests.items() if applied.get(name) != digest)
        modules = list(dict.fromkeys(module for name in unread for module in _MODULES[name]))
        for module in modules:
            reply = await connection.act("Reload", {"Module": module}, deadline_seconds=_RELOAD_SECONDS)
            if not reply.success:
                raise PublishError(f"Asterisk did not reload {module} ({reply.message})")
        if unread:
            told = json.dumps(self._digests, indent=1, sort_keys=True) + "\n"
            await asyncio.to_thread(write_if_changed, self._applied_path, told)
        return modules

    @property
    def generated(self) -> Path:
        """The folder of what is rendered."""
        return self._generated

    @property
    def _applied_path(self) -> Path:
        return self._generated / "applied.json"

    def _read_applied(self) -> Mapping[str, str]:
        try:
            found = json.loads(self._applied_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write_texts(self, table: Table, secrets: Mapping[str, str]) -> tuple[str, ...]:
        passwords = read_trunk_passwords(self._trunk_passwords, table.rows)
        for problem in passwords.problems:
            self._log.error("a trunk cannot register", problem=problem)
        texts = {
            DEVICES: devices_conf(table.rows, secrets),
            QUEUES: queues_conf(table.rows),
            TRUNKS: trunks_conf(table.rows, passwords.found),
        }
        self._generated.mkdir(parents=True, exist_ok=True)
        changed = []
        for name, text in texts.items():
            if write_if_changed(self._generated / name, text):
                changed.append(name)
            self._digests[name] = hashlib.sha256(text.encode()).hexdigest()
        music = write_music(self._sounds, self._recorded)
        if music.written:
            changed.append(MUSIC)
        self._digests[MUSIC] = f"{music.origin} {music.seconds} {music.level_dbfs} {music.path.stat().st_mtime_ns}"
        return tuple(changed)

    def _write_prompt(self, name: str, text: str) -> bool:
        try:
            return write_prompt(self._sounds, name, text, self._recorded).written
        except SoundProblem as problem:
            if self._recorded is None:
                raise
            spoken = write_prompt(self._sounds, name, text).written
            self._log.error("a recording cannot be used; the sentence is spoken instead", problem=str(problem))
            return spoken
