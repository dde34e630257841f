"""Where jobs run: a warm process forks one supervised worker per job, and nothing of the job outlives it."""

from autograder.sandbox.job import Isolation, Job, Limits, Outcome

__all__ = ["Isolation", "Job", "Limits", "Outcome"]
