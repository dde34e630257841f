"""Detect points without an answer in the code, and measurements typed in. Pure.

Both are hints for a person, not reasons for marks. They are limited to what rarely occurs in honest work: in these
labs, a number that is not whole can only come from a measurement, while counts (`hidden_params = 401920`) may be
calculated on paper and are never reported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from autograder.notebooks.notebook import CodeCell
from autograder.notebooks.source import assigned_names, parse_cell
from autograder.report.student_code import Starter

# A shape may be typed in; a list of this length is a result even if it contains whole numbers only.
_LONG = 5
_MAKERS = frozenset(
    "array asarray constant convert_to_tensor float float32 float64 int list round tuple abs float16 Variable".split()
)


@dataclass(frozen=True)
class Written:
    """What a student's cells assign.

    Args:
        assigned: all assigned names.
        by_question: names assigned in the answer cells of each question.
        unclear: text of the cells that are not valid Python.
        measurements: names whose last value is a measurement written as a literal, with that line of code.
    """

    assigned: frozenset[str]
    by_question: Mapping[str, frozenset[str]]
    unclear: str
    measurements: Mapping[str, str]


def written(cells: Sequence[CodeCell]) -> Written:
    """Analyse a student's cells, in notebook order."""
    last: dict[str, ast.expr | None] = {}
    by_question: dict[str, frozenset[str]] = {}
    unclear = []
    for cell in cells:
        tree = parse_cell(cell.source)
        if tree is None:
            unclear.append(cell.source)
            continue
        for statement in tree.body:
            # Any other statement that binds the name (a loop, `+=`, `with`) computes it.
            last |= dict.fromkeys(_bound(statement))
            last |= dict(_simple(statement))
        for question in cell.answers:
            by_question[question] = by_question.get(question, frozenset()) | assigned_names(cell.source)
    assigned = frozenset[str]().union(*(assigned_names(cell.source) for cell in cells))
    found = {name: _line(name, value) for name, value in last.items() if value is not None and _measured(value)}
    return Written(assigned, by_question, "\n".join(unclear), found)


def without_code(student: Written, starter: Starter, question: str) -> bool:
    """Return whether no cell assigns an answer variable of the question.

    False if the question has no answer variables or the starter is unknown.
    """
    variables = starter.variables.get(question, frozenset())
    if not variables or variables & student.assigned:
        return False
    return not any(name in student.unclear for name in variables)


def typed_in(student: Written, starter: Starter, question: str) -> tuple[str, ...]:
    """Return the lines that assign a typed-in measurement to an answer."""
    variables = starter.variables.get(question) or student.by_question.get(question, frozenset())
    return tuple(line for name, line in student.measurements.items() if name in variables)


def _line(name: str, value: ast.expr) -> str:
    try:
        return f"{name} = {ast.unparse(value):.60}"
    except RecursionError:
        return f"{name} = …"


def _bound(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _simple(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield the pairs NAME = EXPRESSION of an assignment, also for `a, b = 1, 2`."""
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield from _pairs(statement.target, statement.value)
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _pairs(target, statement.value)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        for part, its_value in zip(target.elts, value.elts, strict=False):
            yield from _pairs(part, its_value)


def _measured(value: ast.expr) -> bool:
    """Return whether a value is a typed-in result.

    A result consists of literals only and has a number that is not whole, or many elements.
    """
    try:
        numbers = list(_numbers(value))
    except (TypeError, RecursionError):
        return False
    return any(not float(number).is_integer() for number in numbers) or _length(value) >= _LONG


def _numbers(node: ast.expr) -> Iterator[float]:
    """Yield the numbers of a constant expression.

    Raises:
        TypeError: it is not a constant expression.
    """
    match node:
        case ast.Constant(value=bool() | None):
            raise TypeError
        case ast.Constant(value=int() | float() as number):
            yield number if abs(number) < 1e300 else 0  # infinity, and integers beyond the range of floats
        case ast.UnaryOp(operand=operand):
            yield from _numbers(operand)
        case ast.BinOp(left=left, right=right):
            yield from _numbers(left)
            yield from _numbers(right)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from _numbers(part)
        case ast.Call(func=function, args=arguments) if arguments and _last_name(function) in _MAKERS:
            yield from _numbers(_plain(arguments[0]))
        case _:
            raise TypeError


def _plain(argument: ast.expr) -> ast.expr:
    """Convert the argument of `float("0.98")` to a literal."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        try:
            return ast.Constant(float(argument.value))
        except ValueError:
            return argument
    return argument


def _last_name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _length(node: ast.expr) -> int:
    return max((len(part.elts) for part in ast.walk(node) if isinstance(part, ast.List | ast.Tuple)), default=0)
