"""Numbers about a class, from its results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from autograder.render.words import percent, reasons
from autograder.results import QuestionResult, QuestionStatus, Result

BINS = 10
# What says nothing about what students know is left out of the averages.
_NO_MARK = frozenset({"unreadable", "grader_error"})


@dataclass(frozen=True)
class ClassNumbers:
    """A class at a glance; mean and median are percent of the points, None where nothing could be marked."""

    submissions: int
    marked: int
    cut_short: int
    unreadable: int
    full_marks: int
    mean: float | None
    median: float | None


@dataclass(frozen=True)
class QuestionNumbers:
    """One question over the class; `passed` is percent of the submissions that hold it."""

    name: str
    max_score: float
    mean: float
    passed: float
    counts: dict[QuestionStatus, int]
    reason: str
    reason_count: int


@dataclass(frozen=True)
class Bin:
    """How many submissions scored in a range of percent."""

    label: str
    count: int
    share: float


def class_numbers(results: Sequence[Result]) -> ClassNumbers:
    """The numbers for the head of the report."""
    shares = [percent(result.score, result.max_score) for result in _marked(results)]
    return ClassNumbers(
        submissions=len(results),
        marked=len(shares),
        cut_short=sum(result.status in {"timeout", "out_of_memory", "crashed"} for result in results),
        unreadable=sum(result.status == "unreadable" for result in results),
        full_marks=sum(share >= 100 for share in shares),
        mean=mean(shares) if shares else None,
        median=median(shares) if shares else None,
    )


def score_bins(results: Sequence[Result]) -> tuple[Bin, ...]:
    """Ten ranges of ten percent; full marks fall into the last. `share` is relative to the highest, 0 to 1."""
    counts = Counter(min(BINS - 1, int(percent(r.score, r.max_score) // (100 / BINS))) for r in _marked(results))
    highest = max(counts.values(), default=1)
    step = 100 // BINS
    return tuple(Bin(f"{i * step}–{(i + 1) * step}", counts[i], counts[i] / highest) for i in range(BINS))  # noqa: RUF001 - a range


def question_numbers(results: Sequence[Result], names: Sequence[str]) -> tuple[QuestionNumbers, ...]:
    """For every question that any result holds: points, pass rate, fates, and the most common reason."""
    held = {name: [q for r in _marked(results) for q in r.questions if q.name == name] for name in names}
    return tuple(_one_question(name, questions) for name, questions in held.items() if questions)


def _one_question(name: str, questions: Sequence[QuestionResult]) -> QuestionNumbers:
    counts: Counter[QuestionStatus] = Counter(question.status for question in questions)
    told = Counter(
        reason.text for q in questions if q.status in {"partial", "failed", "error"} for reason in reasons(q)[:1]
    )
    reason, times = told.most_common(1)[0] if told else ("", 0)
    return QuestionNumbers(
        name=name,
        max_score=max(question.max_score for question in questions),
        mean=mean(question.score for question in questions),
        passed=100 * counts["passed"] / len(questions),
        counts=dict(counts),
        reason=reason,
        reason_count=times,
    )


def _marked(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.status not in _NO_MARK]
