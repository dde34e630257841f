"""Explain why a question counts as not attempted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograder.handover.protocol import VariableState
from autograder.labs.assignment import Question
from autograder.notebooks.notebook import CodeCell, Notebook, Part, answer_cells, is_stub
from autograder.notebooks.source import assigned_in_functions, assigned_names, cell_magic
from autograder.util.text import clean_line
from autograder.util.translations import ENGLISH, Translate

NOT_FILLED_IN = "The answer has not been filled in."
_MOST_NAMES = 3


def why_unanswered(
    notebook: Notebook, question: Question, states: Mapping[str, VariableState], _: Translate = ENGLISH
) -> str:
    """Explain in one sentence what happened to the answer.

    Args:
        notebook: the notebook.
        question: the question, for which nothing can be judged.
        states: the state of its variables; missing ones have no entry.
        _: puts the sentence into a language.
    """
    variables = question.variables
    cells = answer_cells(notebook, question.name, variables)
    if not cells:
        return _no_code_cell(notebook, question, _)
    touched = [cell for cell in cells if not is_stub(cell.source, question.stubs)] if question.stubs else list(cells)
    if not touched:
        return _(NOT_FILLED_IN)
    wanted = _listed(variables, _)
    for cell in touched:
        if magic := cell_magic(cell.source):
            if magic in _TIMING:
                text = _(
                    "Its cell [{cell}] begins with %%{magic}, which does not keep the variables of its cell: "
                    "remove that line.",
                    cell=cell.number,
                    magic=magic,
                )
            else:
                text = _(
                    "Its cell [{cell}] begins with %%{magic}, so it is not run as Python: remove that line.",
                    cell=cell.number,
                    magic=magic,
                )
            return text
    assigning = [cell for cell in touched if set(variables) & assigned_names(cell.source)]
    last_check = max((cell.number for cell in notebook.cells if question.name in cell.checks), default=None)
    if last_check is not None and last_check < min(cell.number for cell in assigning or touched):
        answered = (assigning or touched)[0].number
        return _(
            "{check} is in cell [{last}], before the answer in cell [{answered}]: move the check below the answer.",
            check=f'grader.check("{question.name}")',
            last=last_check,
            answered=answered,
        )
    if any(name in states and states[name].state == "stub" for name in variables):
        return _(
            "{names} was still ... when the answer was collected: replace the three dots with the answer.", names=wanted
        )
    if assigning:
        return _(
            "{names} is assigned in cell [{cell}], but was no longer there when it was collected.",
            names=wanted,
            cell=assigning[0].number,
        )
    return _never_assigned(touched, variables, _)


_TIMING = frozenset({"timeit"})


def _no_code_cell(notebook: Notebook, question: Question, _: Translate) -> str:
    part = next((part for part in notebook.parts if part.kind != "code" and _was_answer(part, question)), None)
    if part is not None:
        kind = "Markdown" if part.kind == "markdown" else _("raw text")
        return _(
            "Its answer cell was changed to {kind}, so its code does not run: change it to a code cell.", kind=kind
        )
    return _("Its answer cell was deleted or replaced.")


def _was_answer(part: Part, question: Question) -> bool:
    if f"answer:{question.name}" in part.tags:
        return True
    return bool(set(question.variables) & assigned_names(part.source))


def _never_assigned(cells: Sequence[CodeCell], variables: Sequence[str], _: Translate) -> str:
    wanted = _listed(variables, _)
    cell = cells[0]
    inside = sorted(set(variables) & assigned_in_functions(cell.source))
    if inside:
        return _(
            "Its cell [{cell}] assigns {names} only inside a function: assign it outside.",
            cell=cell.number,
            names=_listed(inside, _),
        )
    others = sorted({name for one in cells for name in assigned_names(one.source)} - set(variables))
    if others:
        return _(
            "Its cell [{cell}] assigns {others}, but not {names}: keep the names as they were given.",
            cell=cell.number,
            others=_listed(others, _),
            names=wanted,
        )
    return _("Its cell [{cell}] has been changed, but assigns nothing to {names}.", cell=cell.number, names=wanted)


def _listed(names: Sequence[str], _: Translate) -> str:
    shown = [clean_line(name, 40) for name in names[:_MOST_NAMES]]
    more = ["…"] if len(names) > _MOST_NAMES else []
    return ", ".join([*shown, *more]) or _("the answer")
