"""Statistics of a class by lab. Pure."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from statistics import correlation, mean, median, pstdev

from autograder.report.mistakes import Mistake, common_mistakes
from autograder.report.unusable import UnusableAnswer, unusable_answers
from autograder.results.grade import Row
from autograder.results.labels import question_names
from autograder.results.result import CUT_SHORT, QuestionResult, QuestionStatus
from autograder.util.text import percent

BINS = 10
# The correlation of two points is always 1 or -1.
_FEWEST = 3


@dataclass(frozen=True)
class Spread:
    """Durations of a class in seconds: median, longest and total."""

    median: float
    longest: float
    total: float


@dataclass(frozen=True)
class QuestionNumbers:
    """Statistics of one question.

    Args:
        name: its name.
        max_score: its points.
        count: number of submissions that contain it.
        mean: mean points, including manual corrections.
        counts: number of submissions by status, after manual corrections.
        discrimination: see `discrimination`; None if it cannot be computed.
        mistakes: the mistakes made in it, most frequent first.
    """

    name: str
    max_score: float
    count: int
    mean: float
    counts: Mapping[QuestionStatus, int]
    discrimination: float | None
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class LabNumbers:
    """Statistics of one lab.

    Scores are percentages of the points, after corrections and deductions.

    Args:
        lab: the lab; None for submissions without one.
        submissions: number of submissions.
        marked: number of submissions that could be marked.
        cut_short: number of submissions that ended early: timeout, out of memory or crash.
        unreadable: number of unreadable submissions.
        full_marks: number of submissions with full marks.
        mean: mean score, or None if nothing could be marked, like the two following.
        median: median score.
        deviation: population standard deviation of the scores.
        bins: number of submissions in ten ranges of ten percent; full marks are in the last one.
        questions: statistics by question.
        unusable: tests that could not use an answer.
        complete: number of submissions that the discriminations are based on.
        wall: wall-clock time of grading, or None if it was not recorded.
        cpu: processor time of grading, or None if it was not recorded.
    """

    lab: str | None
    submissions: int
    marked: int
    cut_short: int
    unreadable: int
    full_marks: int
    mean: float | None
    median: float | None
    deviation: float | None
    bins: tuple[int, ...]
    questions: tuple[QuestionNumbers, ...]
    unusable: tuple[UnusableAnswer, ...]
    complete: int
    wall: Spread | None
    cpu: Spread | None


def by_lab(rows: Sequence[Row]) -> tuple[LabNumbers, ...]:
    """Return the statistics of each lab by name; submissions without a lab come last."""
    labs = sorted({row.grade.result.lab for row in rows}, key=lambda lab: (lab is None, lab))
    return tuple(lab_numbers(lab, [row for row in rows if row.grade.result.lab == lab]) for lab in labs)


def lab_numbers(lab: str | None, rows: Sequence[Row]) -> LabNumbers:
    """Return the statistics of the submissions of one lab."""
    marked = [row for row in rows if row.grade.result.is_marked]
    shares = [percent(row.grade.score, row.grade.result.max_score) for row in marked]
    names = question_names([row.grade.result for row in marked], ())
    points = item_points(marked, names)
    made: dict[str, list[Mistake]] = {}
    for mistake in common_mistakes([row.grade.result for row in marked], sys.maxsize):
        made.setdefault(mistake.question, []).append(mistake)
    statuses = [row.grade.result.status for row in rows]
    return LabNumbers(
        lab=lab,
        submissions=len(rows),
        marked=len(marked),
        cut_short=sum(status in CUT_SHORT for status in statuses),
        unreadable=statuses.count("unreadable"),
        full_marks=sum(share >= 100 for share in shares),
        mean=mean(shares) if shares else None,
        median=median(shares) if shares else None,
        deviation=pstdev(shares) if shares else None,
        bins=score_bins(shares),
        questions=tuple(
            _question(name, marked, discrimination(points, place), made.get(name, ()))
            for place, name in enumerate(names)
        ),
        unusable=unusable_answers([row.grade.result for row in marked]),
        complete=len(points),
        wall=_spread([row.grade.result.seconds for row in rows if row.grade.result.status != "unreadable"]),
        cpu=_spread([row.grade.result.cost.cpu_seconds for row in rows if row.grade.result.cost is not None]),
    )


def score_bins(shares: Sequence[float]) -> tuple[int, ...]:
    """Count percentages by range: 0 to under 10, …, 90 to 100."""
    step = 100 / BINS
    # A rounding error must not put 2.1 of 3 points below 70 %.
    counts = Counter(min(BINS - 1, int((share + 1e-9) // step)) for share in shares)
    return tuple(counts[place] for place in range(BINS))


def item_points(rows: Sequence[Row], names: Sequence[str]) -> list[list[float]]:
    """Return the points of each submission (outer) for each question (inner).

    Submissions without one of the questions, graded with another version of the lab, are excluded.

    Args:
        rows: the submissions.
        names: the names of the questions, in the order of the inner lists.
    """
    table = []
    for row in rows:
        earned = {question.name: row.grade.points(question) for question in row.grade.result.questions}
        if all(name in earned for name in names):
            table.append([earned[name] for name in names])
    return table


def discrimination(points: Sequence[Sequence[float]], item: int) -> float | None:
    """Return the corrected item-total correlation of a question, from -1 to 1.

    Pearson's correlation, over the submissions, of the question's points with the total of all *other* questions;
    including the question itself would increase the correlation, especially with few questions (S. Henrysson,
    Correction of item-total correlations in item analysis, Psychometrika 28, 1963, 211-218).

    Args:
        points: points of each submission (outer) for each question (inner).
        item: the index of the question.

    Returns:
        None if undefined: fewer than three submissions, no other question, or no variance on either side.
    """
    if len(points) < _FEWEST or len(points[0]) < 2:
        return None
    own = [row[item] for row in points]
    # Rounded, so that rounding errors do not count as variance.
    rest = [round(sum(row) - row[item], 6) for row in points]
    if _constant(own) or _constant(rest):
        return None
    return correlation(own, rest)


def _question(
    name: str, marked: Sequence[Row], discriminates: float | None, made: Sequence[Mistake]
) -> QuestionNumbers:
    held: list[tuple[Row, QuestionResult]] = [
        (row, question) for row in marked for question in row.grade.result.questions if question.name == name
    ]
    counts: Counter[QuestionStatus] = Counter(row.grade.status(question) for row, question in held)
    return QuestionNumbers(
        name=name,
        max_score=max(question.max_score for _, question in held),
        count=len(held),
        mean=mean(row.grade.points(question) for row, question in held),
        counts=dict(counts),
        discrimination=discriminates,
        mistakes=tuple(made),
    )


def _spread(seconds: Sequence[float]) -> Spread | None:
    return Spread(median(seconds), max(seconds), sum(seconds)) if seconds else None


def _constant(values: Sequence[float]) -> bool:
    return all(isclose(value, values[0], abs_tol=1e-9) for value in values)
