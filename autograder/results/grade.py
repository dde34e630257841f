"""Final scores: results with corrections and late deductions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from autograder.results.result import QuestionResult, QuestionStatus, Result
from autograder.util.text import counted


@dataclass(frozen=True)
class Override:
    """A manual correction: a question's points and the reason, which may be empty.

    For a question that a person marks, these are its points, and the person's comment.
    """

    question: str
    points: float
    reason: str


@dataclass(frozen=True)
class Lateness:
    """The deduction for a late submission.

    Args:
        seconds: time after the due time, including the grace period; above 0.
        percent: deduction in percent of the points, from 0 (within the grace period) to 100.
        extended_to: the later due time of a student with an extension, from which the seconds count.
    """

    seconds: float
    percent: float
    extended_to: str = ""


@dataclass(frozen=True)
class Grade:
    """A result with corrections and late deduction.

    Args:
        result: the result, which corrections do not change.
        overrides: manual corrections by question.
        lateness: the late deduction; None if the submission is on time or its time is unknown.
    """

    result: Result
    overrides: Mapping[str, Override] = field(default_factory=dict)
    lateness: Lateness | None = None

    def points(self, question: QuestionResult) -> float:
        """Return the points of a question, after correction."""
        override = self.overrides.get(question.name)
        return question.score if override is None else override.points

    def status(self, question: QuestionResult) -> QuestionStatus:
        """Return a question's status; if corrected, the status that its points imply."""
        override = self.overrides.get(question.name)
        if override is None:
            return question.status
        if override.points >= question.max_score:
            return "passed"
        return "partial" if override.points > 0 else "failed"

    @cached_property
    def waiting(self) -> tuple[QuestionResult, ...]:
        """Questions that a person has not marked yet, so that the score is provisional."""
        return tuple(question for question in self.result.questions if self.status(question) == "to_review")

    @cached_property
    def raw_score(self) -> float:
        """Points of all questions after corrections, without late deduction."""
        graded = sum(self.points(question) for question in self.result.questions)
        return round(float(graded + sum(override.points for override in self.set_by_hand)), 6)

    @cached_property
    def set_by_hand(self) -> tuple[Override, ...]:
        """Corrections of questions that could not be graded."""
        return () if self.result.questions else tuple(self.overrides.values())

    @property
    def is_by_hand(self) -> bool:
        """Whether the grader could not read the submission and a person marked it."""
        return self.result.status == "unreadable" and bool(self.set_by_hand)

    @cached_property
    def deduction(self) -> float:
        """Points deducted for lateness."""
        return round(self.raw_score * self.lateness.percent / 100, 6) if self.lateness is not None else 0.0

    @property
    def score(self) -> float:
        """The final score."""
        return round(self.raw_score - self.deduction, 6)


@dataclass(frozen=True)
class Row:
    """A submission of a class: its ID, which names its folder, and its grade."""

    identity: str
    grade: Grade


@dataclass(frozen=True)
class Waiting:
    """How many questions wait for a person, and of how many submissions."""

    questions: int
    submissions: int

    @property
    def words(self) -> str:
        """Both numbers as the subject and verb of a sentence."""
        verb = "is" if self.questions == 1 else "are"
        of = counted(self.submissions, "submission")
        return f"{counted(self.questions, 'question')} of {of} {verb} waiting for review"


def waiting_in(rows: Sequence[Row]) -> Waiting:
    """Count the questions of a class that wait for a person."""
    waiting = [row.grade.waiting for row in rows if row.grade.waiting]
    return Waiting(sum(map(len, waiting)), len(waiting))
