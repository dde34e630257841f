"""Small classes of results, built by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograder.grades import Grade, Row
from autograder.results import QuestionResult, QuestionStatus, Result, TestResult


def question(
    name: str,
    score: float,
    max_score: float = 2.0,
    *messages: str,
    status: QuestionStatus | None = None,
    reason: str = "",
) -> QuestionResult:
    """A question with a failed test for each message; its status follows from the score where none is given."""
    found: QuestionStatus = "passed" if score == max_score else "partial" if score else "failed"
    tests = tuple(TestResult(f"test_{name}_{i}", i > 0, False, message) for i, message in enumerate(messages))
    return QuestionResult(name, status or found, score, max_score, tests, reason)


def row(identity: str, *questions: QuestionResult, grade: Mapping[str, Any] | None = None, **more: Any) -> Row:
    """A submission; `more` are fields of its result, `grade` of its grade."""
    fields: dict[str, Any] = {
        "submission": identity,
        "sha256": "",
        "lab": "lab",
        "isolation": "full",
        "status": "graded",
        "detail": None,
        "score": sum(q.score for q in questions),
        "max_score": sum(q.max_score for q in questions),
        "seconds": 2.0,
        "questions": questions,
        **more,
    }
    return Row(identity, Grade(Result(**fields), **(grade or {})))


def rows_of(points: Sequence[Sequence[float]], max_score: float = 4.0) -> list[Row]:
    """A submission for each line, with the points of its questions q1, q2, …"""
    return [
        row(f"s{number}", *(question(f"q{place}", score, max_score) for place, score in enumerate(line, start=1)))
        for number, line in enumerate(points)
    ]
