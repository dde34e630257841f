"""Find tests that pass a function of their own to a student's function.

The grader cannot do that, because test code never enters the student's process.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.authoring.master import Master


def own_functions_passed(test: ast.FunctionDef, helpers: frozenset[str]) -> Iterator[tuple[str, ast.expr]]:
    """Yield each parameter that a test calls with its own function, and the argument.

    Only calls of a parameter itself count: `frame.apply(lambda …)` on a table that was handed over works. What is
    passed in other ways is found when the answer key is graded.

    Args:
        test: the test.
        helpers: names of functions and classes beside the tests.
    """
    arguments = (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs)
    parameters = {argument.arg for argument in arguments}
    nodes = list(ast.walk(test))
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    own = helpers | {node.name for node in nodes if isinstance(node, definitions) and node is not test}
    own |= {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in parameters:
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                if isinstance(argument, ast.Lambda) or (isinstance(argument, ast.Name) and argument.id in own):
                    yield node.func.id, argument


def helper_functions(master: Master) -> frozenset[str]:
    """Return the names of functions and classes that a master defines outside tests."""
    bodies = [ast.parse(cell.source).body for cell in master.helpers]
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for body in bodies for node in body if isinstance(node, definitions))
