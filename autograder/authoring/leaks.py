"""Search a student notebook for solutions and hidden tests before it is written."""

from __future__ import annotations

import ast
import base64
import binascii
import bz2
import contextlib
import gzip
import json
import lzma
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from autograder.authoring.master import Cell, Master, Question, TestCell, parse_python
from autograder.authoring.test_sources import prelude, set_in_notebook
from autograder.authoring.validate import test_function
from autograder.errors import MasterError

_SHORTEST = 12  # characters, without spaces; shorter pieces occur by chance
_SHORTEST_PARAGRAPH = 40
_MOST_SHOWN = 80
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_WRAPPED = re.compile(r"(?:^[A-Za-z0-9+/_-]{60,}\n)+[A-Za-z0-9+/_-]*={0,2}", re.MULTILINE)
_BASE85 = re.compile(r"(?:^[!#-&(-+\--;<->?-Z^-~]{60,}\n)*^[!#-&(-+\--;<->?-Z^-~]{16,}$", re.MULTILINE)


def check_leaks(notebook: Mapping[str, Any], master: Master) -> None:
    """Search a student notebook, also encoded and compressed strings, for secrets.

    A secret is: a statement of a solution, the name of a hidden test, its code, and the texts it alone holds.

    Raises:
        MasterError: something secret is in the notebook.
    """
    haystack = "\n".join(_squeeze(text) for text in _strings(notebook))
    public = _public_texts(master)
    names = set_in_notebook(master)
    for question in master.questions:
        for cell in question.answers:
            for line, secret in _solution_statements(cell):
                if secret in haystack:
                    statement = cell.source.split("\n")[line - 1].partition("  #")[0].strip()
                    what = f"a statement of its solution (`{statement[:_MOST_SHOWN]}`)"
                    raise _leak(master, question, cell.line_of(line), what)
        for cell in question.written:
            if any(secret in haystack for secret in _paragraphs(cell.source)):
                raise _leak(master, question, cell.line, "a paragraph of its model answer")
        for test, offset, secret, what in _hidden_secrets(question):
            if secret in haystack and secret not in public and secret not in names:
                place = None if test.body_line is None else test.body_line + offset - 1
                raise _leak(master, question, place, what)


def _leak(master: Master, question: Question, line: int | None, what: str) -> MasterError:
    return MasterError(
        f"{what} would be in the student notebook: search for it in the text, the given code, the public "
        "tests and what they use, and remove it there, or word it differently here",
        file=master.file,
        question=question.name,
        line=line,
    )


def _solution_statements(cell: Cell) -> Iterator[tuple[int, str]]:
    """Yield the secret statements of an answer cell without blanks, with their lines."""
    for node in ast.walk(parse_python(cell.source)):
        if not isinstance(node, ast.stmt):
            continue
        segment = ast.get_source_segment(cell.source, node) or ""
        for secret in {_squeeze(ast.unparse(node)), _squeeze(segment)}:
            if len(secret) >= _SHORTEST and not _is_gap(node):
                yield node.lineno, secret


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a model answer without blanks, except for short ones."""
    squeezed = (_squeeze(paragraph) for paragraph in re.split(r"\n\s*\n", text))
    return [paragraph for paragraph in squeezed if len(paragraph) >= _SHORTEST_PARAGRAPH]


def _is_gap(node: ast.stmt) -> bool:
    """Return whether a statement is a prompt (a text) or a stub."""
    value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
    if not isinstance(value, ast.Constant):
        return False
    return value.value is Ellipsis or (isinstance(node, ast.Expr) and isinstance(value.value, str))


def _hidden_secrets(question: Question) -> Iterator[tuple[TestCell, int, str, str]]:
    for test in question.tests:
        if test.config.get("hidden", False):
            for secret in _test_secrets(test_function(test)):
                yield test, *secret


def _test_secrets(function: ast.FunctionDef) -> Iterator[tuple[int, str, str]]:
    """Yield the secrets of a hidden test: line, text without blanks, description.

    A short docstring is a title, whose words may occur in the notebook by chance.
    """
    yield function.lineno, _squeeze(function.name), f"the name of a hidden test (`{function.name}`)"
    code = "".join(ast.unparse(statement) for statement in function.body)
    yield function.lineno, _squeeze(code), f"the code of the hidden test {function.name}"
    title = function.body[0].value if isinstance(function.body[0], ast.Expr) else None
    for node in ast.walk(function):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = _squeeze(node.value)
            if len(text) >= (_SHORTEST_PARAGRAPH if node is title else _SHORTEST):
                shown = " ".join(node.value.split())[:_MOST_SHOWN]
                yield node.lineno, text, f"a text that only the hidden test {function.name} holds (`{shown}`)"


def _public_texts(master: Master) -> str:
    """Return the text of public tests and what they use, which hidden tests may share."""
    texts = []
    for question in master.questions:
        public = [test for test in question.tests if not test.config.get("hidden", False)]
        texts += [test.body for test in public]
        texts.append(prelude(master, question, {test_function(test).name for test in public}))
    return "\n".join(_squeeze(text) for text in texts)


def _squeeze(text: str) -> str:
    """Remove white space and unify quotes, to find other layouts of the same code."""
    return re.sub(r"\s+", "", text).replace('"', "'")


def _strings(value: Any) -> Iterator[str]:
    """Yield every string in a JSON value, also decoded and decompressed."""
    if isinstance(value, str):
        yield value
        yield from _decoded(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _decoded(text: str) -> Iterator[str]:
    """Yield the content of base64, base85 and hex in a text, decompressed."""
    tokens = {*_ENCODED.findall(text), *("".join(lines.split()) for lines in _WRAPPED.findall(text))}
    found = [decode(token) for token in tokens for decode in (_from_base64, _from_hex)]
    found += [_from_base85("".join(lines.split())) for lines in _BASE85.findall(text)]
    for data in found:
        for plain in _texts(data):
            try:
                yield from _strings(json.loads(plain))
            except ValueError:
                yield plain


def _texts(data: bytes | None) -> Iterator[str]:
    """Yield the texts that bytes may be: as they are, and decompressed."""
    if data is None:
        return
    for expand in (bytes, zlib.decompress, gzip.decompress, bz2.decompress, lzma.decompress):
        with contextlib.suppress(zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
            yield expand(data).decode()


def _from_base64(token: str) -> bytes | None:
    body = token.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return None


def _from_base85(token: str) -> bytes | None:
    try:
        return base64.b85decode(token)
    except ValueError:
        return None


def _from_hex(token: str) -> bytes | None:
    try:
        return bytes.fromhex(token)
    except ValueError:
        return None
