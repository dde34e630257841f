"""Files: written whole or not at all, and what the system says about them in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.errors import KitError, UsageError
from autograder.util.atomic import write_atomically


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text in UTF-8.

    Raises:
        KitError: the folder is read-only, the disk is full, or the like.
    """
    with writing(path):
        write_atomically(path, content.encode() if isinstance(content, str) else content)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says about a file or folder into the kit's own error.

    Raises:
        KitError: the folder is read-only, the disk is full, or the like.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise KitError(
            f"{path} cannot be written: {reason}. What was graded before is kept.",
            hint="choose another folder with -o, or free some space, and run the same command again",
        ) from error


def content_of(path: Path) -> bytes:
    """The bytes of a file that a person named.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from None
