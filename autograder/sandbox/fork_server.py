"""Fork server: import the preloaded modules once, then fork a supervisor per job.

`client.py` starts `main` with the arguments CONTROL_FD RUN_FOLDER PRELOAD [ARGUMENT…]. Preloaded modules must not start
threads: a lock held by another thread at the time of a fork stays locked in the child.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
from pathlib import Path

from autograder.sandbox import wire
from autograder.sandbox.scratch import remove_if_dead
from autograder.sandbox.supervisor import supervise

_MAX_THREADS_AT_FORK = 2
_DESCRIPTORS = 3  # of a job: the connection to its supervisor, and the two of its channel
_LOCK_RELEASE_SECONDS = 2.0  # the kernel may close a dead grader's socket before it releases the folder's lock


def main() -> None:
    """Run the fork server until the grader closes the control socket."""
    control = socket.socket(fileno=int(sys.argv[1]))
    folder = Path(sys.argv[2])
    module, _, preload = sys.argv[3].partition(":")
    # If root grades, workers run as another user; a strict umask of the grader would deny them their own files.
    os.umask(0o022)
    try:
        try:
            getattr(importlib.import_module(module), preload)(*sys.argv[4:])
            failure = None
        except Exception as error:  # noqa: BLE001 - every failure must reach the parent
            failure = f"{type(error).__name__}: {error}"
        wire.send(control, {"ready": failure is None, "detail": failure})
        if failure is None:
            _serve(control)
    except OSError:
        pass  # the grader exited while this process was starting
    _clear_away(folder)


def _serve(control: socket.socket) -> None:
    """Fork a supervisor for every job until the grader closes the connection."""
    # The kernel reaps supervisors; each of them restores the default handler for its own children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, _DESCRIPTORS)
        if not message:
            return
        _fork_supervisor(control, descriptors[0], tuple(descriptors[1:]))
        for descriptor in descriptors[1:]:
            os.close(descriptor)  # or the other end would never see that the worker has ended


def _clear_away(folder: Path) -> None:
    """Remove the run folder if the grader has died."""
    with contextlib.suppress(ChildProcessError):
        os.wait()  # with SIGCHLD ignored, this returns only after the last supervisor has ended
    remove_if_dead(folder, patience=_LOCK_RELEASE_SECONDS)


def _fork_supervisor(control: socket.socket, descriptor: int, channel: tuple[int, ...]) -> None:
    connection = socket.socket(fileno=descriptor)
    threads = _thread_count()
    if threads > _MAX_THREADS_AT_FORK:
        wire.send(
            connection,
            {"end": "refused", "detail": f"{threads} threads in the fork server", "seconds": 0.0, "peak_mb": 0},
        )
        connection.close()
        return
    if os.fork() == 0:
        try:
            control.close()
            supervise(connection, channel)
        finally:
            os._exit(0)
    connection.close()


def _thread_count() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 1
