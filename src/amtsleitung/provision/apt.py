# SPDX-License-Identifier: EUPL-1.2
"""A private apt: downloads packages with all they need, without root and without touching the machine.

It has its own lists, its own (empty) record of installed packages and its own sources; the machine's apt.conf
(proxies, certificates), keys and credentials stay in force. Nothing is ever installed by it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from amtsleitung.errors import Problem
from amtsleitung.provision.cache import Report

_UPDATE_SECONDS = 600.0
_DOWNLOAD_SECONDS = 3600.0
_QUERY_SECONDS = 120.0
_HEARTBEAT_SECONDS = 10.0

# Read after the machine's own configuration. The hooks that are cleared would act on the machine's directories
# (the one of container images deletes all downloaded packages).
_CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons-small;
#clear Acquire::IndexTargets::deb::DEP-11-icons;
#clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;
#clear Acquire::IndexTargets::deb::CNF;
#clear Acquire::IndexTargets::deb::Contents-deb;
Dir::Etc::sourcelist "{folder}/archive.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{folder}/state";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/state/status";
Dir::Cache "{folder}/cache";
Dir::Cache::archives "{folder}/archives";
Dir::Log "{folder}/log";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::Download-Only "true";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateApt:
    """``folder`` is kept between starts, so that lists are fetched again only where they changed."""

    folder: Path
    report: Report

    def prepare(self, sources: str) -> None:
        """Writes the configuration and brings the package lists up to date.

        :raises Problem: apt is missing, or the lists cannot be fetched.
        """
        for program in ("apt-get", "apt-cache", "dpkg-deb", "tar"):
            if shutil.which(program, path=_PATH) is None:
                raise Problem(
                    f"The program {program} is missing: missing programs can be fetched on Debian and Ubuntu only; "
                    "install asterisk, sipp and chromium yourself so that they are on PATH."
                )
        for name in ("state", "lists/partial", "cache", "archives/partial", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "state" / "status").touch()
        (self.folder / "archive.sources").write_text(sources, encoding="utf-8")
        # apt's configuration knows no escape for a quotation mark; such a folder name is refused instead.
        if '"' in str(self.folder):
            raise Problem(f"The cache folder {self.folder} has a quotation mark in its name: choose another.")
        (self.folder / "apt.conf").write_text(_CONFIGURATION.format(folder=self.folder), encoding="utf-8")
        self._watched(
            ["apt-get", "update"],
            what="The package lists",
            doing="fetching package lists",
            folder=self.folder / "lists",
            deadline=_UPDATE_SECONDS,
        )

    def candidate(self, package: str) -> str | None:
        """The version that the archive offers, or ``None``."""
        shown = self._ask(["apt-cache", "show", "--no-all-versions", package])
        found = re.search(r"^Version: (\S+)$", shown.stdout, re.MULTILINE)
        return found.group(1) if shown.returncode == 0 and found else None

    def download(self, packages: Sequence[str], *, what: str) -> tuple[Path, ...]:
        """Downloads the packages and everything they depend on; returns the files.

        :raises Problem: a package does not exist, or the network fails.
        """
        plan = self._ask(["apt-get", "install", "--yes", "--print-uris", "--quiet=2", *packages])
        # One line per file: 'address' name size hash
        files = re.findall(r"^'([^']*)' (\S+\.deb) (\d+) ", plan.stdout, re.MULTILINE)
        if plan.returncode or not files:
            raise _failed(f"{what} cannot be fetched", plan.stdout + plan.stderr)
        total = sum(int(size) for _, _, size in files)
        self._watched(
            ["apt-get", "install", "--yes", "--quiet=2", *packages],
            what=what,
            doing=f"fetching {what} ({len(files)} packages, {total / 1e6:.0f} MB)",
            folder=self.folder / "archives",
            deadline=_DOWNLOAD_SECONDS,
        )
        return tuple(self._place(address, name) for address, name, _ in files)

    def _place(self, address: str, name: str) -> Path:
        """apt leaves the packages of a mirror on this machine's own disk where they are."""
        if address.startswith("file:"):
            return Path(unquote(address.removeprefix("file:")))
        return self.folder / "archives" / name

    def clean(self) -> None:
        """Removes the downloaded packages and apt's own index of the lists; the lists stay."""
        for name in ("archives", "cache"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _ask(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._with_configuration(command)],
            capture_output=True, text=True, errors="replace", env=_environment(), timeout=_QUERY_SECONDS,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def _with_configuration(self, command: list[str]) -> list[str]:
        return [command[0], "--config-file", str(self.folder / "apt.conf"), *command[1:]]

    def _watched(self, command: list[str], *, what: str, doing: str, folder: Path, deadline: float) -> None:
        """Runs a long apt command with a sign of life every ten seconds."""
        self.report(f"{doing} …")
        started = time.monotonic()
        before = _bytes_below(folder)
        log = self.folder / "log" / "last"
        with log.open("w+", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen(
                self._with_configuration(command),
                stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=_environment(),
            )  # fmt: skip
            try:
                while True:
                    try:
                        code = process.wait(timeout=_HEARTBEAT_SECONDS)
                        break
                    except subprocess.TimeoutExpired:
                        seconds = time.monotonic() - started
                        if seconds > deadline:
                            raise Problem(
                                f"{what} could not be fetched within {deadline:.0f} s: try again with a better network."
                            ) from None
                        megabytes = (_bytes_below(folder) - before) / 1e6
                        self.report(f"  … {megabytes:.0f} MB after {seconds:.0f} s")
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait(timeout=_HEARTBEAT_SECONDS)
        if code:
            raise _failed(f"{what} cannot be fetched", log.read_text(encoding="utf-8", errors="replace"))
        self.report(f"  done in {time.monotonic() - started:.1f} s")


# A user's PATH lacks sbin on Debian; apt and dpkg look for helpers there.
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"))


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "PATH": _PATH}


def _bytes_below(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except OSError:  # apt renames files while we look
                continue
    return total


def _failed(what: str, output: str) -> Problem:
    """apt's own words, shortened to those that say why."""
    errors = [line.strip(" .") for line in output.splitlines() if line.startswith(("E:", "Err:"))]
    said = " ".join(errors[:1]) or output.strip()[-300:] or "apt said nothing"
    return Problem(
        f"{what}: {said}. Check that apt-get update works on this machine (network, proxy, /etc/apt) and start again, "
        "or install what is missing so that it is on PATH."
    )
