"""A student's work in a real JupyterLab, from opening the notebook to the marks.

The tests build on each other, in this order, on one server, one browser and one training.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.student.conftest import StartLab
from tests.student.jupyterlab import JupyterLab, faults, marks

pytestmark = pytest.mark.slow

NAME = "mnist_dense.ipynb"
MISTAKES = {
    "q1": ("n_train = 10000\nn_test = 60000\nimage_shape = (28, 28)", "swapped"),
    "q2": ("x_train = train_images // 255\nx_test = test_images", "divi"),
    "q3": (
        "model = keras.Sequential([keras.Input(shape=(28, 28)), keras.layers.Flatten(),\n"
        "    keras.layers.Dense(512, activation='relu'), keras.layers.Dense(10)])",
        "probabilities",
    ),
    "q4": ("flatten_params = '0'\nhidden_params = output_params = total_params = 1", "flatten_params is text"),
}


@pytest.fixture(scope="module")
def answers(course: Path) -> dict[str, str]:
    """The right answer cells, by cell id."""
    key = json.loads((course / "dist" / "mnist_dense-solution.ipynb").read_text(encoding="utf-8"))
    return {cell["id"]: "".join(cell["source"]) for cell in key["cells"] if cell["id"].startswith("answer-")}


@pytest.fixture(scope="module")
def lab(course: Path, start_lab: StartLab) -> JupyterLab:
    """JupyterLab on a folder with the notebook."""
    return start_lab(course / "assignment" / NAME)


def packed(lab: JupyterLab) -> tuple[str, dict[str, Any]]:
    """The name of the notebook in the newest zip, and the notebook."""
    newest = max(lab.folder.glob("*.zip"), key=lambda path: path.stat().st_mtime_ns)
    with zipfile.ZipFile(newest) as archive:
        names = archive.namelist()
        assert sorted(names, key=len) == sorted([names[0], "__zip_filename__"], key=len)
        document: dict[str, Any] = json.loads(archive.read(names[0]))
    return names[0], document


def source(document: dict[str, Any], identity: str) -> str:
    return "".join(next(cell["source"] for cell in document["cells"] if cell["id"] == identity))


def test_untouched_the_notebook_runs_without_an_error(lab: JupyterLab) -> None:
    lab.open(NAME)
    lab.run_all()
    assert faults(lab) == []
    assert "9 questions, 20 points" in lab.text("set-up")
    for question in (f"q{number}" for number in range(1, 10)):
        assert "not answered yet" in lab.text(f"check-{question}")
    assert "0 of 9 questions" in lab.text("hand-in")
    assert packed(lab)[0] == NAME


@pytest.mark.parametrize("question", MISTAKES)
def test_a_mistake_is_explained(lab: JupyterLab, question: str) -> None:
    answer, says = MISTAKES[question]
    lab.write(f"answer-{question}", answer)
    lab.run(f"answer-{question}")
    lab.run(f"check-{question}")
    text = lab.text(f"check-{question}")
    assert "not right yet" in text
    assert says in text
    assert "decided by further checks" in text


def test_a_cell_that_raises_is_not_taken_for_its_older_value(lab: JupyterLab, answers: dict[str, str]) -> None:
    lab.type_into("answer-q1", answers["answer-q1"])
    lab.run("answer-q1")
    lab.type_into("answer-q1", "n_train = len(train_image)")
    lab.run("answer-q1")
    lab.run("check-q1")
    text = lab.text("check-q1")
    assert "NameError" in text
    assert "older value" in text
    assert "public check passed" not in text


def test_what_students_write_to_standard_error_still_appears(lab: JupyterLab) -> None:
    lab.write("answer-q5", "import sys, warnings\nprint('mine', file=sys.stderr)\nwarnings.warn('beware')")
    lab.run("answer-q5")
    shown = "".join(output.get("text", "") for output in lab.outputs()["answer-q5"])
    assert "mine" in shown
    assert "beware" in shown


def test_right_answers_pass_and_the_table_says_so(lab: JupyterLab, answers: dict[str, str]) -> None:
    for cell, answer in answers.items():
        lab.write(cell, answer)
    lab.run_all()
    assert faults(lab) == []
    for question in (f"q{number}" for number in range(1, 10)):
        assert "public check passed" in lab.text(f"check-{question}"), question
    assert "9 of 9 questions" in lab.text("hand-in")
    last = lab.outputs()["hand-in"][-1]["data"]
    assert "text/html" in last
    assert "verified by the mark" in "".join(last["text/plain"])


def test_what_was_not_saved_is_handed_in_all_the_same(lab: JupyterLab, answers: dict[str, str]) -> None:
    before = json.loads((lab.folder / NAME).read_text(encoding="utf-8"))
    edited = answers["answer-q1"] + "\n# my last thought"
    lab.write("answer-q1", edited)
    lab.run("answer-q1")
    assert "my last thought" not in source(before, "answer-q1")
    assert "my last thought" not in (lab.folder / NAME).read_text(encoding="utf-8")
    lab.run("hand-in")
    assert faults(lab) == []
    name, document = packed(lab)
    assert (name, source(document, "answer-q1")) == (NAME, edited)
    assert not list(lab.folder.glob(".OTTER_LOG"))


def test_the_zip_gets_full_marks(lab: JupyterLab, course: Path) -> None:
    assert marks(lab, course) == ("graded", 20.0, 20.0)


def test_a_renamed_copy_beside_the_original_hands_in_itself(
    lab: JupyterLab, course: Path, answers: dict[str, str]
) -> None:
    copy = "mnist_dense (1).ipynb"
    original = (lab.folder / NAME).read_bytes()
    shutil.copy(lab.folder / NAME, lab.folder / copy)
    lab.open(copy)
    lab.run("set-up")
    edited = answers["answer-q4"] + "\n# in the copy"
    lab.write("answer-q4", edited)
    lab.run("answer-q4")
    lab.run("check-q4")
    assert "public check passed" in lab.text("check-q4")
    lab.run("hand-in")
    name, document = packed(lab)
    assert (name, source(document, "answer-q4")) == (copy, edited)
    assert (lab.folder / NAME).read_bytes() == original
    assert marks(lab, course) == ("graded", 20.0, 20.0)


def test_renamed_and_moved_while_it_runs_the_file_is_still_found(lab: JupyterLab) -> None:
    (lab.folder / "work").mkdir()
    lab.ask("(await window.jupyterapp.serviceManager.contents.rename('mnist_dense (1).ipynb', 'work/mine.ipynb'), 0)")
    lab.write("answer-q4", "# after the move")
    lab.run("hand-in")
    assert "Packed: mine_" in lab.text("hand-in")
    newest = next((lab.folder / "work").glob("*.zip"))
    with zipfile.ZipFile(newest) as archive:
        assert source(json.loads(archive.read("mine.ipynb")), "answer-q4") == "# after the move"


def test_where_the_file_changed_on_disk_nothing_is_packed(lab: JupyterLab) -> None:
    path = lab.folder / "work" / "mine.ipynb"
    zips = set((lab.folder / "work").glob("*.zip"))
    stamp = path.stat().st_mtime + 10
    path.write_bytes(path.read_bytes() + b"\n")
    os.utime(path, (stamp, stamp))
    lab.write("answer-q4", "# never saved")
    lab.run("hand-in")
    assert "Nothing was packed: the notebook is not saved" in lab.text("hand-in")
    assert set((lab.folder / "work").glob("*.zip")) == zips
