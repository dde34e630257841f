"""Resource usage of a submission, summed over its jobs."""

from __future__ import annotations

from dataclasses import dataclass, field

from autograder.sandbox import Isolation, Job, Outcome


@dataclass
class MeasuredIsolation:
    """An isolation that sums processor seconds and records peak memory in MiB."""

    inner: Isolation
    cpu_seconds: float = field(default=0.0, init=False)
    peak_mb: int = field(default=0, init=False)

    @property
    def level(self) -> str:
        """The level of the inner isolation."""
        return self.inner.level

    def run(self, job: Job) -> Outcome:
        """Run the job and record its usage."""
        outcome = self.inner.run(job)
        self.cpu_seconds += outcome.cpu_seconds
        self.peak_mb = max(self.peak_mb, outcome.peak_mb)
        return outcome
