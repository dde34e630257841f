"""Fills the gaps of a student notebook by variable name: how example classes and test cases are made."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Mapping
from typing import Any

_TAG = "answer:"


def fill_gaps(
    student: Mapping[str, Any],
    solution: Mapping[str, Any],
    fills: Mapping[str, str],
    *,
    questions: Collection[str] | None = None,
) -> dict[str, Any]:
    """A copy of the student notebook with its gaps filled.

    Args:
        student: a student notebook as JSON data; answer cells hold nothing but gaps.
        solution: the solution of the same lab.
        fills: code by the name of the variable whose gap `NAME = ...` it replaces, or by the question for a lone `...`.
        questions: the questions to fill with the solution's code where `fills` says nothing; None means all.

    Raises:
        KeyError: `fills` names something that is not a gap of the notebook.
    """
    filled = copy.deepcopy(dict(student))
    used: set[str] = set()
    # The solution has the same answer cells in the same order: both notebooks come from one master.
    for (question, cell), (_, solved) in zip(_answer_cells(filled), _answer_cells(solution), strict=True):
        gaps = _gap_names(_source(cell), question)
        used.update(gaps)
        by_default = _split(_source(solved), gaps) if questions is None or question in questions else {}
        cell["source"] = "\n".join(
            fills.get(gap, by_default.get(gap, "..." if gap == question else f"{gap} = ...")) for gap in gaps
        ).strip("\n")
    unknown = set(fills) - used
    if unknown:
        raise KeyError(f"not a gap of this notebook: {', '.join(sorted(unknown))}")
    return filled


def _answer_cells(notebook: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    pairs = ((_question(cell), cell) for cell in notebook["cells"])
    return [(question, cell) for question, cell in pairs if question is not None]


def _question(cell: Mapping[str, Any]) -> str | None:
    if cell.get("cell_type") != "code":
        return None
    tags = cell.get("metadata", {}).get("tags", ())
    return next((tag.removeprefix(_TAG) for tag in tags if tag.startswith(_TAG)), None)


def _source(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _gap_names(stub: str, question: str) -> tuple[str, ...]:
    names = []
    for statement in ast.parse(stub).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            names.append(statement.targets[0].id)
        else:
            names.append(question)
    return tuple(names)


def _split(source: str, gaps: tuple[str, ...]) -> dict[str, str]:
    """The code of each gap: the statements up to and including the one that first assigns it; the rest goes last."""
    lines = source.splitlines()
    parts: dict[str, list[str]] = {gap: [] for gap in gaps}
    pending: list[str] = []
    owner = gaps[-1]
    start = 0
    for statement in ast.parse(source).body:
        pending += lines[start : statement.end_lineno]
        start = statement.end_lineno or start
        assigned = {
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        owners = [gap for gap in gaps if gap in assigned]
        if owners:
            owner = owners[0]
            parts[owner] += pending
            pending = []
    parts[owner] += pending + lines[start:]
    return {gap: "\n".join(code) for gap, code in parts.items()}
