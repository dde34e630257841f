"""Job folders, and safe reading of the files that a worker left in them."""

from __future__ import annotations

import contextlib
import io
import json
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.errors import WorkerError
from autograder.sandbox.scratch import remove_folder, run_folder

__all__ = ["is_ordinary_file", "is_ordinary_folder", "job_folder", "read_ordinary_file", "remove_folder"]


@contextlib.contextmanager
def job_folder() -> Iterator[Path]:
    """Create an empty folder for one job and remove it on exit.

    Raises:
        WorkerError: the folder cannot be created.
    """
    with run_folder() as home:
        try:
            folder = Path(tempfile.mkdtemp(prefix="job-", dir=home))
        except OSError as error:
            raise WorkerError(
                f"The folder for a job cannot be created: {error}.", hint="free some space in the temporary folder"
            ) from error
        try:
            yield folder
        finally:
            remove_folder(folder)


def is_ordinary_file(path: Path, max_bytes: int) -> bool:
    """Return whether a path is a regular, unlinked file of at most `max_bytes` bytes."""
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_size <= max_bytes


def is_ordinary_folder(path: Path) -> bool:
    """Return whether a path is a folder and not a link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def read_ordinary_file(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a regular file, or empty bytes if there is none."""
    try:
        return path.read_bytes() if is_ordinary_file(path, max_bytes) else b""
    except OSError:
        return b""


def read_entries(path: Path, max_bytes: int, max_line: int) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a JSON Lines file; skip damaged and overlong lines.

    Lines are parsed one at a time to bound memory.

    Args:
        path: the file, read as by `read_ordinary_file`.
        max_bytes: largest size of the file.
        max_line: largest length of a line in bytes.
    """
    for line in io.BytesIO(read_ordinary_file(path, max_bytes)):
        if len(line) <= max_line:
            with contextlib.suppress(ValueError, RecursionError):
                entry = json.loads(line)
                if isinstance(entry, dict):
                    yield entry
