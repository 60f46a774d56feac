# SPDX-License-Identifier: EUPL-1.2
"""What a private apt may use of the machine's sources: the distribution's own entries, from nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from amtsleitung.errors import Problem
from amtsleitung.provision.sources import (
    Distribution,
    Source,
    derive,
    parse_deb822,
    parse_one_line,
    read_distribution,
    read_sources,
)

BOOKWORM = Distribution(identity="debian", codename="bookworm")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

DEB822 = f"""\
# made by an installer
Types: deb deb-src
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: {KEYRING}

Types: deb
URIs: http://archive.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: {KEYRING}

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://vendor.example/deb
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 vendor
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = f"""\
# deb http://commented.example/debian bookworm main
deb [arch=amd64,arm64 signed-by={KEYRING}] http://archive.example/debian bookworm main contrib # trailing
deb\thttp://archive.example/debian-security bookworm-security main
deb-src http://archive.example/debian bookworm main
deb [signed-by=/etc/apt/keyrings/vendor.gpg] http://vendor.example/debian bookworm main
deb http://docker.example/linux/debian bookworm stable
deb http://cloud.example/apt cloud-sdk-bookworm main
deb http://database.example/apt bookworm-pgdg main
"""


def test_both_formats_are_read() -> None:
    enabled = list(parse_deb822(DEB822))
    assert [source.uris for source in enabled] == [
        "http://archive.example/debian",
        "http://archive.example/debian-security",
        "http://vendor.example/deb",
    ]
    assert "END PGP PUBLIC KEY BLOCK" in dict(enabled[2].options)["Signed-By"]
    first, *others = parse_one_line(ONE_LINE)
    assert first == Source(
        uris="http://archive.example/debian",
        suites=("bookworm",),
        components=("main", "contrib"),
        options=(("Architectures", "amd64 arm64"), ("Signed-By", KEYRING)),
    )
    assert len(others) == 5


@pytest.mark.parametrize(
    "sources", [tuple(parse_deb822(DEB822)), tuple(parse_one_line(ONE_LINE))], ids=["deb822", "list"]
)
def test_own_suite_keeps_security_and_drops_third_parties(sources: tuple[Source, ...]) -> None:
    text = derive(sources, BOOKWORM)
    addresses = [line.removeprefix("URIs: ") for line in text.splitlines() if line.startswith("URIs: ")]
    assert addresses == ["http://archive.example/debian", "http://archive.example/debian-security"]
    assert "contrib" not in text
    assert f"Signed-By: {KEYRING}" in text


@pytest.mark.parametrize(
    "sources", [tuple(parse_deb822(DEB822)), tuple(parse_one_line(ONE_LINE))], ids=["deb822", "list"]
)
def test_another_suite_takes_the_plain_release_only(sources: tuple[Source, ...]) -> None:
    (again,) = parse_deb822(derive(sources, BOOKWORM, suite="sid"))
    assert (again.uris, again.suites, again.components) == ("http://archive.example/debian", ("sid",), ("main",))
    assert dict(again.options)["Signed-By"] == KEYRING
    assert dict(again.options)["Check-Valid-Until"] == "no"


def test_entries_that_become_the_same_stand_once() -> None:
    twice = tuple(
        parse_one_line("deb http://a.example/debian bookworm main\ndeb http://a.example/debian stable main\n")
    )
    assert derive(twice, BOOKWORM, suite="sid").count("URIs:") == 1


def test_ubuntu_keeps_universe() -> None:
    sources = tuple(parse_one_line("deb http://a.example/ubuntu noble main restricted universe multiverse"))
    text = derive(sources, Distribution(identity="ubuntu", codename="noble"))
    assert "Components: main universe\n" in text


def test_without_an_own_entry_there_is_a_sentence() -> None:
    vendor = tuple(parse_one_line("deb http://vendor.example/apt bookworm stable"))
    with pytest.raises(Problem, match=r"no entry of bookworm itself.*add the distribution's own archive"):
        derive(vendor, BOOKWORM)


def test_apts_own_directories_are_read_in_order(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example/debian bookworm main\n")
    (parts / "b.list").write_text("deb http://three.example/debian bookworm main\n")
    (parts / "a.sources").write_text(
        "Types: deb\nURIs: http://two.example/debian\nSuites: bookworm\nComponents: main\n"
    )
    (parts / "c.list.disabled").write_text("deb http://four.example/debian bookworm main\n")
    assert [source.uris.split("/")[2].split(".")[0] for source in read_sources(tmp_path)] == ["one", "two", "three"]


def test_the_distribution_names_itself(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_CODENAME="trixie"\n')
    assert read_distribution(tmp_path) == Distribution(identity="debian", codename="trixie")
    (tmp_path / "os-release").write_text("ID=arch\n")
    with pytest.raises(Problem, match="VERSION_CODENAME"):
        read_distribution(tmp_path)
