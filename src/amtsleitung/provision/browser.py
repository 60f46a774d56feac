# SPDX-License-Identifier: EUPL-1.2
"""A headless Chromium for the browser test: from PATH, else from the machine's own suite."""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from amtsleitung.provision.cache import Report, to_stderr
from amtsleitung.provision.programs import Program, fetch, origin_of, said_version
from amtsleitung.provision.unpack import library_path


def chromium(*, report: Report = to_stderr) -> Program:
    """A headless Chromium; ``argv_prefix`` is one program, as Playwright's ``executable_path`` wants it.

    ``chromium`` on PATH, else the machine's own suite's, with a small script that gives it its libraries and fonts.
    ``environment`` is what Playwright's own driver needs: it must be in ``os.environ`` before Playwright starts.

    :raises Problem: neither is to be had.
    """
    environment = _drivers_libraries(report)
    on_path = shutil.which("chromium")
    if on_path:
        version = said_version([on_path, "--version"])
        return Program(argv_prefix=(on_path,), version=version, origin=on_path, environment=environment)
    packages = ["chromium", "fonts-dejavu-core", "fontconfig-config"]
    kept = fetch(
        "chromium", packages, what="Chromium", run=_chromium_command, arguments=("--version",), add=_add_starter,
        report=report,
    )  # fmt: skip
    return Program(
        argv_prefix=_chromium_command(kept.folder),
        version=kept.facts["chromium"],
        origin=origin_of(kept),
        environment=environment,
    )


def _drivers_libraries(report: Report) -> Mapping[str, str]:
    """Playwright brings its own Node.js, which wants a library that a bare Debian lacks."""
    try:
        ctypes.CDLL("libatomic.so.1")
        ctypes.CDLL("libstdc++.so.6")
    except OSError:
        kept = fetch(
            "playwright-libraries", ["libatomic1", "libstdc++6"], what="libraries for Playwright",
            run=lambda folder: ("/usr/bin/env", f"LD_LIBRARY_PATH={library_path(folder)}", sys.executable),
            arguments=("-c", "import ctypes; ctypes.CDLL('libatomic.so.1'); ctypes.CDLL('libstdc++.so.6')"),
            report=report,
        )  # fmt: skip
        return {"LD_LIBRARY_PATH": library_path(kept.folder)}
    return {}


def _chromium_command(folder: Path) -> tuple[str, ...]:
    return (str(folder / "start-chromium"),)


def _add_starter(draft: Path, final: Path) -> None:
    """The script finds its folder by itself, so that it can be tried before the folder gets its name."""
    libraries = library_path(draft, more=("pulseaudio",)).replace(str(draft), '"$here"')
    script = draft / "start-chromium"
    script.write_text(
        "#!/bin/sh\n# Chromium with the libraries and fonts fetched beside it.\n"
        'here=$(dirname "$(readlink -f "$0")")\n'
        f"export LD_LIBRARY_PATH={libraries}\n"
        'export FONTCONFIG_FILE="$here/fonts.conf"\n'
        # Crash reports and font caches stay here too, not in the user's home.
        'export XDG_CONFIG_HOME="$here/home/config" XDG_CACHE_HOME="$here/home/cache"\n'
        'exec "$here/usr/lib/chromium/chromium" "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    for name in ("config", "cache"):
        (draft / "home" / name).mkdir(parents=True)
    fonts = str(final / "usr/share/fonts").replace("&", "&amp;").replace("<", "&lt;")
    families = "".join(
        f"<alias><family>{generic}</family><prefer><family>{name}</family></prefer></alias>\n"
        for generic, name in (
            ("sans-serif", "DejaVu Sans"), ("serif", "DejaVu Serif"), ("monospace", "DejaVu Sans Mono"),
        )
    )  # fmt: skip
    (draft / "fonts.conf").write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">\n<fontconfig>\n'
        f"<dir>{fonts}</dir>\n<dir>/usr/share/fonts</dir>\n"
        f'<cachedir prefix="xdg">fontconfig</cachedir>\n{families}</fontconfig>\n',
        encoding="utf-8",
    )
