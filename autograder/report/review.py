"""What a person should look at, with the reason in words; most pressing first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autograder.grades import Row
from autograder.notebooks import CodeCell
from autograder.render.words import clean, clean_line, note
from autograder.report.fitting import typed_in, without_code, written
from autograder.report.handed_in import NO_STARTER, Starter
from autograder.report.numbers import CUT_SHORT
from autograder.second_try import SECOND_TRY

Kind = Literal["grader_error", "cut_short", "unreadable", "too_good", "does_not_fit", "retried"]
KINDS: dict[Kind, str] = {
    "grader_error": "grader error",
    "cut_short": "did not end",
    "unreadable": "unreadable",
    "too_good": "accuracy too good",
    "does_not_fit": "answer does not fit the code",
    "retried": "run twice",
}


@dataclass(frozen=True)
class Look:
    """One reason to look at a submission; `text` may quote the student."""

    kind: Kind
    row: Row
    text: str


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
    order = list(KINDS)
    return tuple(sorted(found, key=lambda look: order.index(look.kind)))


def _looks(row: Row, cells: Sequence[CodeCell] | None, starter: Starter) -> Iterator[Look]:
    result = row.grade.result
    if result.status == "grader_error":
        yield Look("grader_error", row, note(result))
    elif result.status in CUT_SHORT:
        yield Look("cut_short", row, note(result))
    elif result.status == "unreadable":
        yield Look("unreadable", row, clean(result.detail or note(result)))
    trained, tested = result.measured.get("train_accuracy"), result.measured.get("test_accuracy")
    if trained is not None and tested is not None and tested >= trained:
        yield Look(
            "too_good",
            row,
            f"The model gets {tested:.2%} of the test images right and only {trained:.2%} of the images it was trained "
            "on: has it been trained on test images?",
        )
    if cells is not None:
        yield from (Look("does_not_fit", row, text) for text in _misfits(row, cells, starter))
    if SECOND_TRY in (result.detail or ""):
        yield Look("retried", row, f"{SECOND_TRY[0].upper()}{SECOND_TRY[1:]}.")


def _misfits(row: Row, cells: Sequence[CodeCell], starter: Starter) -> Iterator[str]:
    student = written(cells)
    for question in row.grade.result.questions:
        # Where a person has corrected the points, a person has looked.
        if question.score <= 0 or question.name in row.grade.overrides:
            continue
        name = clean_line(question.name)
        if without_code(student, starter, question.name):
            yield f"{name} earned points, but no cell gives its answer: where does it come from?"
            continue
        literals = typed_in(student, starter, question.name)
        if literals:
            shown = clean("; ".join(literals), 200)
            yield f"{name} earned points with a measurement typed in, not computed: {shown}"
