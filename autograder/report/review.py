"""What a person should look at, with the reason in words; most pressing first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autograder.notebooks.notebook import CodeCell
from autograder.report.fitting import typed_in, without_code, written
from autograder.report.student_code import NO_STARTER, Starter
from autograder.results.grade import Row
from autograder.results.labels import RETRIED, note
from autograder.results.result import CUT_SHORT
from autograder.util.text import clean, clean_line

Kind = Literal["grader_error", "cut_short", "unreadable", "too_good", "does_not_fit", "retried"]
KINDS: dict[Kind, str] = {
    "grader_error": "grader error",
    "cut_short": "did not end",
    "unreadable": "unreadable",
    "too_good": "accuracy too good",
    "does_not_fit": "answer does not fit the code",
    "retried": "run twice",
}

_WELL_LEARNT = 0.95  # accuracy
_CHANCE = 0.01  # two standard errors of the accuracy of a weak model on 10,000 images


@dataclass(frozen=True)
class Look:
    """One reason to look at a submission; `text` may quote the student."""

    kind: Kind
    row: Row
    text: str

    @property
    def place(self) -> int:
        """Its place in the order of what presses most."""
        return list(KINDS).index(self.kind)


def needs_a_look(
    rows: Sequence[Row], cells: Mapping[str, Sequence[CodeCell]], starters: Mapping[str, Starter]
) -> tuple[Look, ...]:
    """Everything worth a person's look, in the order of `KINDS`, then of the rows.

    Args:
        rows: the class.
        cells: by ID the cells a student wrote, where they are known.
        starters: by lab the notebook it hands out, where it is known.
    """
    found = [
        look
        for row in rows
        for look in _looks(row, cells.get(row.identity), starters.get(row.grade.result.lab or "", NO_STARTER))
    ]
    return tuple(sorted(found, key=lambda look: look.place))


def _too_good(trained: float, tested: float) -> bool:
    """Whether a model does better on test images than on those it was trained on, by more than chance.

    A weak model is about as good on both. One that has learnt well is better on what it has seen.
    """
    return tested >= trained and (trained >= _WELL_LEARNT or tested - trained > _CHANCE)


def _looks(row: Row, cells: Sequence[CodeCell] | None, starter: Starter) -> Iterator[Look]:
    result = row.grade.result
    stopped: dict[str, Kind] = dict.fromkeys(CUT_SHORT, "cut_short")
    kind = {**stopped, "grader_error": "grader_error", "unreadable": "unreadable"}.get(result.status)
    if kind is not None:
        yield Look(kind, row, _sentence(result.detail) or note(result))
    trained, tested = result.measured.get("train_accuracy"), result.measured.get("test_accuracy")
    if trained is not None and tested is not None and _too_good(trained, tested):
        yield Look(
            "too_good",
            row,
            f"The model gets {tested:.2%} of the test images right and only {trained:.2%} of the images it was trained "
            "on: has it been trained on test images?",
        )
    misfits = " ".join(_misfits(row, cells, starter)) if cells is not None else ""
    if misfits:
        yield Look("does_not_fit", row, misfits)
    if result.retried and result.status not in CUT_SHORT:  # of one that was stopped again, its note says so already
        yield Look("retried", row, RETRIED)


def _misfits(row: Row, cells: Sequence[CodeCell], starter: Starter) -> Iterator[str]:
    student = written(cells)
    # Where a person has corrected the points, a person has looked.
    questions = [q for q in row.grade.result.questions if q.score > 0 and q.name not in row.grade.overrides]
    # Some points may be for what the question builds on (the model's accuracy, say); all of them are not.
    nowhere = [q.name for q in questions if q.status == "passed" and without_code(student, starter, q.name)]
    if nowhere:
        yield f"Points for {clean_line(', '.join(nowhere))}, but no cell gives the answer: where does it come from?"
    for name in (question.name for question in questions):
        lines = typed_in(student, starter, name)
        if lines:
            shown = clean("; ".join(lines), 200)
            yield f"Points for {clean_line(name)} with a measurement typed in, not computed: {shown}."


def _sentence(detail: str | None) -> str:
    text = clean(detail or "")
    return text[:1].upper() + text[1:]
