"""The fork server: imports what its client names once, then forks a supervisor for every job it is handed.

`client.py` starts `main` with the arguments CONTROL_FD RUN_FOLDER PRELOAD [ARGUMENT…]. What is preloaded must not start
a thread: every child forked afterwards would hang.
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
_PATIENCE = 2.0  # seconds the kernel may take between closing a dead grader's socket and letting go of its lock


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    folder = Path(sys.argv[2])
    module, _, preload = sys.argv[3].partition(":")
    # Workers are another user where root grades: with the grader's own umask they might be kept from what they need.
    os.umask(0o022)
    try:
        try:
            getattr(importlib.import_module(module), preload)(*sys.argv[4:])
            failure = None
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear it
            failure = f"{type(error).__name__}: {error}"
        wire.send(control, {"ready": failure is None, "detail": failure})
        if failure is None:
            _serve(control)
    except OSError:
        pass  # the grader went away while this process was starting
    _clear_away(folder)


def _serve(control: socket.socket) -> None:
    """Fork a supervisor for every job until the grader hangs up."""
    # Supervisors are never waited for, so let the kernel reap them; each restores the default for itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        _fork_supervisor(control, descriptors[0])


def _clear_away(folder: Path) -> None:
    """Where the grader is gone, killed perhaps, nothing of it may stay behind."""
    with contextlib.suppress(ChildProcessError):
        os.wait()  # as SIGCHLD is ignored, this returns only when the last supervisor has ended its worker
    remove_if_dead(folder, patience=_PATIENCE)


def _fork_supervisor(control: socket.socket, descriptor: int) -> None:
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
            supervise(connection)
        finally:
            os._exit(0)
    connection.close()


def _thread_count() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 1
