"""Reading and writing files, with messages for users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.errors import KitError, UsageError
from autograder.util.atomic import write_atomically


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file atomically; text is encoded in UTF-8.

    Raises:
        KitError: the file cannot be written, for example because the disk is full.
    """
    with writing(path):
        write_atomically(path, content.encode() if isinstance(content, str) else content)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Convert OSError raised for a file or folder into KitError.

    Raises:
        KitError: the file cannot be written, for example because the disk is full.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise KitError(
            f"{path} cannot be written: {reason}. Results written so far are kept.",
            hint="choose another folder with -o, or free some space, then run the same command again",
        ) from error


def content_of(path: Path) -> bytes:
    """Return the bytes of a file named by the user.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from None
