"""The repository's course is current, reproducible, free of secrets, stock-fit."""

from __future__ import annotations

import ast
import base64
import codecs
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.labs.course import autograder_zip
from tests.conftest import LABS, REPOSITORY
from tests.student.unpacked import public_tests, unpacked

_MASTERS = REPOSITORY / "solutions"


def test_what_students_get_is_what_the_masters_give(course: Path) -> None:
    """Another build, whose bytes must be those that are committed."""
    committed, built = (
        {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (REPOSITORY / "assignment", course / "assignment")
    )
    assert {*(f"{lab}.ipynb" for lab in LABS), "README.md", "requirements.txt"} <= set(built)
    assert sorted(committed) == sorted(built)
    assert committed == built, "generated files are not current: autograder build"


@pytest.mark.parametrize("lab", LABS)
def test_no_solution_and_no_hidden_test_is_handed_out(lab: str, course: Path) -> None:
    secrets = {*_hidden_statements(course, lab), *_solution_statements(course, lab)}
    assert len(secrets) > 30
    public = (REPOSITORY / "assignment" / f"{lab}.ipynb").read_text(encoding="utf-8")
    notebook = json.loads(public)
    texts = (public, "\n".join(_strings(notebook)), *unpacked(notebook).values())
    leaked = [secret for secret in secrets for form in _forms(secret) for text in texts if form in text]
    assert leaked == []


def _hidden_statements(course: Path, lab: str) -> Iterator[str]:
    """Names of hidden tests and the statements that stand in hidden tests only."""
    with zipfile.ZipFile(autograder_zip(course, lab)) as archive:
        sources = [archive.read(name).decode() for name in archive.namelist() if name.startswith("tests/")]
    hidden: set[str] = set()
    public: set[str] = set()
    for source in sources:
        for function in ast.walk(ast.parse(source)):
            if isinstance(function, ast.FunctionDef):
                marks = " ".join(ast.unparse(decorator) for decorator in function.decorator_list)
                target = hidden if "hidden=True" in marks else public
                target.add(f"def {function.name}(")
                target.update(line.strip() for line in ast.unparse(function).splitlines()[1:] if len(line.strip()) > 24)
    yield from hidden - public


def _solution_statements(course: Path, lab: str) -> Iterator[str]:
    """The code of every answer except what the task gives away."""
    notebook = json.loads((course / "dist" / f"{lab}-solution.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        tagged = any(tag.startswith("answer:") for tag in cell["metadata"].get("tags", ()))
        if tagged and cell["cell_type"] == "code":
            for statement in ast.parse("".join(cell["source"])).body:
                if not (isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)):
                    yield ast.unparse(statement)


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield secret
    yield secret[::-1]
    yield codecs.encode(secret, "rot13")
    yield raw.hex()
    for offset in range(3):
        # The part of the base64 text that is the same whatever stands before and after.
        yield base64.b64encode(b"\0" * offset + raw).decode()[4 : -4 or None]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        lines = [item for item in value if isinstance(item, str)]
        yield "".join(lines)
        for item in value:
            if not isinstance(item, str):
                yield from _strings(item)


@pytest.mark.parametrize("lab", LABS)
def test_public_tests_hold_no_literal_answer(lab: str) -> None:
    """Public checks compute counts and sizes, because students can read them."""
    answers = {60000, 10000, 784, 401920, 5130, 407050, 7850, 469}
    if lab == "from_scratch":
        answers -= {784}  # given there: the tasks state the shapes of all arrays
    notebook = json.loads((REPOSITORY / "assignment" / f"{lab}.ipynb").read_text(encoding="utf-8"))
    for name, source in public_tests(notebook).items():
        numbers = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
        assert not {value for value in numbers if type(value) in (int, float)} & answers, f"{lab} {name}"


@pytest.mark.slow
def test_stock_otter_gives_the_keys_full_automatic_marks_offline(course: Path, tmp_path: Path) -> None:
    profile = tmp_path / "ipython"
    command = [sys.executable, "-m", "autograder", "data", "--ipython", str(profile)]
    subprocess.run(command, check=True, capture_output=True)

    def grade(lab: str) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
        folder = tmp_path / lab
        folder.mkdir()
        otter = Path(sys.executable).with_name("otter")
        solution = course / "dist" / f"{lab}-solution.ipynb"
        subprocess.run(
            [str(otter), "run", "-a", str(autograder_zip(course, lab)), "-o", str(folder), str(solution)],
            cwd=folder,
            env={**os.environ, "IPYTHONDIR": str(profile), "KERAS_HOME": str(folder / "keras")},
            check=True,
            capture_output=True,
        )
        tests = json.loads((folder / "results.json").read_text(encoding="utf-8"))["tests"]
        scores = {test["name"]: (test["score"], test["max_score"]) for test in tests if "max_score" in test}
        with zipfile.ZipFile(autograder_zip(course, lab)) as opened:
            questions = json.loads(opened.read("lab.json"))["questions"]
        return scores, {entry["name"]: entry["points"] for entry in questions if not entry.get("manual")}

    with ThreadPoolExecutor(len(LABS)) as executor:
        for scores, automatic in executor.map(grade, LABS):
            assert len(automatic) >= 5
            assert scores == {name: (points, points) for name, points in automatic.items()}


@pytest.mark.slow
def test_demo_grades_its_class_as_told(course: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autograder", "demo", "-o", str(tmp_path / "demo")]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    results = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (tmp_path / "demo" / "results" / "submissions").glob("*/result.json")
    }
    assert len(results) == 9
    assert {name.split("_")[0]: (result["status"], result["score"]) for name, result in results.items()} == {
        "ada": ("graded", 20.0),
        "bela": ("graded", 8.0),
        "chen": ("graded", 0.0),
        "dora": ("graded", 16.0),
        "emil": ("graded", 5.0),
        "fay": ("timeout", 10.0),
        "gus": ("unreadable", 0.0),
        "hugo": ("graded", 14.75),
        "ines": ("graded", 20.0),
    }
    lost = {
        question["name"]: question["tests"]
        for question in results["dora_twice.ipynb"]["questions"]
        if question["score"] < question["max_score"]
    }
    assert set(lost) == {"q2", "q6", "q8"}
    assert "normalised twice" in lost["q2"][0]["message"]
