"""A lab with a table, a function, a figure and a choice, in few lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.authoring import build_labs
from autograder.authoring.prove import failed, prove

TRIAL = Path(__file__).resolve().parents[1] / "fixtures" / "trial" / "solutions"


@pytest.mark.slow
def test_right_and_wrong_answers_of_the_trial_lab_earn_what_they_should(tmp_path: Path) -> None:
    shutil.copytree(TRIAL, tmp_path / "solutions")
    (lab,) = build_labs(tmp_path, (), check=False, report=lambda _: None, run_keys=True)
    assert (lab.questions, lab.points) == (4, 6.0)
    assert "pandas" in (tmp_path / "assignment" / "requirements.txt").read_text(encoding="utf-8")
    proofs = prove(tmp_path, None, jobs=2)
    assert [(proof.answer.name, proof.differences) for proof in failed(proofs)] == []
    assert sum(proof.answer.right for proof in proofs) == 1
    caught = {question for proof in proofs for question in proof.answer.lost}
    assert caught == {"q1", "q2", "q3", "q4"}
