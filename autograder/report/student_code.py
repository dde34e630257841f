"""The code students handed in, as the report needs it: what is theirs, and what they were given. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autograder.errors import SubmissionError
from autograder.notebooks.notebook import CodeCell, Notebook, read_notebook
from autograder.notebooks.source import assigned_names, statements
from autograder.util.text import clean


@dataclass(frozen=True)
class Starter:
    """The notebook a lab hands out.

    Args:
        given: the text of its code cells, stripped.
        gaps: the statements of its answer cells, as `sources.statements` gives them.
        variables: by question the answer variables, those its answer cells assign.
    """

    given: frozenset[str] = frozenset()
    gaps: frozenset[str] = frozenset()
    variables: Mapping[str, frozenset[str]] = field(default_factory=dict)


NO_STARTER = Starter()


def read_code(data: bytes) -> Notebook | None:
    """The code cells of a notebook; None for what is none."""
    try:
        return read_notebook(data)
    except SubmissionError:
        return None


def starter_of(data: bytes) -> Starter:
    """What a student notebook hands out; an empty starter for what is no notebook."""
    notebook = read_code(data)
    if notebook is None:
        return NO_STARTER
    variables: dict[str, frozenset[str]] = {}
    gaps: set[str] = set()
    for cell in notebook.cells:
        for question in sorted(cell.answers):
            variables[question] = variables.get(question, frozenset()) | assigned_names(cell.source)
            gaps.update(statements(cell.source) or ())
    given = frozenset(cell.source.strip() for cell in notebook.cells)
    return Starter(given, frozenset(gaps), variables)


def own_cells(notebook: Notebook, starter: Starter) -> tuple[CodeCell, ...]:
    """The cells in which a student wrote something: neither handed out as they are nor nothing but gaps.

    Without a starter these are the tagged answer cells; where there are none either, all cells.
    """
    if not starter.given:
        tagged = tuple(cell for cell in notebook.cells if cell.answers)
        return tagged or notebook.cells
    return tuple(
        cell
        for cell in notebook.cells
        if cell.source.strip() not in starter.given and not (cell.answers and _is_gap(cell.source, starter.gaps))
    )


def answer_code(cells: Sequence[CodeCell], limit: int) -> str:
    """The code of the cells as one harmless text, each under a comment that names its question, cut at `limit`."""
    parts = (f"# {', '.join(sorted(cell.answers)) or 'another cell'}\n{cell.source.strip()}\n" for cell in cells)
    return clean("\n".join(parts), limit)


def _is_gap(source: str, gaps: frozenset[str]) -> bool:
    found = statements(source)
    return found is not None and gaps.issuperset(found)
