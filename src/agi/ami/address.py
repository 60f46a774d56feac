# SPDX-License-Identifier: EUPL-1.2
"""Where and as whom to log in to the AMI: ``ami://user:secret@host:port``, percent-encoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

DEFAULT_PORT = 5038


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiAddress:
    """One AMI account. The secret is kept out of ``repr``."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)


def read_ami_url(url: str) -> AmiAddress:
    """Raises ValueError with a sentence that does not repeat the secret."""
    wanted = "write ami://user:secret@host:port, special characters percent-encoded"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"The AMI URL cannot be read: {wanted}.") from None
    if parts.scheme != "ami":
        raise ValueError(f"The AMI URL does not start with ami://: {wanted}.")
    if not parts.hostname or not parts.username or not parts.password:
        raise ValueError(f"The AMI URL lacks the host, the user or the secret: {wanted}.")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"The AMI URL has something behind the port: {wanted}.")
    user, secret = unquote(parts.username), unquote(parts.password)
    if any(ord(character) < 32 for character in user + secret):
        raise ValueError(f"User or secret in the AMI URL hold a control character: {wanted}.")
    return AmiAddress(host=parts.hostname, port=port or DEFAULT_PORT, user=user, secret=secret)
