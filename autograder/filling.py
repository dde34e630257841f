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
    all_gaps = gap_names(student)
    answers = {question: _split(source, all_gaps[question]) for question, source in _answer_sources(solution).items()}
    used: set[str] = set()
    for cell in filled["cells"]:
        question = _question(cell)
        if question is None:
            continue
        gaps = _gap_names(_source(cell), question)
        used.update(gaps)
        by_default = answers[question] if questions is None or question in questions else {}
        cell["source"] = "\n".join(
            fills.get(gap, by_default.get(gap, "..." if gap == question else f"{gap} = ...")) for gap in gaps
        ).strip("\n")
    unknown = set(fills) - used
    if unknown:
        raise KeyError(f"not a gap of this notebook: {', '.join(sorted(unknown))}")
    return filled


def gap_names(notebook: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The gaps of every question: variable names, or the question's own name for a lone `...`."""
    names: dict[str, tuple[str, ...]] = {}
    for cell in notebook["cells"]:
        question = _question(cell)
        if question is not None:
            names[question] = (*names.get(question, ()), *_gap_names(_source(cell), question))
    return names


def _question(cell: Mapping[str, Any]) -> str | None:
    if cell.get("cell_type") != "code":
        return None
    tags = cell.get("metadata", {}).get("tags", ())
    return next((tag.removeprefix(_TAG) for tag in tags if tag.startswith(_TAG)), None)


def _source(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _answer_sources(solution: Mapping[str, Any]) -> dict[str, str]:
    """The code of each question's answer cells, joined in order."""
    sources: dict[str, str] = {}
    for cell in solution["cells"]:
        question = _question(cell)
        if question is not None:
            sources[question] = f"{sources.get(question, '')}\n{_source(cell)}".strip("\n")
    return sources


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
