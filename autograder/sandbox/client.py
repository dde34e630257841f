"""Client of the fork server: start it, run jobs, shut it down.

Runs in the grading parent and imports no heavy libraries.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograder.errors import IsolationError, WorkerError
from autograder.sandbox import wire
from autograder.sandbox.job import Job, Outcome, Preload
from autograder.sandbox.layers import Level
from autograder.sandbox.levels import choose
from autograder.sandbox.probe import blocked_python, probe
from autograder.sandbox.scratch import run_folder
from autograder.sandbox.shared_lock import SharedLock

_DOCTOR = "autograder doctor"
_SHUTDOWN_SECONDS = 5.0  # time for supervisors to end their workers; usually a fraction of a second
# The fork server and its children inherit only these variables, so that they see no token or password.
_PASSED_ON = (
    "PATH HOME LANG TMPDIR VIRTUAL_ENV LD_LIBRARY_PATH PYTHONHOME PYTHONPATH PYTHONPYCACHEPREFIX "
    "PYTHONDONTWRITEBYTECODE XDG_CACHE_HOME MPLCONFIGDIR"
).split()
# Python's -P keeps the working directory off the import path: it may contain a submission named `random.py`.
_START = "import sys; sys.path.append(sys.argv.pop(1)); from autograder.sandbox.fork_server import main; main()"
_PACKAGE_HOME = Path(__file__).resolve().parents[2]


class ForkServer:
    """An `Isolation` that forks a supervised worker for every job.

    The process starts with the first job or with `start`: a run that has no job need not wait for its imports.

    Args:
        preload: the modules that the fork server imports before it forks, or what returns them when it starts.
        level: the isolation level of the workers.

    Raises:
        IsolationError: the machine lacks a layer that the level includes.
    """

    def __init__(self, preload: Preload | Callable[[], Preload], level: Level = "full") -> None:
        self._isolated = choose(level, probe() if level != "none" else ())
        blocked = blocked_python(self._isolated.layers)
        if blocked is not None:
            raise IsolationError(
                f"Without the layer `mount`, the worker's unprivileged user must be able to read Python, but {blocked} "
                "is not accessible to other users.",
                hint=f"run as an ordinary user, or chmod o+x {blocked}",
            )
        self._exclusion = SharedLock()
        self._lock = threading.Lock()
        self._kept = ExitStack()
        self._scratch = self._kept.enter_context(run_folder())
        self._preload = preload
        self._running: set[socket.socket] = set()
        self._ready = self._closed = False
        self._started = 0.0
        self._seconds_to_start = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, if necessary, without waiting for it. Thread-safe."""
        with self._lock:
            self._start()

    def _start(self) -> None:
        if self._closed:
            raise WorkerError("The grader's fork server has ended.", hint=_DOCTOR)
        if self._process is not None:
            return
        preload = self._preload() if callable(self._preload) else self._preload
        self._started = time.monotonic()
        self._control, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-c", _START, str(_PACKAGE_HOME), str(theirs.fileno()), str(self._scratch)]
        command += [preload.entry, *preload.arguments]
        # In a separate session, Ctrl-C in the terminal reaches only the parent, which then shuts down in order.
        self._process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if not os.environ.get("AUTOGRADER_DEBUG") else None,
            start_new_session=True,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
        theirs.close()

    @property
    def alive(self) -> bool:
        """Whether jobs can be run: the process is running, or has not been started."""
        return not self._closed and (self._process is None or self._process.poll() is None)

    @property
    def pid(self) -> int | None:
        """The ID of the process; None until it has been started."""
        return None if self._process is None else self._process.pid

    @property
    def level(self) -> str:
        """The isolation level as recorded in results, including missing layers."""
        return self._isolated.level

    @property
    def layers(self) -> frozenset[str]:
        """The sandbox layers applied to every worker."""
        return self._isolated.layers

    def run(self, job: Job) -> Outcome:
        """Run one job and block until its worker has ended. Thread-safe.

        Raises:
            WorkerError: the fork server could not start or died.
        """
        if job.nested:  # waiting for the lock would wait for the job that waits for this one
            return self._run(job)
        with self._exclusion.exclusive() if job.exclusive else self._exclusion.shared():
            return self._run(job)

    def _run(self, job: Job) -> Outcome:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with self._lock:
                self._wait_until_ready()
                try:
                    socket.send_fds(self._control, [b"J"], [theirs.fileno(), *(job.channel or ())])
                except OSError as error:
                    raise WorkerError("The grader's fork server has died.", hint=_DOCTOR) from error
                self._running.add(ours)
            theirs.close()
            message = _converse(ours, job, self.layers - job.without)
            with self._lock:
                self._running.discard(ours)
        if message is None or message["end"] == "refused":
            reason = "its supervisor died" if message is None else message["detail"]
            raise WorkerError(f"A worker of the grader failed: {reason}.", hint=_DOCTOR)
        return Outcome(**message)

    def wait_until_ready(self) -> float:
        """Wait for all preloaded imports; return the seconds since the process started.

        Raises:
            WorkerError: the fork server could not start.
        """
        with self._lock:
            self._wait_until_ready()
        return self._seconds_to_start

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        self._start()
        try:
            message = wire.receive(self._control)
        except OSError:
            message = None  # closed, or reset by a process that died
        if message is None or not message["ready"]:
            detail = "it ended while starting" if message is None else message["detail"]
            raise WorkerError(f"The grader's fork server could not start: {detail}.", hint=_DOCTOR)
        self._ready = True
        self._seconds_to_start = time.monotonic() - self._started

    def close(self) -> None:
        """End the fork server and all jobs; pending `run` calls return their outcomes."""
        self._closed = True
        # Kill first: a caller that still waits for the start holds the lock until the process answers or ends.
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        with self._lock:
            if self._process is None:
                self._kept.close()
                return
            self._process.kill()  # it may have been started in the meantime
            self._process.wait()
            for connection in self._running:
                with contextlib.suppress(OSError):
                    # Supervisors kill their workers when the connection is closed for writing.
                    connection.shutdown(socket.SHUT_WR)
            self._control.close()
        deadline = time.monotonic() + _SHUTDOWN_SECONDS
        while self._running and time.monotonic() < deadline:
            time.sleep(0.01)  # a running worker would write into the folder that is removed next
        self._kept.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _converse(connection: socket.socket, job: Job, layers: frozenset[str]) -> dict[str, Any] | None:
    order = {
        "task": asdict(job.task),
        "payload": job.payload,
        "folder": str(job.folder),
        "limits": asdict(job.limits),
        "layers": sorted(layers),
    }
    try:
        wire.send(connection, order)
        return wire.receive(connection)
    except OSError:
        return None  # the supervisor has died
