"""Run one job, isolated: a fork server forks a supervised worker, and nothing of the job outlives it."""

from autograder.sandbox.job import Isolation, Job, Limits, Outcome, Preload, Task

__all__ = ["Isolation", "Job", "Limits", "Outcome", "Preload", "Task"]
