"""The result of one submission, and its JSON form (schema 2, described in docs/result.schema.json)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import msgspec

SCHEMA: Literal[2] = 2

SubmissionStatus = Literal["graded", "timeout", "out_of_memory", "crashed", "unreadable", "grader_error"]
QuestionStatus = Literal[
    "passed", "partial", "failed", "to_review", "not_attempted", "error", "skipped", "grader_error"
]
# Submissions that ended before the end of their notebook; what they had handed over before counts.
CUT_SHORT: frozenset[SubmissionStatus] = frozenset({"timeout", "out_of_memory", "crashed"})
# Submissions without a mark, which therefore count in no statistics.
UNMARKED: frozenset[SubmissionStatus] = frozenset({"unreadable", "grader_error"})

# The message id of a test whose own question lacks something that it builds on: no mistake of its own.
NOT_CHECKED = "Not checked: {reason}."

Value = str | int | float | bool | None


@dataclass(frozen=True)
class TestResult:
    """One test; `message` is the reason it failed, safe to show to the student.

    `score` and `max_score` are its points. `message_id` is the template of the message and `values` holds what the
    names in it stand for, where the test was written with templates.
    """

    __test__ = False  # not a pytest class

    name: str
    hidden: bool
    passed: bool
    message: str
    score: float | None = None
    max_score: float | None = None
    message_id: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class QuestionResult:
    """One question; `reason` says why it has a status that its tests do not explain, else it is empty."""

    name: str
    status: QuestionStatus
    score: float
    max_score: float
    tests: tuple[TestResult, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class CellError:
    """An exception a cell raised; `cell` counts code cells from 1, like the `[7]` of a fresh Run All.

    `line` is the cell's line that raised, or that called what raised, from 1; null where it is not known.
    """

    cell: int
    name: str
    message: str
    line: int | None = None


@dataclass(frozen=True)
class FitRun:
    """One call of `fit`: its cell, whether the same training of the solution was reused, and wall-clock seconds."""

    cell: int
    reused: bool
    seconds: float


@dataclass(frozen=True)
class Cost:
    """Resource usage of grading one submission.

    `cpu_seconds` is processor time of everything; `notebook_cpu_seconds` the part its own code says it has used,
    training included; `peak_mb` the most memory its processes held at once, in MiB.
    """

    cpu_seconds: float
    notebook_cpu_seconds: float
    peak_mb: int


@dataclass(frozen=True)
class Student:
    """Who handed a submission in, as the platform it comes from knows them."""

    id: str
    name: str

    @property
    def called(self) -> str:
        """Name and ID."""
        return f"{self.name} ({self.id})" if self.name not in ("", self.id) else self.id


@dataclass(frozen=True)
class Result:
    """What one submission earned and why. `seconds` is wall-clock time; scores are points.

    `student` is null where the download does not say who it is; `version` counts hand-ins of the same student and lab.
    `retried`: the notebook ran into the time limit on an overloaded machine and was run once more, exclusively.
    `measured` holds what the tests found by measuring, not what the student says: `train_accuracy`, `test_accuracy`.
    """

    schema: Literal[2] = field(default=SCHEMA, kw_only=True)
    submission: str
    student: Student | None = field(default=None, kw_only=True)
    version: int = field(default=1, kw_only=True)
    sha256: str
    lab: str | None
    language: str = field(default="en", kw_only=True)
    isolation: str
    status: SubmissionStatus
    retried: bool = field(default=False, kw_only=True)
    detail: str | None
    score: float
    max_score: float
    seconds: float
    questions: tuple[QuestionResult, ...] = ()
    errors: tuple[CellError, ...] = ()
    fits: tuple[FitRun, ...] = ()
    cost: Cost | None = None
    measured: Mapping[str, float] = field(default_factory=dict)

    @property
    def called(self) -> str:
        """What people call it: its student and their ID, else the file."""
        return self.submission if self.student is None else self.student.called

    @property
    def defective(self) -> tuple[QuestionResult, ...]:
        """The questions of which a check failed through its own fault."""
        return tuple(question for question in self.questions if question.status == "grader_error")

    @property
    def has_grader_error(self) -> bool:
        """Whether the grader or one of its checks failed, so that the points are not final."""
        return self.status == "grader_error" or bool(self.defective)

    @property
    def is_marked(self) -> bool:
        """Whether the points are a mark, which counts in statistics and may go into a gradebook."""
        return self.status not in UNMARKED and not self.defective

    def to_json(self) -> str:
        """The result as indented JSON text, keys in the order of the contract."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read what `to_json` wrote.

        Raises:
            ValueError: the text is not a result of this schema.
        """
        try:
            return _decoder().decode(text)
        except msgspec.DecodeError as error:
            raise ValueError(f"not a result of schema {SCHEMA}: {error}") from error


@cache
def _decoder() -> msgspec.json.Decoder[Result]:
    return msgspec.json.Decoder(Result)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `result.json` as `to_json` writes it, from the types above."""
    described = msgspec.json.schema(Result)
    for record in described["$defs"].values():
        record["description"] = inspect.cleandoc(record["description"])
        record["required"] = list(record["properties"])  # a default serves the reader, the writer leaves nothing out
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "result.json", **described}
