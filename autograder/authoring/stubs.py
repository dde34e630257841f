"""Stubs of a student notebook: the answer cells and the variables they assign."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass

from autograder.authoring.master import ANSWER_TAG, Master
from autograder.errors import MasterError

_NEARLY_A_MARK = re.compile(r"#\s*(?:(?:begin|end)\s+)?soluti?on\b", re.IGNORECASE)


@dataclass(frozen=True)
class QuestionStubs:
    """Stubs of one question.

    Args:
        question: its name.
        variables: the names that the stubs assign.
        stubs: sources of its answer cells as handed out.
        written: what stands in its text cells, which students replace.
    """

    question: str
    variables: tuple[str, ...]
    stubs: tuple[str, ...]
    written: tuple[str, ...] = ()


def read_stubs(cells: list[dict[str, object]], master: Master) -> tuple[QuestionStubs, ...]:
    """Return the stubs of every question, from the generated student notebook.

    Args:
        cells: the notebook's cells, with `source` as one text and `metadata.tags`.
        master: the master they came from, for the order of the questions and the place of an error.

    Raises:
        MasterError: an answer cell holds anything but stubs.
    """
    found = []
    for question in master.questions:
        tag = f"{ANSWER_TAG}{question.name}"
        own = [cell for cell in cells if tag in _tags(cell)]
        stubs = tuple(str(cell["source"]) for cell in own if cell["cell_type"] == "code")
        written = tuple(str(cell["source"]) for cell in own if cell["cell_type"] == "markdown")
        variables: list[str] = []
        for stub, answer in zip(stubs, question.answers, strict=True):
            try:
                names = stub_variables(stub)
            except ValueError as error:
                raise MasterError(f"{error}", file=master.file, question=question.name, line=answer.line) from error
            for name in names:
                if name in variables:
                    raise MasterError(
                        f"two stubs for `{name}` in one question: keep one",
                        file=master.file, question=question.name, line=answer.line,
                    )  # fmt: skip
                variables.append(name)
        found.append(QuestionStubs(question.name, tuple(variables), stubs, written))
    return tuple(found)


def stub_variables(stub: str) -> tuple[str, ...]:
    """Return the variables, functions and classes that a stub defines.

    Raises:
        ValueError: the text is anything but stubs, or one lone `...`.
    """
    rule = (
        "an answer cell must give students nothing but stubs: `NAME = ...` lines, signatures with `...` as their body, "
        "or one lone `...`"
    )
    try:
        body = ast.parse(stub).body
    except SyntaxError as error:
        raise ValueError(f"{rule}; once the solution is removed, Python cannot read line {error.lineno}") from error
    tokens = tokenize.generate_tokens(io.StringIO(stub).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    for comment in comments:
        if _NEARLY_A_MARK.match(comment):
            raise ValueError(f"{rule}; `{comment}` marks no solution: write `# SOLUTION`, in capitals")
    if comments:
        raise ValueError(f"{rule}; this one leaves a comment: move it into the text above")
    if len(body) == 1 and _is_lone_ellipsis(body[0]):
        return ()
    if not body:
        raise ValueError(f"{rule}; this one is empty: mark the lines of the solution with `# SOLUTION`")
    return tuple(_stub_name(statement, rule) for statement in body)


def _stub_name(statement: ast.stmt, rule: str) -> str:
    if isinstance(statement, ast.Assign) and _is_ellipsis(statement.value) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return target.id
        raise ValueError(f"{rule}; `{ast.unparse(statement)}` assigns several at once: use one line per name")
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        left = _left_of_solution(statement)
        if left is None:
            return statement.name
        raise ValueError(
            f"{rule}; `{statement.name}` leaves `{ast.unparse(left).splitlines()[0]}`: put the body between "
            "`# BEGIN SOLUTION` and `# END SOLUTION`, indented as the body is"
        )
    if _is_lone_ellipsis(statement):
        raise ValueError(
            f"{rule}; this one leaves `...` between other stubs, for a line marked `# SOLUTION` that assigns "
            "nothing: put that line between `# BEGIN SOLUTION NO PROMPT` and `# END SOLUTION`"
        )
    raise ValueError(f"{rule}; this one leaves `{ast.unparse(statement).splitlines()[0]}`: mark it `# SOLUTION`")


def _left_of_solution(definition: ast.FunctionDef | ast.ClassDef) -> ast.stmt | None:
    """Return the first statement of a definition that is not part of a stub.

    A stub holds `...`, a docstring, or methods of that kind.
    """
    body = definition.body[1:] if ast.get_docstring(definition) is not None else definition.body
    for statement in body:
        if isinstance(definition, ast.ClassDef) and isinstance(statement, ast.FunctionDef):
            if _left_of_solution(statement) is not None:
                return statement
        elif not _is_lone_ellipsis(statement):
            return statement
    return None if body else definition.body[0]


def _is_lone_ellipsis(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and _is_ellipsis(statement.value)


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _tags(cell: dict[str, object]) -> list[str]:
    metadata = cell.get("metadata")
    return list(metadata.get("tags", [])) if isinstance(metadata, dict) else []
