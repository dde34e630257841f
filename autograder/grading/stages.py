"""What becomes of a submission on its way, for whoever watches a class being graded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from autograder.sandbox import Isolation, Job, Outcome

# sent: handed to the executor; preparing: read, or waiting for what all submissions need; again: running once more,
# alone, because the machine was busy.
Step = Literal["sent", "preparing", "running", "again", "checking"]


@dataclass(frozen=True)
class ReportingIsolation:
    """An isolation that tells what each job is for before it begins.

    Args:
        inner: does the jobs.
        tell: is called in the thread that has the job done, and must return at once.
    """

    inner: Isolation
    tell: Callable[[Step], None]

    @property
    def level(self) -> str:
        """The level of the isolation behind it."""
        return self.inner.level

    def run(self, job: Job) -> Outcome:
        """Tell, and have the job done."""
        if job.nested:
            pass  # while the notebook waits, the step is still that of the notebook
        elif job.task.untrusted:
            self.tell("again" if job.exclusive else "running")
        else:
            self.tell("checking")
        return self.inner.run(job)
