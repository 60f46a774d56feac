# SPDX-License-Identifier: EUPL-1.2
"""Passwords of trunks that register: one file each, outside the configuration and its versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agi.render.settings import RenderError, value
from routing.core.rows import Rows

MAXIMUM_BYTES = 256  # nobody's password is longer, and Asterisk's line is not endless


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkPasswords:
    """``found``: trunk → password. ``problems``: a sentence for each trunk that has none it can use."""

    found: Mapping[str, str]
    problems: tuple[str, ...]


def read_trunk_passwords(folder: Path, rows: Rows) -> TrunkPasswords:
    """The first line of ``trunk-<name>`` for every trunk that registers. Never raises for a file: others go on."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for row in rows.trunks:
        if row.registration_user is None:
            continue
        path = folder / f"trunk-{row.name}"
        try:
            found[row.name] = _password(path)
        except (OSError, ValueError, RenderError) as error:
            why = error.strerror if isinstance(error, OSError) else "it must hold one line of printable characters"
            problems.append(
                f"trunks[{row.name}] does not register: {path} cannot be used ({why}); write the password of "
                f"{row.registration_user} into it, for the owner only (mode 0600), and restart ami"
            )
    return TrunkPasswords(found=found, problems=tuple(problems))


def _password(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(MAXIMUM_BYTES + 2)
    text = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    if len(raw) > MAXIMUM_BYTES + 1:
        raise ValueError("too long")
    value(text)  # refuses what Asterisk's configuration cannot hold, before it can harm the other trunks
    return text
