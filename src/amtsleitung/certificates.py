# SPDX-License-Identifier: EUPL-1.2
"""Certificates for SIP over TLS: the one that Asterisk shows, and the authorities by which it judges carriers.

Without one of the operator's own a self-signed one is made and kept in ``secrets/``: calls are encrypted, and a carrier
that wants to know with whom it speaks is given ``secrets/sip-certificate.pem``. The other way round nothing is taken
on trust: a carrier whose certificate no authority vouches for gets no call.
"""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from amtsleitung.errors import Problem
from amtsleitung.privileges import private_directory
from amtsleitung.run_file import write_private
from amtsleitung.settings import CertificateFiles

VALID_DAYS = 825
RENEW_DAYS = 60
_CERTIFICATE, _KEY = "sip-certificate.pem", "sip-key.pem"
_SYSTEM_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


@dataclass(frozen=True, slots=True, kw_only=True)
class SipCertificates:
    """What Asterisk is given, as PEM texts. ``authorities`` is empty if this machine knows none."""

    certificate: str
    private_key: str
    authorities: str


def sip_certificates(files: CertificateFiles, *, state_directory: Path, node: str, host: str) -> SipCertificates:
    """The operator's files, and what is missing of them made or found. Raises ``Problem``."""
    if files.certificate is not None and files.private_key is not None:
        certificate, key = _read(files.certificate, "SIP_CERTIFICATE"), _read(files.private_key, "SIP_PRIVATE_KEY")
        if (problem := _unusable(certificate, key)) is not None:
            raise Problem(f"AMTSLEITUNG_SIP_CERTIFICATE and AMTSLEITUNG_SIP_PRIVATE_KEY: {problem}.")
    elif files.certificate is not None or files.private_key is not None:
        raise Problem(
            "AMTSLEITUNG_SIP_CERTIFICATE and AMTSLEITUNG_SIP_PRIVATE_KEY belong together: set both or neither."
        )
    else:
        certificate, key = _own(private_directory(state_directory / "secrets", None), node, host)
    return SipCertificates(certificate=certificate, private_key=key, authorities=_authorities(files.authorities))


def _read(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise Problem(
            f"AMTSLEITUNG_{setting} names {path}, which cannot be read as PEM text: check the path."
        ) from error


def _unusable(certificate: str, key: str) -> str | None:
    """Why the two cannot serve together."""
    try:
        found = x509.load_pem_x509_certificate(certificate.encode())
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError):  # a key that is itself encrypted: TypeError
        return "one of the two is no PEM file, or the key has a passphrase"
    if found.public_key() != private.public_key():
        return "the key is another certificate's; the server's own certificate must come first in its file"
    if found.not_valid_after_utc <= datetime.now(UTC):
        return f"the certificate ended on {found.not_valid_after_utc:%Y-%m-%d}"
    return None


def _authorities(path: Path | None) -> str:
    if path is not None:
        text = _read(path, "SIP_AUTHORITIES")
        if "-----BEGIN CERTIFICATE-----" not in text:
            raise Problem(f"AMTSLEITUNG_SIP_AUTHORITIES names {path}, which holds no certificate in PEM form.")
        return text
    for name in (ssl.get_default_verify_paths().cafile, *_SYSTEM_AUTHORITIES):
        if name is not None and Path(name).is_file():
            return Path(name).read_text(encoding="utf-8")
    return ""


def _own(secrets: Path, node: str, host: str) -> tuple[str, str]:
    """The certificate made earlier, or a new one if there is none or it is about to end."""
    paths = secrets / _CERTIFICATE, secrets / _KEY
    try:
        certificate, key = (path.read_text(encoding="ascii") for path in paths)
        ends = x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc
    except (OSError, ValueError):
        pass
    else:
        if _unusable(certificate, key) is None and ends - datetime.now(UTC) > timedelta(days=RENEW_DAYS):
            return certificate, key
    certificate, key = self_signed(node, host)
    for path, text in zip(paths, (certificate, key), strict=True):
        write_private(path, text)
    return certificate, key


def self_signed(node: str, host: str) -> tuple[str, str]:
    """A new certificate for these names, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(node), _general_name(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
    return pem, key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return x509.DNSName(host)
