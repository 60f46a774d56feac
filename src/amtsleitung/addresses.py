# SPDX-License-Identifier: EUPL-1.2
"""The addresses that ``run`` chooses, or takes from the settings after a look whether they can be had."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import replace
from pathlib import Path

from amtsleitung.asterisk_home import RTP_PORTS
from amtsleitung.errors import Problem
from amtsleitung.settings import PREFIX, Bind

FIRST_RTP_PORT = 20_000
LAST_RTP_PORT = 60_000


def chosen(name: str, bind: Bind, kind: socket.SocketKind) -> Bind:
    """The bind that the setting ``name`` names, with a port that is free now where it leaves that open.

    Raises ``Problem`` if nobody can listen there: Asterisk would start all the same and hear no call.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(bind.host.strip("[]"), bind.port, type=kind)[0]
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:  # connections of an earlier run that are still winding down do no harm
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return replace(bind, port=int(probe.getsockname()[1]))
    except OSError as error:
        raise Problem(
            f"{PREFIX}{name} is {bind}, where nothing can listen ({error.strerror}): name an address of this machine "
            "and a port that is free, or port 0 for any."
        ) from error


def rtp_start(state_directory: Path) -> int:
    """A range of media ports for this checkout: two side by side should not meet, and Asterisk skips taken ports."""
    slots = (LAST_RTP_PORT - FIRST_RTP_PORT) // RTP_PORTS
    digest = hashlib.sha256(str(state_directory).encode()).digest()
    return FIRST_RTP_PORT + int.from_bytes(digest[:4], "big") % slots * RTP_PORTS
