"""Scores of a class as CSV, for spreadsheets and learning platforms."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.results.grade import Grade, Override, Row
from autograder.results.handin import Handed
from autograder.results.labels import remark, to_review
from autograder.results.result import QuestionResult
from autograder.util.text import MAX_MESSAGE, clean, clean_line, points

# Spreadsheets treat text with such a prefix as a formula, and students choose file names (OWASP, "CSV Injection"). The
# last four are full-width forms, which some spreadsheets convert.
TO_REVIEW = ("submission", "question", "points", "reason", "max_points", "student", "answer")
_MAX_ANSWER = 8_000  # a spreadsheet's cell holds 32,767 characters
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def scores_csv(rows: Sequence[Row], questions: Sequence[str], handed: Mapping[str, Handed] | None = None) -> str:
    """Render one row per submission, sorted by submission, with a header.

    These columns are left out if empty for all submissions: student, student_id, email, handed_in (from a platform's
    download), raw_score, late, late_deduction (lateness), corrected (manual corrections), to_review (questions that a
    person has not marked yet, so that the score is provisional; their columns are empty).

    Args:
        rows: the submissions, in any order.
        questions: names of the questions, each a column; empty for results without the question.
        handed: how and when each submission was submitted, by ID, where known.
    """
    known = handed or {}
    ordered = sorted(rows, key=lambda row: (row.grade.result.submission.casefold(), row.grade.result.submission))
    table = [_fields(row.grade, questions) | _extra(row.grade, known.get(row.identity, Handed())) for row in ordered]
    shown = [*_fixed(questions), *(name for name in _EXTRA if any(fields[name] for fields in table))]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([harmless(name) if isinstance(name, str) else harmless(name.name) for name in shown])
    writer.writerows([[fields[name] for name in shown] for fields in table])
    return buffer.getvalue()


@dataclass(frozen=True)
class _Question:
    """The column of a question; a separate type, because a question may have any name."""

    name: str


_Column = str | _Question
_EXTRA = (
    "student",
    "student_id",
    "email",
    "handed_in",
    "raw_score",
    "late",
    "late_deduction",
    "corrected",
    "to_review",
)


def _fixed(questions: Sequence[str]) -> list[_Column]:
    return ["submission", "lab", "status", "score", "max_score", *map(_Question, questions), "seconds", "detail"]


def _fields(grade: Grade, questions: Sequence[str]) -> dict[_Column, str]:
    result = grade.result
    waiting = {question.name for question in grade.waiting}
    earned = {q.name: "" if q.name in waiting else points(grade.points(q)) for q in result.questions}
    return {
        "submission": harmless(result.submission),
        "lab": harmless(result.lab or ""),
        "status": result.status,
        "score": points(grade.score),
        "max_score": points(result.max_score),
        **{_Question(name): earned.get(name, "") for name in questions},
        "seconds": f"{result.seconds:.1f}",
        "detail": harmless(remark(result)),
    }


def _extra(grade: Grade, handed: Handed) -> dict[_Column, str]:
    people = handed.handin.people if handed.handin else ()
    corrections = [
        _correction(question, override)
        for question in grade.result.questions
        if (override := grade.overrides.get(question.name)) is not None
    ]
    corrections += [
        f"{override.question}: {points(override.points)}, set by hand ({override.reason})"
        for override in grade.set_by_hand
    ]
    return {
        "student": harmless("; ".join(person.name for person in people)),
        "student_id": harmless("; ".join(person.id for person in people)),
        "email": harmless("; ".join(person.email for person in people)),
        "handed_in": handed.time.isoformat(" ", "seconds") if handed.time else "",
        "raw_score": points(grade.raw_score) if grade.lateness is not None else "",
        "late": harmless(handed.late),
        "late_deduction": points(grade.deduction) if grade.lateness is not None else "",
        "corrected": harmless("; ".join(corrections)),
        "to_review": harmless("; ".join(question.name for question in grade.waiting)),
    }


def _correction(question: QuestionResult, override: Override) -> str:
    reason = f" ({override.reason})" if override.reason else ""
    if question.status == "to_review":
        return f"{question.name}: {points(override.points)}, marked by a person{reason}"
    return f"{question.name}: {points(question.score)} -> {points(override.points)}{reason}"


def to_review_csv(rows: Sequence[Row], entered: Mapping[tuple[str, str], tuple[str, str]] | None = None) -> str:
    """Render unmarked answers, one per row, to be filled in as corrections.

    The file begins with a byte order mark, without which Excel misreads answers in other alphabets.

    Args:
        rows: the submissions.
        entered: what a person has entered so far: points and reason by submission and question.
    """
    known = entered or {}
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(TO_REVIEW)
    for row in sorted(rows, key=lambda row: (row.grade.result.called.casefold(), row.identity)):
        for question in row.grade.waiting:
            given = known.get((harmless(row.identity), harmless(question.name)), ("", ""))
            most, called = points(question.max_score), harmless(row.grade.result.called)
            answer = _escaped(clean(question.answer or to_review(question), _MAX_ANSWER))
            fields = map(_escaped, given)
            writer.writerow([harmless(row.identity), harmless(question.name), *fields, most, called, answer])
    return f"\ufeff{buffer.getvalue()}"


def _escaped(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def harmless(value: str) -> str:
    """Return text on one line, escaped so that a spreadsheet does not evaluate it."""
    line = clean_line(value, MAX_MESSAGE)
    return f"'{line}" if line.startswith(_FORMULA) or value.startswith(_FORMULA) else line
