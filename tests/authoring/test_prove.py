"""Known answers are read strictly, graded, compared and made from notebooks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.authoring import build_labs
from autograder.authoring.known_answers import KnownAnswer, differences, read_known_answers
from autograder.authoring.prove import prove as prove_course
from autograder.errors import MasterError, UsageError
from autograder.notebooks.filling import fill_stubs, fills_of
from autograder.results.result import QuestionResult, Result, TestResult

FRACTIONS = Path(__file__).resolve().parents[1] / "fixtures" / "fractions"

ANSWER = KnownAnswer(
    name="lab-wrong-axis",
    lab="lab",
    file="solutions/known/lab/wrong/axis.toml",
    right=False,
    trains=False,
    rare=False,
    fills={},
    lost=frozenset({"q1"}),
    says={"q1": "axis"},
    points={"q1": 1.0},
    public=frozenset({"q1"}),
)
RESULT = Result(
    submission="axis",
    sha256="",
    lab="lab",
    isolation="full",
    status="graded",
    detail=None,
    score=3.0,
    max_score=4.0,
    seconds=1.0,
    questions=(
        QuestionResult("q1", "partial", 1.0, 2.0, (TestResult("t", False, False, "The wrong Axis."),)),
        QuestionResult("q2", "passed", 2.0, 2.0),
        QuestionResult("q3", "to_review", 0.0, 5.0),
    ),
)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, None),
        ({"lost": frozenset()}, "q1 loses 1 point, and should not: The wrong Axis."),
        ({"lost": frozenset({"q1", "q2"})}, "q2 should lose points"),
        ({"lost": frozenset({"q1", "q9"})}, "there is no question q9"),
        ({"points": {"q1": 1.0, "q9": 1.0}}, "there is no question q9"),
        ({"points": {"q1": 0.5}}, "q1 earns 1, and should earn 0.5"),
        ({"says": {"q1": "transposed"}}, "q1 should say `transposed`, and says: The wrong Axis."),
    ],
)
def test_a_difference_is_reported(change: dict[str, object], says: str | None) -> None:
    found = list(differences(replace(ANSWER, **change), RESULT))  # type: ignore[arg-type]
    assert found == ([] if says is None else [says])


def test_a_mistake_that_only_hidden_checks_find_is_reported_where_public_ones_should() -> None:
    hidden = replace(RESULT.questions[0], tests=(TestResult("t", True, False, "The wrong axis."),))
    result = replace(RESULT, questions=(hidden, *RESULT.questions[1:]))
    assert list(differences(ANSWER, result)) == ["the public checks of q1 should catch it"]


def test_a_submission_that_was_not_graded_differs() -> None:
    result = replace(RESULT, status="timeout", detail="after 60 s")
    assert list(differences(ANSWER, result)) == ["it was not graded (timeout): after 60 s"]


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("right", "title = ", "not TOML"),
        ("right", "losst = []", "unknown key `losst`: is `lost` meant?"),
        ("wrong", 'lost = "q1"', "`lost` is 'q1': write a list"),
        ("wrong", 'lost = ["q1"]\npublic = "q1"', "`public` is 'q1': write a list"),
        ("wrong", 'lost = ["q1"]\npublic = ["q2"]', "public names q2, which `lost` does not"),
        ("wrong", 'lost = ["q1"]\n[says]\nq2 = "x"', "[says] names q2, which `lost` does not"),
        ("right", 'lost = ["q1"]', "a right answer loses nothing"),
        ("wrong", 'title = "x"', "says what it loses"),
        ("wrong", 'lost = ["q1"]\ntraining = "never"', "`training` is 'never'"),
        ("wrong", 'lost = ["q1"]\nfill = 3', "`fill` must be a table"),
    ],
)
def test_a_file_that_says_what_it_cannot_is_refused(tmp_path: Path, kind: str, text: str, says: str) -> None:
    folder = tmp_path / "solutions" / "known" / "lab" / kind
    folder.mkdir(parents=True)
    (folder / "case.toml").write_text(text, encoding="utf-8")
    with pytest.raises(MasterError, match=rf"solutions/known/lab/{kind}/case\.toml") as caught:
        read_known_answers(tmp_path)
    assert says in str(caught.value)


def test_known_answers_of_a_lab_that_was_removed_are_named(tmp_path: Path) -> None:
    (tmp_path / "solutions" / "known" / "old" / "right").mkdir(parents=True)
    (tmp_path / "solutions" / "known" / "old" / "right" / "case.toml").write_text("", encoding="utf-8")
    (tmp_path / "solutions" / "new.py").touch()
    with pytest.raises(UsageError, match=r"solutions/known/old belongs to no lab.*\(labs of this course: new\)"):
        prove_course(tmp_path, None, jobs=1)


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built course with known answers; tests add to it."""
    root = tmp_path_factory.mktemp("proved")
    shutil.copytree(FRACTIONS / "solutions", root / "solutions")
    build_labs(root, (), check=False, report=lambda _: None)
    return root


def prove(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autograder", "prove", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_prints_what_each_lost_and_a_new_answer_comes_from_a_notebook(proved: Path) -> None:
    student = json.loads((proved / "assignment" / "fractions.ipynb").read_text(encoding="utf-8"))
    solution = json.loads((proved / "dist" / "fractions-solution.ipynb").read_text(encoding="utf-8"))
    wrong = "largest = shares.min()"
    notebook = fill_stubs(student, solution, {"largest": wrong})
    (proved / "smallest.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    made = prove(proved, "--new", "smallest.ipynb")
    assert made.returncode == 0, made.stderr
    file = proved / "solutions" / "known" / "fractions" / "wrong" / "smallest.toml"
    entry = tomllib.loads(file.read_text(encoding="utf-8"))
    assert (entry["lost"], entry["fill"]["largest"]) == (["q1"], wrong)
    assert prove(proved, "--new", "smallest.ipynb").returncode == 2, "a file that is there is not replaced"
    done = prove(proved, "fractions")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 right and 3 wrong known answers" in done.stdout
    assert "wrong/q1_percent" in done.stdout
    assert "q1 loses 2 of 2" in done.stdout
    for old, new in (('["q1"]', '["q2"]'), ("q1 = ", "q2 = ")):
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    done = prove(proved)
    assert done.returncode == 1
    assert "q1 loses 1 point, and should not" in done.stdout
    assert "1 of 4 known answers did not get the expected result" in done.stdout


def test_a_course_without_known_answers_gets_the_next_step(tmp_path: Path) -> None:
    from autograder.authoring.prove import prove as prove_all

    (tmp_path / "solutions").mkdir()
    with pytest.raises(UsageError, match=r"no known answers") as caught:
        prove_all(tmp_path, None, jobs=1)
    assert caught.value.hint is not None
    assert "--new" in caught.value.hint


def test_fills_are_what_a_student_wrote() -> None:
    def notebook(*answers: str) -> dict[str, object]:
        cells = [
            {"cell_type": "code", "metadata": {"tags": [f"answer:q{number}"]}, "source": source}
            for number, source in enumerate(answers, start=1)
        ]
        return {"cells": cells}

    student = notebook("a = ...\nb = ...", "...", "def f(x):\n    ...")
    filled = notebook("a = 1\nb = ...", "model.compile()", "def f(x):\n    return x")
    assert fills_of(student, filled) == {"a": "a = 1", "q2": "model.compile()", "f": "def f(x):\n    return x"}
    assert fills_of(student, student) == {}
    assert fills_of(student, notebook("a = (\n", "...", "def f(x):\n    ...")) == {"a": "a = (", "b": ""}
