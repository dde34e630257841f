"""The marks of a class as CSV, for spreadsheets and learning platforms."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from autograder.render.words import MAX_MESSAGE, clean_line, points
from autograder.results import Result

# A spreadsheet takes a text that begins so for a formula, and a student chooses file names. The last four are the
# full-width forms, which some spreadsheets fold into the plain ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def scores_csv(results: Sequence[Result], questions: Sequence[str]) -> str:
    """One row a submission, sorted by submission, with a header.

    Args:
        results: the results, in any order.
        questions: names of the questions, each a column; a question that a result lacks is an empty field.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = [_text(name) for name in questions]
    writer.writerow(["submission", "lab", "status", "score", "max_score", *names, "seconds", "detail"])
    for result in sorted(results, key=lambda r: (r.submission.casefold(), r.submission)):
        earned = {question.name: points(question.score) for question in result.questions}
        writer.writerow(
            [
                _text(result.submission),
                _text(result.lab or ""),
                result.status,
                points(result.score),
                points(result.max_score),
                *(earned.get(name, "") for name in questions),
                f"{result.seconds:.1f}",
                _text(result.detail or ""),
            ]
        )
    return buffer.getvalue()


def _text(value: str) -> str:
    """Text no spreadsheet runs: on one line, and with an apostrophe before what looks like a formula."""
    line = clean_line(value, MAX_MESSAGE)
    return f"'{line}" if line.startswith(_FORMULA) or value.startswith(_FORMULA) else line
