"""Steps of grading a submission, for progress displays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from autograder.sandbox import Isolation, Job, Outcome

# sent: passed to the executor; preparing: reading it, or waiting for what all submissions need; again: retrying
# exclusively because the machine was overloaded.
Step = Literal["sent", "preparing", "running", "again", "checking"]


@dataclass(frozen=True)
class ReportingIsolation:
    """An isolation that reports the purpose of each job before it starts.

    Args:
        inner: runs the jobs.
        tell: called in the thread of the job; must return quickly.
    """

    inner: Isolation
    tell: Callable[[Step], None]

    @property
    def level(self) -> str:
        """The level of the inner isolation."""
        return self.inner.level

    def run(self, job: Job) -> Outcome:
        """Report the step and run the job."""
        if job.nested:
            pass  # a check during the run does not change the step
        elif job.task.untrusted:
            self.tell("again" if job.exclusive else "running")
        else:
            self.tell("checking")
        return self.inner.run(job)
