"""What a submission counts in the end: its result, a person's corrections, and what being late costs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from autograder.results.result import QuestionResult, Result


@dataclass(frozen=True)
class Override:
    """A person's correction: the points a question counts instead of what the tests gave, and why."""

    question: str
    points: float
    reason: str


@dataclass(frozen=True)
class Lateness:
    """What a late submission loses.

    `seconds` is how long after the due time it was handed in (above 0, grace not taken off); `percent` the part of its
    points that costs, from 0 (within the grace) to 100.
    """

    seconds: float
    percent: float


@dataclass(frozen=True)
class Grade:
    """A result and what counts on top of it.

    Args:
        result: what the grader found; never changed by what follows.
        overrides: a person's corrections by question.
        lateness: None if it was handed in on time, or nobody knows when.
    """

    result: Result
    overrides: Mapping[str, Override] = field(default_factory=dict)
    lateness: Lateness | None = None

    def points(self, question: QuestionResult) -> float:
        """The points a question of the result counts: the correction's where there is one."""
        override = self.overrides.get(question.name)
        return question.score if override is None else override.points

    @cached_property
    def raw_score(self) -> float:
        """The points of all questions, corrections included, lateness not."""
        graded = sum(self.points(question) for question in self.result.questions)
        return round(float(graded + sum(override.points for override in self.set_by_hand)), 6)

    @cached_property
    def set_by_hand(self) -> tuple[Override, ...]:
        """Points a person gave where nothing could be graded."""
        return () if self.result.questions else tuple(self.overrides.values())

    @cached_property
    def deduction(self) -> float:
        """The points that lateness costs."""
        return round(self.raw_score * self.lateness.percent / 100, 6) if self.lateness is not None else 0.0

    @property
    def score(self) -> float:
        """The points that count in the end."""
        return round(self.raw_score - self.deduction, 6)


@dataclass(frozen=True)
class Row:
    """A submission of a class: its folder's name under DIR/submissions, and its grade."""

    identity: str
    grade: Grade
