"""Submissions that a person should check, with the reason.

Most urgent first. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autograder.notebooks.notebook import CodeCell
from autograder.report.fitting import typed_in, without_code, written
from autograder.report.student_code import NO_STARTER, Starter
from autograder.results.grade import Row
from autograder.results.labels import RETRIED, left_out_notices, note, version_notice
from autograder.results.result import CUT_SHORT
from autograder.util.text import clean, clean_line

Kind = Literal[
    "grader_error", "cut_short", "unreadable", "other_version", "too_good", "does_not_fit", "left_out", "retried"
]
KINDS: dict[Kind, str] = {
    "grader_error": "grader error",
    "cut_short": "not finished",
    "unreadable": "unreadable",
    "other_version": "another version",
    "too_good": "accuracy too good",
    "does_not_fit": "answer not in the code",
    "left_out": "files left out",
    "retried": "run twice",
}

_WELL_LEARNT = 0.95  # accuracy
_CHANCE = 0.01  # two standard errors of an accuracy of 0.5 on 10,000 images


@dataclass(frozen=True)
class Flag:
    """A reason to check a submission.

    Args:
        kind: the kind of reason.
        row: the submission.
        text: an explanation, which may quote the student.
    """

    kind: Kind
    row: Row
    text: str

    @property
    def place(self) -> int:
        """Its position in the order of urgency."""
        return list(KINDS).index(self.kind)


def find_flags(
    rows: Sequence[Row], cells: Mapping[str, Sequence[CodeCell]], starters: Mapping[str, Starter]
) -> tuple[Flag, ...]:
    """Return all flags, ordered by `KINDS`, then by row.

    Args:
        rows: the class.
        cells: the cells that a student wrote by ID, where known.
        starters: the student notebooks by lab, where known.
    """
    found = [
        flag
        for row in rows
        for flag in _flags(row, cells.get(row.identity), starters.get(row.grade.result.lab or "", NO_STARTER))
    ]
    return tuple(sorted(found, key=lambda flag: flag.place))


def _too_good(trained: float, tested: float) -> bool:
    """Return whether test accuracy exceeds training accuracy by more than chance.

    Weak models are about equally accurate on both sets; well trained ones are better on the training set.
    """
    return tested >= trained and (trained >= _WELL_LEARNT or tested - trained > _CHANCE)


def _flags(row: Row, cells: Sequence[CodeCell] | None, starter: Starter) -> Iterator[Flag]:
    result = row.grade.result
    stopped: dict[str, Kind] = dict.fromkeys(CUT_SHORT, "cut_short")
    kind = {**stopped, "grader_error": "grader_error", "unreadable": "unreadable"}.get(result.status)
    if kind is not None and not row.grade.is_by_hand:
        yield Flag(kind, row, _sentence(result.detail) or note(result))
    if result.status != "grader_error":
        for question in result.defective:
            yield Flag("grader_error", row, f"{clean_line(question.name)}: {clean(question.reason)}")
    trained, tested = result.measured.get("train_accuracy"), result.measured.get("test_accuracy")
    if trained is not None and tested is not None and _too_good(trained, tested):
        yield Flag(
            "too_good",
            row,
            f"The model is right on {tested:.2%} of the test images but only on {trained:.2%} of the training "
            "images: was it trained on test images?",
        )
    if result.is_of_another_version:
        yield Flag("other_version", row, version_notice(result))
    left_out = left_out_notices(result)
    if left_out:
        yield Flag("left_out", row, " ".join(left_out))
    misfits = " ".join(_misfits(row, cells, starter)) if cells is not None else ""
    if misfits:
        yield Flag("does_not_fit", row, misfits)
    if result.retried and result.status not in CUT_SHORT:  # of one that was stopped again, its note says so already
        yield Flag("retried", row, RETRIED)


def _misfits(row: Row, cells: Sequence[CodeCell], starter: Starter) -> Iterator[str]:
    student = written(cells)
    # Corrected questions have already been checked by a person.
    questions = [q for q in row.grade.result.questions if q.score > 0 and q.name not in row.grade.overrides]
    # Partial points may come from an earlier answer, such as the model's accuracy; full points do not.
    nowhere = [q.name for q in questions if q.status == "passed" and without_code(student, starter, q.name)]
    if nowhere:
        yield f"Points for {clean_line(', '.join(nowhere))}, but no cell assigns the answer."
    for name in (question.name for question in questions):
        lines = typed_in(student, starter, name)
        if lines:
            shown = clean("; ".join(lines), 200)
            yield f"Points for {clean_line(name)} with a measurement that is typed in, not computed: {shown}."


def _sentence(detail: str | None) -> str:
    text = clean(detail or "")
    return text[:1].upper() + text[1:]
