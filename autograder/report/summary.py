"""Summary of a class for the terminal and for scripts. Pure."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from autograder.report.mistakes import Mistake, common_mistakes, distinct
from autograder.report.unusable import UnusableAnswer, unusable_answers
from autograder.results.grade import Row, Waiting, waiting_in
from autograder.results.result import SubmissionStatus

# In order of urgency.
_MOST_URGENT: tuple[SubmissionStatus, ...] = ("grader_error", "timeout", "out_of_memory", "crashed", "unreadable")
_MISTAKES = 3


@dataclass(frozen=True)
class LabMarks:
    """Marks of one lab in points, without submissions that could not be marked."""

    lab: str
    marked: int
    mean: float
    median: float
    max_score: float


@dataclass(frozen=True)
class ClassSummary:
    """A class at a glance.

    Args:
        submissions: number of submissions.
        statuses: number of submissions by status.
        labs: marks by lab.
        mistakes: the most common mistakes.
        unusable: tests that could not use an answer.
        waiting: how many questions wait for a person, so that scores are provisional.
    """

    submissions: int
    statuses: dict[SubmissionStatus, int]
    labs: tuple[LabMarks, ...]
    mistakes: tuple[Mistake, ...]
    unusable: tuple[UnusableAnswer, ...]
    waiting: Waiting


@dataclass(frozen=True)
class Effort:
    """Duration of a run.

    Args:
        seconds: wall-clock time.
        graded: submissions graded in this run.
        kept: submissions graded in earlier runs.
    """

    seconds: float
    graded: int
    kept: int = 0

    @property
    def per_minute(self) -> float:
        """Submissions graded per minute."""
        return 60 * self.graded / self.seconds if self.seconds > 0 else 0.0


def summarise(rows: Sequence[Row]) -> ClassSummary:
    """Summarise a class; scores include corrections and late deductions."""
    statuses = Counter(row.grade.result.status for row in rows)
    results = [row.grade.result for row in rows]
    marked = [row.grade for row in rows if row.grade.result.is_marked]
    labs = dict.fromkeys(grade.result.lab for grade in marked if grade.result.lab is not None)
    return ClassSummary(
        submissions=len(rows),
        statuses={status: statuses[status] for status in ("graded", *_MOST_URGENT) if statuses[status]},
        labs=tuple(
            LabMarks(
                lab,
                len(scores),
                round(mean(scores), 2),
                round(median(scores), 2),
                max(grade.result.max_score for grade in marked if grade.result.lab == lab),
            )
            for lab in labs
            for scores in [[grade.score for grade in marked if grade.result.lab == lab]]
        ),
        mistakes=distinct(common_mistakes(results, sys.maxsize))[:_MISTAKES],
        unusable=unusable_answers(results),
        waiting=waiting_in(rows),
    )


def need_attention(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the submissions that a person should check, most urgent first.

    Grader errors, stopped and unreadable submissions, then submissions with a remark.
    """
    urgency: dict[SubmissionStatus, int] = {status: place for place, status in enumerate((*_MOST_URGENT, "graded"))}
    results = [(row, row.grade.result) for row in rows]
    found: list[tuple[Row, SubmissionStatus]] = [
        (row, "grader_error" if result.has_grader_error else result.status)
        for row, result in results
        if not row.grade.is_by_hand
        and (result.status != "graded" or result.detail or result.retried or result.has_grader_error)
    ]
    return tuple(row for row, _ in sorted(found, key=lambda entry: urgency[entry[1]]))


def lowest(rows: Sequence[Row], most: int) -> tuple[Row, ...]:
    """Return the graded submissions with the lowest percentages, lowest first."""
    graded = [row for row in rows if row.grade.result.status == "graded" and row.grade.result.max_score > 0]
    return tuple(sorted(graded, key=lambda row: row.grade.score / row.grade.result.max_score)[:most])
