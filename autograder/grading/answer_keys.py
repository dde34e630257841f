"""Tests that a lab's own answer key does not pass: they judge nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autograder.errors import SubmissionError, WorkerError
from autograder.notebooks.notebook import Notebook, read_notebook

KEY_FAILS = "the answer key does not pass it on this machine either"


class AnswerKeys:
    """The answer keys of the labs, run only when a test met an error that it did not foresee.

    Such an error is usually caused by an odd answer. If the key fails the same test, it is the test's own fault, or
    that of the machine.

    Args:
        solutions: the path of the solution notebook by lab; without one, a test is trusted.
    """

    def __init__(self, solutions: Mapping[str, Path] | None = None) -> None:
        self._solutions = dict(solutions or {})
        self._lock = threading.Lock()
        self._failed: dict[str, frozenset[str]] = {}

    def failed_tests(self, lab: str, check: Callable[[Notebook], Mapping[str, Any]]) -> frozenset[str]:
        """Return the names of the tests that the key of a lab fails; safe to call from several threads.

        Args:
            lab: the lab.
            check: runs a notebook and gives its verdicts (see `autograder.checker.main`).
        """
        with self._lock:
            if lab not in self._failed:
                self._failed[lab] = self._find(lab, check)
            return self._failed[lab]

    def _find(self, lab: str, check: Callable[[Notebook], Mapping[str, Any]]) -> frozenset[str]:
        if lab not in self._solutions:
            return frozenset()
        try:
            verdicts = check(read_notebook(self._solutions[lab].read_bytes()))
        except (OSError, SubmissionError, WorkerError):
            return frozenset()
        tests = [test for verdict in verdicts.values() for test in verdict["tests"]]
        return frozenset(test["name"] for test in tests if not test["passed"])


def met_the_unforeseen(verdicts: Mapping[str, Any]) -> bool:
    """Say whether a test met an error that it did not foresee and that is not known to be its own fault."""
    tests = [test for verdict in verdicts.values() for test in verdict["tests"]]
    return any(test.get("unforeseen") and not test.get("defect") for test in tests)


def blame_tests(verdicts: Mapping[str, Any], failed: frozenset[str]) -> None:
    """Record in the verdicts that a test which met such an error is defective, if it is among these tests."""
    for verdict in verdicts.values():
        for test in verdict["tests"]:
            if test.get("unforeseen") and not test["defect"] and test["name"] in failed:
                test["defect"] = f"{KEY_FAILS} ({test['message']})"
