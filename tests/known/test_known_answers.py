"""The proof that marks are right: every known answer goes the whole way through `autograder grade`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from autograder.handover.tasks import RUN_NOTEBOOK
from autograder.labs.assignment import Assignment
from autograder.notebooks.notebook import read_notebook
from autograder.results.result import QuestionResult, Result
from autograder.sandbox import Job
from autograder.sandbox.client import ForkServer
from tests.known.cases import Case, Training, all_cases, notebook_of, read_training

CASES = all_cases()
RIGHT = [case for case in CASES if case.right]
WRONG = [case for case in CASES if not case.right]


def _each(cases: list[Case]) -> list[Any]:
    marks = {True: [pytest.mark.rare], False: []}
    return [pytest.param(case, id=case.name, marks=marks[case.rare]) for case in cases]


# Where each lab's training is handed over: question, model, history.
TRAINED = {"mnist_dense": ("q6", "model", "history"), "single_layer": ("q2", "linear_model", "linear_history")}

pytestmark = pytest.mark.slow
Notebooks = Mapping[str, tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture(scope="session")
def trainings(
    course: Path, assignments: dict[str, Assignment], fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Training]:
    """One real training a lab, by running the solution, both at once."""

    def train(lab: str) -> Training:
        folder = tmp_path_factory.mktemp(f"training-{lab}")
        assignment = assignments[lab]
        notebook = read_notebook((course / "dist" / f"{lab}-solution.ipynb").read_bytes())
        payload = {
            "cells": [{"number": cell.number, "source": cell.source} for cell in notebook.cells],
            "handover": {question.name: list(question.handover) for question in assignment.questions},
            "seed": assignment.seed,
        }
        outcome = fork_server.run(Job(RUN_NOTEBOOK, payload, folder, assignment.limits))
        assert outcome.end == "done", outcome.detail
        return read_training(folder / "handover", *TRAINED[lab])

    with ThreadPoolExecutor(len(TRAINED)) as executor:
        return dict(zip(TRAINED, executor.map(train, TRAINED), strict=True))


@pytest.fixture(scope="session")
def results(
    request: pytest.FixtureRequest,
    course: Path,
    notebooks: Notebooks,
    trainings: dict[str, Training],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Result]:
    """The results of every case that is asked for, from one run of the command."""
    asked = {
        item.callspec.params["case"].name
        for item in request.session.items
        if hasattr(item, "callspec") and "case" in item.callspec.params
    }
    folder = tmp_path_factory.mktemp("class")
    output = tmp_path_factory.mktemp("graded")
    for case in CASES:
        if case.name in asked:
            text = notebook_of(case, *notebooks[case.lab], trainings[case.lab])
            (folder / f"{case.name}.ipynb").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "autograder", "grade", str(folder), "-o", str(output)]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [Result.from_json(path.read_text(encoding="utf-8")) for path in output.glob("submissions/*/result.json")]
    return {result.submission.removesuffix(".ipynb"): result for result in found}


def test_there_are_enough_cases() -> None:
    """Also without the rare ones."""
    assert sum(not case.rare for case in RIGHT) >= 20
    assert sum(not case.rare for case in WRONG) >= 40
    assert any(case.trains and not case.rare for case in RIGHT)
    assert sum(case.trains and not case.rare for case in WRONG) >= 4


@pytest.mark.parametrize("case", _each(RIGHT))
def test_right_answer_earns_everything(case: Case, results: dict[str, Result]) -> None:
    result = results[case.name]
    assert result.status == "graded", result.detail
    assert result.score == result.max_score, _complaints(result)
    assert all(question.status == "passed" for question in result.questions)


@pytest.mark.parametrize("case", _each(WRONG))
def test_wrong_answer_loses_its_own_questions_and_is_told_why(case: Case, results: dict[str, Result]) -> None:
    result = results[case.name]
    assert result.status == "graded", result.detail
    lost = {question.name for question in result.questions if question.score < question.max_score}
    assert lost == case.lost, _complaints(result)
    earned = {question.name: question.score for question in result.questions if question.name in case.points}
    assert earned == pytest.approx(dict(case.points)), _complaints(result)
    caught = {
        question.name for question in result.questions if any(not t.passed and not t.hidden for t in question.tests)
    }
    assert case.public <= caught, _complaints(result)
    assert case.says, "a wrong answer names its mistake"
    for name, text in case.says.items():
        question = next(question for question in result.questions if question.name == name)
        assert text.lower() in " ".join(_messages(question)).lower()


def _messages(question: QuestionResult) -> list[str]:
    return [test.message for test in question.tests if not test.passed] + [question.reason]


def _complaints(result: Result) -> str:
    lines = [f"{result.score} of {result.max_score}"]
    lines += [
        f"{question.name} {question.status}: {' | '.join(_messages(question))}"
        for question in result.questions
        if question.score < question.max_score
    ]
    return "\n".join([*lines, *(str(error) for error in result.errors)])
