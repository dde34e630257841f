"""A course in an empty folder builds, proves and grades in five commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.authoring.master import read_master
from autograder.authoring.new import example_names, new_course
from autograder.authoring.validate import check_master
from autograder.errors import UsageError
from autograder.labs.course import lab_names
from autograder.notebooks.filling import fill_stubs

REPOSITORY = Path(__file__).resolve().parents[2]


DOCUMENTED = REPOSITORY / "docs" / "authoring.md"
ANSWERS: dict[str, dict[str, str] | None] = {"ada": {}, "bela": {"total": "total = rain.mean()"}, "chen": None}
Run = Callable[..., subprocess.CompletedProcess[str]]


def documented_commands() -> list[list[str]]:
    """The commands of the transcript on the page, without their output."""
    transcript = DOCUMENTED.read_text(encoding="utf-8").split("```")[1]
    lines = [line.removeprefix("$ ").split() for line in transcript.splitlines() if line.startswith("$ ")]
    return [line[1:] for line in lines if line[0] == "autograder"]


def of_this_repository(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command of the source tree."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "autograder", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def of_a_wheel(home: Path) -> Run:
    """Install the kit from a wheel into a new environment and return its command.

    The environment shares the installed dependencies, which are gigabytes; of the kit it has only the wheel.
    """
    pip = [sys.executable, "-m", "pip"]
    build = [*pip, "wheel", str(REPOSITORY), "--no-deps", "--no-build-isolation", "-q", "-w", str(home)]
    subprocess.run(build, check=True)
    (wheel,) = home.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")], check=True)
    (packages,) = (home / "venv").glob("lib/python*/site-packages")
    python = str(home / "venv" / "bin" / "python")
    subprocess.run([*pip, "--python", python, "install", "--no-deps", "-q", str(wheel)], check=True)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(home / "venv" / "bin" / "autograder"), *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    where = [python, "-c", "import autograder; print(autograder.__file__)"]
    found = subprocess.run(where, cwd=home, env=environment, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(home / "venv")
    return run


def hand_in(course: Path) -> None:
    """Put notebooks of three students into the folder `class`."""
    student = json.loads((course / "assignment" / "first_lab.ipynb").read_text(encoding="utf-8"))
    solution = json.loads((course / "dist" / "first_lab-solution.ipynb").read_text(encoding="utf-8"))
    (course / "class").mkdir()
    for name, fills in ANSWERS.items():
        filled = fill_stubs(student, solution, fills or {}, questions=() if fills is None else None)
        (course / "class" / f"{name}.ipynb").write_text(json.dumps(filled), encoding="utf-8")


def begin_a_course(home: Path, run: Run) -> None:
    """Run the documented commands in an empty folder, and look at what they say."""
    new, build, prove, grade = documented_commands()
    folder, course = home, home / new[-1]
    said: dict[str, str] = {}
    for command in (new, build, prove, grade):
        if command is grade:
            hand_in(course)
        done = run(folder, *command)
        said[command[0]] = done.stdout
        assert done.returncode == 0, done.stdout + done.stderr
        folder = course
    assert (course / "assignment" / "rain.csv").is_file()
    transcript = DOCUMENTED.read_text(encoding="utf-8")
    for name, line in (
        ("new", "Created a course in course: first_lab. See its README.md."),
        ("build", "first_lab: 3 questions, 5 points, written: assignment/first_lab.ipynb"),
        ("prove", "5 known answers graded: all results are as expected."),
        ("grade", "bela.ipynb   4 / 5   ✓ graded   q1"),
        ("grade", "total is the mean of the week: add the days up."),
    ):
        assert line in said[name]
        assert line in transcript, "what the page shows is no longer what happens"
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(course.glob("results/*/*/result.json"))]
    assert [result["score"] for result in results] == [5.0, 4.0, 0.0]


@pytest.mark.slow
def test_a_course_of_ones_own_takes_the_four_documented_commands(tmp_path: Path) -> None:
    begin_a_course(tmp_path, of_this_repository)


@pytest.mark.rare
def test_the_documented_commands_work_from_a_wheel(tmp_path: Path) -> None:
    (tmp_path / "installed").mkdir()
    (tmp_path / "empty").mkdir()
    run = of_a_wheel(tmp_path / "installed")
    begin_a_course(tmp_path / "empty", run)
    for example in example_names():
        done = run(tmp_path / "empty", "new", example, "--example", example)
        assert done.returncode == 0, done.stderr
        done = run(tmp_path / "empty" / example, "build", "--no-run")
        assert done.returncode == 0, done.stdout + done.stderr


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
