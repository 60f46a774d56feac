# SPDX-License-Identifier: EUPL-1.2
"""Generated files: replaced whole or not at all, only when they change, and readable by whom their folder is for."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_if_changed(path: Path, text: str) -> bool:
    """Have the file say this; True if it did not before. Raises OSError.

    The folder says who may read: its mode without the execute bits becomes the file's mode, and as root its owner
    and group become the file's. A folder closed to others so keeps the devices' secrets, whoever runs Asterisk.
    """
    content = text.encode()
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        pass
    folder = path.parent.stat()
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            os.fchmod(out.fileno(), folder.st_mode & 0o666)
            if os.geteuid() == 0:
                os.fchown(out.fileno(), folder.st_uid, folder.st_gid)
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True
