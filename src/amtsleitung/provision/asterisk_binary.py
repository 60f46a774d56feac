# SPDX-License-Identifier: EUPL-1.2
"""A real Asterisk: the one named, the one on PATH, else one fetched into the cache.

Debian 12 and 13 have none, so there it comes from Debian's rolling suite (22, a long-term release), together with
the C library it was built for, and is started through that library's own loader:

    <folder>/usr/lib64/ld-linux-x86-64.so.2 --inhibit-cache --library-path … <folder>/usr/sbin/asterisk …

The German prompts are ours; of the English ones only those come along that the package itself depends on.
"""

from __future__ import annotations

import configparser
import os
import platform
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from amtsleitung.errors import Problem
from amtsleitung.provision.apt import PrivateApt
from amtsleitung.provision.cache import Report, cache_folder, keep, to_stderr
from amtsleitung.provision.programs import LAYOUT, Program, own_suite, said_version, try_once
from amtsleitung.provision.sources import derive, read_distribution, read_sources
from amtsleitung.provision.unpack import library_path, loader, unpack

OLDEST_MAJOR = 18
_PACKAGE = "asterisk"
ROLLING_SUITE = "sid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asterisk(Program):
    """What ``asterisk.conf`` needs to know: ``astmoddir`` and ``astdatadir``; ``None`` = as built into the program.

    Any user may start it, with ``-C FILE`` for private directories.
    """

    module_directory: Path | None
    data_directory: Path | None


def asterisk(*, report: Report = to_stderr, fetching: bool = True) -> Asterisk:
    """``AMTSLEITUNG_ASTERISK`` (path of a binary), else a new enough one on PATH, else one that is fetched.

    :raises Problem: the named one is unusable, or none is to be had; ``NotFetchedError`` without ``fetching``, which
        only looks.
    """
    named = os.environ.get("AMTSLEITUNG_ASTERISK")
    if named:
        return _installed(Path(named), told_by="AMTSLEITUNG_ASTERISK")
    on_path = shutil.which("asterisk", path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin")
    if on_path:
        version = said_version([on_path, "-V"])
        if _major(version) >= OLDEST_MAJOR:
            return _installed(Path(on_path), told_by="PATH")
        report(f"{on_path} is version {version}, older than {OLDEST_MAJOR}, and is ignored")
    return _fetched(report, fetching=fetching)


def _installed(binary: Path, *, told_by: str) -> Asterisk:
    if not os.access(binary, os.X_OK) or not binary.is_file():
        raise Problem(f"{binary}, named by {told_by}, is no program: give the path of an asterisk binary.")
    version = said_version([str(binary), "-V"])
    if _major(version) < OLDEST_MAJOR:
        raise Problem(
            f"{binary}, named by {told_by}, says version {version}: Asterisk {OLDEST_MAJOR} or newer is needed."
        )
    modules, data = _directories(binary)
    return Asterisk(
        argv_prefix=(str(binary),),
        version=version,
        origin=f"{binary} ({told_by})",
        module_directory=modules,
        data_directory=data,
    )


def _directories(binary: Path, etc: Path = Path("/etc/asterisk")) -> tuple[Path, Path]:
    """Module and data directory: where this binary's prefix has them, else what its asterisk.conf says."""
    prefix = binary.resolve().parent.parent
    modules = [*sorted(prefix.glob("lib/*/asterisk/modules")), prefix / "lib64/asterisk/modules",
               prefix / "lib/asterisk/modules"]  # fmt: skip
    data = [prefix / "share/asterisk", Path("/var/lib/asterisk")]
    told = _told_by_configuration(etc / "asterisk.conf")
    modules += [Path(told[name]) for name in ("astmoddir",) if name in told]
    data += [Path(told[name]) for name in ("astdatadir",) if name in told]
    module_directory = next((path for path in modules if (path / "chan_pjsip.so").is_file()), None)
    data_directory = next((path for path in data if path.is_dir()), None)
    if module_directory is None or data_directory is None:
        raise Problem(
            f"The modules that belong to {binary} were not found (chan_pjsip.so): install Asterisk's modules, or "
            "unset AMTSLEITUNG_ASTERISK and take asterisk off PATH so that one is fetched."
        )
    return module_directory, data_directory


def _told_by_configuration(file: Path) -> Mapping[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True, delimiters=("=>", "="))
    try:
        # A template mark behind the header would hide the section from Asterisk, but not the truth from us.
        parser.read_string(re.sub(r"^(\[\w+\]).*$", r"\1", file.read_text(errors="replace"), flags=re.MULTILINE))
        return {name: value for name, value in parser["directories"].items() if value}
    except (OSError, KeyError, configparser.Error):
        return {}


def _fetched(report: Report, *, fetching: bool) -> Asterisk:
    distribution = read_distribution()

    def build(draft: Path, final: Path) -> Mapping[str, str]:
        apt, suite = own_suite(report), distribution.codename
        offered = apt.candidate(_PACKAGE)
        if offered is None or _major(offered) < OLDEST_MAJOR:
            apt, suite = rolling_suite(distribution.identity, report), ROLLING_SUITE
        files = apt.download([_PACKAGE], what="Asterisk")
        report("unpacking Asterisk …")
        versions = unpack(files, draft)
        apt.clean()
        _name_english(draft / "usr/share/asterisk/sounds")
        try_once([*_command(draft), "-V"], what="Asterisk")
        return {**versions, "suite": suite}

    recipe = {
        "packages": [_PACKAGE],
        "suite": distribution.codename,
        "machine": platform.machine(),
        "layout": LAYOUT,
    }
    kept = keep("asterisk", recipe=recipe, build=build, report=report, fetching=fetching)
    triplet_directories = sorted(kept.folder.glob("usr/lib/*/asterisk/modules"))
    return Asterisk(
        argv_prefix=_command(kept.folder),
        version=_upstream(kept.facts[_PACKAGE]),
        origin=f"Debian package from {kept.facts['suite']}, in {kept.folder}",
        environment={"GCONV_PATH": f"{triplet_directories[0].parent.parent}/gconv"},
        module_directory=triplet_directories[0],
        data_directory=kept.folder / "usr/share/asterisk",
    )


def _name_english(sounds: Path) -> None:
    """Makes the link ``en``, as the package's own installation script would."""
    for voice in sorted(sounds.glob("en_*"))[:1]:
        if not (sounds / "en").exists():
            (sounds / "en").symlink_to(voice.name)


def rolling_suite(identity: str, report: Report) -> PrivateApt:
    """A private apt with the lists of the suite that Asterisk is fetched from where the own one has none."""
    if identity != "debian":
        raise Problem(
            f"This distribution has no Asterisk {OLDEST_MAJOR} or newer: install one and name it with "
            "AMTSLEITUNG_ASTERISK."
        )
    sources = derive(read_sources(), read_distribution(), suite=ROLLING_SUITE)
    apt = PrivateApt(folder=cache_folder() / f"apt-{ROLLING_SUITE}", report=report)
    apt.prepare(sources)
    return apt


def _command(folder: Path) -> tuple[str, ...]:
    return (
        str(loader(folder)),
        # The machine's own libraries of the same names are older.
        "--inhibit-cache",
        "--library-path",
        library_path(folder),
        str(folder / "usr/sbin/asterisk"),
    )


def _upstream(version: str) -> str:
    """``1:22.10.1+dfsg+~cs6…`` is 22.10.1."""
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    return found.group(1) if found else version


def _major(version: str) -> int:
    found = re.match(r"\d+", _upstream(version))
    return int(found.group()) if found else 0
