"""A job that runs into the clock on a busy machine gets another chance, alone."""

from __future__ import annotations

import os
from dataclasses import replace

from autograder.jobfiles import remove_folder
from autograder.runner.journal import JOURNAL, OUTBOX
from autograder.runner.shown import SHOWN
from autograder.sandbox import Isolation, Job, Outcome

SECOND_TRY = "it ran into the time limit while the machine was busy and was run once more, alone"


def run_with_second_try(isolation: Isolation, job: Job) -> tuple[Outcome, bool]:
    """Run a job; again, while nothing else runs, if it hit the wall clock and the machine had more to do than it can.

    Returns:
        The last outcome, and whether there was a second try.
    """
    outcome = isolation.run(job)
    by_the_clock = outcome.end == "timeout" and outcome.seconds >= job.limits.seconds  # not by processor time
    if not by_the_clock or not machine_is_busy():
        return outcome, False
    if job.room == "runner":
        for name in (JOURNAL, SHOWN):
            (job.folder / name).unlink(missing_ok=True)
        remove_folder(job.folder / OUTBOX)
    return isolation.run(replace(job, alone=True)), True


def machine_is_busy() -> bool:
    """Whether more processes wanted to run in the last minute than there are processors."""
    if not hasattr(os, "getloadavg"):
        return False
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return os.getloadavg()[0] > processors
