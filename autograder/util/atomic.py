"""Atomic file writes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Path.glob pattern of the files that `write_atomically` leaves behind if its process is killed.
LEFTOVERS = ".*.unfinished"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file atomically, creating its folder; readers never see a partial file.

    Raises:
        OSError: the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".unfinished")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)  # mkstemp's 0600 would lock others out of a shared folder
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
