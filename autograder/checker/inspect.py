"""Describe the tests of an autograder zip, without a submission."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.checker.test_files import LoadedQuestion, load_question
from autograder.errors import AssignmentError
from autograder.handover.checker_files import DESCRIPTION
from autograder.handover.support import write_support_files


def enter(payload: dict[str, Any], folder: Path) -> None:
    """Describe test files in `description.json` in the job's folder.

    Args:
        payload: `tests` (file name -> source).
        folder: the job's folder.
    """
    write_support_files(payload)
    try:
        loaded = [load_question(source, file) for file, source in payload["tests"].items()]
        answer: dict[str, Any] = {"questions": [_describe(question) for question in loaded]}
    except AssignmentError as error:
        answer = {"error": str(error), "hint": error.hint}
    (folder / DESCRIPTION).write_text(json.dumps(answer), encoding="utf-8")


def _describe(question: LoadedQuestion) -> dict[str, Any]:
    tests = [
        {
            "name": test.name,
            "hidden": test.hidden,
            "points": test.points,
            "required": list(test.required),
            "optional": list(test.optional),
        }
        for test in question.tests
    ]
    return {"name": question.name, "all_or_nothing": question.all_or_nothing, "tests": tests}
