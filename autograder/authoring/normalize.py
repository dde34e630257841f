"""Make otter's notebooks reproducible: ids from content, no timestamps."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from autograder.authoring.bundle import Source, read_test, without_comments
from autograder.authoring.master import ANSWER_TAG, Master, Question
from autograder.authoring.test_sources import prelude, read_tests
from autograder.authoring.validate import test_function
from autograder.errors import MasterError

_STUDENTS_ANSWER = "otter_answer_cell"  # otter's tag
_FOLDED = "optional"  # the tag of given cells whose code students may skip
_KEPT_CELL_METADATA = ("deletable", "editable", "tags", "otter")
_PROMPT_BLOCK = re.compile(
    r'^\s*"""\s*#\s*BEGIN\s+PROMPT\s*$.*?^\s*""";?\s*#\s*END\s+PROMPT\s*$', re.MULTILINE | re.DOTALL
)
_SOLUTION_LINE = re.compile(r"\s*#\s*(BEGIN|END)\s+SOLUTION\b")
_SOLUTION_MARK = re.compile(r"\s*#\s*SOLUTION(\s+NO\s+PROMPT)?\s*$")
_CHECK = re.compile(r'^grader\.check\("(\w+)"\)$')


def normalise(notebook: Mapping[str, Any], master: Master) -> dict[str, Any]:
    """Return otter's notebook in the published form: without outputs, reproducible.

    Args:
        notebook: a student or solution notebook as `otter assign` wrote it.
        master: the master it came from.

    Raises:
        MasterError: a generated test is not Python.
    """
    used: dict[str, int] = {}
    return {
        "cells": [_cell(cell, master.name, used) for cell in notebook["cells"]],
        "metadata": _metadata(notebook["metadata"], master),
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def without_marks(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a solution without otter's marks, readable as an answer key."""
    cells = [
        {**cell, "source": _unmarked(cell["source"])} if cell["cell_type"] == "code" else cell
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def without_prompts(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return otter's solution notebook without the texts that students replace.

    The model answers stand beside them.
    """
    cells = [
        cell
        for cell in notebook["cells"]
        if not (cell["cell_type"] == "markdown" and _STUDENTS_ANSWER in cell["metadata"].get("tags", ()))
    ]
    return {**notebook, "cells": cells}


def _unmarked(source: str) -> str:
    kept = _PROMPT_BLOCK.sub("", source).split("\n")
    return "\n".join(_SOLUTION_MARK.sub("", line) for line in kept if not _SOLUTION_LINE.match(line)).strip("\n")


def dump_notebook(notebook: Mapping[str, Any]) -> bytes:
    """Return the bytes of a notebook file with sorted keys and a final newline."""
    import nbformat  # a quarter of a second to import: only builds pay for it

    node = nbformat.from_dict(dict(notebook))
    nbformat.validate(node)
    text: str = nbformat.writes(node, version=nbformat.NO_CONVERT)
    # The indentation of the JSON would be a twentieth of a notebook; line breaks stay, for comparisons of versions.
    return ("\n".join(line.lstrip(" ") for line in text.strip("\n").split("\n")) + "\n").encode()


def complete_test(source: str, master: Master, question: str) -> str:
    """Return a generated test file with all that its tests use before them.

    It comes first so that what otter says after it (`name`, `points`) has the last word.

    Raises:
        MasterError: the result does not compile.
    """
    asked = next(found for found in master.questions if found.name == question)
    written = _as_written(source, asked)
    names = {test.name for test in read_tests(master, asked) if f"def {test.name}(" in source}
    complete = f"{prelude(master, asked, names)}\n\n\n{written.strip()}\n".lstrip()
    try:
        compile(complete, f"tests/{question}.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = next((found.line for found in master.questions if found.name == question), None)
        raise MasterError(
            f"the test file generated from this question is not Python ({error}): look at the messages in its test "
            "configurations",
            file=master.file,
            question=question,
            line=line,
        ) from error
    return complete


def _as_written(source: str, question: Question) -> str:
    """Replace otter's rewriting of each test by the author's text without comments.

    Otter writes functions with `ast.unparse`, whose layout changes between versions of Python: a file built with one
    would not be current with another.
    """
    for test in question.tests:
        function = read_test(Source(test.body, "", None)).function
        source = source.replace(ast.unparse(test_function(test)), without_comments(function))
    return source


def _metadata(metadata: Mapping[str, Any], master: Master) -> dict[str, Any]:
    otter = dict(metadata.get("otter", {}))
    if "tests" in otter:
        otter["tests"] = {name: complete_test(source, master, name) for name, source in otter["tests"].items()}
    return {
        "autograder": {
            "generated_from": master.file,
            "note": "Generated: do not edit. Change the master, then run `autograder build`.",
        },
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "otter": otter,
    }


def _cell(cell: Mapping[str, Any], lab: str, used: dict[str, int]) -> dict[str, Any]:
    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    metadata = {key: value for key, value in cell["metadata"].items() if key in _KEPT_CELL_METADATA}
    if _FOLDED in metadata.get("tags", []):
        # The first for JupyterLab, the second for Colab.
        metadata |= {"jupyter": {"source_hidden": True}, "cellView": "form"}
    name = _cell_name(source, metadata.get("tags", []), lab)
    used[name] = used.get(name, 0) + 1
    identity = name if used[name] == 1 else f"{name}-{used[name]}"
    plain = {"cell_type": cell["cell_type"], "id": identity, "metadata": metadata, "source": source}
    return {**plain, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else plain


def _cell_name(source: str, tags: list[str], lab: str) -> str:
    """Return a cell's id before numbering, from its role or its content.

    Content rather than position: a cell inserted at the top must not rename all that follow.
    """
    for tag in tags:
        if tag.startswith(ANSWER_TAG):
            return f"answer-{tag.removeprefix(ANSWER_TAG)}"[:60]
    if check := _CHECK.match(source.strip()):
        return f"check-{check.group(1)}"[:60]
    return hashlib.sha256(f"{lab}\n{source}".encode()).hexdigest()[:12]
