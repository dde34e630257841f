"""A job that runs into the clock on a busy machine gets another chance, alone."""

from __future__ import annotations

import os
from dataclasses import replace

from autograder.handover.journal import HANDOVER, JOURNAL
from autograder.handover.outputs import OUTPUTS
from autograder.sandbox import Isolation, Job, Outcome
from autograder.sandbox.job_files import remove_folder


def run_with_retry(isolation: Isolation, job: Job) -> tuple[Outcome, bool]:
    """Run a job; again, while nothing else runs, if it hit the wall clock and the machine had more to do than it can.

    Returns:
        The last outcome, and whether there was a second try.
    """
    outcome = isolation.run(job)
    by_the_clock = outcome.end == "timeout" and outcome.seconds >= job.limits.seconds  # not by processor time
    if not by_the_clock or not machine_is_busy():
        return outcome, False
    if job.task.untrusted:
        for name in (JOURNAL, OUTPUTS):
            (job.folder / name).unlink(missing_ok=True)
        remove_folder(job.folder / HANDOVER)
    return isolation.run(replace(job, exclusive=True)), True


def machine_is_busy() -> bool:
    """Whether more processes wanted to run in the last minute than there are processors."""
    if not hasattr(os, "getloadavg"):
        return False
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return os.getloadavg()[0] > processors
