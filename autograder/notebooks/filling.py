"""Fill in the stubs of a student notebook, for example classes and tests."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Mapping
from typing import Any

from autograder.errors import known_names
from autograder.notebooks.source import assigned_names

_TAG = "answer:"


def fill_stubs(
    student: Mapping[str, Any],
    solution: Mapping[str, Any],
    fills: Mapping[str, str],
    *,
    questions: Collection[str] | None = None,
) -> dict[str, Any]:
    """Return a copy of a student notebook with its stubs filled in.

    Args:
        student: a student notebook as JSON data; its answer cells contain only stubs.
        solution: the solution of the same lab.
        fills: code by the name of the variable, function or class whose stub it replaces, or by question for a lone
            `...`; text by question for a written answer.
        questions: the questions to fill with the solution's code unless `fills` applies; None means all.

    Raises:
        KeyError: `fills` contains a name without a stub.
    """
    filled = copy.deepcopy(dict(student))
    used: set[str] = set()
    # Both notebooks come from the same master, so their answer cells correspond in order.
    written = {question: _written(solution, question) for question, _ in _text_cells(filled)}
    for question, cell in _text_cells(filled):
        default = written.pop(question, "") if questions is None or question in questions else _source(cell)
        cell["source"] = fills.get(question, default)
        used.add(question)
    for (question, cell), (_, solved) in zip(_answer_cells(filled), _answer_cells(solution), strict=True):
        gaps = _stubs(_source(cell), question)
        used.update(gaps)
        by_default = _split(_source(solved), tuple(gaps)) if questions is None or question in questions else gaps
        cell["source"] = "\n".join(fills.get(gap, by_default.get(gap, stub)) for gap, stub in gaps.items()).strip("\n")
    unknown = set(fills) - used
    if unknown:
        name = min(unknown)
        raise KeyError(f"not a stub of this notebook: {name}; {known_names(name, used)}")
    return filled


def fills_of(student: Mapping[str, Any], filled: Mapping[str, Any]) -> dict[str, str]:
    """Return the code that replaces each changed stub in a filled notebook.

    Args:
        student: the student notebook.
        filled: the same notebook with answers; cells are matched by their tags, in order.
    """
    stubs: dict[str, dict[str, str]] = {}
    for question, cell in _answer_cells(student):
        stubs.setdefault(question, {}).update(_stubs(_source(cell), question))
    found: dict[str, str] = {}
    for question in dict.fromkeys(question for question, _ in _text_cells(student)):
        if (text := _written(filled, question)).strip() != _written(student, question).strip():
            found[question] = text
    for question, gaps in stubs.items():
        code = "\n".join(_source(cell) for owner, cell in _answer_cells(filled) if owner == question)
        try:
            parts = _split(code, tuple(gaps))
        except SyntaxError:  # the answers cannot be separated: the whole cell counts as the first
            parts = {next(iter(gaps)): code, **dict.fromkeys(list(gaps)[1:], "")}
        found |= {name: part.strip("\n") for name, part in parts.items() if part.strip() != gaps[name].strip()}
    return found


def _text_cells(notebook: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the cells of written answers, with their questions."""
    texts = (cell for cell in notebook["cells"] if cell.get("cell_type") == "markdown")
    return [(question, cell) for cell in texts if (question := _tagged(cell)) is not None]


def _written(notebook: Mapping[str, Any], question: str) -> str:
    return "\n\n".join(_source(cell) for owner, cell in _text_cells(notebook) if owner == question)


def _answer_cells(notebook: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    pairs = ((_question(cell), cell) for cell in notebook["cells"])
    return [(question, cell) for question, cell in pairs if question is not None]


def _question(cell: Mapping[str, Any]) -> str | None:
    return _tagged(cell) if cell.get("cell_type") == "code" else None


def _tagged(cell: Mapping[str, Any]) -> str | None:
    tags = cell.get("metadata", {}).get("tags", ())
    return next((tag.removeprefix(_TAG) for tag in tags if tag.startswith(_TAG)), None)


def _source(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _stubs(stubs: str, question: str) -> dict[str, str]:
    """Return the text of each stub of a cell by name.

    A lone `...` has the question's name.
    """
    found = {}
    for statement in ast.parse(stubs).body:
        name = question
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            name = statement.name
        found[name] = ast.get_source_segment(stubs, statement) or "..."
    return found


def _split(source: str, gaps: tuple[str, ...]) -> dict[str, str]:
    """Return the code of each stub: the statements up to its first assignment.

    The rest belongs to the last stub.
    """
    lines = source.splitlines()
    parts: dict[str, list[str]] = {gap: [] for gap in gaps}
    pending: list[str] = []
    owner = gaps[-1]
    start = 0
    for statement in ast.parse(source).body:
        pending += lines[start : statement.end_lineno]
        start = statement.end_lineno or start
        assigned = assigned_names(ast.unparse(statement))
        owners = [gap for gap in gaps if gap in assigned]
        if owners:
            owner = owners[0]
            parts[owner] += pending
            pending = []
    parts[owner] += pending + lines[start:]
    return {gap: "\n".join(code) for gap, code in parts.items()}
