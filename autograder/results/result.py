"""The result of one submission and its JSON form (docs/result.schema.json)."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import msgspec

SCHEMA: Literal[2] = 2

SubmissionStatus = Literal["graded", "timeout", "out_of_memory", "crashed", "unreadable", "grader_error"]
QuestionStatus = Literal[
    "passed", "partial", "failed", "to_review", "not_attempted", "error", "skipped", "grader_error"
]
# Statuses of notebooks that ended early; answers handed over before that count.
CUT_SHORT: frozenset[SubmissionStatus] = frozenset({"timeout", "out_of_memory", "crashed"})
# Statuses without a mark, excluded from statistics.
UNMARKED: frozenset[SubmissionStatus] = frozenset({"unreadable", "grader_error"})

# Message id of tests whose question lacks a prerequisite; not a mistake in itself.
NOT_CHECKED = "Not checked: {reason}."
# Message ids of tests that could not use an answer: it did not reach them, or they did not expect a value of its kind.
ANSWER_UNUSABLE = "{name} cannot be used: {reason}."
RESULT_UNUSABLE = "{name} gave a result that cannot be used: {reason}."
NOT_EXPECTED = "This check could not use the answer ({reason})."
# Messages of failed tests that give none.
CHECK_FAILED = "The check failed."
HIDDEN_CHECK_FAILED = "A hidden check failed."

Value = str | int | float | bool | None


@dataclass(frozen=True)
class TestResult:
    """The result of one test.

    Args:
        name: its name.
        hidden: whether it is hidden from students.
        passed: whether it passed.
        message: the reason for a failure, safe to show to the student.
        score: its points.
        max_score: its possible points.
        message_id: the template of the message, if the test provides one.
        values: the values of the template.
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

    @property
    def english(self) -> str:
        """The message in English, whatever the language of the notebook."""
        try:
            return self.message_id.format(**self.values) or self.message
        except (LookupError, ValueError, AttributeError):
            return self.message  # the values are the checker's claim; they may lack a name


@dataclass(frozen=True)
class QuestionResult:
    """The result of one question.

    Args:
        name: its name.
        status: its status.
        score: its points.
        max_score: its possible points.
        tests: the results of its tests.
        reason: the reason for a status that the tests do not explain, in English; otherwise empty.
        translated_reason: the reason in the language of the notebook; empty if that is English.
        answer: what the student wrote, as Markdown, if a person marks the question; otherwise empty.
    """

    name: str
    status: QuestionStatus
    score: float
    max_score: float
    tests: tuple[TestResult, ...] = ()
    reason: str = ""
    answer: str = ""
    translated_reason: str = ""

    @property
    def shown_reason(self) -> str:
        """The reason as the student reads it."""
        return self.translated_reason or self.reason


@dataclass(frozen=True)
class CellError:
    """An exception raised by a cell.

    Args:
        cell: number of the code cell, counted from 1 as in Run All after a restart.
        name: name of the exception.
        message: its message.
        line: line of the cell, counted from 1, that raised it or called what raised it; null if unknown.
    """

    cell: int
    name: str
    message: str
    line: int | None = None


@dataclass(frozen=True)
class FitRun:
    """One call of `fit`.

    Args:
        cell: number of its cell.
        reused: whether the solution's identical training was reused.
        seconds: wall-clock time.
    """

    cell: int
    reused: bool
    seconds: float


@dataclass(frozen=True)
class Cost:
    """Resource usage of grading one submission.

    Args:
        cpu_seconds: total processor time.
        notebook_cpu_seconds: processor time of the notebook's code, including training, as reported by its process.
        peak_mb: peak memory of all processes together, in MiB.
    """

    cpu_seconds: float
    notebook_cpu_seconds: float
    peak_mb: int


# Why a file that was handed in beside the notebook was not there when it ran: the lab has a file of that name; its name
# is that of a module of the grader; it is not below the notebook's folder; its name or path is not allowed; it cannot
# be read; all files together are too large; there are too many.
LeftOut = Literal["of_the_lab", "of_the_grader", "outside", "name", "unreadable", "too_large", "too_many"]


