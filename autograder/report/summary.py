"""A class in a few numbers, for the end of a run and for scripts. Pure."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from autograder.report.mistakes import Mistake, common_mistakes, distinct
from autograder.results.grade import Row
from autograder.results.result import UNMARKED, SubmissionStatus

# In the order in which a person should look at them.
_TO_LOOK_AT: tuple[SubmissionStatus, ...] = ("grader_error", "timeout", "out_of_memory", "crashed", "unreadable")
_MISTAKES = 3


@dataclass(frozen=True)
class LabMarks:
    """The marks of one lab, in points; submissions that could not be marked are left out."""

    lab: str
    marked: int
    mean: float
    median: float
    max_score: float


@dataclass(frozen=True)
class ClassSummary:
    """A class at a glance: submissions by status, marks by lab, the mistakes made most often."""

    submissions: int
    statuses: dict[SubmissionStatus, int]
    labs: tuple[LabMarks, ...]
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class Effort:
    """What a run took: seconds of wall-clock time, submissions graded in them, and those graded before."""

    seconds: float
    graded: int
    kept: int = 0

    @property
    def per_minute(self) -> float:
        """Submissions graded in a minute."""
        return 60 * self.graded / self.seconds if self.seconds > 0 else 0.0


def summarise(rows: Sequence[Row]) -> ClassSummary:
    """The numbers about a class; what counts is the grade: corrections and lateness included."""
    statuses = Counter(row.grade.result.status for row in rows)
    marked = [row.grade for row in rows if row.grade.result.status not in UNMARKED]
    labs = dict.fromkeys(grade.result.lab for grade in marked if grade.result.lab is not None)
    return ClassSummary(
        submissions=len(rows),
        statuses={status: statuses[status] for status in ("graded", *_TO_LOOK_AT) if statuses[status]},
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
        mistakes=distinct(common_mistakes([row.grade.result for row in rows], sys.maxsize))[:_MISTAKES],
    )


def to_look_at(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The submissions a person should look at, most pressing first: the grader's own faults, what was cut short,
    what could not be read, and what was graded with a remark."""
    urgency = {status: place for place, status in enumerate((*_TO_LOOK_AT, "graded"))}
    found = [row for row in rows if row.grade.result.status != "graded" or row.grade.result.detail]
    return tuple(sorted(found, key=lambda row: urgency[row.grade.result.status]))


def lowest(rows: Sequence[Row], most: int) -> tuple[Row, ...]:
    """The graded submissions with the fewest points for what there was to earn, the lowest first."""
    graded = [row for row in rows if row.grade.result.status == "graded" and row.grade.result.max_score > 0]
    return tuple(sorted(graded, key=lambda row: row.grade.score / row.grade.result.max_score)[:most])
