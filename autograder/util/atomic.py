"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# What `write_atomically` leaves where its process is killed half-way, as a pattern for Path.glob.
LEFTOVERS = ".*.unfinished"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that no reader, and no second writer, ever meets half of it; makes its folder.

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
