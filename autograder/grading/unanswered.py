"""Explain what became of answers that are not there. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from autograder.handover.protocol import VariableState
from autograder.labs.assignment import Question
from autograder.notebooks.notebook import CodeCell, Notebook, Part, answer_cells, is_stub
from autograder.notebooks.source import assigned_in_functions, assigned_names, cell_magic
from autograder.results.result import CellError
from autograder.util.text import clean_line
from autograder.util.translations import ENGLISH, Translate

NOT_FILLED_IN = "The answer has not been filled in."
_MOST_NAMES = 3
_TIMING = frozenset({"timeit"})
_ALIKE = 0.6  # of 1: `ntrain` for `n_train`, not `total` for `n_train`


def why_unanswered(
    notebook: Notebook,
    question: Question,
    states: Mapping[str, VariableState],
    _: Translate = ENGLISH,
    *,
    other_version: bool = False,
) -> str:
    """Explain in one sentence why nothing of an answer can be judged.

    Args:
        notebook: the notebook.
        question: the question.
        states: the state of its variables; missing ones have no entry.
        _: puts the sentence into a language.
        other_version: whether the notebook is known to be of another version than the lab's.
    """
    cells = answer_cells(notebook, question.name, question.variables)
    if not cells:
        return _no_code_cell(notebook, question, _, other_version=other_version)
    touched = _touched(cells, question)
    if not touched:
        return _(NOT_FILLED_IN)
    lost = (
        _under_magic(touched, _)
        or _checked_too_early(notebook, question, _assigning(touched, question.variables) or touched, _)
        or _assigned_in_vain(touched, question.variables, states, _)
    )
    return lost or _never_assigned(touched, question.variables, _)


def why_incomplete(
    notebook: Notebook,
    question: Question,
    states: Mapping[str, VariableState],
    errors: Sequence[CellError],
    _: Translate = ENGLISH,
) -> str:
    """Explain in one sentence which part of an answer is missing, and why.

    Empty if the answer is complete.

    Args:
        notebook: the notebook.
        question: the question, of which other variables can be judged.
        states: the state of its variables; missing ones have no entry.
        errors: errors that the notebook's cells raised.
        _: puts the sentence into a language.
    """
    names = [name for name in question.variables if name not in states or states[name].state == "stub"]
    if not names or len(names) == len(question.variables):
        return ""
    touched = _touched(answer_cells(notebook, question.name, question.variables), question)
    assigning = _assigning(touched, names)
    failed = next((error for error in errors for cell in assigning if error.cell == cell.number), None)
    if failed is not None:
        raised = f"{failed.name}: {failed.message}".rstrip(": ")
        return _(
            "{names} was not assigned, because cell [{cell}] raised {error}.",
            names=_listed(names, _),
            cell=failed.cell,
            error=raised,
        )
    return (
        _under_magic([cell for cell in touched if _mentions_assignment(cell.source, names)], _)
        or (_checked_too_early(notebook, question, assigning, _) if assigning else "")
        or _assigned_in_vain(touched, names, states, _)
        or _partly_lost(notebook, question, touched, names, _)
    )


def _touched(cells: Sequence[CodeCell], question: Question) -> list[CodeCell]:
    return [cell for cell in cells if not question.stubs or not is_stub(cell.source, question.stubs)]


def _assigning(cells: Sequence[CodeCell], names: Sequence[str]) -> list[CodeCell]:
    return [cell for cell in cells if not set(names).isdisjoint(assigned_names(cell.source))]


def _mentions_assignment(source: str, names: Sequence[str]) -> bool:
    """Return whether a cell, in whatever language, seems to assign one of the names."""
    pattern = rf"^\s*(?:{'|'.join(map(re.escape, names))})\s*="
    return re.search(pattern, source, re.MULTILINE) is not None


def _under_magic(cells: Sequence[CodeCell], _: Translate) -> str:
    for cell in cells:
        magic = cell_magic(cell.source)
        if magic in _TIMING:
            return _(
                "Its cell [{cell}] begins with %%{magic}, which does not keep the variables of its cell: "
                "remove that line.",
                cell=cell.number,
                magic=magic,
            )
        if magic:
            return _(
                "Its cell [{cell}] begins with %%{magic}, so it is not run as Python: remove that line.",
                cell=cell.number,
                magic=magic,
            )
    return ""


def _checked_too_early(notebook: Notebook, question: Question, answers: Sequence[CodeCell], _: Translate) -> str:
    last_check = max((cell.number for cell in notebook.cells if question.name in cell.checks), default=None)
    if last_check is None or last_check >= min(cell.number for cell in answers):
        return ""
    return _(
        "{check} is in cell [{last}], before the answer in cell [{answered}]: move the check below the answer.",
        check=f'grader.check("{question.name}")',
        last=last_check,
        answered=answers[0].number,
    )


def _assigned_in_vain(
    cells: Sequence[CodeCell], names: Sequence[str], states: Mapping[str, VariableState], _: Translate
) -> str:
    wanted = _listed(names, _)
    if any(name in states and states[name].state == "stub" for name in names):
        return _(
            "{names} was still ... when the answer was collected: replace the three dots with the answer.", names=wanted
        )
    assigning = _assigning(cells, names)
    if assigning:
        return _(
            "{names} is assigned in cell [{cell}], but was no longer there when it was collected.",
            names=wanted,
            cell=assigning[0].number,
        )
    return ""


def _no_code_cell(notebook: Notebook, question: Question, _: Translate, *, other_version: bool) -> str:
    part = _now_text(notebook, question, question.variables)
    if part is not None:
        return _(
            "Its answer cell was changed to {kind}, so its code does not run: change it to a code cell.",
            kind=_kind(part, _),
        )
    if other_version and not any(question.name in cell.checks for cell in notebook.cells):
        return _("There is no cell for it: the notebook is of another version, which may not have this question.")
    return _("Its answer cell was deleted or replaced.")


def _now_text(notebook: Notebook, question: Question, names: Sequence[str], *, tagged: bool = True) -> Part | None:
    """Return the text cell that was an answer cell.

    It is tagged as one, or contains code that assigns one of the names.
    """
    for part in notebook.parts:
        is_answer = tagged and f"answer:{question.name}" in part.tags
        if part.kind != "code" and (is_answer or not set(names).isdisjoint(assigned_names(part.source))):
            return part
    return None


def _kind(part: Part, _: Translate) -> str:
    return "Markdown" if part.kind == "markdown" else _("raw text")


def _never_assigned(cells: Sequence[CodeCell], variables: Sequence[str], _: Translate) -> str:
    wanted = _listed(variables, _)
    if inside := _inside_a_function(cells, variables, _):
        return inside
    for cell in cells:
        if others := sorted(assigned_names(cell.source) - set(variables)):
            return _other_names(cell, others, wanted, _)
    return _("Its cell [{cell}] has been changed, but assigns nothing to {names}.", cell=cells[0].number, names=wanted)


def _other_names(cell: CodeCell, others: Sequence[str], wanted: str, _: Translate) -> str:
    return _(
        "Its cell [{cell}] assigns {others}, but not {names}: keep the names as they were given.",
        cell=cell.number,
        others=_listed(others, _),
        names=wanted,
    )


def _partly_lost(
    notebook: Notebook, question: Question, cells: Sequence[CodeCell], names: Sequence[str], _: Translate
) -> str:
    """Explain why no cell assigns some of the variables."""
    wanted = _listed(names, _)
    if inside := _inside_a_function(cells, names, _):
        return inside
    for cell in cells:
        others = assigned_names(cell.source) - set(question.variables)
        alike = sorted(other for other in others if any(_is_alike(other, name) for name in names))
        if alike:
            return _other_names(cell, alike, wanted, _)
    part = _now_text(notebook, question, names, tagged=False)
    if part is not None:
        return _(
            "The cell that assigns {names} was changed to {kind}, so its code does not run.",
            names=wanted,
            kind=_kind(part, _),
        )
    deleted = sum(question.name in cell.answers for cell in notebook.cells) < len(question.stubs)
    if deleted:
        return _("No cell assigns {names}: its answer cell was deleted or replaced.", names=wanted)
    return _("No cell assigns {names}.", names=wanted)


def _inside_a_function(cells: Sequence[CodeCell], names: Sequence[str], _: Translate) -> str:
    for cell in cells:
        if inside := sorted(set(names) & assigned_in_functions(cell.source)):
            return _(
                "Its cell [{cell}] assigns {names} only inside a function: assign it outside.",
                cell=cell.number,
                names=_listed(inside, _),
            )
    return ""


def _is_alike(one: str, other: str) -> bool:
    first, second = one.casefold().replace("_", ""), other.casefold().replace("_", "")
    return SequenceMatcher(None, first, second).ratio() >= _ALIKE


def _listed(names: Sequence[str], _: Translate) -> str:
    shown = [clean_line(name, 40) for name in names[:_MOST_NAMES]]
    more = ["…"] if len(names) > _MOST_NAMES else []
    return ", ".join([*shown, *more]) or _("the answer")
