"""Assignments of stock `otter assign` get the marks of stock `otter run`.

All are graded by the function behind `otter run`, in one process; two of them by the command itself as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from autograder.grading.grader import Grader
from autograder.labs.assignment import load_assignment
from autograder.sandbox.client import ForkServer
from tests.live.assignments import ASSIGNMENTS, StockAssignment, master

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Marks = Mapping[str, float]


def _notebook(cells: list[tuple[str, str]]) -> dict[str, Any]:
    extra: dict[str, Any] = {"outputs": [], "execution_count": None}
    made: list[dict[str, Any]] = [
        {"cell_type": kind, "metadata": {}, "source": source, **(extra if kind == "code" else {})}
        for kind, source in cells
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 4}


def _stock(command: str, folder: Path) -> None:
    script = Path(__file__).with_name("stock.py")
    environment = {**os.environ, "PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    order = [sys.executable, "-P", str(script), command, str(folder)]
    done = subprocess.run(order, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per assignment: stock otter's build and two graded submissions."""
    folder = tmp_path_factory.mktemp("stock")
    for assignment in ASSIGNMENTS:
        home = folder / assignment.name
        home.mkdir()
        for name, text in assignment.files.items():
            (home / name).write_text(text, encoding="utf-8")
        (home / f"{assignment.name}.ipynb").write_text(json.dumps(_notebook(master(assignment))), encoding="utf-8")
    _stock("assign", folder)
    for assignment in ASSIGNMENTS:
        _write_submissions(folder / assignment.name, assignment)
    _stock("grade", folder)
    return folder


def _write_submissions(home: Path, assignment: StockAssignment) -> None:
    """The answer key, and the student notebook filled with every second answer wrong."""
    key = json.loads((home / "dist" / "autograder" / f"{assignment.name}.ipynb").read_text(encoding="utf-8"))
    submissions = home / "submissions"
    submissions.mkdir()
    (submissions / "right.ipynb").write_text(json.dumps(key), encoding="utf-8")
    text = key
    for number, task in enumerate(assignment.tasks):
        for cell in text["cells"]:
            if number % 2 == 0 and "".join(cell["source"]).strip() == task.right.strip():
                cell["source"] = task.wrong
    (submissions / "half.ipynb").write_text(json.dumps(text), encoding="utf-8")


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.name)
def test_marks_equal_those_of_otter_run(assignment: StockAssignment, built: Path, fork_server: ForkServer) -> None:
    home = built / assignment.name
    (archive,) = (home / "dist" / "autograder").glob("*.zip")
    lab = load_assignment(archive, fork_server)
    grader = Grader({lab.name: lab}, fork_server, assume=lab.name)
    ours: dict[str, Marks] = {}
    theirs: dict[str, Marks] = {}
    for who in ("right", "half"):
        data = (home / "submissions" / f"{who}.ipynb").read_bytes()
        result = grader.grade(f"{who}.ipynb", lambda data=data: data)  # type: ignore[misc]
        ours[who] = {question.name: question.score for question in result.questions}
        theirs[who] = json.loads((home / "submissions" / f"{who}.json").read_text(encoding="utf-8"))
        if ours[who] != theirs[who]:
            print(who, [(test.name, test.message) for question in result.questions for test in question.tests])
    assert ours == theirs
    assert set(theirs["right"].values()) == {float(len(assignment.tasks[0].tests))}
    assert 0 < sum(theirs["half"].values()) < sum(theirs["right"].values())


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("functions", "half"),
        pytest.param("functions", "right", marks=pytest.mark.rare),
        pytest.param("tables", "half", marks=pytest.mark.rare),
    ],
)
def test_the_command_otter_run_gives_the_same_marks(name: str, who: str, built: Path, tmp_path: Path) -> None:
    home = built / name
    (archive,) = (home / "dist" / "autograder").glob("*.zip")
    submission = home / "submissions" / f"{who}.ipynb"
    environment = {**os.environ, "PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    order = [sys.executable, "-P", "-m", "otter", "run", "-a", str(archive), "-o", str(tmp_path), str(submission)]
    done = subprocess.run(order, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    written = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    scores = {test["name"]: test["score"] for test in written["tests"] if "score" in test}
    assert scores == json.loads(submission.with_suffix(".json").read_text(encoding="utf-8"))
