"""Docstrings begin with a short line."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.conftest import REPOSITORY

LONGEST = 80


def first_lines() -> Iterator[tuple[str, str]]:
    """The first line of every docstring, by file and line."""
    for folder in ("autograder", "benchmarks", "tests"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            if "fixtures" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    docstring = ast.get_docstring(node)
                    line = 1 if isinstance(node, ast.Module) else node.lineno
                    if docstring:
                        yield f"{path.relative_to(REPOSITORY)}:{line}", docstring.split("\n")[0]


def test_first_lines_have_at_most_80_characters() -> None:
    found = list(first_lines())
    assert len(found) > 1000
    assert [place for place, line in found if len(line) > LONGEST] == []
