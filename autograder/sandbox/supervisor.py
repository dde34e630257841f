"""Supervise one worker: fork it, enforce its limits, report its outcome."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import shutil
import signal
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.sandbox import wire
from autograder.sandbox.collect import collect
from autograder.sandbox.container import enter_container, prepare_folder
from autograder.sandbox.job import End, Limits, Order, Task
from autograder.sandbox.messages import channel, receive_message
from autograder.sandbox.process_tree import Tree
from autograder.sandbox.rlimits import cpu_seconds

_POLL_MS = 50
_MB = 1 << 20


@dataclass(frozen=True)
class _Verdict:
    end: End
    detail: str


@dataclass
class _Watched:
    """The state of a worker so far.

    Args:
        tree: its processes.
        channel: the connection to its container; None after it was closed.
        folder: a descriptor of its output folder.
        status: its wait status (`os.waitpid`).
        failed: why the container could not be built.
        ready: whether the container is complete.
        peak_mb: highest memory usage seen, in MiB.
        descriptors: received descriptors, to close at the end.
    """

    tree: Tree
    channel: socket.socket | None
    folder: int | None = None
    status: int | None = None
    failed: str | None = None
    ready: bool = False
    peak_mb: int = 0
    descriptors: list[int] = field(default_factory=list)


def supervise(connection: socket.socket, kept: tuple[int, ...] = ()) -> None:
    """Receive one job, run it in a forked worker and send the outcome.

    Runs in its own process.

    Args:
        connection: to the grader.
        kept: the descriptors of the job's channel, which only the worker keeps.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message = wire.receive(connection)
    if message is None:
        return
    order = _order(message, kept)
    start = time.monotonic()
    if order.input_folder is not None:
        order.input_folder.mkdir(exist_ok=True)  # the earlier worker may have left none
    container = prepare_folder(order)
    ours, theirs = channel()
    supervisor = os.getpid()
    launcher = os.fork()
    if launcher == 0:
        connection.close()
        ours.close()
        enter_container(order, theirs, supervisor)
    theirs.close()
    for descriptor in kept:
        os.close(descriptor)
    watched = _Watched(Tree(launcher), ours)
    verdict = _watch(watched, connection, order, start)
    _collect(watched, order, container)
    with contextlib.suppress(OSError):
        seconds = round(time.monotonic() - start, 3)
        answer = {"end": verdict.end, "detail": verdict.detail, "seconds": seconds, "peak_mb": watched.peak_mb}
        wire.send(connection, {**answer, "cpu_seconds": round(_processor_seconds(), 3)})


def _processor_seconds() -> float:
    """Return the processor time of this process and of all its awaited descendants."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _order(message: dict[str, Any], channel: tuple[int, ...]) -> Order:
    return Order(
        task=Task(**message["task"]),
        payload=message["payload"],
        folder=Path(message["folder"]),
        limits=Limits(**message["limits"]),
        layers=frozenset(message["layers"]),
        channel=channel,
    )


def _watch(watched: _Watched, connection: socket.socket, order: Order, start: float) -> _Verdict:
    """Wait for the worker or end it; return when all of its processes have ended."""
    poller = select.poll()
    poller.register(connection, select.POLLIN)  # readable only when the grader closes it
    if watched.channel is not None:
        poller.register(watched.channel, select.POLLIN)
    verdict: _Verdict | None = None
    while True:
        ended, status = os.waitpid(watched.tree.launcher, os.WNOHANG)
        if ended:
            while watched.channel is not None and _hear(watched, poller):
                pass
            watched.tree.kill()
            return verdict or _describe(watched, status, order.limits)
        verdict = verdict or _exceeded(watched, order, start)
        events = {descriptor for descriptor, _ in poller.poll(_POLL_MS)}
        if watched.channel is not None and watched.channel.fileno() in events:
            _hear(watched, poller)
        elif connection.fileno() in events and verdict is None:
            verdict = _Verdict("crashed", "the grader ended")
        if verdict is not None:
            watched.tree.kill()
            _end_launcher(watched)


def _hear(watched: _Watched, poller: select.poll) -> bool:
    """Process one message from the container; return False after the last one."""
    assert watched.channel is not None  # noqa: S101 - for the type checker; callers check first
    heard = receive_message(watched.channel)
    if heard is None:
        poller.unregister(watched.channel)
        watched.channel.close()
        watched.channel = None
        return False
    message, descriptors = heard
    watched.descriptors += descriptors
    if "init" in message:
        watched.tree.init = descriptors[0]
    elif "ready" in message:
        watched.ready = True
        watched.folder = descriptors[0]
        watched.tree.table = descriptors[1] if len(descriptors) > 1 else None
    elif "status" in message:
        watched.status = int(message["status"])
    elif "failed" in message:
        watched.failed = str(message["failed"])
    return True


def _exceeded(watched: _Watched, order: Order, start: float) -> _Verdict | None:
    """Return a verdict if a limit is exceeded (layers `memory` and `clock`)."""
    limits = order.limits
    # While the container is being built, it contains only copies of the supervisor.
    memory_mb = watched.tree.memory_mb(limits.memory_mb) if watched.ready else 0
    watched.peak_mb = max(watched.peak_mb, memory_mb)
    if memory_mb > limits.memory_mb and "memory" in order.layers:
        return _Verdict("out_of_memory", f"it used more than {limits.memory_mb} MB of memory")
    if time.monotonic() - start > limits.seconds and "clock" in order.layers:
        return _Verdict("timeout", f"it was still running after {limits.seconds:g} seconds")
    return None


def _end_launcher(watched: _Watched) -> None:
    """End the launcher of an incomplete container, which has no process 1 yet."""
    if watched.tree.init is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(watched.tree.launcher, signal.SIGKILL)


def _describe(watched: _Watched, launcher_status: int, limits: Limits) -> _Verdict:
    if watched.failed is not None or not watched.ready:
        return _Verdict("refused", watched.failed or "the sandbox could not be built")
    status = launcher_status if watched.tree.init is None else watched.status
    if status is None:
        return _Verdict("crashed", "all of its processes were killed from outside")
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return _Verdict("done", "")
    if code == -getattr(signal, "SIGXCPU", 0):
        return _Verdict("timeout", f"it used more than {cpu_seconds(limits)} seconds of processor time")
    if code < 0:
        return _Verdict("crashed", f"its process was killed by signal {_signal_name(-code)}")
    return _Verdict("crashed", f"its process ended with exit code {code}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)  # real-time signals have no names


def _collect(watched: _Watched, order: Order, container: Path) -> None:
    """Collect the worker's output; all of its processes have ended."""
    if watched.folder is not None:
        with contextlib.suppress(OSError):  # unreadable output counts as missing
            collect(watched.folder, order.folder, order.task.outputs, max_bytes=order.limits.output_mb * _MB)
    for descriptor in watched.descriptors:
        os.close(descriptor)
    shutil.rmtree(container, ignore_errors=True)
