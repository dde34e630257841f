"""The drawing board and the table of experiments in a real JupyterLab."""

from __future__ import annotations

import json
from math import cos, radians, sin
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.student.conftest import StartLab
from tests.student.jupyterlab import JupyterLab

pytestmark = pytest.mark.slow

NOTEBOOK = REPOSITORY / "assignment" / "mnist_dense.ipynb"
# A smaller and shorter-trained model than question 3 asks for: it reads a clear 3 all the same.
MODEL = """
model = keras.Sequential([keras.Input(shape=(28, 28)), keras.layers.Flatten(),
    keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10, activation="softmax")])
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train_images / 255, train_labels, epochs=2, batch_size=128, verbose=0)
"""
PAD = ".lk-board .pad"
# Two bows that are open to the left.
THREE = [(0.5 + 0.2 * cos(radians(a)), 0.3 + 0.17 * sin(radians(a))) for a in range(-150, 91, 10)]
THREE += [(0.5 + 0.22 * cos(radians(a)), 0.66 + 0.19 * sin(radians(a))) for a in range(-90, 151, 10)]
ROWS = "Array.from(document.querySelectorAll('.lk-board .bar'))"
READ = "document.querySelector('.lk-board .first span').innerText"


def cell_with(text: str) -> str:
    """The id of the code cell that contains a text."""
    cells: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    found = (cell for cell in cells if cell["cell_type"] == "code" and text in "".join(cell["source"]))
    return str(next(found)["id"])


@pytest.fixture(scope="module")
def lab(start_lab: StartLab) -> JupyterLab:
    """The notebook with a trained model; its other questions are not answered."""
    lab = start_lab(NOTEBOOK)
    lab.open(NOTEBOOK.name)
    for text in ("# @title Set-up", "import matplotlib", "set_random_seed", "def show(", "load_data()"):
        lab.run(cell_with(text))
    lab.write("answer-q3", MODEL)
    lab.run("answer-q3")
    return lab


@pytest.fixture(scope="module")
def board(lab: JupyterLab) -> str:
    """The cell of the drawing board, run."""
    cell = cell_with("def show_board")
    lab.run(cell)
    lab.wait_for(f"{ROWS}.length === 10")
    return cell


def test_a_drawn_3_is_read_as_3_and_can_be_cleared(lab: JupyterLab, board: str) -> None:
    assert lab.ask("document.querySelectorAll('.lk-board .first').length") == 0
    lab.draw(board, PAD, THREE)
    lab.wait_for("document.querySelector('.lk-board .first')")
    assert lab.ask(READ) == "3"
    shares = lab.ask(f"{ROWS}.map((row) => parseFloat(row.lastChild.innerText))")
    assert shares[3] == max(shares) > 50
    assert sum(shares) == pytest.approx(100, abs=5)
    widths = lab.ask(f"{ROWS}.map((row) => row.querySelector('.share').offsetWidth)")
    assert widths[3] == max(widths) > 80
    assert sum(widths) == pytest.approx(160, abs=6)
    lab.press(".lk-board button", "d", "d", "Enter")  # d, d is how JupyterLab deletes a cell
    lab.wait_for("!document.querySelector('.lk-board .first')")


def test_a_dot_without_a_movement_is_a_drawing_too(lab: JupyterLab, board: str) -> None:
    lab.draw(board, PAD, [(0.5, 0.5)])
    lab.wait_for("document.querySelector('.lk-board .first')")
    lab.click(".lk-board button")
    lab.wait_for("!document.querySelector('.lk-board .first')")


def test_what_goes_wrong_while_a_stroke_is_read_is_shown_in_the_board(lab: JupyterLab, board: str) -> None:
    lab.write("answer-q3", "centred = None")
    lab.run("answer-q3")
    lab.draw(board, PAD, THREE)
    lab.wait_for("document.querySelector('.lk-board .error')")
    said = lab.ask("document.querySelector('.lk-board .error').innerText")
    assert "could not be read (TypeError" in said
    assert lab.ask("document.querySelectorAll('.lk-board .first').length") == 0


def test_an_experiment_adds_a_row_to_the_table(lab: JupyterLab) -> None:
    lab.run(cell_with("def experiment"))
    trying = cell_with("# experiment()")
    lab.write(trying, "experiment(units=8, epochs=1)")
    lab.run(trying)
    lab.write(trying, "experiment(units=16, epochs=1, shuffle_pixels=True)")
    lab.run(trying)
    _, head, *rows = lab.text(trying).strip().splitlines()
    assert head.split() == ["units", "epochs", "scale", "shuffled", "parameters", "train", "test"]
    assert [row.split()[:5] for row in rows] == [["8", "1", "1", "False", "6,370"], ["16", "1", "1", "True", "12,730"]]
    assert all(0.7 < float(row.split()[-1]) < 1 for row in rows)


def test_where_the_model_cannot_read_an_image_the_board_says_so(lab: JupyterLab) -> None:
    cell = cell_with("def show_board")
    lab.write("answer-q3", "model = keras.Sequential([keras.Input(shape=(784,)), keras.layers.Dense(10)])")
    lab.run("answer-q3")
    lab.run(cell)
    assert "Nothing to show yet" in lab.text(cell)
