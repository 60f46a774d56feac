# SPDX-License-Identifier: EUPL-1.2
"""``STATE_DIR/run.json``: what ``run`` chose, for people, tests and the other commands.

The file says addresses, ports, process ids and log files. The database's address with its secret stands beside it in
``secrets/`` (mode 0600), never in the file itself.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amtsleitung.errors import Problem
from amtsleitung.state_lock import is_locked

ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """The running system. Addresses are ``host:port``; ``api_url`` has no trailing slash."""

    pid: int
    node: str
    state_directory: str
    sip: str
    fastagi: str
    ami: str
    api_url: str
    agent_page: str
    database: str
    database_url_file: str
    asterisk: str
    asterisk_version: str
    processes: dict[str, int]
    logs: dict[str, str]

    @property
    def prepared(self) -> bool:
        """Whether something else starts the services (``amtsleitung prepare``), Asterisk first among them."""
        return self.asterisk == ELSEWHERE

    @property
    def database_url(self) -> str:
        """The owner role's URL, read from its private file. Raises ``Problem``."""
        try:
            return Path(self.database_url_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Problem(
                f"{self.database_url_file} cannot be read ({error.strerror}): start the system again."
            ) from error


def write_run_file(state_directory: Path, content: RunFile) -> Path:
    """Writes ``run.json`` in one step, readable by its owner alone."""
    path = state_directory / "run.json"
    write_private(path, json.dumps(asdict(content), indent=2) + "\n")
    return path


def remove_run_file(state_directory: Path) -> None:
    """The system has ended: nothing may take the file for a running one."""
    (state_directory / "run.json").unlink(missing_ok=True)


def read_run_file(state_directory: Path) -> RunFile | None:
    """The running system of this state directory; ``None`` if none runs. Raises ``Problem`` if we may not know.

    The lock tells, for it ends with its holder, and a process id may by now be somebody else's.
    """
    path = state_directory / "run.json"
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        found = RunFile(**content)
        return found if found.prepared or is_locked(state_directory) else None
    except PermissionError as error:
        raise Problem(
            f"{error.filename or path} is another user's, who may have a system running there: work as that user, "
            "or set AMTSLEITUNG_STATE_DIR to a folder of your own."
        ) from error
    except (OSError, ValueError, TypeError):
        return None


def write_private(path: Path, text: str) -> None:
    """Writes a file of mode 0600 atomically."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
