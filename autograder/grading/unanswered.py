"""Explain what became of answers that are not there. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher

from autograder.handover.protocol import VariableState
from autograder.labs.assignment import Question
from autograder.notebooks.notebook import CodeCell, Notebook, Part, answer_cells, is_stub
from autograder.notebooks.source import assigned_in_functions, assigned_names, cell_magic
from autograder.results.result import CellError
from autograder.util.text import clean_line

NOT_FILLED_IN = "The answer has not been filled in."
_MOST_NAMES = 3
_TIMING = frozenset({"timeit"})
_ALIKE = 0.6  # of 1: `ntrain` for `n_train`, not `total` for `n_train`


def why_unanswered(
    notebook: Notebook, question: Question, states: Mapping[str, VariableState], *, other_version: bool = False
) -> str:
    """Explain in one sentence what happened to an answer of which nothing can be judged.

    Args:
        notebook: the notebook.
        question: the question.
        states: the state of its variables; missing ones have no entry.
        other_version: whether the notebook is known to be of another version than the lab's.
    """
    cells = answer_cells(notebook, question.name, question.variables)
    if not cells:
        return _no_code_cell(notebook, question, other_version=other_version)
    touched = _touched(cells, question)
    if not touched:
        return NOT_FILLED_IN
    lost = (
        _under_magic(touched, lambda _: True)
        or _checked_too_early(notebook, question, _assigning(touched, question.variables) or touched)
        or _assigned_in_vain(touched, question.variables, states)
    )
    return lost or _never_assigned(touched, question.variables)


def why_incomplete(
    notebook: Notebook, question: Question, states: Mapping[str, VariableState], errors: Sequence[CellError]
) -> str:
    """Explain in one sentence what happened to a part of an answer; empty if all of it is there.

    Args:
        notebook: the notebook.
        question: the question, of which other variables can be judged.
        states: the state of its variables; missing ones have no entry.
        errors: errors that the notebook's cells raised.
    """
    names = [name for name in question.variables if name not in states or states[name].state == "stub"]
    if not names or len(names) == len(question.variables):
        return ""
    touched = _touched(answer_cells(notebook, question.name, question.variables), question)
    assigning = _assigning(touched, names)
    failed = next((error for error in errors for cell in assigning if error.cell == cell.number), None)
    if failed is not None:
        raised = f"{failed.name}: {failed.message}".rstrip(": ")
        return f"{_listed(names)} was not assigned, because cell [{failed.cell}] raised {raised}."
    return (
        _under_magic(touched, lambda cell: _mentions_assignment(cell.source, names))
        or (_checked_too_early(notebook, question, assigning) if assigning else "")
        or _assigned_in_vain(touched, names, states)
        or _partly_lost(notebook, question, touched, names)
    )


def _touched(cells: Sequence[CodeCell], question: Question) -> list[CodeCell]:
    return [cell for cell in cells if not question.stubs or not is_stub(cell.source, question.stubs)]


def _assigning(cells: Sequence[CodeCell], names: Sequence[str]) -> list[CodeCell]:
    return [cell for cell in cells if not set(names).isdisjoint(assigned_names(cell.source))]


def _mentions_assignment(source: str, names: Sequence[str]) -> bool:
    """Return whether a cell, in whatever language, seems to assign one of the names."""
    pattern = rf"^\s*(?:{'|'.join(map(re.escape, names))})\s*="
    return re.search(pattern, source, re.MULTILINE) is not None


def _under_magic(cells: Sequence[CodeCell], counts: Callable[[CodeCell], bool]) -> str:
    for cell in cells:
        magic = cell_magic(cell.source)
        if magic and counts(cell):
            kept = "which does not keep the variables of its cell" if magic in _TIMING else "so it is not run as Python"
            return f"Its cell [{cell.number}] begins with %%{magic}, {kept}: remove that line."
    return ""


def _checked_too_early(notebook: Notebook, question: Question, answers: Sequence[CodeCell]) -> str:
    last_check = max((cell.number for cell in notebook.cells if question.name in cell.checks), default=None)
    if last_check is None or last_check >= min(cell.number for cell in answers):
        return ""
    return (
        f'grader.check("{question.name}") is in cell [{last_check}], before the answer in cell [{answers[0].number}]: '
        "move the check below the answer."
    )


def _assigned_in_vain(cells: Sequence[CodeCell], names: Sequence[str], states: Mapping[str, VariableState]) -> str:
    wanted = _listed(names)
    if any(name in states and states[name].state == "stub" for name in names):
        return f"{wanted} was still ... when the answer was collected: replace the three dots with the answer."
    assigning = _assigning(cells, names)
    if assigning:
        return f"{wanted} is assigned in cell [{assigning[0].number}], but was no longer there when it was collected."
    return ""


def _no_code_cell(notebook: Notebook, question: Question, *, other_version: bool) -> str:
    part = _now_text(notebook, question, question.variables)
    if part is not None:
        return f"Its answer cell was changed to {_kind(part)}, so its code does not run: change it to a code cell."
    if other_version and not any(question.name in cell.checks for cell in notebook.cells):
        return "There is no cell for it: the notebook is of another version, which may not have this question."
    return "Its answer cell was deleted or replaced."


def _now_text(notebook: Notebook, question: Question, names: Sequence[str], *, tagged: bool = True) -> Part | None:
    """Return the text cell that was an answer cell: tagged as one, or with code that assigns one of the names."""
    for part in notebook.parts:
        is_answer = tagged and f"answer:{question.name}" in part.tags
        if part.kind != "code" and (is_answer or not set(names).isdisjoint(assigned_names(part.source))):
            return part
    return None


def _kind(part: Part) -> str:
    return "Markdown" if part.kind == "markdown" else "raw text"


def _never_assigned(cells: Sequence[CodeCell], variables: Sequence[str]) -> str:
    wanted = _listed(variables)
    if inside := _inside_a_function(cells, variables):
        return inside
    for cell in cells:
        if others := sorted(assigned_names(cell.source) - set(variables)):
            told = f"Its cell [{cell.number}] assigns {_listed(others)}, but not {wanted}"
            return f"{told}: keep the names as they were given."
    return f"Its cell [{cells[0].number}] has been changed, but assigns nothing to {wanted}."


def _partly_lost(notebook: Notebook, question: Question, cells: Sequence[CodeCell], names: Sequence[str]) -> str:
    """Explain why no cell assigns some of the variables."""
    wanted = _listed(names)
    if inside := _inside_a_function(cells, names):
        return inside
    for cell in cells:
        others = assigned_names(cell.source) - set(question.variables)
        alike = sorted(other for other in others if any(_is_alike(other, name) for name in names))
        if alike:
            told = f"Its cell [{cell.number}] assigns {_listed(alike)}, but not {wanted}"
            return f"{told}: keep the names as they were given."
    part = _now_text(notebook, question, names, tagged=False)
    if part is not None:
        return f"The cell that assigns {wanted} was changed to {_kind(part)}, so its code does not run."
    deleted = sum(question.name in cell.answers for cell in notebook.cells) < len(question.stubs)
    return f"No cell assigns {wanted}{': its answer cell was deleted or replaced' if deleted else ''}."


def _inside_a_function(cells: Sequence[CodeCell], names: Sequence[str]) -> str:
    for cell in cells:
        if inside := sorted(set(names) & assigned_in_functions(cell.source)):
            return f"Its cell [{cell.number}] assigns {_listed(inside)} only inside a function: assign it outside."
    return ""


def _is_alike(one: str, other: str) -> bool:
    first, second = one.casefold().replace("_", ""), other.casefold().replace("_", "")
    return SequenceMatcher(None, first, second).ratio() >= _ALIKE


def _listed(names: Sequence[str]) -> str:
    shown = [clean_line(name, 40) for name in names[:_MOST_NAMES]]
    more = ["…"] if len(names) > _MOST_NAMES else []
    return ", ".join([*shown, *more]) or "the answer"
