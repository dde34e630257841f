"""The drawing board without a browser: what it reads, and its texts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autograder.authoring.translate import kit_catalog
from autograder.student.board import SIDE, Board
from autograder.student.grader import Grader
from autograder.student.words import use_catalog
from tests.conftest import REPOSITORY
from tests.student.unpacked import unpacked

INK = bytes(range(256)) * (SIDE * SIDE // 256)
KIT = REPOSITORY / "autograder" / "student"


def ten(drawing: Any) -> tuple[Any, Any]:
    """An image of the mean ink, and probabilities that name it a 3."""
    probabilities = np.full(10, 0.05)
    probabilities[3] = 0.55
    return np.full((28, 28), drawing.mean()), probabilities


@pytest.fixture
def chinese() -> Iterator[None]:
    use_catalog(kit_catalog("zh"))
    yield
    use_catalog({})


def test_a_new_board_is_empty_and_answers_nothing() -> None:
    reading = Board(ten).reading
    assert (reading["image"], reading["width"]) == ([0] * 784, 28)
    assert (reading["probabilities"], reading["error"]) == ([0.0] * 10, "")


def test_a_drawing_is_read_as_an_array_of_ink_and_its_answer_is_shown() -> None:
    seen: list[Any] = []

    def read(drawing: Any) -> tuple[Any, Any]:
        seen.append(drawing)
        return ten(drawing)

    board = Board(read)
    board.read_ink(memoryview(INK))
    drawing = seen[-1]
    assert (drawing.shape, drawing.min(), drawing.max(), drawing[0, 1]) == ((SIDE, SIDE), 0, 1, 1 / 255)
    assert board.reading["image"] == [127] * 784
    assert board.reading["probabilities"][3] == 0.55
    json.dumps(board.reading, allow_nan=False)
    board.read_ink(bytes(SIDE * SIDE))
    assert board.reading["probabilities"] == [0.0] * 10, "cleared"


def test_values_outside_0_to_1_stay_within_the_colours() -> None:
    board = Board(lambda _: (np.array([[-1.0, 2.0]]), [1.0]))
    assert (board.reading["image"], board.reading["width"]) == ([0, 255], 2)


def raising(drawing: Any) -> Any:
    """Read an empty board, and nothing else."""
    if drawing.any():
        raise KeyError("dense_1")
    return ten(drawing)


def test_an_error_at_a_stroke_is_shown_and_the_next_stroke_is_read() -> None:
    broken = True
    board = Board(lambda drawing: raising(drawing) if broken else ten(drawing))
    board.read_ink(INK)
    assert "KeyError: 'dense_1'" in board.reading["error"]
    assert not any(board.reading["probabilities"])
    broken = False
    board.read_ink(INK)
    assert (board.reading["error"], board.reading["probabilities"][3]) == ("", 0.55)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((np.zeros(784), np.zeros(10)), "shapes"),
        ((np.zeros((28, 28)), np.zeros((1, 10))), "shapes"),
        ((np.zeros((28, 28)), np.full(10, np.nan)), "nan"),
    ],
)
def test_what_cannot_be_shown_raises_when_the_board_is_made(answer: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Board(lambda _: answer)


def test_what_reading_raises_is_raised_when_the_board_is_made() -> None:
    with pytest.raises(KeyError, match="dense_1"):
        Board(lambda drawing: raising(drawing + 1))


@pytest.mark.usefixtures("chinese")
def test_the_texts_are_in_the_language_of_the_notebook() -> None:
    board = Board(raising)
    assert board.labels == {"draw": "在这里画", "sees": "网络看到的", "answers": "网络的回答", "clear": "清除"}
    board.read_ink(INK)
    assert board.reading["error"].startswith("无法识别这幅图（KeyError")


def packed(lab: str) -> dict[str, str]:
    """The files in the set-up cell of a Chinese notebook, by name without folder."""
    notebook = json.loads((REPOSITORY / f"assignment/zh/{lab}.ipynb").read_text(encoding="utf-8"))
    return {name.rpartition("/")[2]: text for name, text in unpacked(notebook).items()}


def test_the_notebook_that_shows_a_board_carries_it() -> None:
    files = packed("mnist_dense")
    for name in ("board.js", "board.css"):
        code = [line.strip() for line in (KIT / name).read_text(encoding="utf-8").splitlines()]
        assert files[name].splitlines() == [line for line in code if line and not line.startswith(("//", "/*"))]
    assert "class Board" in files["board.py"]
    assert json.loads(files["lab.json"])["catalog"]["clear"] == "清除"
    assert {name for name in packed("single_layer") if name.startswith("board")} == set()


@pytest.mark.parametrize("missing", ["anywidget", "traitlets"])
def test_without_its_packages_there_is_no_board(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    board = Grader.drawing_board
    assert isinstance(board(SimpleNamespace(), ten), Board)  # type: ignore[arg-type]
    monkeypatch.delitem(sys.modules, Board.__module__)
    monkeypatch.setitem(sys.modules, missing, None)
    assert board(SimpleNamespace(), ten) is None  # type: ignore[arg-type]


def test_no_line_of_the_front_end_needs_its_indentation() -> None:
    """The packed files have none: a text over several lines would change."""
    for name in ("board.js", "board.css"):
        source = Path(KIT, name).read_text(encoding="utf-8")
        assert all(line.count("`") % 2 == 0 for line in source.splitlines()), name
