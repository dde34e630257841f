"""Tests of a master as test files need them, with bundled definitions."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from autograder.authoring.bundle import Source, Test, bundle, library_sources, read_test
from autograder.authoring.master import Cell, Master, Question, TestCell, parse_python


def source_of(master: Master, question: Question, test: TestCell) -> Source:
    """Return the Python of a test cell with its place in the master."""
    return Source(test.body, master.file, test.body_line, question.name)


def read_tests(master: Master, question: Question) -> tuple[Test, ...]:
    """Return the tests of a question.

    Raises:
        MasterError: a test cell holds anything but imports and one function.
    """
    return tuple(read_test(source_of(master, question, test)) for test in question.tests)


def prelude(master: Master, question: Question, names: Collection[str] | None = None) -> str:
    """Return the definitions that tests of a question need in front of them.

    `names` selects tests; None stands for all.

    Raises:
        MasterError: a test uses what is defined nowhere, or something that its own parameter hides.
    """
    tests = [test for test in read_tests(master, question) if names is None or test.name in names]
    shared = next((Source(cell.source, master.file, cell.line) for cell in master.helpers), None)
    return bundle(tests, shared=shared, library=library_sources(), answers=parameters(master))


def parameters(master: Master) -> frozenset[str]:
    """Return the variables that the tests of a master take."""
    return frozenset(
        name for question in master.questions for test in read_tests(master, question) for name in test.parameters
    )


def set_in_notebook(master: Master) -> frozenset[str]:
    """Return every name that a master sets outside its tests and shared cell."""
    tests = {id(test.cell) for question in master.questions for test in question.tests}
    cells = [cell for cell in master.cells if cell.kind == "code" and id(cell) not in tests]
    return frozenset[str]().union(*(names_set(cell) for cell in cells if cell not in master.helpers))


def names_set(cell: Cell) -> frozenset[str]:
    """Return every name that a code cell sets, defines or imports."""
    return frozenset(name for name, _ in _settings(cell))


def line_that_sets(cell: Cell, name: str) -> int | None:
    """Return the last line of a cell that sets a name, counted from 1."""
    return max((line for found, line in _settings(cell) if found == name), default=None)


def _settings(cell: Cell) -> Iterator[tuple[str, int]]:
    for node in ast.walk(parse_python(cell.source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (((alias.asname or alias.name).split(".")[0], node.lineno) for alias in node.names)
