"""Scores of a class as CSV, for spreadsheets and learning platforms."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.results.grade import Grade, Row
from autograder.results.handin import Handed
from autograder.results.labels import remark
from autograder.util.text import MAX_MESSAGE, clean_line, points

# Spreadsheets treat text with such a prefix as a formula, and students choose file names (OWASP, "CSV Injection"). The
# last four are full-width forms, which some spreadsheets convert.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def scores_csv(rows: Sequence[Row], questions: Sequence[str], handed: Mapping[str, Handed] | None = None) -> str:
    """Render one row per submission, sorted by submission, with a header.

    These columns are left out if empty for all submissions: student, student_id, email, handed_in (from a platform's
    download), raw_score, late, late_deduction (lateness), corrected (manual corrections).

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
_EXTRA = ("student", "student_id", "email", "handed_in", "raw_score", "late", "late_deduction", "corrected")


def _fixed(questions: Sequence[str]) -> list[_Column]:
    return ["submission", "lab", "status", "score", "max_score", *map(_Question, questions), "seconds", "detail"]


def _fields(grade: Grade, questions: Sequence[str]) -> dict[_Column, str]:
    result = grade.result
    earned = {question.name: points(grade.points(question)) for question in result.questions}
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
        f"{question.name}: {points(question.score)} -> {points(override.points)} ({override.reason})"
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
    }


def harmless(value: str) -> str:
    """Return text on one line, escaped so that a spreadsheet does not evaluate it."""
    line = clean_line(value, MAX_MESSAGE)
    return f"'{line}" if line.startswith(_FORMULA) or value.startswith(_FORMULA) else line
