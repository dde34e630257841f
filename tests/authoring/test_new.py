"""A course in an empty folder builds, proves and grades in five commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.authoring.master import read_master
from autograder.authoring.new import example_names, new_course
from autograder.authoring.validate import check_master
from autograder.errors import UsageError
from autograder.labs.course import lab_names
from autograder.notebooks.filling import fill_stubs

REPOSITORY = Path(__file__).resolve().parents[2]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "autograder", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_course_of_ones_own_takes_four_commands(tmp_path: Path) -> None:
    for folder, arguments in ((tmp_path, ["new", "course"]), (tmp_path / "course", ["build"])):
        done = run(folder, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    course = tmp_path / "course"
    assert (course / "assignment" / "rain.csv").is_file()
    proved = run(course, "prove")
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert "1 right and 3 wrong known answers" in proved.stdout
    student = json.loads((course / "assignment" / "first_lab.ipynb").read_text(encoding="utf-8"))
    solution = json.loads((course / "dist" / "first_lab-solution.ipynb").read_text(encoding="utf-8"))
    class_folder = course / "class"
    class_folder.mkdir()
    for name, fills in {"ada": {}, "bela": {"total": "total = rain.mean()"}, "chen": None}.items():
        filled = fill_stubs(student, solution, fills or {}, questions=() if fills is None else None)
        (class_folder / f"{name}.ipynb").write_text(json.dumps(filled), encoding="utf-8")
    graded = run(course, "grade", "class", "-o", "results", "--json")
    assert graded.returncode == 0, graded.stdout + graded.stderr
    results = [json.loads(line) for line in graded.stdout.splitlines()]
    assert [(result["submission"], result["score"]) for result in results] == [
        ("ada.ipynb", 5.0),
        ("bela.ipynb", 4.0),
        ("chen.ipynb", 0.0),
    ]
    assert "mean of the week" in graded.stdout


@pytest.mark.parametrize("example", example_names())
def test_every_example_is_a_sound_course(tmp_path: Path, example: str) -> None:
    course = new_course(tmp_path / "a" / "course", example)
    assert lab_names(course.folder) == course.labs
    for lab in course.labs:
        text = (course.folder / "solutions" / f"{lab}.py").read_text(encoding="utf-8")
        check_master(read_master(text, name=lab, file=f"solutions/{lab}.py"))
        assert list((course.folder / "solutions" / "known" / lab).glob("*/*.toml"))
        assert lab in (course.folder / "README.md").read_text(encoding="utf-8")


def test_nothing_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="not empty") as caught:
        new_course(tmp_path)
    assert caught.value.hint is not None
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "git" / ".git").mkdir(parents=True)
    new_course(tmp_path / "git")


def test_an_unknown_example_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="blank, "):
        new_course(tmp_path / "course", "mnist_dens")
    assert not (tmp_path / "course").exists()
