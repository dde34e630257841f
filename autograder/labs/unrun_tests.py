"""Describe test files without running them, if their text is unambiguous. Pure.

What `otter assign` and `autograder build` write is of this kind. It spares a run that grades nothing, such as that of a
PDF, the start of a worker; before a notebook is graded, the files are loaded in any case.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from autograder.handover.protocol import DescribedQuestion, DescribedTest

_SETTINGS = ("OK_FORMAT", "name", "points", "all_or_nothing")
_OPTIONS = frozenset({"name", "points", "hidden", "success_message", "failure_message"})
# The decorator of the check library, which keeps name and parameters of its function.
_CHECK = "check"


def describe(tests: Mapping[str, str]) -> tuple[DescribedQuestion, ...] | None:
    """Return what the checker would say of these files; None if that is not certain."""
    try:
        return tuple(_question(ast.parse(source)) for source in tests.values())
    except (_DoubtError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _DoubtError(Exception):
    """Only running the file tells."""


def _question(tree: ast.Module) -> DescribedQuestion:
    bound = Counter(_bound(tree))
    settings: dict[str, Any] = {}
    cases: list[tuple[ast.FunctionDef, dict[str, Any]]] = []
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for name in (target.id for target in statement.targets if isinstance(target, ast.Name)):
                if name in _SETTINGS:
                    settings[name] = ast.literal_eval(statement.value)
        elif isinstance(statement, ast.FunctionDef) and statement.decorator_list:
            options = _options(statement)
            if options is not None:
                cases.append((statement, options))
    uses = sum(isinstance(node, ast.Name) and node.id == "test_case" for node in ast.walk(tree))
    single = (*_SETTINGS, "test_case", *(function.name for function, _ in cases))
    if (
        uses != len(cases)
        or not _imports_test_case(tree)
        or any(bound[name] > 1 for name in single)
        or settings.get("OK_FORMAT") is not False
        or not isinstance(settings.get("name"), str)
    ):
        raise _DoubtError
    points = _points([options.get("points") for _, options in cases], settings.get("points"))
    described = tuple(
        DescribedTest(function.name, bool(options.get("hidden", False)), worth, *_parameters(function))
        for (function, options), worth in zip(cases, points, strict=True)
    )
    return DescribedQuestion(settings["name"], bool(settings.get("all_or_nothing", False)), described)


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yield the names that the file binds, once for each time."""
    if ast.get_docstring(tree) is not None:
        tree = ast.Module(tree.body[1:], [])
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((alias.asname or alias.name).split(".")[0] for alias in names)
            case ast.Assign(targets=targets):
                yield from (node.id for one in targets for node in ast.walk(one) if isinstance(node, ast.Name))
            case _:
                raise _DoubtError
    for node in ast.walk(tree):  # bound in another way
        match node:
            case ast.Global(names=found):
                yield from found * 2
            case ast.NamedExpr(target=ast.Name(id=name)):
                yield name
            case ast.alias(name="*"):
                raise _DoubtError


def _imports_test_case(tree: ast.Module) -> bool:
    return any(
        isinstance(statement, ast.ImportFrom)
        and statement.module == "otter.test_files"
        and any(alias.name == "test_case" and alias.asname is None for alias in statement.names)
        for statement in tree.body
    )


def _options(function: ast.FunctionDef) -> dict[str, Any] | None:
    """Return the options of a test case; None for another function."""
    first, *others = function.decorator_list
    if not (isinstance(first, ast.Call) and isinstance(first.func, ast.Name) and first.func.id == "test_case"):
        return None
    if first.args or any(keyword.arg not in _OPTIONS for keyword in first.keywords):
        raise _DoubtError
    if any(not (isinstance(other, ast.Name) and other.id == _CHECK) for other in others):
        raise _DoubtError
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in first.keywords}


def _parameters(function: ast.FunctionDef) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the parameters without and with a default."""
    given = function.args
    if given.vararg or given.kwarg:
        raise _DoubtError
    plain = [*given.posonlyargs, *given.args]
    split = len(plain) - len(given.defaults)
    named = list(zip(given.kwonlyargs, given.kw_defaults, strict=True))
    required = [*plain[:split], *(one for one, default in named if default is None)]
    optional = [*plain[split:], *(one for one, default in named if default is not None)]
    return tuple(one.arg for one in required), tuple(one.arg for one in optional)


def _points(given: list[Any], total: Any) -> list[float]:
    """Distribute the points of a question over its tests as otter does.

    See otter's `TestFile.resolve_test_file_points`.
    """
    if isinstance(total, list):
        if len(total) != len(given):
            raise _DoubtError
        given, total = total, None
    if any(type(one) not in (int, float) for one in (*given, total) if one is not None):
        raise _DoubtError
    known = sum(one for one in given if one is not None)
    without = sum(one is None for one in given)
    if total is not None and known > total:
        raise _DoubtError
    if total is not None:
        each = (total - known) / without if without else 0.0
    else:
        each = 1 / without if without and all(one in (0, None) for one in given) else 0.0
    return [float(each if one is None else one) for one in given]
