"""The processes of one worker as the supervisor sees them: which they are, what memory they hold, ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_KILL_ROUNDS = 50
_KILL_PAUSE = 0.02
_INIT = 1  # of a pid namespace: the sandbox's own, not the student's


@dataclass
class Tree:
    """All processes of a worker.

    Args:
        launcher: the child of the supervisor, leader of the worker's session.
        init: a descriptor of the first process of the pid namespace, where there is one.
        table: a descriptor of that namespace's /proc, where there is one.
    """

    launcher: int
    init: int | None = None
    table: int | None = None

    def memory_mb(self, limit_mb: int) -> int:
        """Memory in MiB that these processes hold themselves or share with one another.

        Counts every page for every process, unless that is over `limit_mb`: then pages that several share (as
        with the fork server they were forked from) count once in all, which takes longer to find out.
        """
        simple = self._sum_mb("status", ("RssAnon:", "RssShmem:"))
        return simple if simple <= limit_mb else min(simple, self._sum_mb("smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")))

    def cpu_seconds(self) -> float:
        """Processor time of the processes that are still there and of their children that have ended."""
        ticks = 0
        for fields in self._stat_fields():
            ticks += sum(int(field) for field in fields[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End all of them. After a pid namespace's first process the kernel ends every other."""
        if self.init is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.init, signal.SIGKILL)
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.launcher, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.launcher, signal.SIGKILL)
        for _ in range(_KILL_ROUNDS):
            # Again, because one of them may have been forking meanwhile.
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
        # The fields after the command's closing bracket: state, parent, group, session …
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
        """The living processes of the session; on systems without /proc only the leader itself."""
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
