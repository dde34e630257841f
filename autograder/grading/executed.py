"""The executed notebook: cells as submitted, outputs of the run, in nbformat 4.5.

Pure.

It contains nothing else of the submission: no metadata, no outputs, no unknown fields.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from autograder.handover.journal import RunLog
from autograder.handover.outputs import Output
from autograder.notebooks.notebook import Notebook, Part
from autograder.results.result import CellError
from autograder.util.translations import Words, words_of

# Key in the metadata of a cell for the questions that it answers and, if it is code, its number.
KEY = "autograder"
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def executed_notebook(
    notebook: Notebook,
    answers: Mapping[int, Sequence[str]],
    shown: Mapping[int, Sequence[Output]],
    run_log: RunLog,
    written: Collection[str] = (),
) -> bytes:
    """Compose the executed notebook as the bytes of an .ipynb file.

    Args:
        notebook: the submission.
        answers: the questions that each code cell answers, by its number.
        shown: the outputs of each cell.
        run_log: how far the run got, and the errors of cells.
        written: the questions that text cells may answer.
    """
    errors = {error.cell: error for error in reversed(run_log.errors)}
    words = words_of(notebook.written_in)
    cells = []
    for position, part in enumerate(notebook.parts, start=1):
        cell: dict[str, Any] = {"cell_type": part.kind, "id": f"cell-{position}", "metadata": {}, "source": part.source}
        if part.kind == "code":
            ran = part.number is not None and part.number <= (run_log.last_cell or 0)
            cell["metadata"] = {KEY: {"number": part.number, "answers": list(answers.get(part.number or 0, ()))}}
            cell["execution_count"] = part.number if ran else None
            cell["outputs"] = _outputs(part, shown, errors, words) if ran else []
        elif answered := [question for question in written if f"answer:{question}" in part.tags]:
            cell["metadata"] = {KEY: {"answers": answered}}
        if part.attachments:
            cell["attachments"] = {name: {shot.kind: shot.base64} for name, shot in part.attachments.items()}
        cells.append(cell)
    document = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _outputs(
    part: Part, shown: Mapping[int, Sequence[Output]], errors: Mapping[int, CellError], words: Words
) -> list[Output]:
    number = part.number or 0
    outputs = [
        {**output, "execution_count": number} if output["output_type"] == "execute_result" else output
        for output in shown.get(number, ())
    ]
    error = errors.get(number)
    return [*outputs, _error(error, part.source, words)] if error is not None else outputs


def _error(error: CellError, source: str, _: Words) -> Output:
    where = _("Cell [{cell}]", cell=error.cell)
    if error.line is not None:
        line = source.split("\n")[error.line - 1 : error.line]
        where += _(", line {line}", line=error.line) + _(": ") + "".join(line).strip()
    said = f"{error.name}: {error.message}" if error.message else error.name
    return {"output_type": "error", "ename": error.name, "evalue": error.message, "traceback": [where, said]}
