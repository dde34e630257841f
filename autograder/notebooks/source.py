"""Analyse the source of a code cell without running it."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator
from functools import lru_cache
from threading import Lock

# Longer cells are not answers; parsing takes about a hundred times the size of the text in memory.
MAX_PARSED = 100_000

# Cell magics whose body is Python in the notebook's namespace.
_PYTHON_CELL_MAGIC = re.compile(r"^\s*%%(time|timeit|capture|prun)\b[^\n]*\n?")
_CELL_MAGIC = re.compile(r"^\s*%%(?P<name>[!\w]+)")
_KEEPS_VARIABLES = frozenset({"time", "capture", "prun"})
# `%time statement` keeps its statement; `%matplotlib inline`, `!pip install` and `model?` assign nothing. The indent is
# matched possessively (`*+`), because a line of blanks would otherwise take quadratic time.
_LINE_MAGIC = re.compile(
    r"""^(?P<indent>[ \t]*+)(?:%time[ \t]++(?P<timed>[^\n]+)|[%!?][^\n]*|[^\n=#'"]*\?[ \t]*)$""", re.MULTILINE
)
# Changing the warning filters is not thread-safe, and submissions are read in threads.
_WARNINGS = Lock()
_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@lru_cache(maxsize=512)
def assigned_names(source: str) -> frozenset[str]:
    """Return the names that a cell assigns outside functions.

    Empty if it is not Python.

    Includes assignments inside `if`, `with` and `for`.
    """
    tree = parse_cell(source)
    if tree is None:
        return frozenset()
    try:
        return frozenset(_stored(tree))
    except RecursionError:
        return frozenset()


@lru_cache(maxsize=512)
def assigned_in_functions(source: str) -> frozenset[str]:
    """Return the names assigned inside functions and classes only."""
    tree = parse_cell(source)
    scopes = [node for node in ast.walk(tree) if isinstance(node, _OWN_SCOPE)] if tree is not None else []
    try:
        return frozenset(name for scope in scopes for name in _stored(scope))
    except RecursionError:
        return frozenset()


def cell_magic(source: str) -> str | None:
    """Return the cell magic that keeps variables out of the notebook, such as `bash`."""
    match = _CELL_MAGIC.match(source)
    return match["name"] if match is not None and match["name"] not in _KEEPS_VARIABLES else None


def statements(source: str) -> tuple[str, ...] | None:
    """Return the top-level statements of a cell without comments and spacing.

    None if it is not Python.
    """
    tree = parse_cell(source)
    if tree is None:
        return None
    try:
        return tuple(ast.dump(statement) for statement in tree.body)
    except RecursionError:
        return None


def parse_cell(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell without IPython's syntax.

    None if it is not Python or too long.
    """
    if len(source) > MAX_PARSED:
        return None
    try:
        return _parse_python(source)
    except SyntaxError:
        pass
    except (ValueError, RecursionError, MemoryError):
        return None
    try:
        return _parse_python(_without_magics(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _parse_python(source: str) -> ast.Module:
    with _WARNINGS, warnings.catch_warnings():
        # Ignore warnings about invalid escapes such as "\d" in students' code.
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _without_magics(source: str) -> str:
    """Convert IPython's syntax to Python with the same assignments."""
    body = textwrap.dedent(_PYTHON_CELL_MAGIC.sub("", source, count=1))
    if body.lstrip().startswith("%%"):
        return "pass"  # a cell in another language assigns nothing
    return _LINE_MAGIC.sub(lambda match: f"{match['indent']}{match['timed'] or 'pass'}", body)


def _stored(node: ast.AST) -> Iterator[str]:
    """Yield the names bound in the scope of `node`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _OWN_SCOPE):
            if not isinstance(child, ast.Lambda):
                yield child.name
        elif isinstance(child, _COMPREHENSIONS):
            continue
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        elif isinstance(child, ast.alias):
            yield (child.asname or child.name).split(".")[0]
        else:
            yield from _stored(child)
