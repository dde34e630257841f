"""The executed notebook: what was handed in, with the outputs of the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.grading.executed import KEY, executed_notebook
from autograder.handover.journal import RunLog
from autograder.handover.outputs import Output
from autograder.notebooks.notebook import MAX_TEXT, read_notebook
from autograder.results.result import CellError

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
STREAM: Output = {"output_type": "stream", "name": "stdout", "text": "fresh\n"}
VALUE: Output = {"output_type": "execute_result", "data": {"text/plain": "1"}, "metadata": {}}


def executed(cells: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The executed form of a notebook whose second code cell raised an error."""
    data = json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": more.pop("metadata", {}), "cells": cells, **more}
    )
    run_log = RunLog((CellError(2, "NameError", "no x", 2), CellError(2, "Later", "lie")), last_cell=2)
    made = executed_notebook(
        read_notebook(data.encode()), {2: ["q1"]}, {1: (STREAM,), 2: (VALUE,), 9: (STREAM,)}, run_log
    )
    document: dict[str, Any] = json.loads(made)
    nbformat.validate(document)
    return document


CELLS: list[dict[str, Any]] = [
    {
        "cell_type": "markdown",
        "metadata": {"evil": 1},
        "source": ["# T\n", "text"],
        "attachments": {"p.png": {"image/png": PIXEL}, "x.svg": {"image/svg+xml": "<svg/>"}, "y": 3},
        "outputs": "what",
    },
    {
        "cell_type": "code",
        "id": "<script>",
        "metadata": {"tags": ["answer:q9"], "collapsed": True, "trusted": True},
        "source": "print(1)",
        "outputs": [{"output_type": "display_data", "data": {"text/html": "<script>"}, "metadata": {}}],
        "execution_count": 77,
    },
    {"cell_type": "code", "metadata": {}, "source": " \n"},
    {"cell_type": "code", "metadata": {}, "source": "a = 1\na = x\n"},
    {"cell_type": "raw", "source": "raw"},
    {"cell_type": "code", "metadata": {}, "source": "never()"},
    {"cell_type": "nonsense", "source": 7},
]


def test_cells_are_as_handed_in_and_outputs_those_of_the_run() -> None:
    document = executed(CELLS)
    cells = document["cells"]
    assert [cell["cell_type"] for cell in cells] == ["markdown", "code", "code", "code", "raw", "code", "raw"]
    assert [cell["source"] for cell in cells][:4] == ["# T\ntext", "print(1)", " \n", "a = 1\na = x\n"]
    assert [cell.get("execution_count") for cell in cells] == [None, 1, None, 2, None, None, None]
    assert cells[1]["outputs"] == [STREAM]
    value, error = cells[3]["outputs"]
    assert value == {**VALUE, "execution_count": 2}
    assert (error["ename"], error["evalue"]) == ("NameError", "no x")
    assert error["traceback"] == ["Cell [2], line 2: a = x", "NameError: no x"]
    assert cells[3]["metadata"] == {KEY: {"number": 2, "answers": ["q1"]}}
    assert cells[5]["outputs"] == []


def test_nothing_else_of_what_was_handed_in_gets_through() -> None:
    metadata = {"widgets": {"state": "x"}, "otter": {"assignment_name": "lab"}, "title": "<script>"}
    document = executed(CELLS, metadata=metadata, evil=[1])
    text = json.dumps(document)
    for word in ("evil", "trusted", "<script>", "widgets", "otter", "77", "svg", "answer:q9"):
        assert word not in text, word
    assert document["cells"][0]["attachments"] == {"p.png": {"image/png": PIXEL}}


def test_old_formats_become_the_new_one() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Title"},
        {"cell_type": "code", "input": ["x = 1"], "language": "python", "outputs": []},
    ]
    data = json.dumps({"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}).encode()
    document = json.loads(executed_notebook(read_notebook(data), {}, {}, RunLog(last_cell=1)))
    nbformat.validate(document)
    assert [cell["source"] for cell in document["cells"]] == ["## Title", "x = 1"]


@pytest.mark.parametrize("attachments", [None, 3, [], {"a": None}, {"a": {"image/png": 5}}])
def test_odd_attachments_are_none(attachments: object) -> None:
    cell = {"cell_type": "markdown", "source": "x", "attachments": attachments}
    assert "attachments" not in executed([cell, *CELLS[1:]])["cells"][0]


def test_texts_beyond_all_bounds_are_cut() -> None:
    long = {"cell_type": "markdown", "source": "x" * 700_000}
    document = executed([long, long, long, *CELLS[1:]])
    assert sum(len(cell["source"]) for cell in document["cells"]) < MAX_TEXT + 100
    many = [{"cell_type": "raw", "source": ""}] * 10_000
    assert len(executed([*CELLS, *many])["cells"]) <= 3_000


def test_a_real_lab_keeps_all_its_cells() -> None:
    data = (Path(__file__).parents[2] / "assignment" / "mnist_dense.ipynb").read_bytes()
    notebook = read_notebook(data)
    document = json.loads(executed_notebook(notebook, {}, {}, RunLog()))
    nbformat.validate(document)
    handed_in = json.loads(data)["cells"]
    assert [cell["source"] for cell in document["cells"]] == ["".join(cell["source"]) for cell in handed_in]
