"""Run a command and measure wall-clock time, processor time and memory.

Memory is that of its first process.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Took:
    """What a command took.

    `cpu_seconds` counts the process and all it has waited for; `peak_mb` is the most memory its first process held.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: int


class FailedError(Exception):
    """A command of the benchmark ended with an error, so its figures are invalid."""


def run(command: Sequence[str | Path], *, folder: Path, variables: Mapping[str, str] | None = None) -> Took:
    """Run a command to its end.

    Raises:
        FailedError: it ended with another exit code than 0.
    """
    log = folder / "command.log"
    start = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        peak = _Peak(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]
        raise FailedError(f"{' '.join(map(str, command))}\nended with exit code {process.returncode}:\n{tail}")
    return Took(seconds, usage.ru_utime + usage.ru_stime, peak.stop())


class _Peak:
    """Watches the resident memory of one process; 0 where there is no /proc."""

    def __init__(self, pid: int) -> None:
        self._file = Path(f"/proc/{pid}/status")
        self._peak_kb = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            try:
                lines = self._file.read_text(encoding="ascii").splitlines()
            except OSError:
                return
            for line in lines:
                if line.startswith("VmRSS:"):
                    self._peak_kb = max(self._peak_kb, int(line.split()[1]))

    def stop(self) -> int:
        """Return the peak in MiB."""
        self._ended.set()
        self._thread.join()
        return self._peak_kb // 1024
