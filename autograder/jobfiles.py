"""Folders for jobs, and the files in them once their writer has ended: read with suspicion, removed in full."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from autograder.errors import WorkerError

# A hand-over holds up to half a gigabyte; where memory is plentiful it never touches the disk.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made by mkdtemp
_SHARED_MEMORY_NEEDED = 8 << 30


@contextlib.contextmanager
def job_folder() -> Iterator[Path]:
    """An empty folder of its own for one job, gone afterwards.

    Raises:
        WorkerError: there is no room for one.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="autograder-", dir=_parent()))
    except OSError as error:
        raise WorkerError(
            f"No folder for a job could be made: {error}.", hint="free some space in the temporary folder"
        ) from error
    try:
        yield folder
    finally:
        remove_folder(folder)


def _parent() -> Path | None:
    """Where jobs get their folders: shared memory if there is plenty, else (None) the usual temporary folder."""
    try:
        free = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return None
    return _SHARED_MEMORY if free.f_bavail * free.f_frsize >= _SHARED_MEMORY_NEEDED else None


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
    """Remove a folder with everything in it, also folders that a notebook has locked; of a link only the link."""
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
        return
    for here, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(here, name)
            if not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
