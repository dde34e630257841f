"""The result of one submission, as plain data, and its JSON form (schema 1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SCHEMA = 1

SubmissionStatus = Literal["graded", "timeout", "out_of_memory", "crashed", "unreadable", "grader_error"]
QuestionStatus = Literal["passed", "partial", "failed", "not_attempted", "error", "skipped"]


@dataclass(frozen=True)
class TestResult:
    """One test case; `message` is the reason it failed, safe to show to the student.

    `score` and `max_score` are its points; results of earlier versions of the kit have none.
    """

    __test__ = False  # not a pytest class

    name: str
    hidden: bool
    passed: bool
    message: str
    score: float | None = None
    max_score: float | None = None


@dataclass(frozen=True)
class QuestionResult:
    """One question; `reason` says why it is `skipped`, `error` or `not_attempted`, else it is empty."""

    name: str
    status: QuestionStatus
    score: float
    max_score: float
    tests: tuple[TestResult, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class CellError:
    """An exception a cell raised; `cell` counts code cells from 1, like the `[7]` of a fresh Run All.

    `line` is the cell's line that raised, or that called what raised, from 1; None where it is not known.
    """

    cell: int
    name: str
    message: str
    line: int | None = None


@dataclass(frozen=True)
class FitRun:
    """One `fit`: its cell, whether it took over the recorded run of the same training, and wall-clock seconds."""

    cell: int
    reused: bool
    seconds: float


@dataclass(frozen=True)
class Cost:
    """What grading one submission took of the machine.

    `cpu_seconds` is processor time of everything; `notebook_cpu_seconds` the part its own code says it has used,
    training included; `peak_mb` the most memory its processes held at once, in MiB.
    """

    cpu_seconds: float
    notebook_cpu_seconds: float
    peak_mb: int


@dataclass(frozen=True)
class Result:
    """What one submission earned and why. `seconds` is wall-clock time; scores are points.

    `measured` holds what the tests found by measuring, not what the student says: `train_accuracy`, `test_accuracy`.
    """

    submission: str
    sha256: str
    lab: str | None
    isolation: str
    status: SubmissionStatus
    detail: str | None
    score: float
    max_score: float
    seconds: float
    questions: tuple[QuestionResult, ...] = ()
    errors: tuple[CellError, ...] = ()
    fits: tuple[FitRun, ...] = ()
    cost: Cost | None = None
    measured: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """The result as indented JSON text, keys in the order of the contract."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read what `to_json` wrote.

        Raises:
            ValueError: the text is not a result of this schema.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            if data.pop("schema") != SCHEMA:
                raise ValueError("another schema")
            questions = tuple(
                QuestionResult(**{**q, "tests": tuple(TestResult(**t) for t in q["tests"])})
                for q in data.pop("questions")
            )
            errors = tuple(CellError(**e) for e in data.pop("errors"))
            fits = tuple(FitRun(**f) for f in data.pop("fits", ()))
            cost = data.pop("cost", None)
            return cls(
                **data, questions=questions, errors=errors, fits=fits, cost=None if cost is None else Cost(**cost)
            )
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"not a result of schema {SCHEMA}: {error}") from error
