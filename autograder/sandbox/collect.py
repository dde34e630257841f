"""Collect the files of a worker after all of its processes have ended.

No file is trusted: links, pipes, sockets and unexpected names are left behind.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

_CHUNK = 1 << 24


def collect(source: int, target: Path, outputs: Mapping[str, str], *, max_bytes: int) -> None:
    """Move a worker's regular files into the job's folder.

    Args:
        source: a descriptor of the folder that the worker wrote to.
        target: the job's folder.
        outputs: for each folder, a regular expression that matches the names to collect.
        max_bytes: limit on the total size; files that would exceed it are left behind. Holes in sparse files count.
    """
    left = max_bytes
    for name, expected in outputs.items():
        try:
            folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=source)
        except OSError:
            continue
        try:
            for file in sorted(os.listdir(folder)):  # noqa: PTH208 - a descriptor, not a path
                if re.fullmatch(expected, file):
                    left -= _take(folder, file, target / name, left)
        finally:
            os.close(folder)


def _take(folder: int, name: str, target: Path, left: int) -> int:
    """Move one file and return its size in bytes; return 0 if it is left behind."""
    try:
        # Non-blocking, because opening a pipe would wait for a writer.
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return 0
    try:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_size > left:
            return 0
        target.mkdir(exist_ok=True)
        _copy(opened, target / name, status.st_size)
    finally:
        os.close(opened)
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=folder)  # immediately, so that at most one file occupies memory twice
    return int(status.st_size)


def _copy(source: int, target: Path, size: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        target.unlink()
    written = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        done = 0
        while done < size:
            sent = _send(written, source, done, min(size - done, _CHUNK))
            if sent == 0:
                break
            done += sent
    finally:
        os.close(written)


def _send(target: int, source: int, offset: int, count: int) -> int:
    if sys.platform.startswith("linux"):
        return os.sendfile(target, source, offset, count)
    return os.write(target, os.pread(source, count, offset))  # other systems support sendfile for sockets only
