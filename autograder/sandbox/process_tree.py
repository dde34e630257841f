"""Measure and end the processes of one worker."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_KILL_ROUNDS = 50
_KILL_PAUSE = 0.02
_INIT = 1  # process 1 of a pid namespace belongs to the sandbox, not to the student


@dataclass
class Tree:
    """All processes of a worker.

    Args:
        launcher: process id of the supervisor's child, the leader of the worker's session.
        init: a pidfd of process 1 of the pid namespace, or None.
        table: a descriptor of that namespace's /proc, or None.
    """

    launcher: int
    init: int | None = None
    table: int | None = None

    def memory_mb(self, limit_mb: int) -> int:
        """Return the memory of these processes in MiB, including memory shared among them.

        Counts shared pages once per process first. Only if that exceeds `limit_mb`, reads proportional set sizes, which
        count pages shared with the fork server once but take longer to obtain.
        """
        simple = self._sum_mb("status", ("RssAnon:", "RssShmem:"))
        return simple if simple <= limit_mb else min(simple, self._sum_mb("smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")))

    def cpu_seconds(self) -> float:
        """Return the processor time of the running processes and of their ended children."""
        ticks = 0
        for fields in self._stat_fields():
            ticks += sum(int(field) for field in fields[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End all processes.

        When process 1 of a pid namespace ends, the kernel ends the others.
        """
        if self.init is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.init, signal.SIGKILL)
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.launcher, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.launcher, signal.SIGKILL)
        for _ in range(_KILL_ROUNDS):
            # Repeat, because a process may have forked in the meantime.
            living = self._session()
            for pid in living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if living in ([], [self.launcher]):
                return
            time.sleep(_KILL_PAUSE)

    def _sum_mb(self, file: str, keys: tuple[str, ...]) -> int:
        total_kb = 0
        for pid in self._members():
            for line in self._read(pid, file).splitlines():
                if line.startswith(keys):
                    total_kb += int(line.split()[1])
        return total_kb // 1024

    def _stat_fields(self) -> list[list[str]]:
        # The fields of proc_pid_stat(5) after the command in brackets: state, parent, group, session …
        found = (self._read(pid, "stat").rpartition(")")[2].split() for pid in self._members())
        return [fields for fields in found if len(fields) > 15]

    def _members(self) -> list[int]:
        if self.table is None:
            return self._session()
        try:
            names = os.listdir(self.table)  # noqa: PTH208 - a descriptor, not a path
        except OSError:
            return []
        return [int(name) for name in names if name.isdigit() and int(name) != _INIT]

    def _session(self) -> list[int]:
        """Return the running processes of the session; without /proc, only its leader."""
        proc = Path("/proc")
        if not proc.exists():
            return [self.launcher]
        members = []
        for entry in proc.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                    if int(fields[3]) == self.launcher and fields[0] != "Z":
                        members.append(int(entry.name))
        return members

    def _read(self, pid: int, file: str) -> str:
        try:
            if self.table is None:
                return Path(f"/proc/{pid}/{file}").read_text(errors="replace")
            descriptor = os.open(f"{pid}/{file}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.table)
            with os.fdopen(descriptor, errors="replace") as opened:
                return opened.read()
        except OSError:
            return ""
