"""Files in a job's folder, after the process that wrote them has ended: read with suspicion, removed in full."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path


def is_ordinary_file(path: Path, max_bytes: int) -> bool:
    """Whether a path is a file of its own: no link of either kind, no pipe or device, not larger than `max_bytes`."""
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_size <= max_bytes


def is_ordinary_folder(path: Path) -> bool:
    """Whether a path is a folder and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def read_ordinary_file(path: Path, max_bytes: int) -> bytes:
    """The bytes of an ordinary file; empty where there is none."""
    try:
        return path.read_bytes() if is_ordinary_file(path, max_bytes) else b""
    except OSError:
        return b""


def remove_folder(folder: Path) -> None:
    """Remove a job's folder with everything in it, also folders that a notebook has locked."""
    for here, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(here, name)
            if not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
