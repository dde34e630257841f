"""Whose processor time it was: the notebook's, or the grader's while it works in the notebook's process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Meter:
    """Splits the processor time of this process, all its threads together, in seconds."""

    def __init__(self) -> None:
        self._grader = 0.0
        self._notebook = 0.0

    @property
    def notebook_seconds(self) -> float:
        """What the notebook's own code has used so far, without the cell that runs."""
        return self._notebook

    @contextmanager
    def cell(self) -> Iterator[None]:
        """Around a cell: its time is the notebook's, but for what `grader` covers."""
        start = time.process_time() - self._grader
        yield
        self._notebook += time.process_time() - self._grader - start

    @contextmanager
    def grader(self) -> Iterator[None]:
        """Around the grader's work within a cell."""
        start = time.process_time()
        try:
            yield
        finally:
            self._grader += time.process_time() - start
