"""Numbers about a class, for one lab at a time. Pure."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from statistics import correlation, mean, median, pstdev, pvariance

from autograder.report.mistakes import Mistake, common_mistakes
from autograder.results.grade import Row
from autograder.results.labels import question_names
from autograder.results.result import CUT_SHORT, UNMARKED, QuestionResult, QuestionStatus
from autograder.util.text import percent

BINS = 10
# A correlation of two points is always 1 or -1.
_FEWEST = 3


@dataclass(frozen=True)
class Spread:
    """Seconds over a class: the middle, the largest, all together."""

    median: float
    longest: float
    total: float


@dataclass(frozen=True)
class QuestionNumbers:
    """One question over the class.

    Args:
        name: its name.
        max_score: its points.
        count: how many submissions hold it.
        mean: mean points, a person's corrections included.
        counts: submissions by status.
        discrimination: see `discrimination`; None where it cannot be computed.
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
    """One lab over the class; `lab` is None for submissions that belong to none.

    Scores are in percent of the points, as they count in the end; mean, median and deviation (of the class as a whole,
    not of a sample) are None where nothing could be marked. `bins` are the submissions in ten ranges of ten percent,
    full marks in the last. `alpha` is Cronbach's alpha, `complete` the submissions it and the discriminations rest on.
    `wall` and `cpu` are the seconds grading took, None where nothing was recorded.
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
    alpha: float | None
    complete: int
    wall: Spread | None
    cpu: Spread | None


def by_lab(rows: Sequence[Row]) -> tuple[LabNumbers, ...]:
    """The numbers of each lab, by name; submissions of no lab last."""
    labs = sorted({row.grade.result.lab for row in rows}, key=lambda lab: (lab is None, lab))
    return tuple(lab_numbers(lab, [row for row in rows if row.grade.result.lab == lab]) for lab in labs)


def lab_numbers(lab: str | None, rows: Sequence[Row]) -> LabNumbers:
    """The numbers of the submissions of one lab."""
    marked = [row for row in rows if row.grade.result.status not in UNMARKED]
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
        alpha=cronbach_alpha(points),
        complete=len(points),
        wall=_spread([row.grade.result.seconds for row in rows if row.grade.result.status != "unreadable"]),
        cpu=_spread([row.grade.result.cost.cpu_seconds for row in rows if row.grade.result.cost is not None]),
    )


def score_bins(shares: Sequence[float]) -> tuple[int, ...]:
    """How many of the percentages fall into each of ten ranges: 0 to under 10, …, 90 to 100."""
    step = 100 / BINS
    # 2.1 of 3 points must not fall below 70 % by a rounding error.
    counts = Counter(min(BINS - 1, int((share + 1e-9) // step)) for share in shares)
    return tuple(counts[place] for place in range(BINS))


def item_points(rows: Sequence[Row], names: Sequence[str]) -> list[list[float]]:
    """Points of each submission (outer) for each question (inner, in the order of `names`).

    A submission that lacks one of the questions, because it was graded with another version of the lab, is left out.
    """
    table = []
    for row in rows:
        earned = {question.name: row.grade.points(question) for question in row.grade.result.questions}
        if all(name in earned for name in names):
            table.append([earned[name] for name in names])
    return table


def discrimination(points: Sequence[Sequence[float]], item: int) -> float | None:
    """How well one question goes with the rest: the corrected item-total correlation, from -1 to 1.

    It is Pearson's correlation, over the submissions, of the question's points with the total of all *other* questions;
    the question's own points in the total would push it up, the more the fewer questions there are (S. Henrysson,
    Correction of item-total correlations in item analysis, Psychometrika 28, 1963, 211-218).

    Args:
        points: points of each submission (outer) for each question (inner).
        item: the place of the question.

    Returns:
        None where it says nothing: fewer than three submissions, no other question, or no variance on either side.
    """
    if len(points) < _FEWEST or len(points[0]) < 2:
        return None
    own = [row[item] for row in points]
    # Sums that differ by rounding alone must not look like a variance.
    rest = [round(sum(row) - row[item], 6) for row in points]
    if _constant(own) or _constant(rest):
        return None
    return correlation(own, rest)


def cronbach_alpha(points: Sequence[Sequence[float]]) -> float | None:
    """Cronbach's alpha of the questions' points: k / (k - 1) * (1 - sum of the variances / variance of the total).

    (L. J. Cronbach, Coefficient alpha and the internal structure of tests, Psychometrika 16, 1951, 297-334.)

    It is a property of these scores, not of the lab, and needs caution here: it falls with few questions; it assumes
    that all questions measure one thing equally well, and is a lower bound of the reliability only where their errors
    are independent, while questions of a lab build on each other, which pushes it up; and a high value does not show
    that they measure one thing (J. M. Cortina, What is coefficient alpha?, Journal of Applied Psychology 78, 1993,
    98-104; K. Sijtsma, On the use, the misuse, and the very limited usefulness of Cronbach's alpha, Psychometrika 74,
    2009, 107-120).

    Args:
        points: points of each submission (outer) for each question (inner).

    Returns:
        None where it is undefined: fewer than three submissions, fewer than two questions, or all totals equal.
    """
    if len(points) < _FEWEST or len(points[0]) < 2:
        return None
    items = len(points[0])
    totals = [round(sum(row), 6) for row in points]
    if _constant(totals):
        return None
    of_items = sum(pvariance([row[item] for row in points]) for item in range(items))
    return items / (items - 1) * (1 - of_items / pvariance(totals))


def _question(
    name: str, marked: Sequence[Row], discriminates: float | None, made: Sequence[Mistake]
) -> QuestionNumbers:
    held: list[tuple[Row, QuestionResult]] = [
        (row, question) for row in marked for question in row.grade.result.questions if question.name == name
    ]
    counts: Counter[QuestionStatus] = Counter(question.status for _, question in held)
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
