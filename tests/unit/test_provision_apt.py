# SPDX-License-Identifier: EUPL-1.2
"""The private apt with the real apt: a small archive on this machine's disk, and one that nobody answers for."""

from __future__ import annotations

import socket
import stat
import subprocess
from pathlib import Path

import pytest

from amtsleitung.errors import Problem
from amtsleitung.provision import apt as apt_module
from amtsleitung.provision.apt import PrivateApt
from amtsleitung.provision.unpack import library_path, unpack

_PACKAGE_SECONDS = 60


def make_package(archive: Path, name: str, files: dict[str, str], *, depends: str = "") -> str:
    """Builds a package into the archive; returns its entry for the archive's index."""
    tree = archive / f".{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: 1:2.5-3\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n"
    control += f"Depends: {depends}\n" if depends else ""
    control += "Description: made for a test\n"
    (tree / "DEBIAN" / "control").write_text(control)
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
        (tree / path).chmod(0o4750)
    file = archive / f"{name}_2.5-3_all.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, file], check=True, capture_output=True,
                   timeout=_PACKAGE_SECONDS)  # fmt: skip
    digest = subprocess.run(["sha256sum", file], check=True, capture_output=True, text=True, timeout=_PACKAGE_SECONDS)
    return f"{control}Filename: ./{file.name}\nSize: {file.stat().st_size}\nSHA256: {digest.stdout.split()[0]}\n\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    entries = make_package(folder, "telephone", {"bin/telephone": "#!/bin/sh\n"}, depends="bell, wire")
    entries += make_package(
        folder, "bell", {"usr/lib/x86_64-linux-gnu/libbell.so": "", "usr/share/doc/bell/copyright": ""}
    )
    entries += make_package(folder, "wire", {"lib/x86_64-linux-gnu/libwire.so": ""})
    entries += make_package(folder, "unasked", {"bin/unasked": ""})
    (folder / "Packages").write_text(entries)
    return folder


def private(tmp_path: Path, said: list[str]) -> PrivateApt:
    return PrivateApt(folder=tmp_path / "private apt", report=said.append)


@pytest.mark.parametrize("method", ["file", "copy"])
def test_packages_come_with_what_they_need_and_are_unpacked_harmlessly(
    tmp_path: Path, archive: Path, method: str
) -> None:
    said: list[str] = []
    apt = private(tmp_path, said)
    apt.prepare(f"Types: deb\nURIs: {method}:{archive}\nSuites: ./\nTrusted: yes\n")
    assert apt.candidate("telephone") == "1:2.5-3"
    assert apt.candidate("telegraph") is None
    folder = tmp_path / "unpacked"
    versions = unpack(apt.download(["telephone"], what="A telephone"), folder, without=("bell",))
    assert set(versions) == {"telephone", "wire"}
    assert versions["telephone"].endswith("2.5-3")
    program = folder / "usr" / "bin" / "telephone"
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    assert (folder / "bin").is_symlink()
    assert library_path(folder).split(":") == [f"{folder}/usr/lib/x86_64-linux-gnu", f"{folder}/usr/lib"]
    assert (folder / "usr/lib/x86_64-linux-gnu/libwire.so").is_file()
    assert not (folder / "usr/share/doc/bell/copyright").exists()
    assert any("3 packages" in line for line in said)
    assert sum("done in" in line for line in said) == 2


def test_an_unknown_package_is_one_sentence(tmp_path: Path, archive: Path) -> None:
    apt = private(tmp_path, [])
    apt.prepare(f"Types: deb\nURIs: file:{archive}\nSuites: ./\nTrusted: yes\n")
    with pytest.raises(Problem, match=r"A telegraph cannot be fetched: E: Unable to locate package telegraph\. Check"):
        apt.download(["telegraph"], what="A telegraph")


def test_without_a_network_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as closed:  # bound and not listening: every connection is refused
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(Problem) as raised:
            private(tmp_path, []).prepare(
                f"Types: deb\nURIs: http://127.0.0.1:{port}/debian\nSuites: bookworm\nComponents: main\n"
            )
    sentence = str(raised.value)
    assert sentence.startswith("The package lists cannot be fetched: E")
    assert f"127.0.0.1:{port}" in sentence
    assert "Check that apt-get update works on this machine" in sentence
    assert "\n" not in sentence


def test_without_apt_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt_module, "_PATH", str(tmp_path))
    with pytest.raises(Problem, match=r"apt-get is missing.*install asterisk, sipp and chromium yourself"):
        private(tmp_path, []).prepare("")


def test_the_machines_hooks_do_not_run(tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = tmp_path / "ran"
    machine = tmp_path / "machine.conf"
    machine.write_text(
        "".join(f'{hook} {{ "touch {ran}"; }};\n' for hook in ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke",
                                                              "APT::Update::Post-Invoke-Success"))
    )  # fmt: skip
    monkeypatch.setenv("APT_CONFIG", str(machine))
    private(tmp_path, []).prepare(f"Types: deb\nURIs: file:{archive}\nSuites: ./\nTrusted: yes\n")
    assert not ran.exists()
