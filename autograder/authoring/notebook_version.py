"""Version of a student notebook: a digest of the parts that matter for answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.authoring.master import Master
from autograder.authoring.translate import translated_source
from autograder.labs.lab_file import QuestionEntry

_LENGTH = 8


def notebook_version(
    cells: Sequence[Mapping[str, Any]],
    master: Master,
    questions: Sequence[QuestionEntry],
    files: Mapping[str, bytes],
    texts: Mapping[str, str],
) -> str:
    """Return the version of a lab's notebook in one language.

    It changes with texts, given code, stubs, points, public tests and files, but not with spacing, hidden tests,
    solutions, limits, or the kit.

    Args:
        cells: the cells of the normalised student notebook.
        master: its master.
        questions: its questions.
        files: what is handed out with it.
        texts: translations of its text cells and titles.
    """
    received = [
        [
            (kind := cell["cell_type"], _spaced_alike(translated_source(kind, cell["source"], texts), kind))
            for cell in cells
        ],
        [[entry.name, entry.points, entry.variables] for entry in questions],
        [
            [_spaced_alike(test.body, "code") for test in question.tests if not test.config.get("hidden", False)]
            for question in master.questions
        ],
        {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    ]
    return hashlib.sha256(json.dumps(received, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]


def _spaced_alike(source: str, kind: str) -> str:
    """Return a text without differences in spacing; of code, the indentation counts."""
    if kind == "code":
        return "\n".join(line.rstrip() for line in source.split("\n") if line.strip())
    return " ".join(source.split())
