# SPDX-License-Identifier: EUPL-1.2
"""Certificates for SIP over TLS: the operator's, or one of our own; and a clear sentence for what does not fit."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from amtsleitung.certificates import SipCertificates, self_signed, sip_certificates
from amtsleitung.errors import Problem
from amtsleitung.settings import CertificateFiles


def found(state: Path, files: CertificateFiles | None = None, host: str = "192.0.2.1") -> SipCertificates:
    return sip_certificates(files or CertificateFiles(), state_directory=state, node="node1", host=host)


def test_our_own_is_made_once_and_kept_for_the_owner_alone(tmp_path: Path) -> None:
    first = found(tmp_path)
    assert found(tmp_path) == first
    kept = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()}
    assert kept == {"sip-certificate.pem": 0o600, "sip-key.pem": 0o600}
    names = x509.load_pem_x509_certificate(first.certificate.encode()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["node1"]
    assert [str(address) for address in names.value.get_values_for_type(x509.IPAddress)] == ["192.0.2.1"]


def test_openssl_takes_it(tmp_path: Path) -> None:
    made = found(tmp_path, host="sip.example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "secrets" / "sip-certificate.pem", tmp_path / "secrets" / "sip-key.pem")
    ssl.create_default_context(cadata=made.certificate)


@pytest.mark.parametrize("name", ["sip-certificate.pem", "sip-key.pem"])
@pytest.mark.parametrize("text", [None, "", "nonsense", self_signed("other", "x")[0], self_signed("other", "x")[1]])
def test_what_is_damaged_is_made_anew(tmp_path: Path, name: str, text: str | None) -> None:
    first = found(tmp_path)
    path = tmp_path / "secrets" / name
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    second = found(tmp_path)
    assert second.certificate != first.certificate
    assert found(tmp_path) == second


def test_one_that_is_about_to_end_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amtsleitung.certificates.VALID_DAYS", 30)
    first = found(tmp_path)
    monkeypatch.undo()
    assert found(tmp_path).certificate != first.certificate


def own(folder: Path) -> CertificateFiles:
    certificate, key = self_signed("centre", "sip.example.org")
    (folder / "own.pem").write_text(certificate)
    (folder / "own.key").write_text(key)
    return CertificateFiles(certificate=folder / "own.pem", private_key=folder / "own.key")


def test_the_operators_go_before_ours(tmp_path: Path) -> None:
    files = own(tmp_path)
    given = found(tmp_path / "state", files)
    assert files.certificate is not None
    assert files.private_key is not None
    assert (given.certificate, given.private_key) == (files.certificate.read_text(), files.private_key.read_text())
    assert not (tmp_path / "state").exists()


def test_what_does_not_fit_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = own(tmp_path)
    (tmp_path / "other.key").write_text(self_signed("x", "x")[1])
    (tmp_path / "text").write_text("nonsense")
    monkeypatch.setattr("amtsleitung.certificates.VALID_DAYS", 0)
    certificate, key = self_signed("x", "x")
    (tmp_path / "old.pem").write_text(certificate)
    (tmp_path / "old.key").write_text(key)
    for said, wrong in (
        ("set both or neither", CertificateFiles(certificate=files.certificate)),
        ("set both or neither", CertificateFiles(private_key=files.private_key)),
        ("the key is another certificate's", CertificateFiles(
            certificate=files.certificate, private_key=tmp_path / "other.key")),
        ("one of the two is no PEM file", CertificateFiles(
            certificate=tmp_path / "text", private_key=files.private_key)),
        ("one of the two is no PEM file", CertificateFiles(
            certificate=files.certificate, private_key=tmp_path / "text")),
        ("the certificate ended on", CertificateFiles(
            certificate=tmp_path / "old.pem", private_key=tmp_path / "old.key")),
        ("AMTSLEITUNG_SIP_CERTIFICATE names", CertificateFiles(
            certificate=tmp_path / "none", private_key=files.private_key)),
        ("AMTSLEITUNG_SIP_AUTHORITIES names", CertificateFiles(authorities=tmp_path / "none")),
        ("holds no certificate in PEM form", CertificateFiles(authorities=tmp_path / "text")),
    ):  # fmt: skip
        with pytest.raises(Problem, match=said):
            found(tmp_path, wrong)


def test_authorities(tmp_path: Path) -> None:
    certificate, _ = self_signed("x", "x")
    (tmp_path / "authorities.pem").write_text(certificate)
    assert found(tmp_path, CertificateFiles(authorities=tmp_path / "authorities.pem")).authorities == certificate
    assert "-----BEGIN CERTIFICATE-----" in found(tmp_path).authorities or not found(tmp_path).authorities
