"""The class report from grades: the one place that calls what draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autograder.grades import Grade, Row
from autograder.render.html import report_html
from autograder.results import Result


def report_page(rows: Sequence[Row], questions: Sequence[str]) -> str:
    """The page about the class; rows in the order of its table."""
    return report_html([as_counted(row.grade) for row in rows], questions, [row.identity for row in rows])


def as_counted(grade: Grade) -> Result:
    """The result with the points that count, for what does not know of corrections and lateness."""
    questions = tuple(replace(question, score=grade.points(question)) for question in grade.result.questions)
    return replace(grade.result, score=grade.score if questions else grade.result.score, questions=questions)
