"""Tests that could not use an answer, and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.report.mistakes import pattern
from autograder.results.result import ANSWER_UNUSABLE, NOT_EXPECTED, RESULT_UNUSABLE, Result, TestResult

_SUBJECTS = {ANSWER_UNUSABLE: "{name}: ", RESULT_UNUSABLE: "result of {name}: ", NOT_EXPECTED: ""}


@dataclass(frozen=True)
class UnusableAnswer:
    """A kind of answer that a test could not use.

    Args:
        lab: the lab of the test.
        question: its question.
        test: its name.
        reason: the answer and what kind of answer it is, as in the first of the submissions; not sanitized.
        submissions: the submissions with such an answer, in the order of the results.
    """

    lab: str | None
    question: str
    test: str
    reason: str
    submissions: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of submissions."""
        return len(self.submissions)


def unusable_answers(results: Sequence[Result]) -> tuple[UnusableAnswer, ...]:
    """Return tests that could not use a kind of answer; most submissions first."""
    reasons: dict[tuple[str | None, str, str, str], str] = {}
    submissions: dict[tuple[str | None, str, str, str], dict[str, None]] = {}
    for result in results:
        for question in result.questions:
            for test in question.tests:
                if test.message_id in _SUBJECTS and not test.passed:
                    reason = _reason(test)
                    key = (result.lab, question.name, test.name, pattern(reason))
                    reasons.setdefault(key, reason)
                    submissions.setdefault(key, {})[result.submission] = None
    ranked = sorted(submissions, key=lambda key: -len(submissions[key]))
    return tuple(UnusableAnswer(*key[:3], reasons[key], tuple(submissions[key])) for key in ranked)


def _reason(test: TestResult) -> str:
    subject = _SUBJECTS[test.message_id].format(name=test.values.get("name", ""))
    return f"{subject}{test.values.get('reason', '')}"
