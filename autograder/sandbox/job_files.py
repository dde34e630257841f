"""Folders for jobs, and the files in them once their writer has ended: read with suspicion, removed in full."""

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
    """An empty folder of its own for one job, gone afterwards.

    Raises:
        WorkerError: there is no room for one.
    """
    with run_folder() as home:
        try:
            folder = Path(tempfile.mkdtemp(prefix="job-", dir=home))
        except OSError as error:
            raise WorkerError(
                f"No folder for a job could be made: {error}.", hint="free some space in the temporary folder"
            ) from error
        try:
            yield folder
        finally:
            remove_folder(folder)


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


def read_entries(path: Path, max_bytes: int, max_line: int) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file with one a line, as `read_ordinary_file` reads it; what is damaged or long is none.

    One by one, so that the memory they take is never more than that of one.
    """
    for line in io.BytesIO(read_ordinary_file(path, max_bytes)):
        if len(line) <= max_line:
            with contextlib.suppress(ValueError, RecursionError):
                entry = json.loads(line)
                if isinstance(entry, dict):
                    yield entry
