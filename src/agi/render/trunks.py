# SPDX-License-Identifier: EUPL-1.2
"""Trunks → ``generated/trunks.conf``: an endpoint, where to send, and which address to recognise it by.

What all trunks share stands in the templates ``trunk-…`` of the repository's ``asterisk/pjsip.conf``. The dialplan
learns from the endpoint's variables which trunk a call came through and how it writes numbers.
"""

from __future__ import annotations

import re

from agi.render.settings import HEADER, RenderError, section
from routing.core.rows import Rows, TrunkRow

# host name, IPv4 or [IPv6], and a port unless it is 5060
_ADDRESS = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


def trunks_conf(rows: Rows) -> str:
    """The file's text, in the order of names. Raises `RenderError` for an address that is none."""
    return HEADER + "".join("\n" + _trunk(row) for row in sorted(rows.trunks, key=lambda row: row.name))


def _trunk(row: TrunkRow) -> str:
    host, peer = _address(row)
    endpoint = (
        ("context", "from-demonstration-trunk" if row.demonstration else "from-trunk"),
        ("aors", row.name),
        ("set_var", f"TRUNK={row.name}"),
        ("set_var", f"TRUNK_OTHER_ROUTE={'yes' if row.has_other_route else 'no'}"),
        ("set_var", f"TRUNK_NUMBER_FORMAT={row.number_format}"),
    )
    return (
        section(row.name, "trunk-endpoint", endpoint)
        + section(row.name, "trunk-aor", (("contact", f"sip:{peer}"),))
        + section(row.name, "trunk-identify", (("endpoint", row.name), ("match", host.strip("[]"))))
    )


def _address(row: TrunkRow) -> tuple[str, str]:
    found = _ADDRESS.fullmatch(row.address)
    if found is None or (found["port"] is not None and not 1 <= int(found["port"]) <= 65535):
        raise RenderError(
            f"trunks[{row.name}]: {row.address!r} is no address: write a host name, an IPv4 address or [IPv6 address], "
            "with :port unless it is 5060."
        )
    return found["host"], row.address
