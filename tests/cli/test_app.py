"""The command as people use it: real processes, real notebooks, real exit codes."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LABS
from tests.fixtures.commands import Command, autograder

COMMANDS = ("build", "check", "grade", "report", "demo", "data", "doctor")


def test_help_answers_at_once_and_loads_nothing_heavy(tmp_path: Path) -> None:
    """Help takes little processor time; with TensorFlow it would take two seconds."""
    for command in ((), *((name,) for name in COMMANDS)):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "Usage:" in autograder(*command, "--help", cwd=tmp_path).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0, command
    heavy = ("tensorflow", "keras", "otter", "numpy")
    probe = f"import sys, autograder.cli.app; sys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


@pytest.mark.parametrize("lab", LABS)
def test_untouched_notebook_earns_nothing_and_counts_as_not_attempted(
    lab: str, course: Path, autograder_here: Command
) -> None:
    done = autograder_here("check", course / "assignment" / f"{lab}.ipynb", "--json", cwd=course)
    result = json.loads(done.stdout)
    assert (result["status"], result["score"], result["max_score"]) == ("graded", 0.0, 20.0)
    assert {question["status"] for question in result["questions"]} == {"not_attempted"}
    assert result["errors"] == [], "an untouched notebook runs through without an error"


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_solution_earns_everything(lab: str, course: Path, tmp_path: Path, autograder_here: Command) -> None:
    solution, page = course / "dist" / f"{lab}-solution.ipynb", tmp_path / "page.html"
    result = json.loads(autograder_here("check", solution, "--json", "--html", page, cwd=course).stdout)
    points, statuses = (18, {"passed", "to_review"}) if lab == "from_scratch" else (20, {"passed"})
    assert f"{points}</strong> <span>of 20 points" in page.read_text(encoding="utf-8")
    assert (result["status"], result["score"], result["max_score"]) == ("graded", points, 20.0)
    assert {question["status"] for question in result["questions"]} == statuses
    if lab == "from_scratch":
        assert result["cost"]["cpu_seconds"] - result["cost"]["notebook_cpu_seconds"] < 3
    assert result["errors"] == []


def test_check_prints_a_table_with_the_reason_for_every_lost_point(
    course: Path, tmp_path: Path, autograder_here: Command
) -> None:
    notebook = json.loads((course / "assignment" / "mnist_dense.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if "answer:q1" in cell["metadata"].get("tags", ()):
            cell["source"] = "n_train = 10000\nn_test = 60000\nimage_shape = (28, 28)"
    path = tmp_path / "swapped.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    shown = " ".join(autograder_here("check", path, cwd=course).stdout.split())
    assert "n_train and n_test are swapped" in shown
    assert "0 / 20 points" in shown
    assert "not attempted" in shown


# --- one folder with everything that can come in ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def mixed_class(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten files, good, bad and broken, with names nobody would choose."""
    folder = tmp_path_factory.mktemp("mixed")
    starter = (course / "assignment" / "mnist_dense.ipynb").read_text(encoding="utf-8")
    notebook = json.loads(starter)
    (folder / "plain name with spaces.ipynb").write_text(starter, encoding="utf-8")
    (folder / '<b>"quoted"<i>.ipynb').write_text(_answered(notebook, "q1"), encoding="utf-8")
    (folder / "=1+1.ipynb").write_text(_reordered(notebook), encoding="utf-8")
    (folder / "Ångström 数字.ipynb").write_text(_without(notebook, "answer:q3"), encoding="utf-8")
    (folder / "damaged.ipynb").write_text(starter[: len(starter) // 2], encoding="utf-8")
    (folder / "empty.ipynb").write_bytes(b"")
    (folder / "statistics_in_r.ipynb").write_text(json.dumps(_in_r(notebook)), encoding="utf-8")
    (folder / "another_course.ipynb").write_text(json.dumps(_of_another_assignment(notebook)), encoding="utf-8")
    (folder / "words_only.ipynb").write_text(json.dumps(_without_code(notebook)), encoding="utf-8")
    with zipfile.ZipFile(folder / "exported.zip", "w") as archive:
        archive.writestr("mnist_dense.ipynb", _with_huge_output(notebook))
        archive.writestr("__zip_filename__", "exported.zip")
    return folder


def _copy(notebook: dict[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(notebook))
    return copied


def _tags(cell: dict[str, Any]) -> list[str]:
    tags: list[str] = cell["metadata"].get("tags", [])
    return tags


def _answered(notebook: dict[str, Any], question: str) -> str:
    changed = _copy(notebook)
    for cell in changed["cells"]:
        if f"answer:{question}" in _tags(cell):
            cell["source"] = (
                "n_train, n_test = len(train_images), len(test_images)\nimage_shape = train_images[0].shape"
            )
    return json.dumps(changed)


def _reordered(notebook: dict[str, Any]) -> str:
    """The answer cells stand twice, the second time in reverse, at the end."""
    changed = _copy(notebook)
    answers = [cell for cell in changed["cells"] if any(tag.startswith("answer:") for tag in _tags(cell))]
    changed["cells"] += reversed(_copy({"cells": answers})["cells"])
    return json.dumps(changed)


def _without(notebook: dict[str, Any], tag: str) -> str:
    changed = _copy(notebook)
    changed["cells"] = [cell for cell in changed["cells"] if tag not in _tags(cell)]
    return json.dumps(changed)


def _in_r(notebook: dict[str, Any]) -> dict[str, Any]:
    changed = _copy(notebook)
    changed["metadata"]["kernelspec"] = {"name": "ir", "language": "R", "display_name": "R"}
    changed["metadata"]["language_info"] = {"name": "R"}
    for cell in changed["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = "scores <- c(1, 2, 3)\nmean(scores)"
    return changed


def _of_another_assignment(notebook: dict[str, Any]) -> dict[str, Any]:
    changed = _copy(notebook)
    changed["metadata"]["otter"]["assignment_name"] = "regression"
    return changed


def _without_code(notebook: dict[str, Any]) -> dict[str, Any]:
    changed = _copy(notebook)
    changed["cells"] = [cell for cell in changed["cells"] if cell["cell_type"] != "code"]
    return changed


def _with_huge_output(notebook: dict[str, Any]) -> str:
    changed = _copy(notebook)
    code = next(cell for cell in changed["cells"] if cell["cell_type"] == "code")
    code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "0123456789" * 2_000_000}]
    return json.dumps(changed)


@pytest.mark.slow
def test_grade_gives_every_file_a_row_a_status_and_a_reason(course: Path, mixed_class: Path, tmp_path: Path) -> None:
    done = autograder("grade", mixed_class, "-o", tmp_path / "out", cwd=course)
    assert "scores.csv" in done.stdout
    with (tmp_path / "out" / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    by_name = {row["submission"]: row for row in rows}
    graded = {
        "plain name with spaces.ipynb",
        '<b>"quoted"<i>.ipynb',
        "'=1+1.ipynb",
        "Ångström 数字.ipynb",
        "exported.zip",
    }
    assert {name for name, row in by_name.items() if row["status"] == "graded"} == graded
    for name, row in by_name.items():
        assert row["status"] in ("graded", "unreadable"), name
        assert (row["status"] == "graded") == (row["detail"] == ""), name
    assert by_name['<b>"quoted"<i>.ipynb']["score"] == "1"
    assert "regression" in by_name["another_course.ipynb"]["detail"]
    assert '<b>"quoted' not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    results = sorted((tmp_path / "out" / "submissions").glob("*/result.json"))
    assert len(results) == 10
    assert all((path.parent / "feedback.html").exists() for path in results)
    for path in results:
        result = json.loads(path.read_text(encoding="utf-8"))
        assert result["schema"] == 2
        assert list(result)[:13] == [
            "schema", "submission", "student", "version", "sha256", "lab", "language", "isolation", "status", "retried",
            "detail", "score", "max_score",
        ]  # fmt: skip


def test_report_is_written_again_from_the_results(
    course: Path, mixed_class: Path, tmp_path: Path, autograder_here: Command
) -> None:
    output = tmp_path / "out"
    autograder_here("grade", mixed_class / "empty.ipynb", "-o", output, "--anonymous", cwd=course)
    page = output / "submissions" / "empty.ipynb" / "feedback.html"
    assert "empty.ipynb" not in page.read_text(encoding="utf-8")
    before = (output / "scores.csv").read_bytes()
    (output / "scores.csv").unlink()
    (output / "report.html").unlink()
    autograder_here("report", output, cwd=course)
    assert (output / "scores.csv").read_bytes() == before
    assert (output / "report.html").exists()


# --- what a person can do wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("check", "nowhere.ipynb"), 2, "nowhere.ipynb"),
        (("grade", "nowhere", "-o", "out"), 2, "nowhere"),
        (("check", "one.ipynb", "--lab", "calculus"), 2, "calculus"),
        (("check", "one.ipynb", "-a", "nothing.zip"), 1, "nothing.zip"),
        (("check", "one.ipynb", "--html", "nowhere/page.html"), 2, "nowhere/page.html"),
        (("check", "one.ipynb", "-a", "one.ipynb"), 1, "autograder build"),
        (("report", "out"), 1, "autograder grade"),
        (("report", "one.ipynb"), 1, "There is no folder one.ipynb."),
        (("grade", "one.ipynb", "-o", "one.ipynb"), 1, "is a file, not a folder"),
        (("grade", "solutions", "-o", "out", "--regrade", "ada"), 2, "scores.csv"),
        (("grade", "solutions", "-o", "out", "--limit", "speed=3"), 2, "There is no limit speed"),
        (("check", "one.ipynb", "-a", "solutions"), 1, "solutions is not an otter autograder zip"),
        (("check", "solutions"), 2, "autograder grade solutions -o DIR"),
        (("build", "calculus"), 2, "calculus"),
        (("frobnicate",), 2, "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_use_ends_with_what_helps(
    arguments: tuple[str, ...], code: int, told: str, course: Path, tmp_path: Path
) -> None:
    shutil.copytree(course / "solutions", tmp_path / "solutions")
    shutil.copytree(course / "dist", tmp_path / "dist")
    shutil.copy(course / "assignment" / "mnist_dense.ipynb", tmp_path / "one.ipynb")
    done = autograder(*arguments, cwd=tmp_path, code=code)
    assert told in done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert any(line.startswith(("  Try: ", "Try 'autograder")) for line in lines), "something helps"
    for line in lines:
        assert not line.startswith("Error:") or line.endswith((".", "?")), line
    assert not (tmp_path / "out").exists(), "nothing is made for a command that is refused"


def test_json_of_data_is_alone_on_standard_output(tmp_path: Path) -> None:
    done = autograder("data", "--ipython", tmp_path / "profile", "--npz", "mnist.npz", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert found["npz"] == str(tmp_path / "mnist.npz")
    assert Path(found["mnist"]).is_file()
    assert (Path(found["ipython"]) / "profile_default").is_dir()
    assert "IPYTHONDIR=" in autograder("data", "--ipython", "profile", cwd=tmp_path).stdout


def test_help_is_listed_as_people_need_it_and_fits_eighty_columns(tmp_path: Path) -> None:
    lines = autograder("--help", cwd=tmp_path).stdout.splitlines()
    commands = lines[lines.index("Commands:") + 1 :]
    assert [line.split()[0] for line in commands] == "new build prove check grade report demo data doctor".split()
    assert not any(line.endswith("...") for line in commands), "no sentence is cut off"
    assert max(map(len, lines)) <= 80


def test_without_a_build_the_command_that_builds_is_named(course: Path, tmp_path: Path) -> None:
    shutil.copytree(course / "solutions", tmp_path / "solutions")
    done = autograder("check", course / "assignment" / "mnist_dense.ipynb", cwd=tmp_path, code=2)
    assert "autograder build" in done.stderr


def test_output_folder_that_cannot_be_written_is_named(course: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    notebook = course / "assignment" / "single_layer.ipynb"
    assert "file" in autograder("grade", notebook, "-o", tmp_path / "file", cwd=course, code=1).stderr


# --- somebody else's autograder --------------------------------------------------------------------------------------


FOREIGN_MASTER = {
    "# ASSIGNMENT CONFIG\nname: temperatures\ntests:\n  ok_format: false\nexport_cell: false": "raw",
    "import math\nreadings = [12.5, 14.0, 9.5]": "code",
    "# BEGIN QUESTION\nname: q1\npoints: 3": "raw",
    "Let `mean_reading` be the mean.": "markdown",
    "# BEGIN SOLUTION": "raw",
    "mean_reading = sum(readings) / len(readings)  # SOLUTION": "code",
    "# END SOLUTION": "raw",
    "# BEGIN TESTS": "raw",
    "def test_is_a_number(mean_reading):\n    assert isinstance(mean_reading, float)": "code",
    "# HIDDEN\ndef test_value(mean_reading):\n    assert abs(mean_reading - 12) < 1e-9, 'it is 12'": "code",
    "# END TESTS": "raw",
    "# END QUESTION": "raw",
}


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small assignment unrelated to MNIST, made by stock `otter assign`."""
    folder = tmp_path_factory.mktemp("foreign")
    cells: list[dict[str, Any]] = [
        {"cell_type": kind, "metadata": {}, "source": source}
        | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        for source, kind in FOREIGN_MASTER.items()
    ]
    spec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 4}
    (folder / "temperatures.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    otter = Path(sys.executable).with_name("otter")
    command = [str(otter), "assign", "temperatures.ipynb", "made", "--no-run-tests"]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    return folder / "made"


def test_any_exception_based_autograder_zip_grades(foreign: Path, tmp_path: Path, autograder_here: Command) -> None:
    archive = next((foreign / "autograder").glob("*.zip"))
    starter = foreign / "student" / "temperatures.ipynb"
    wrong = starter.read_text(encoding="utf-8").replace("mean_reading = ...", "mean_reading = 12.5")
    (tmp_path / "wrong.ipynb").write_text(wrong, encoding="utf-8")
    shutil.copy(starter, tmp_path / "untouched.ipynb")
    shutil.copy(foreign / "autograder" / "temperatures.ipynb", tmp_path / "right.ipynb")
    done = autograder_here("grade", *tmp_path.glob("*.ipynb"), "-a", archive, "-o", "out", "--json", cwd=tmp_path)
    results = {result["submission"]: result for result in map(json.loads, done.stdout.splitlines())}
    right, untouched, lost = (results[f"{name}.ipynb"] for name in ("right", "untouched", "wrong"))
    assert (right["score"], right["max_score"], right["lab"]) == (3.0, 3.0, "temperatures")
    assert (untouched["score"], untouched["questions"][0]["status"]) == (0.0, "not_attempted")
    assert (lost["score"], lost["questions"][0]["status"]) == (1.5, "partial")
    assert "it is 12" not in json.dumps(lost), "a hidden test of somebody else's was not written for students"
