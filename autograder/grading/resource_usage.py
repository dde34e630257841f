"""What a submission cost: the sum over its jobs, whoever asked for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from autograder.sandbox import Isolation, Job, Outcome


@dataclass
class MeasuredIsolation:
    """An isolation that adds up what the jobs passed through it have used: processor seconds, largest memory in MiB."""

    inner: Isolation
    cpu_seconds: float = field(default=0.0, init=False)
    peak_mb: int = field(default=0, init=False)

    @property
    def level(self) -> str:
        """The level of the isolation behind it."""
        return self.inner.level

    def run(self, job: Job) -> Outcome:
        """Have the job done and note what it took."""
        outcome = self.inner.run(job)
        self.cpu_seconds += outcome.cpu_seconds
        self.peak_mb = max(self.peak_mb, outcome.peak_mb)
        return outcome
