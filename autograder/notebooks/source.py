"""What the text of a code cell says, without running it."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator
from functools import lru_cache
from threading import Lock

# A longer cell is no answer to anything; parsing takes about a hundred times the size of the text.
MAX_PARSED = 100_000

# Cell magics whose body is still Python in the notebook's own namespace.
_PYTHON_CELL_MAGIC = re.compile(r"^\s*%%(time|timeit|capture|prun)\b[^\n]*\n?")
_CELL_MAGIC = re.compile(r"^\s*%%(?P<name>[!\w]+)")
_KEEPS_VARIABLES = frozenset({"time", "capture", "prun"})
# `%time statement` keeps its statement; `%matplotlib inline`, `!pip install` and `model?` assign nothing. The indent
# never gives a space back (`*+`), or a line of blanks would take quadratic time.
_LINE_MAGIC = re.compile(
    r"""^(?P<indent>[ \t]*+)(?:%time[ \t]++(?P<timed>[^\n]+)|[%!?][^\n]*|[^\n=#'"]*\?[ \t]*)$""", re.MULTILINE
)
# Changing the warning filters is not thread-safe, and submissions are read in threads.
_WARNINGS = Lock()
_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@lru_cache(maxsize=512)
def assigned_names(source: str) -> frozenset[str]:
    """The names a cell assigns when run, at any depth of `if`, `with` or `for`, but not inside functions.

    Empty for text that is not Python.
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
    """The names assigned inside functions and classes, which do not become variables of the notebook."""
    tree = parse_cell(source)
    scopes = [node for node in ast.walk(tree) if isinstance(node, _OWN_SCOPE)] if tree is not None else []
    try:
        return frozenset(name for scope in scopes for name in _stored(scope))
    except RecursionError:
        return frozenset()


def cell_magic(source: str) -> str | None:
    """The cell magic that keeps a cell's variables out of the notebook: `timeit`, `bash`, `writefile`, …"""
    match = _CELL_MAGIC.match(source)
    return match["name"] if match is not None and match["name"] not in _KEEPS_VARIABLES else None


def statements(source: str) -> tuple[str, ...] | None:
    """The top-level statements of a cell in a form that ignores comments and spacing; None if it is not Python."""
    tree = parse_cell(source)
    if tree is None:
        return None
    try:
        return tuple(ast.dump(statement) for statement in tree.body)
    except RecursionError:
        return None


def parse_cell(source: str) -> ast.Module | None:
    """The tree of a cell, IPython's own syntax left out; None for text that is not Python, or far too long."""
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
        # A student's "\d" is none of the grader's business.
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _without_magics(source: str) -> str:
    """Turn IPython's own syntax, which includes indented cells, into Python that assigns the same names."""
    body = textwrap.dedent(_PYTHON_CELL_MAGIC.sub("", source, count=1))
    if body.lstrip().startswith("%%"):
        return "pass"  # a cell of another language, which assigns nothing here
    return _LINE_MAGIC.sub(lambda match: f"{match['indent']}{match['timed'] or 'pass'}", body)


def _stored(node: ast.AST) -> Iterator[str]:
    """The names bound in the scope of `node`."""
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
