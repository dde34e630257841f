"""Processor time of the notebook, separated from the grader's work in its process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Meter:
    """Measures processor time in seconds, over all threads of this process."""

    def __init__(self) -> None:
        self._grader = 0.0
        self._notebook = 0.0

    @property
    def notebook_seconds(self) -> float:
        """Processor time of the notebook's code in the cells that have ended."""
        return self._notebook

    @contextmanager
    def cell(self) -> Iterator[None]:
        """Count the time of a cell, except for the parts inside `grader`."""
        start = time.process_time() - self._grader
        yield
        self._notebook += time.process_time() - self._grader - start

    @contextmanager
    def grader(self) -> Iterator[None]:
        """Exclude the grader's work within a cell."""
        start = time.process_time()
        try:
            yield
        finally:
            self._grader += time.process_time() - start
