"""The proof that marks are right: every known answer goes the whole way through `autograder grade`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder.handover.tasks import RUN_NOTEBOOK
from autograder.labs.assignment import Assignment
from autograder.notebooks.notebook import read_notebook
from autograder.results.result import QuestionResult, Result
from autograder.sandbox import Job
from autograder.sandbox.client import ForkServer
from tests.known.cases import Case, Training, all_cases, notebook_of, pack, read_training

CASES = all_cases()
RIGHT = [case for case in CASES if case.right]
WRONG = [case for case in CASES if not case.right]


def _each(cases: list[Case]) -> list[Any]:
    marks = {True: [pytest.mark.rare], False: []}
    return [pytest.param(case, id=case.name, marks=marks[case.rare]) for case in cases]


# Where each lab's training is handed over: question, model, history.
TRAINED = {"mnist_dense": ("q6", "model", "history"), "single_layer": ("q2", "linear_model", "linear_history")}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Paper:
    """A graded submission and the cases in it."""

    cases: tuple[Case, ...]
    result: Result

    @property
    def lost(self) -> set[str]:
        """The questions that lost points."""
        return {question.name for question in self.result.questions if question.score < question.max_score}

    def question(self, name: str) -> QuestionResult:
        """One question's result."""
        return next(question for question in self.result.questions if question.name == name)

    def __str__(self) -> str:
        names = ", ".join(case.name for case in self.cases)
        lines = [f"{self.result.status}, {self.result.score} of {self.result.max_score} for {names}"]
        lines += [
            f"{question.name} {question.status}: {' | '.join(_messages(question))}"
            for question in self.result.questions
            if question.score < question.max_score
        ]
        return "\n".join([*lines, *(str(error) for error in self.result.errors)])


Notebooks = Mapping[str, tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture(scope="session")
def trained(
    course: Path,
    assignments: dict[str, Assignment],
    trainings: dict[str, Mapping[str, str]],
    fork_server: ForkServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Training]:
    """What each lab's solution trained."""

    def train(lab: str) -> Training:
        folder = tmp_path_factory.mktemp(f"training-{lab}")
        assignment = assignments[lab]
        notebook = read_notebook((course / "dist" / f"{lab}-solution.ipynb").read_bytes())
        payload = {
            "cells": [{"number": cell.number, "source": cell.source} for cell in notebook.cells],
            "handover": {question.name: list(question.handover) for question in assignment.questions},
            "seed": assignment.seed,
            "trainings": dict(trainings[lab]),
        }
        outcome = fork_server.run(Job(RUN_NOTEBOOK, payload, folder, assignment.limits))
        assert outcome.end == "done", outcome.detail
        return read_training(folder / "handover", *TRAINED[lab])

    with ThreadPoolExecutor(len(TRAINED)) as executor:
        return dict(zip(TRAINED, executor.map(train, TRAINED), strict=True))


@pytest.fixture(scope="session")
def graded(
    request: pytest.FixtureRequest,
    course: Path,
    notebooks: Notebooks,
    trained: dict[str, Training],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Paper]:
    """The paper of every case that is asked for, from one run of the command."""
    asked = {
        item.callspec.params["case"].name
        for item in request.session.items
        if hasattr(item, "callspec") and "case" in item.callspec.params
    }
    folder = tmp_path_factory.mktemp("class")
    output = tmp_path_factory.mktemp("graded")
    cases = [case for case in CASES if case.name in asked]
    # `make prove`, which asks for the rare ones too, grades each alone.
    packs = [(case,) for case in cases] if any(case.rare for case in cases) else pack(cases)
    for packed in packs:
        lab = packed[0].lab
        text = notebook_of(packed, *notebooks[lab], trained[lab])
        (folder / f"{packed[0].name}.ipynb").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "autograder", "grade", str(folder), "-o", str(output)]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [Result.from_json(path.read_text(encoding="utf-8")) for path in output.glob("submissions/*/result.json")]
    by_name = {result.submission.removesuffix(".ipynb"): result for result in found}
    return {case.name: Paper(packed, by_name[packed[0].name]) for packed in packs for case in packed}


@pytest.mark.parametrize("case", _each(RIGHT))
def test_right_answer_earns_everything(case: Case, graded: dict[str, Paper]) -> None:
    paper = graded[case.name]
    assert (paper.result.status, paper.result.score) == ("graded", paper.result.max_score), str(paper)
    assert {question.status for question in paper.result.questions} == {"passed"}


@pytest.mark.parametrize("case", _each(WRONG))
def test_wrong_answer_loses_its_own_questions_and_is_told_why(case: Case, graded: dict[str, Paper]) -> None:
    paper = graded[case.name]
    assert paper.result.status == "graded", str(paper)
    assert paper.lost == frozenset().union(*(one.lost for one in paper.cases)), str(paper)
    earned = {name: paper.question(name).score for name in case.points}
    assert earned == pytest.approx(dict(case.points)), str(paper)
    caught = {
        question.name
        for question in paper.result.questions
        if any(not test.passed and not test.hidden for test in question.tests)
    }
    assert case.public <= caught, str(paper)
    assert case.says, "a wrong answer names its mistake"
    for name, text in case.says.items():
        assert text.lower() in " ".join(_messages(paper.question(name))).lower()


def _messages(question: QuestionResult) -> list[str]:
    return [test.message for test in question.tests if not test.passed] + [question.reason]