@dataclass(frozen=True)
class HandedInFile:
    """A file that was handed in beside the notebook.

    Args:
        name: its path relative to the notebook's folder.
        sha256: digest of its content; empty if it was not read.
        left_out: why it was not there when the notebook ran; null if it was.
    """

    name: str
    sha256: str
    left_out: LeftOut | None = None


@dataclass(frozen=True)
class Student:
    """The student, as known to the platform of the submission."""

    id: str
    name: str

    @property
    def called(self) -> str:
        """Name and ID."""
        return f"{self.name} ({self.id})" if self.name not in ("", self.id) else self.id


@dataclass(frozen=True)
class Result:
    """The result of one submission.

    Args:
        schema: version of the format.
        submission: name of the submission.
        student: the student; null if the download does not identify them.
        version: number of submissions by the same student for the same lab.
        sha256: digest of the submitted notebook.
        lab: the lab; null if unknown.
        language: language of the notebook.
        isolation: isolation level.
        status: status of the submission.
        retried: whether it was retried exclusively after a timeout on an overloaded machine.
        detail: explanation of the status; null if there is none.
        score: points.
        max_score: possible points.
        seconds: wall-clock time of grading.
        questions: results by question.
        errors: exceptions raised by cells.
        fits: calls of `fit`.
        cost: resource usage; null if unknown.
        measured: numbers measured by tests, such as `train_accuracy` and `test_accuracy`.
        files: files handed in beside the notebook.
        notebook_version: version of the student notebook that was handed in; null if unknown.
        lab_version: version of the lab's student notebook in this language; null if unknown.
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
    files: tuple[HandedInFile, ...] = field(default=(), kw_only=True)
    notebook_version: str | None = field(default=None, kw_only=True)
    lab_version: str | None = field(default=None, kw_only=True)

    @property
    def called(self) -> str:
        """Display name: the student with their ID, otherwise the file."""
        return self.submission if self.student is None else self.student.called

    @property
    def digest(self) -> str:
        """Digest of everything that was handed in: the notebook and the files beside it."""
        return digest_of_all(self.sha256, self.files)

    @property
    def is_of_another_version(self) -> bool:
        """Whether the notebook is known to be of another version than the lab's."""
        return is_another_version(self.notebook_version, self.lab_version)

    @property
    def defective(self) -> tuple[QuestionResult, ...]:
        """Questions with a defective check."""
        return tuple(question for question in self.questions if question.status == "grader_error")

    @property
    def has_grader_error(self) -> bool:
        """Whether the grader or a check failed, so that the points are not final."""
        return self.status == "grader_error" or bool(self.defective)

    @property
    def is_marked(self) -> bool:
        """Whether the points are a mark for statistics and gradebooks."""
        return self.status not in UNMARKED and not self.defective

    def to_json(self) -> str:
        """Return the result as indented JSON, with keys in the order of the contract."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read the return value of `to_json`.

        Raises:
            ValueError: the text is not a result of this schema.
        """
        try:
            return _decoder().decode(text)
        except msgspec.DecodeError as error:
            raise ValueError(f"not a result of schema {SCHEMA}: {error}") from error


def is_another_version(notebook: str | None, lab: str | None) -> bool:
    """Whether a notebook is known to be of another version than the lab's."""
    return None not in (notebook, lab) and notebook != lab


def digest_of_all(notebook: str, files: Iterable[HandedInFile]) -> str:
    """Return the digest of a submission: its notebook and the files beside it.

    Without files beside the notebook, it is the digest of the notebook.

    Args:
        notebook: SHA-256 of the notebook; empty if it cannot be read.
        files: the files beside it; those that were not read have no influence.
    """
    read = sorted((file.name, file.sha256) for file in files if file.sha256)
    if not read or not notebook:
        return notebook
    return hashlib.sha256(msgspec.json.encode([notebook, read])).hexdigest()


@cache
def _decoder() -> msgspec.json.Decoder[Result]:
    return msgspec.json.Decoder(Result)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `result.json`, generated from the types above."""
    described = msgspec.json.schema(Result)
    for record in described["$defs"].values():
        record["description"] = inspect.cleandoc(record["description"])
        record["required"] = list(record["properties"])  # defaults are for reading; all properties are written
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "result.json", **described}
