"""Classes of submissions: notebooks filled in ways that cost different work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.notebooks.filling import fill_stubs

LAB = "mnist_dense"
_SEED_CALL = "keras.utils.set_random_seed(1234)"
# Right or not, these train something that is not the solution's training.
_OTHER_TRAININGS: tuple[Mapping[str, str], ...] = (
    {"history": "history = model.fit(x_train, train_labels, epochs=3, batch_size=128)"},
    {"history": "history = model.fit(x_train, train_labels, epochs=5, batch_size=256)"},
    {"history": "history = model.fit(x_train, train_labels, validation_split=0.1, epochs=5, batch_size=128)"},
    {"model": "model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(),\n"
              "    keras.layers.Dense(256, activation='relu'), keras.layers.Dense(10, activation='softmax')])"},
    {"x_train": "x_train = train_images / 255 / 255", "x_test": "x_test = test_images / 255 / 255"},
    {"q5": "model.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])"},
)  # fmt: skip
_RAISES = {"model": "model = keras.Sequential([keras.Input((28, 28))]).add('a layer')"}
_ANSWERED_BY_HALF = ("q1", "q2", "q3", "q4")


@dataclass(frozen=True)
class Submission:
    """One notebook of a class; those of one `kind` cost about the same work."""

    name: str
    kind: str
    notebook: dict[str, Any]


@dataclass(frozen=True)
class Course:
    """The lab's student notebook and solution, as JSON data, and its autograder."""

    student: dict[str, Any]
    solution: dict[str, Any]
    autograder: Path

    @classmethod
    def read(cls, root: Path) -> Course:
        """From a course that has been built."""

        def load(path: Path) -> dict[str, Any]:
            notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return notebook

        dist = root / "dist"
        return cls(
            load(root / "assignment" / f"{LAB}.ipynb"),
            load(dist / f"{LAB}-solution.ipynb"),
            dist / f"{LAB}-autograder.zip",
        )


def distinct(course: Course, size: int) -> list[Submission]:
    """Right answers with different initial weights, so no training can be reused."""
    made = []
    for number in range(size):
        notebook = fill_stubs(course.student, course.solution, {})
        _sign(notebook, number)
        _replace(notebook, _SEED_CALL, f"keras.utils.set_random_seed({2000 + number})")
        made.append(Submission(f"distinct-{number:03}", "distinct", notebook))
    return made


def typical(course: Course, size: int) -> list[Submission]:
    """Make a typical class of 40 submissions.

    30 train the reference model, 6 train otherwise, 4 are broken (none endless).
    """
    made = []
    for number in range(size):
        place = number % 20  # evenly spread, as they lie in a folder
        if place in (4, 11, 17):
            kind, fills, questions = "other", _OTHER_TRAININGS[number // 5 % len(_OTHER_TRAININGS)], None
        elif place in (7, 14):
            kind, fills = "broken", _RAISES if place == 7 else {}
            questions = None if place == 7 else _ANSWERED_BY_HALF
        else:
            kind, fills, questions = "reference", {}, None
        notebook = fill_stubs(course.student, course.solution, fills, questions=questions)
        _sign(notebook, number)
        made.append(Submission(f"typical-{number:03}-{kind}", kind, notebook))
    return made


CLASSES = {"distinct": distinct, "typical": typical}


def write(submissions: list[Submission], folder: Path) -> None:
    """One notebook file each."""
    folder.mkdir(parents=True)
    for submission in submissions:
        (folder / f"{submission.name}.ipynb").write_text(json.dumps(submission.notebook), encoding="utf-8")


def _sign(notebook: dict[str, Any], number: int) -> None:
    """No two students hand in the same bytes."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "id": f"student-{number}",
    }
    notebook["cells"].insert(1, {**cell, "source": f"student = {number}"})


def _replace(notebook: dict[str, Any], old: str, new: str) -> None:
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if old in source:
            cell["source"] = source.replace(old, new)
            return
    raise ValueError(f"no cell of the notebook holds {old}")
