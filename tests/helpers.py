"""Small notebooks, autograder zips and jobs for tests: built by hand, run for real."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.answers.inbox import Inbox
from autograder.runner.journal import Story, read_story
from autograder.sandbox import Isolation, Job, Limits, Outcome

QUICK = Limits(seconds=60, memory_mb=4096)
TEST_FILE_HEAD = "OK_FORMAT = False\nfrom otter.test_files import test_case\n"


def notebook_json(
    *cells: str | tuple[str, str], lab: str | None = "tiny", metadata: Mapping[str, Any] | None = None
) -> bytes:
    """A notebook of the given code cells; a cell given as (question, source) is tagged as that question's answer."""
    made: list[dict[str, Any]] = []
    for cell in cells:
        question, source = cell if isinstance(cell, tuple) else (None, cell)
        tags = {"tags": [f"answer:{question}"]} if question else {}
        made.append({"cell_type": "code", "metadata": tags, "source": source, "outputs": [], "execution_count": None})
    otter = {"otter": {"assignment_name": lab}} if lab else {}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {**otter, **(metadata or {})}, "cells": made}
    return json.dumps(document).encode()


def question_file(name: str, *functions: str, points: object = None, all_or_nothing: bool = False) -> str:
    """A test file in otter's exception-based format; each function comes with its decorator."""
    head = f"{TEST_FILE_HEAD}name = {name!r}\npoints = {points!r}\nall_or_nothing = {all_or_nothing!r}\n"
    return head + "\n\n".join(functions) + "\n"


def make_zip(path: Path, tests: Mapping[str, str], **files: str | Mapping[str, Any]) -> Path:
    """An autograder zip: test sources by question, other files as text or JSON data (`lab`, `otter_config`)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for question, source in tests.items():
            archive.writestr(f"tests/{question}.py", source)
        for name, content in files.items():
            archive.writestr(f"{name}.json", content if isinstance(content, str) else json.dumps(content))
    return path


def lab_json(
    questions: Mapping[str, tuple[Sequence[str], Sequence[str]]],
    builds_on: Mapping[str, Sequence[str]] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """A lab.json: for each question its answer variables and its stubs, and the questions it builds on."""
    bases = builds_on or {}
    entries = [
        {
            "name": name,
            "title": f"Title of {name}",
            "builds_on": list(bases.get(name, ())),
            "points": 1.0,
            "variables": list(variables),
            "stubs": list(stubs),
        }
        for name, (variables, stubs) in questions.items()
    ]
    return {"schema": 1, "lab": "tiny", "title": "Tiny", "questions": entries, **settings}


@dataclass(frozen=True)
class Ran:
    """What a run of a few cells left."""

    outcome: Outcome
    story: Story
    folder: Path

    @property
    def inbox(self) -> Inbox:
        """The answers it handed over."""
        return Inbox(self.folder / "outbox")

    def value(self, name: str, question: str = "q1") -> Any:
        """One answer, rebuilt."""
        return self.inbox.values(question)[name]

    @property
    def raised(self) -> dict[int, str]:
        """The names of the errors by cell."""
        return {error.cell: error.name for error in self.story.errors}


def run_cells(
    isolation: Isolation,
    folder: Path,
    *cells: str,
    handover: Mapping[str, Sequence[str]] | None = None,
    limits: Limits = QUICK,
    seed: int = 1234,
    **more: Any,
) -> Ran:
    """Run cells in a real worker; `handover` names what each question hands over (default: `answer` for q1).

    `more`: other entries of the runner's payload.
    """
    payload = {
        "cells": [{"number": number, "source": source} for number, source in enumerate(cells, start=1)],
        "handover": {name: list(names) for name, names in (handover or {"q1": ["answer"]}).items()},
        "seed": seed,
        **more,
    }
    outcome = isolation.run(Job("runner", payload, folder, limits))
    return Ran(outcome, read_story(folder), folder)
