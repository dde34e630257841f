"""Detect tests that a lab's own answer key fails; such tests are defective."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from autograder.errors import SubmissionError, WorkerError
from autograder.handover.protocol import TestVerdict, Verdict
from autograder.notebooks.notebook import Notebook, read_notebook

KEY_FAILS = "the answer key fails it on this machine, too"


class AnswerKeys:
    """The answer keys of the labs, run only if a test met an unexpected error.

    Such an error is usually caused by an unusual answer. If the key fails the same test, the test or the machine is at
    fault.

    Args:
        solutions: the path of the solution notebook by lab; tests of other labs are trusted.
    """

    def __init__(self, solutions: Mapping[str, Path] | None = None) -> None:
        self._solutions = dict(solutions or {})
        self._lock = threading.Lock()
        self._failed: dict[str, frozenset[str]] = {}

    def failed_tests(self, lab: str, check: Callable[[Notebook], Mapping[str, Verdict]]) -> frozenset[str]:
        """Return the names of the tests that a lab's key fails. Thread-safe.

        Args:
            lab: the lab.
            check: runs a notebook and returns its verdicts.
        """
        with self._lock:
            if lab not in self._failed:
                self._failed[lab] = self._find(lab, check)
            return self._failed[lab]

    def _find(self, lab: str, check: Callable[[Notebook], Mapping[str, Verdict]]) -> frozenset[str]:
        if lab not in self._solutions:
            return frozenset()
        try:
            verdicts = check(read_notebook(self._solutions[lab].read_bytes()))
        except (OSError, SubmissionError, WorkerError):
            return frozenset()
        return frozenset(test.name for verdict in verdicts.values() for test in verdict.tests if not test.passed)


def met_the_unforeseen(verdicts: Mapping[str, Verdict]) -> bool:
    """Return whether a test met an unexpected error of unknown cause."""
    return any(test.unforeseen and not test.defect for verdict in verdicts.values() for test in verdict.tests)


def blame_tests(verdicts: Mapping[str, Verdict], failed: frozenset[str]) -> dict[str, Verdict]:
    """Mark tests that met an unexpected error as defective if the key fails them, too."""

    def blamed(test: TestVerdict) -> TestVerdict:
        if not test.unforeseen or test.defect or test.name not in failed:
            return test
        return replace(test, defect=f"{KEY_FAILS} ({test.message})")

    return {name: replace(found, tests=tuple(map(blamed, found.tests))) for name, found in verdicts.items()}
