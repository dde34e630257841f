"""Scratch folders that never outlive their grader.

A process that grades has one run folder, and every job gets a folder inside it. Whoever is left removes it: the
grader at its end; the fork server when the grader was killed; the next grader on this machine when both were. A
lock, which the kernel drops together with its owner, tells a dead grader's folder from a living one's.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.errors import WorkerError

PREFIX = "autograder-run-"
# A hand-over holds up to half a gigabyte; where memory is plentiful it never touches the disk.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made by mkdtemp
_SHARED_MEMORY_NEEDED = 8 << 30
_ATTEMPTS = 5

_LOCK = threading.Lock()
_current: RunFolder | None = None
_users = 0


class RunFolder:
    """The folder all job folders of one process lie in; `path` may be entered by everybody, listed by its owner.

    Args:
        place: the folder to make it in; None for shared memory where there is plenty, else the temporary folder.

    Raises:
        WorkerError: nothing can be written there.
    """

    def __init__(self, place: Path | None = None) -> None:
        for known in {place} if place else {_SHARED_MEMORY, Path(tempfile.gettempdir())}:
            sweep(known)
        try:
            self.path, self._lock = _make_and_lock(place or _usual_place())
        except OSError as error:
            raise WorkerError(
                f"No folder for the grader's scratch files can be made: {error.strerror or error}.",
                hint="free some space, or set TMPDIR to a folder you can write to",
            ) from error
        atexit.register(self.remove)

    def remove(self) -> None:
        """Remove everything and give up the lock; calling it again does nothing."""
        remove_folder(self.path)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        atexit.unregister(self.remove)


@contextmanager
def run_folder() -> Iterator[Path]:
    """This process's run folder, which is there while anybody in the process needs it.

    Raises:
        WorkerError: it cannot be made.
    """
    global _current, _users
    with _LOCK:
        if _current is None:
            _current = RunFolder()
        _users += 1
        path = _current.path
    try:
        yield path
    finally:
        with _LOCK:
            _users -= 1
            if _users == 0 and _current is not None:
                _current.remove()
                _current = None


def sweep(place: Path) -> list[Path]:
    """Remove what dead graders of this user left in `place`; returns what was removed."""
    try:
        found = [Path(entry.path) for entry in os.scandir(place) if entry.name.startswith(PREFIX)]
    except OSError:
        return []
    return [path for path in found if remove_if_dead(path)]


def remove_if_dead(path: Path, *, patience: float = 0.0) -> bool:
    """Remove a run folder of this user unless its grader lives; says whether it did.

    Args:
        path: the run folder.
        patience: seconds to wait for a grader that is just ending to let go of its lock.
    """
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(OSError), _opened(path) as descriptor:
            if os.fstat(descriptor).st_uid == os.geteuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where its grader lives
                remove_folder(path)
                return True
        if time.monotonic() >= deadline or not path.exists():
            return False
        time.sleep(0.02)


def remove_folder(folder: Path) -> None:
    """Remove a folder, whatever a notebook has made of it: locked, or nested without end. Of a link only the link."""
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
        return
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], check=False, capture_output=True)  # noqa: S603 - no shell


def _usual_place() -> Path:
    try:
        free = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return Path(tempfile.gettempdir())
    plenty = free.f_bavail * free.f_frsize >= _SHARED_MEMORY_NEEDED and os.access(_SHARED_MEMORY, os.W_OK)
    return _SHARED_MEMORY if plenty else Path(tempfile.gettempdir())


def _make_and_lock(place: Path) -> tuple[Path, int]:
    """Between its making and its lock a folder looks dead, so another grader may sweep it: then make another."""
    for _ in range(_ATTEMPTS):
        path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists():
                path.chmod(0o711)  # a worker that has dropped to another user must reach its own folder
                return path, descriptor
            os.close(descriptor)
    raise OSError(f"{place}: folders vanish as soon as they are made")


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
