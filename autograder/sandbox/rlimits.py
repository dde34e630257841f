"""Layer `limits`: what each process may use, kept by the kernel."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

from autograder.sandbox.job import Limits

_MB = 1 << 20
# Starting TensorFlow's share of a class's work on a few slow processors takes no more.
_CPU_FACTOR = 4


def cpu_seconds(limits: Limits) -> int:
    """The processor time one process may use, in whole seconds."""
    return max(1, round(limits.cpu_seconds or _CPU_FACTOR * limits.seconds))


def apply_limits(limits: Limits, *, own_user_namespace: bool) -> None:
    """Limit this process and what it starts. Memory is not among them: the supervisor adds it up over the tree.

    `RLIMIT_AS` would count what TensorFlow only reserves. `RLIMIT_NPROC` counts all processes of a user; it is
    meant for this worker only where that has a user namespace of its own.
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
    # If the machine runs out of memory all the same, this is whom the kernel should end.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
