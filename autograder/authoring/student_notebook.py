"""Add set-up cell, check cells and hand-in cell to a generated notebook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from autograder.authoring.setup_cell import SetUp, setup_cell

_CHECK = re.compile(r'^grader\.check\("\w+"\)$')
_INIT = re.compile(r"^grader = otter\.Notebook\(", re.MULTILINE)
_EXPORT = re.compile(r"^grader\.export\(", re.MULTILINE)
_OTTER_HEADING = "## Submission"

_REMINDER = "NameError? Run the set-up cell near the top first."
_HAND_IN_TEXT = (
    "## Hand in\n\nWhen you are done, run the cell below. It saves the notebook, shows what is in it, and packs the "
    "zip file to hand in. You can run it as often as you like."
)
_HAND_IN_COMMENT = "Saves the notebook, shows what is in it, and packs the zip file to hand in."
# What stands in the answer cell of a question that a person marks; otter's own words.
WRITTEN_STUB = "_Type your answer here, replacing this text._"
TEXTS = (_REMINDER, _HAND_IN_TEXT, _HAND_IN_COMMENT, WRITTEN_STUB)  # what translations are needed for


def with_student_cells(notebook: Mapping[str, Any], contents: SetUp, *, instructions: str = "") -> dict[str, Any]:
    """Return a notebook with the kit's cells instead of otter's, without metadata.

    Tests in its metadata are removed.

    The set-up cell takes the place of otter's first cell, but stands below the text that the notebook begins with.

    Args:
        notebook: a normalised notebook of otter's.
        contents: what the set-up cell is made from.
        instructions: the author's own words on handing in.
    """
    texts = contents.catalog
    cells = [cell for cell in notebook["cells"] if not (cell["cell_type"] == "code" and _INIT.search(cell["source"]))]
    cells = _with_hand_in(cells, texts, instructions)
    reminder = f"  # {texts.get(_REMINDER, _REMINDER)}"
    cells = [{**cell, "source": cell["source"] + reminder} if _CHECK.match(cell["source"]) else cell for cell in cells]
    place = 1 if cells and cells[0]["cell_type"] == "markdown" else 0
    otter = {key: value for key, value in notebook["metadata"]["otter"].items() if key not in ("tests", "OK_FORMAT")}
    return {
        **notebook,
        "cells": [*cells[:place], setup_cell(contents), *cells[place:]],
        "metadata": {**notebook["metadata"], "otter": otter},
    }


def _with_hand_in(cells: list[dict[str, Any]], texts: Mapping[str, str], instructions: str) -> list[dict[str, Any]]:
    """Replace the last cells of otter's: a text, the export, and an empty text."""
    position = next((n for n, cell in enumerate(cells) if _is_export(cell)), None)
    if position is None:
        return cells
    before, after = cells[:position], cells[position + 1 :]
    if before and before[-1]["cell_type"] == "markdown" and before[-1]["source"].startswith(_OTTER_HEADING):
        before.pop()
    if after and after[0]["cell_type"] == "markdown" and not after[0]["source"].replace("&nbsp;", "").strip():
        after.pop(0)
    fixed = {"deletable": False, "editable": False}
    text = "\n\n".join(filter(None, [texts.get(_HAND_IN_TEXT, _HAND_IN_TEXT), instructions.strip()]))
    code = f"# {texts.get(_HAND_IN_COMMENT, _HAND_IN_COMMENT)}\ngrader.export()"
    return [
        *before,
        {"cell_type": "markdown", "id": "about-hand-in", "metadata": fixed, "source": text},
        {**cells[position], "id": "hand-in", "metadata": fixed, "source": code},
        *after,
    ]


def _is_export(cell: Mapping[str, Any]) -> bool:
    return cell["cell_type"] == "code" and _EXPORT.search(cell["source"]) is not None
