"""The labs' known answers lose what they should and get the right message.

The rare ones are left to `autograder prove`.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.known_answers import (
    KnownAnswer,
    Training,
    differences,
    read_known_answers,
    read_training,
    submission_of,
)
from autograder.grading.grader import Grader
from autograder.grading.run_job import notebook_job
from autograder.handover.journal import HANDOVER
from autograder.labs.assignment import Assignment
from autograder.notebooks.notebook import read_notebook
from autograder.results.result import Result
from autograder.sandbox.client import ForkServer
from tests.conftest import LABS, REPOSITORY
from tests.known.packing import INDEPENDENT, pack


def graded_here(answer: KnownAnswer) -> bool:
    """Whether an answer is not left to `autograder prove`.

    Every submission of from_scratch trains, so only those of its answers that can share a submission are graded here.
    """
    shared = answer.lab != "from_scratch" or (bool(answer.fills) and answer.fills.keys() <= INDEPENDENT[answer.lab])
    return answer.lab in LABS and shared and not answer.rare


ANSWERS = [answer for answer in read_known_answers(REPOSITORY) if graded_here(answer)]

pytestmark = pytest.mark.slow
Notebooks = Mapping[str, tuple[dict[str, Any], dict[str, Any]]]


@dataclass(frozen=True)
class Graded:
    """The result of a submission and the known answers in it."""

    answers: tuple[KnownAnswer, ...]
    result: Result


@pytest.fixture(scope="session")
def trained(
    course: Path,
    assignments: dict[str, Assignment],
    trainings: dict[str, Mapping[str, str]],
    fork_server: ForkServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Training | None]:
    """What each lab's solution trained."""

    def train(lab: str) -> Training | None:
        folder = tmp_path_factory.mktemp(f"training-{lab}")
        assignment = assignments[lab]
        notebook = read_notebook((course / "dist" / f"{lab}-solution.ipynb").read_bytes())
        outcome = fork_server.run(notebook_job(notebook, assignment, folder, trainings=trainings[lab]))
        assert outcome.end == "done", outcome.detail
        return read_training(folder / HANDOVER)

    return {lab: train(lab) for lab in {answer.lab for answer in ANSWERS}}


@pytest.fixture(scope="session")
def graded(
    request: pytest.FixtureRequest, grader: Grader, notebooks: Notebooks, trained: dict[str, Training | None]
) -> dict[str, Graded]:
    """The submission in which each requested known answer was graded."""
    # Other tests have parameters of that name, too.
    given = [item.callspec.params.get("answer") for item in request.session.items if hasattr(item, "callspec")]
    asked = {answer.name for answer in given if isinstance(answer, KnownAnswer)}

    def grade(answers: tuple[KnownAnswer, ...]) -> Graded:
        first = answers[0]
        fills = {name: code for answer in answers for name, code in answer.fills.items()}
        text = submission_of(fills, *notebooks[first.lab], None if first.trains else trained[first.lab])
        return Graded(answers, grader.grade(first.name, text.encode))

    with ThreadPoolExecutor(2) as executor:
        together = list(executor.map(grade, pack([answer for answer in ANSWERS if answer.name in asked])))
    return {answer.name: found for found in together for answer in found.answers}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_known_answer_loses_exactly_the_expected_points_with_the_reason(
    answer: KnownAnswer, graded: dict[str, Graded]
) -> None:
    found = graded[answer.name]
    lost = frozenset().union(*(one.lost for one in found.answers))
    assert list(differences(replace(answer, lost=lost), found.result)) == [], [one.name for one in found.answers]
    assert answer.right or answer.says, "a wrong answer names its mistake"


def test_answers_that_spoil_others_are_not_packed() -> None:
    """Otherwise what one of them costs could not be told from what another costs."""
    for answers in pack(ANSWERS):
        fills = [name for answer in answers for name in answer.fills]
        lost = [name for answer in answers for name in answer.lost]
        assert len(fills) == len(set(fills))
        assert len(lost) == len(set(lost))
        assert len(answers) == 1 or not any(answer.trains for answer in answers)
    assert len(pack(ANSWERS)) < len(ANSWERS)
