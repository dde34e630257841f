"""Retry a timed-out job once, exclusively, if the machine was overloaded."""

from __future__ import annotations

import os
from dataclasses import replace

from autograder.handover.journal import HANDOVER, JOURNAL
from autograder.handover.outputs import OUTPUTS
from autograder.sandbox import Isolation, Job, Outcome
from autograder.sandbox.job_files import remove_folder


def run_with_retry(isolation: Isolation, job: Job) -> tuple[Outcome, bool]:
    """Run a job.

    Retry it exclusively if it timed out while the machine was overloaded.

    Returns:
        The last outcome, and whether the job was retried.
    """
    outcome = isolation.run(job)
    by_the_clock = outcome.end == "timeout" and outcome.seconds >= job.limits.seconds  # not by the processor time limit
    if not by_the_clock or not machine_is_busy():
        return outcome, False
    if job.task.untrusted:
        for name in (JOURNAL, OUTPUTS):
            (job.folder / name).unlink(missing_ok=True)
        remove_folder(job.folder / HANDOVER)
    return isolation.run(replace(job, exclusive=True)), True


def machine_is_busy() -> bool:
    """Return whether the 1-minute load average exceeds the number of processors."""
    if not hasattr(os, "getloadavg"):
        return False
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return os.getloadavg()[0] > processors
