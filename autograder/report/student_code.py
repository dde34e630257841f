"""The code that students wrote, separated from the code they were given. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from autograder.errors import SubmissionError
from autograder.notebooks.notebook import CodeCell, Notebook, read_notebook
from autograder.notebooks.source import assigned_names, statements
from autograder.util.text import clean

# What is packed has no blanks and no quotation marks, so that it can hide no code.
_SET_UP = re.compile(r'''^(grader = _set_up\()(?:\w+="[^"\n]*", )*packed="""\n(?:[^\s"\\]+\n)+"""\)$''', re.MULTILINE)


@dataclass(frozen=True)
class Starter:
    """The notebook that a lab hands out.

    Args:
        given: its code cells, in a form that is the same in every language of a notebook.
        stubs: statements of its answer cells, from `source.statements`.
        variables: answer variables by question, as assigned in its answer cells.
    """

    given: frozenset[str] = frozenset()
    stubs: frozenset[str] = frozenset()
    variables: Mapping[str, frozenset[str]] = field(default_factory=dict)


NO_STARTER = Starter()


def read_code(data: bytes) -> Notebook | None:
    """Return the code cells of a notebook, or None if it is not one."""
    try:
        return read_notebook(data)
    except SubmissionError:
        return None


def starter_of(data: bytes) -> Starter:
    """Analyse a student notebook; return an empty starter if it is not a notebook."""
    notebook = read_code(data)
    if notebook is None:
        return NO_STARTER
    variables: dict[str, frozenset[str]] = {}
    stubs: set[str] = set()
    for cell in notebook.cells:
        for question in sorted(cell.answers):
            variables[question] = variables.get(question, frozenset()) | assigned_names(cell.source)
            stubs.update(statements(cell.source) or ())
    given = frozenset(_code(cell.source) for cell in notebook.cells)
    return Starter(given, frozenset(stubs), variables)


def own_cells(notebook: Notebook, starter: Starter) -> tuple[CodeCell, ...]:
    """Return the cells in which a student wrote something.

    Without a starter, these are the tagged answer cells or, if there are none, all cells.
    """
    if not starter.given:
        tagged = tuple(cell for cell in notebook.cells if cell.answers)
        return tagged or notebook.cells
    return tuple(
        cell
        for cell in notebook.cells
        if _code(cell.source) not in starter.given and not (cell.answers and _is_stub(cell.source, starter.stubs))
    )


def answer_code(cells: Sequence[CodeCell], limit: int) -> str:
    """Return the code of the cells as sanitized text of at most `limit` characters.

    Each cell is preceded by a comment with the name of its question.
    """
    parts = (f"# {', '.join(sorted(cell.answers)) or 'another cell'}\n{cell.source.strip()}\n" for cell in cells)
    return clean("\n".join(parts), limit)


@lru_cache(maxsize=1024)  # most cells of a class are the same
def _code(source: str) -> str:
    """Return the statements of a cell, without the arguments of the set-up cell.

    Comments are in the language of the notebook, and so are some of the texts that the set-up cell packs.
    """
    found = statements(_SET_UP.sub(r"\1)", source))
    return source.strip() if found is None else "\n".join(found)


def _is_stub(source: str, stubs: frozenset[str]) -> bool:
    found = statements(source)
    return found is not None and stubs.issuperset(found)
