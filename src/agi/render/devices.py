# SPDX-License-Identifier: EUPL-1.2
"""Agents' devices → ``generated/devices.conf``: an endpoint, its credentials and its address of record each.

What all devices share stands in the templates ``device-…`` of the repository's ``asterisk/pjsip.conf``.
The text holds secrets: write it readable by Asterisk's user alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from agi.render.settings import HEADER, RenderError, section
from routing.core.rows import Rows


def devices_conf(rows: Rows, secrets: Mapping[str, str]) -> str:
    """The file's text, in the order of devices. ``secrets``: device → password.

    Raises `RenderError` for a name or secret Asterisk cannot hold, or a device without a secret.
    """
    return HEADER + "".join("\n" + _device(name, secrets) for name in sorted({agent.device for agent in rows.agents}))


def _device(name: str, secrets: Mapping[str, str]) -> str:
    secret = secrets.get(name)
    if secret is None:
        raise RenderError(f"The device {name!r} has no secret: save the configuration again, which makes one.")
    endpoint = (("auth", name), ("aors", name), ("callerid", f"{name} <{name}>"))
    return (
        section(name, "device-endpoint", endpoint)
        + section(name, "device-auth", (("username", name), ("password", secret)))
        + section(name, "device-aor", ())
    )
