"""Run one job in isolation: a fork server forks a supervised worker per job."""

from autograder.sandbox.job import Isolation, Job, Limits, Outcome, Preload, Task

__all__ = ["Isolation", "Job", "Limits", "Outcome", "Preload", "Task"]
