# SPDX-License-Identifier: EUPL-1.2
"""Trunks → ``generated/trunks.conf``: an endpoint, where to send, and which address to recognise it by.

What all trunks share stands in the templates ``trunk-…`` of the repository's ``asterisk/pjsip.conf``. The dialplan
learns from the endpoint's variables which trunk a call came through, how it writes numbers and wants them written.

Asterisk listens for TCP and TLS only if a trunk uses them; the front door says where (``generated/transport.conf``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from agi.render.settings import HEADER, RenderError, section
from routing.core.rows import Rows, TrunkRow

# host name, IPv4 or [IPv6], and a port unless it is the usual one
_ADDRESS = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_LISTENERS = ("tcp", "tls")


def trunks_conf(rows: Rows, passwords: Mapping[str, str]) -> str:
    """The file's text, in the order of names. ``passwords``: trunk → password of its registration.

    A trunk without its password does not register, and works in all else. Raises `RenderError` for an address that is
    none, or a user or password that Asterisk cannot hold.
    """
    trunks = sorted(rows.trunks, key=lambda row: row.name)
    used = {row.transport for row in trunks}
    listeners = (section(_transport(name), f"{name}-listener", ()) for name in _LISTENERS if name in used)
    return HEADER + "".join("\n" + text for text in (*listeners, *(_trunk(row, passwords) for row in trunks)))


def _trunk(row: TrunkRow, passwords: Mapping[str, str]) -> str:
    host, peer = _address(row)
    password = passwords.get(row.name)
    registers = row.registration_user is not None and password is not None
    endpoint = (
        ("context", "from-demonstration-trunk" if row.demonstration else "from-trunk"),
        ("transport", _transport(row.transport)),
        ("aors", row.name),
        ("allow", f"!all,{','.join(row.codecs)}"),
        ("media_encryption", {"none": "no"}.get(row.media_encryption, row.media_encryption)),
        *((("outbound_auth", row.name),) if registers else ()),
        *(("set_var", f"{name}={text}") for name, text in _variables(row)),
    )
    text = (
        section(row.name, "trunk-endpoint", endpoint)
        + section(row.name, "trunk-aor", (("contact", peer),))
        + section(row.name, "trunk-identify", (("endpoint", row.name), ("match", host.strip("[]"))))
    )
    if row.registration_user is None or password is None:
        return text
    return text + _registration(row, row.registration_user, password, host, peer)


def _registration(row: TrunkRow, user: str, password: str, host: str, peer: str) -> str:
    name = quote(user, safe="")  # an @ in it would end the user of the address
    registration = (
        ("endpoint", row.name),
        ("transport", _transport(row.transport)),
        ("outbound_auth", row.name),
        ("server_uri", peer),
        ("client_uri", f"sip:{name}@{host}"),
        ("contact_user", name),
    )
    return section(row.name, "trunk-auth", (("username", user), ("password", password))) + section(
        row.name, "trunk-registration", registration
    )


def _variables(row: TrunkRow) -> tuple[tuple[str, str], ...]:
    return (
        ("TRUNK", row.name),
        ("TRUNK_OTHER_ROUTE", _yes(row.has_other_route)),
        ("TRUNK_NUMBER_FORMAT", row.number_format),
        ("TRUNK_OWN_PREFIX", row.own_prefix),
        ("TRUNK_AREA_CODE", row.area_code or ""),
        ("TRUNK_SENDS_FORMAT", row.sends_format),
        ("TRUNK_TRUSTS", _yes(row.trusts_diversion)),
        ("TRUNK_RECOGNISE", "~".join(row.recognise_by)),
    )


def _yes(whether: bool) -> str:
    return "yes" if whether else "no"


def _transport(name: str) -> str:
    return f"transport-{name}"


def _address(row: TrunkRow) -> tuple[str, str]:
    """The host, and the SIP address to which everything is sent."""
    found = _ADDRESS.fullmatch(row.address)
    if found is None or (found["port"] is not None and not 1 <= int(found["port"]) <= 65535):
        raise RenderError(
            f"trunks[{row.name}]: {row.address!r} is no address: write a host name, an IPv4 address or [IPv6 address], "
            "with :port unless it is 5060 (5061 with TLS)."
        )
    return found["host"], f"sip:{row.address}" + ("" if row.transport == "udp" else f";transport={row.transport}")
