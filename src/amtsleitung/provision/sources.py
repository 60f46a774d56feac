# SPDX-License-Identifier: EUPL-1.2
"""Reads the machine's own apt sources and derives from them the sources of a private apt.

The one rule: no address is ever ours. Where packages come from, and which key signs them, is taken from this
machine; we only choose which entries to keep and, where asked, replace the suite by another one (``sid``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from amtsleitung.errors import Problem

#: Suites that mean "this distribution" without naming the release.
_ALIASES = ("stable", "testing", "unstable", "sid")
_POCKETS = ("", "-updates", "-security", "/updates")
#: Keyrings of the distributions themselves; any other key belongs to a third party.
_ARCHIVE_KEYRINGS = ("debian-archive", "ubuntu-archive")
#: Names of a one-line entry's options which deb822 spells differently.
_DEB822_NAMES = {"arch": "Architectures", "lang": "Languages", "target": "Targets"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One entry for binary packages; ``options`` are deb822 fields kept as they were found."""

    uris: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """What os-release says: ``identity`` is for example ``debian``, ``codename`` for example ``bookworm``."""

    identity: str
    codename: str


def read_distribution(etc: Path = Path("/etc")) -> Distribution:
    """The distribution of this machine.

    :raises Problem: it does not say its code name, so it is none that we can fetch packages for.
    """
    try:
        text = (etc / "os-release").read_text(encoding="utf-8")
    except OSError:
        text = ""
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    codename = fields.get("VERSION_CODENAME", "").strip("\"'")
    if not codename:
        raise Problem(
            f"{etc / 'os-release'} names no VERSION_CODENAME: programs can be fetched on Debian and Ubuntu only; "
            "install asterisk, sipp and chromium yourself so that they are on PATH."
        )
    return Distribution(identity=fields.get("ID", "").strip("\"'"), codename=codename)


def parse_deb822(text: str) -> Iterator[Source]:
    """The enabled ``deb`` entries of a ``.sources`` file (sources.list(5), deb822 style)."""
    stanza: dict[str, str] = {}
    name = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            yield from _from_stanza(stanza)
            stanza, name = {}, ""
        elif line[0] in " \t" and name:
            stanza[name] += "\n" + line
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().title()
            stanza[name] = value.strip()


def _from_stanza(stanza: Mapping[str, str]) -> Iterator[Source]:
    fields = dict(stanza)
    types = fields.pop("Types", "").split()
    enabled = fields.pop("Enabled", "yes").lower() not in ("no", "false", "0", "off", "without", "disable")
    uris = " ".join(fields.pop("Uris", "").split())
    suites = tuple(fields.pop("Suites", "").split())
    components = tuple(fields.pop("Components", "").split())
    if enabled and "deb" in types and uris and suites:
        yield Source(uris=uris, suites=suites, components=components, options=tuple(fields.items()))


def parse_one_line(text: str) -> Iterator[Source]:
    """The ``deb`` entries of a ``.list`` file: ``deb [option=value …] URI SUITE COMPONENT…``."""
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].strip()
        if not line.startswith(("deb ", "deb\t")):
            continue
        rest = line[4:].strip()
        options: list[tuple[str, str]] = []
        if rest.startswith("["):
            inside, _, rest = rest[1:].partition("]")
            for item in inside.split():
                key, _, value = item.partition("=")
                spelt = _DEB822_NAMES.get(key.lower(), key.title())
                options.append((spelt, value.replace(",", " ")))
        words = rest.split()
        if len(words) >= 2:
            yield Source(uris=words[0], suites=(words[1],), components=tuple(words[2:]), options=tuple(options))


def read_sources(apt: Path = Path("/etc/apt")) -> tuple[Source, ...]:
    """All enabled ``deb`` entries of the machine, in apt's own order."""
    found: list[Source] = []
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for file in files:
        if file.suffix not in (".list", ".sources"):
            continue
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found.extend(parse_deb822(text) if file.suffix == ".sources" else parse_one_line(text))
    return tuple(found)


def derive(sources: tuple[Source, ...], distribution: Distribution, *, suite: str | None = None) -> str:
    """The text of a ``.sources`` file with the distribution's own entries, component ``main`` only.

    With ``suite`` every entry of the plain release is pointed to that suite; updates and security are left out,
    since such suites have none. A mirror's index of a rolling suite may be older than its validity date, so that
    date is not asked for there (the signature is).

    :raises Problem: none of the machine's entries is the distribution's own.
    """
    own = (distribution.codename, *_ALIASES)
    wanted = own if suite else tuple(name + pocket for name in own for pocket in _POCKETS)
    stanzas: list[str] = []
    for source in sources:
        suites = [name for name in source.suites if name.rstrip("/") in wanted]
        # Ubuntu keeps some of what we need in "universe".
        components = [name for name in source.components if name in ("main", "universe")]
        if not suites or "main" not in components or not _signed_by_archive(source):
            continue
        fields = {"Types": "deb", "URIs": source.uris, "Suites": suite or " ".join(suites)}
        fields |= {"Components": "main" if suite else " ".join(components), **dict(source.options)}
        if suite:
            fields["Check-Valid-Until"] = "no"
        stanzas.append("".join(f"{name}: {value}\n" for name, value in fields.items()))
    if not stanzas:
        raise Problem(
            f"The apt sources of this machine hold no entry of {distribution.codename} itself with the component "
            "main: add the distribution's own archive to /etc/apt, or install the program so that it is on PATH."
        )
    # Two entries that become the same one would make apt warn about each.
    return "\n".join(dict.fromkeys(stanzas))


def _signed_by_archive(source: Source) -> bool:
    key = dict(source.options).get("Signed-By", "")
    return not key or any(Path(word).name.startswith(_ARCHIVE_KEYRINGS) for word in key.split())
