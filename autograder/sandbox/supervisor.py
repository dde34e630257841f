"""Keeps one worker within its limits: forks it, watches clock and memory, ends all of its processes, reports."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from autograder.sandbox import wire
from autograder.sandbox.job import End, Limits
from autograder.sandbox.worker import work

_PR_SET_PDEATHSIG = 1
_POLL_MS = 50
_KILL_ROUNDS = 50
_KILL_PAUSE = 0.02


@dataclass(frozen=True)
class _Verdict:
    end: End
    detail: str


def supervise(connection: socket.socket) -> None:
    """Receive one job, have it done by a forked worker, send the outcome. Runs in a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    job = wire.receive(connection)
    if job is None:
        return
    limits = Limits(**job["limits"])
    start = time.monotonic()
    supervisor = os.getpid()
    worker = os.fork()
    if worker == 0:
        connection.close()
        _become_worker(job, supervisor)
    verdict, peak_mb = _watch(worker, connection, limits, start)
    _kill_session(worker)
    with contextlib.suppress(OSError):
        seconds = round(time.monotonic() - start, 3)
        wire.send(connection, {"end": verdict.end, "detail": verdict.detail, "seconds": seconds, "peak_mb": peak_mb})


def _become_worker(job: dict[str, Any], supervisor: int) -> NoReturn:
    try:
        os.setsid()
        _die_with(supervisor)
        work(job["room"], job["payload"], Path(job["folder"]))
        os._exit(0)
    finally:
        # Reached only when the work raised: a broken worker must never run on into the supervisor's code.
        os._exit(1)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; only Linux can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it died before we asked


def _watch(worker: int, connection: socket.socket, limits: Limits, start: float) -> tuple[_Verdict, int]:
    poller = select.poll()
    poller.register(connection, select.POLLIN)  # after the job nothing comes but the grader's end
    peak_mb = 0
    while True:
        ended, status = os.waitpid(worker, os.WNOHANG)
        if ended:
            return _describe(status), peak_mb
        memory_mb = _session_memory_mb(worker)
        peak_mb = max(peak_mb, memory_mb)
        if memory_mb > limits.memory_mb:
            verdict = _Verdict("out_of_memory", f"it used more than {limits.memory_mb} MB of memory")
        elif time.monotonic() - start > limits.seconds:
            verdict = _Verdict("timeout", f"it was still running after {limits.seconds:g} seconds")
        elif poller.poll(_POLL_MS):
            verdict = _Verdict("crashed", "the grader went away")
        else:
            continue
        _kill_session(worker)
        os.waitpid(worker, 0)
        return verdict, peak_mb


def _describe(status: int) -> _Verdict:
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return _Verdict("done", "")
    if code < 0:
        return _Verdict("crashed", f"its process was ended by signal {_signal_name(-code)}")
    return _Verdict("crashed", f"its process ended itself with exit code {code}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)  # real-time signals have no names


def _session_members(leader: int) -> list[int]:
    """The living processes of the session that `leader` founded; on systems without /proc only the leader itself."""
    proc = Path("/proc")
    if not proc.exists():
        return [leader]
    members = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                # The fields after the command's closing bracket: state, parent, group, session.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader and fields[0] != "Z":
                    members.append(int(entry.name))
    return members


def _session_memory_mb(leader: int) -> int:
    total_kb = 0
    for pid in _session_members(leader):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(("RssAnon:", "RssShmem:")):
                    total_kb += int(line.split()[1])
    return total_kb // 1024


def _kill_session(leader: int) -> None:
    """Kill a session's processes until none is left, or until it would take too long."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    for _ in range(_KILL_ROUNDS):
        # Again, because one of them may have been forking meanwhile.
        living = _session_members(leader)
        for pid in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if living in ([], [leader]):
            return
        time.sleep(_KILL_PAUSE)
