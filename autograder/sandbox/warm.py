"""The parent's side of the warm process: starts it, hands it jobs, ends it. Imports nothing heavy."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograder.errors import WorkerError
from autograder.sandbox import wire
from autograder.sandbox.job import Job, Outcome

_DOCTOR = "autograder doctor"


class WarmProcess:
    """An `Isolation` backed by one warm process that forks a supervised worker for every job.

    Args:
        mnist: path of the verified npz to serve to student code and tests, or None for labs that need no MNIST.
    """

    level = "none"  # separate processes with limits only, until the sandbox has its layers

    def __init__(self, mnist: Path | None) -> None:
        self._lock = threading.Lock()
        self._running: set[socket.socket] = set()
        self._ready = False
        self._started = time.monotonic()
        self._seconds_to_start = 0.0
        self._control, theirs = socket.socketpair()
        command = [sys.executable, "-m", "autograder.sandbox.zygote", str(theirs.fileno())]
        if mnist is not None:
            command.append(str(mnist))
        # A session of its own: Ctrl-C in the terminal reaches only the parent, which then ends everything in order.
        self._process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if not os.environ.get("AUTOGRADER_DEBUG") else None,
            start_new_session=True,
        )
        theirs.close()

    def run(self, job: Job) -> Outcome:
        """Have one job done; blocks until its worker has ended. Safe to call from several threads.

        Raises:
            WorkerError: the warm process could not start or died.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with self._lock:
                self._wait_until_ready()
                try:
                    socket.send_fds(self._control, [b"J"], [theirs.fileno()])
                except OSError as error:
                    raise WorkerError("The grader's warm process has died.", hint=_DOCTOR) from error
                self._running.add(ours)
            theirs.close()
            message = _converse(ours, job)
            with self._lock:
                self._running.discard(ours)
        if message is None or message["end"] == "refused":
            reason = "its supervisor died" if message is None else message["detail"]
            raise WorkerError(f"A worker of the grader could not do its job: {reason}.", hint=_DOCTOR)
        return Outcome(**message)

    def wait_until_ready(self) -> float:
        """Wait until everything is imported; returns the seconds that took from the start of the process.

        Raises:
            WorkerError: it could not start.
        """
        with self._lock:
            self._wait_until_ready()
        return self._seconds_to_start

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        message = wire.receive(self._control)
        if message is None or not message["ready"]:
            detail = "it ended while starting" if message is None else message["detail"]
            raise WorkerError(f"The grader's warm process could not start: {detail}.", hint=_DOCTOR)
        self._ready = True
        self._seconds_to_start = time.monotonic() - self._started

    def close(self) -> None:
        """End the warm process and every job: supervisors kill their workers when their parent hangs up."""
        with self._lock:
            for connection in self._running:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._control.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _converse(connection: socket.socket, job: Job) -> dict[str, Any] | None:
    order = {"room": job.room, "payload": job.payload, "folder": str(job.folder), "limits": asdict(job.limits)}
    try:
        wire.send(connection, order)
        return wire.receive(connection)
    except OSError:
        return None  # a supervisor that is gone answers nothing
