"""Collect the files a worker left, once every process that could change them is dead; trust none of them."""

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
    """Move a worker's ordinary files into the job's folder: links, pipes, sockets and odd names stay behind.

    Args:
        source: a descriptor of the folder the worker wrote in.
        target: the job's folder.
        outputs: for each folder a regular expression for the names to take; a runner, say, has no verdicts to give.
        max_bytes: how much may come in all; a file that would exceed it stays behind. (Holes in a sparse file cost
            the worker nothing, but count here.)
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
    """Move one file and return its size, or leave it and return 0."""
    try:
        # Non-blocking, because the open of a pipe would wait for somebody to write.
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
        os.unlink(name, dir_fd=folder)  # at once, so that no more than one file is in memory twice
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
    return os.write(target, os.pread(source, count, offset))  # elsewhere sendfile is for sockets
