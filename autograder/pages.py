"""The pages of a class from its grades: the one place that calls what draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autograder.grades import Grade, Row
from autograder.moments import duration_text
from autograder.render.html import feedback_html, report_html
from autograder.render.words import points
from autograder.results import Result


def feedback_page(grade: Grade, executed: bytes | None) -> str:  # noqa: ARG001 - for the page to come
    """The page of one submission; `executed` is its notebook as executed by the grader, where there is one."""
    told = [
        f"Corrected by hand: {override.question} counts {points(override.points)} ({override.reason})"
        for override in grade.overrides.values()
    ]
    if grade.lateness is not None:
        told.append(
            f"Handed in {duration_text(grade.lateness.seconds)} late: {points(grade.deduction)} points taken off"
        )
    counted = as_counted(grade)
    return feedback_html(replace(counted, detail="; ".join([*filter(None, [counted.detail]), *told]) or None))


def report_page(rows: Sequence[Row], questions: Sequence[str]) -> str:
    """The page about the class; rows in the order of its table."""
    return report_html([as_counted(row.grade) for row in rows], questions, [row.identity for row in rows])


def as_counted(grade: Grade) -> Result:
    """The result with the points that count, for what does not know of corrections and lateness."""
    questions = tuple(replace(question, score=grade.points(question)) for question in grade.result.questions)
    return replace(grade.result, score=grade.score if questions else grade.result.score, questions=questions)
