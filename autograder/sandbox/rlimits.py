"""Resource limits per process (layer `limits`, setrlimit(2))."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

from autograder.sandbox.job import Limits

_MB = 1 << 20
# Processor time may exceed wall-clock time because TensorFlow runs several threads.
_CPU_FACTOR = 4


def cpu_seconds(limits: Limits) -> int:
    """Return the processor time limit of one process in whole seconds."""
    return max(1, round(limits.cpu_seconds or _CPU_FACTOR * limits.seconds))


def apply_limits(limits: Limits, *, own_user_namespace: bool) -> None:
    """Limit this process and its children.

    Memory is limited by the supervisor instead: `RLIMIT_AS` would count address space that TensorFlow merely reserves.
    `RLIMIT_NPROC` counts all processes of a user, so it is set only in a separate user namespace.
    """
    cpu = cpu_seconds(limits)
    wanted = [
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_FSIZE, limits.file_mb * _MB, limits.file_mb * _MB),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
    ]
    if own_user_namespace:
        wanted.append((resource.RLIMIT_NPROC, limits.processes, limits.processes))
    for kind, soft, hard in wanted:
        _, ceiling = resource.getrlimit(kind)
        lower = [value if ceiling == resource.RLIM_INFINITY else min(value, ceiling) for value in (soft, hard)]
        resource.setrlimit(kind, (lower[0], lower[1]))
    # If the machine runs out of memory anyway, the kernel should end this process first.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
