"""Scratch folders that are removed even if their grader is killed.

Every grading process has one run folder, with a subfolder per job. It is removed by the grader at its end; by the fork
server if the grader was killed; by the next grader on this machine if both were. A file lock, which the kernel releases
with its owner, distinguishes folders of running graders from abandoned ones.
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
# A hand-over can have half a gigabyte; with enough memory it is never written to disk.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - its folders are created by mkdtemp
_SHARED_MEMORY_NEEDED = 8 << 30
_ATTEMPTS = 5

_LOCK = threading.Lock()
_current: RunFolder | None = None
_users = 0


class RunFolder:
    """The parent of all job folders of one process.

    `path` is listable by its owner only.

    Args:
        place: the folder to create it in; None for shared memory if there is enough, else the temporary folder.

    Raises:
        WorkerError: the folder cannot be created.
    """

    def __init__(self, place: Path | None = None) -> None:
        for known in {place} if place else {_SHARED_MEMORY, Path(tempfile.gettempdir())}:
            sweep(known)
        try:
            self.path, self._lock = _make_and_lock(place or _usual_place())
        except OSError as error:
            raise WorkerError(
                f"The folder for scratch files cannot be created: {error.strerror or error}.",
                hint="free some space, or set TMPDIR to a folder you can write to",
            ) from error
        atexit.register(self.remove)

    def remove(self) -> None:
        """Remove the folder and release the lock. Idempotent."""
        remove_folder(self.path)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        atexit.unregister(self.remove)


@contextmanager
def run_folder() -> Iterator[Path]:
    """Yield this process's run folder, which exists while it is in use.

    Raises:
        WorkerError: it cannot be created.
    """
    global _current, _users  # noqa: PLW0603 - one run folder per process
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
    """Remove abandoned run folders of this user in `place`; return the removed paths."""
    try:
        found = [Path(entry.path) for entry in os.scandir(place) if entry.name.startswith(PREFIX)]
    except OSError:
        return []
    return [path for path in found if remove_if_dead(path)]


def remove_if_dead(path: Path, *, patience: float = 0.0) -> bool:
    """Remove a run folder of this user unless its grader is running.

    Return whether it was removed.

    Args:
        path: the run folder.
        patience: seconds to wait for the lock of a grader that is just ending.
    """
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(OSError), _opened(path) as descriptor:
            if os.fstat(descriptor).st_uid == os.geteuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises if the grader is running
                remove_folder(path)
                return True
        if time.monotonic() >= deadline or not path.exists():
            return False
        time.sleep(0.02)


def remove_folder(folder: Path) -> None:
    """Remove a folder that may contain locked or deeply nested folders.

    Of a link, only the link.
    """
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
    """Create and lock a run folder.

    Retry if another grader sweeps it before it is locked.
    """
    for _ in range(_ATTEMPTS):
        path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists():
                path.chmod(0o711)  # a worker that has dropped to another user must reach its own folder
                return path, descriptor
            os.close(descriptor)
    raise OSError(f"{place}: new folders are removed immediately")


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
